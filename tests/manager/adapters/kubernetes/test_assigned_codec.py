"""What stands in an Announcer's spec is read entry by entry: bad ones are passed over alone."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from manager.adapters.kubernetes import codec
from manager.adapters.kubernetes.assigned_codec import assigned
from manager.snapshot import Assigned
from pointsman.api import AnnouncerSpec
from pointsman.model.assignment import MOST_ASSIGNED, MOST_ASSIGNMENTS, Unreachable

ONE: dict[str, Any] = {
    "interface": "eth0",
    "responder": "Node",
    "addresses": ["192.0.2.7", "2001:db8:2::7"],
    "probe": ["2001:db8:2::7"],
    "announceRate": 10,
}
SEVEN, SIX = ip_address("192.0.2.7"), ip_address("2001:db8:2::7")
READ = Assigned("eth0", "Node", (SEVEN, SIX), (SIX,), 10)


def test_what_the_models_of_the_api_write_is_read() -> None:
    model = AnnouncerSpec.model_validate({"assignments": [ONE]})
    assert assigned(model.model_dump(by_alias=True, mode="json", exclude_none=True)) == (READ,)


def test_routes_and_what_is_watched_are_read_beside_them() -> None:
    routes = [{"prefix": "198.51.100.0/24", "redistribute": True}]
    spec = {"assignments": [ONE], "unreachable": routes, "watched": ["192.0.2.0/24"]}
    announcer = codec.announcer({"metadata": {"name": "node1"}, "spec": spec})
    assert announcer.unreachable == (Unreachable(ip_network("198.51.100.0/24"), True),)
    assert (announcer.watched, announcer.assignments) == ((ip_network("192.0.2.0/24"),), (READ,))


def test_an_announcer_holds_what_was_read_beside_the_very_spec() -> None:
    spec = {"assignments": [ONE], "managers": [], "later": 1}
    announcer = codec.announcer({"metadata": {"name": "node1"}, "spec": spec})
    assert (announcer.assignments, announcer.spec) == ((READ,), spec)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(None, id="nothing"),
        pytest.param("eth0", id="text"),
        pytest.param({**ONE, "interface": ""}, id="no interface"),
        pytest.param({**ONE, "interface": 7}, id="a number for an interface"),
        pytest.param({**ONE, "responder": None}, id="no responder"),
    ],
)
def test_an_assignment_that_cannot_be_read_is_passed_over_alone(bad: Any) -> None:
    assert assigned({"assignments": [bad, ONE]}) == (READ,)


@pytest.mark.parametrize(
    "bad", ["", "192.0.2.300", "192.0.2.0/24", "fe80::1%eth0", "::ffff:192.0.2.1", 7, None, []]
)
def test_an_address_that_cannot_be_read_is_passed_over_alone(bad: Any) -> None:
    entry = {**ONE, "addresses": [bad, *ONE["addresses"]], "probe": [bad, "2001:db8:2::7"]}
    assert assigned({"assignments": [entry]}) == (READ,)


@pytest.mark.parametrize("rate", [None, 0, -1, True, "10", 1.5])
def test_a_rate_that_is_none_is_the_agents_own(rate: Any) -> None:
    assert assigned({"assignments": [{**ONE, "announceRate": rate}]})[0].announce_rate is None


@pytest.mark.parametrize("spec", [None, [], "text", {}, {"assignments": {}}, {"assignments": 7}])
def test_a_spec_of_another_shape_assigns_nothing(spec: Any) -> None:
    assert assigned(spec) == ()


def test_of_two_with_one_key_the_first_stands() -> None:
    other = {**ONE, "addresses": ["192.0.2.8"]}
    assert assigned({"assignments": [ONE, other]}) == (READ,)
    central = assigned({"assignments": [ONE, {**other, "responder": "Central"}]})
    assert [one.responder for one in central] == ["Node", "Central"]


def test_no_more_than_the_api_takes_is_read() -> None:
    many = [{**ONE, "interface": f"eth{n}"} for n in range(MOST_ASSIGNMENTS + 1)]
    assert len(assigned({"assignments": many})) == MOST_ASSIGNMENTS
    texts = [str(SEVEN + n) for n in range(MOST_ASSIGNED + 1)]
    (one,) = assigned({"assignments": [{**ONE, "addresses": texts}]})
    assert len(one.addresses) == MOST_ASSIGNED
    # an agent's report is another object with the same spec: its addresses are the same ones
    (again,) = assigned({"assignments": [{**ONE, "addresses": list(texts)}]})
    assert again.addresses is one.addresses
