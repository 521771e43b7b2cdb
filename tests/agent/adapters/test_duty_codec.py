"""What an Announcer asks a node to answer for, as its agent reads it."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.assignment_codec import assignment_of
from agent.adapters.duty_codec import duties_of, kernel_of
from agent.snapshot import Duty
from pointsman.api import AnnouncerSpec
from pointsman.model.address import address_order
from pointsman.model.assignment import MOST_ASSIGNED, MOST_ASSIGNMENTS, Unreachable

ONE: dict[str, Any] = {
    "interface": "eth0",
    "responder": "Node",
    "addresses": ["192.0.2.7", "2001:db8:2::7"],
    "probe": ["2001:db8:2::7"],
    "announceRate": 10,
}
SEVEN, SIX = ip_address("192.0.2.7"), ip_address("2001:db8:2::7")
READ = Duty("eth0", "Node", frozenset({SEVEN, SIX}), frozenset({SIX}), 10)
ADDRESSES = st.frozensets(
    st.ip_addresses(v=4) | st.integers(2**48, 2**128 - 1).map(IPv6Address), max_size=6
)


@given(ADDRESSES, st.data())
def test_what_the_models_of_the_api_write_is_read(
    addresses: frozenset[IPv4Address | IPv6Address], data: st.DataObject
) -> None:
    probed = (
        data.draw(st.frozensets(st.sampled_from(sorted(addresses, key=address_order))))
        if addresses
        else frozenset()
    )
    entry = {
        "interface": "eth0",
        "responder": "Central",
        "addresses": [str(one) for one in sorted(addresses, key=address_order)],
        "probe": [str(one) for one in sorted(probed, key=address_order)],
    }
    model = AnnouncerSpec.model_validate({"assignments": [entry]})
    spec = model.model_dump(by_alias=True, mode="json", exclude_none=True)
    found = assignment_of({"metadata": {"name": "n", "generation": 3}, "spec": spec})
    assert found.duties == (Duty("eth0", "Central", addresses, probed, None),)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(None, id="nothing"),
        pytest.param("eth0", id="text"),
        pytest.param({**ONE, "interface": ""}, id="no interface"),
        pytest.param({**ONE, "interface": "e" * 16}, id="an endless interface"),
        pytest.param({**ONE, "interface": 7}, id="a number for an interface"),
        pytest.param({**ONE, "responder": "Switch"}, id="a responder of a newer manager"),
        pytest.param({**ONE, "responder": "Kernel"}, id="addresses for the kernel, no duty"),
        pytest.param({**ONE, "responder": ["Node"]}, id="a list for a responder"),
    ],
)
def test_an_entry_that_cannot_be_read_is_left_out_alone(bad: Any) -> None:
    assert duties_of({"assignments": [bad, ONE]}) == (READ,)


@pytest.mark.parametrize(
    "bad", ["", "192.0.2.300", "192.0.2.0/24", "fe80::1%eth0", "::ffff:192.0.2.1", 7, None, [], {}]
)
def test_an_address_that_cannot_be_read_is_left_out_alone(bad: Any) -> None:
    entry = {**ONE, "addresses": [bad, *ONE["addresses"]], "probe": [bad, "2001:db8:2::7"]}
    assert duties_of({"assignments": [entry]}) == (READ,)


@pytest.mark.parametrize("listed", [None, "192.0.2.7", {"192.0.2.7": 1}, 7])
def test_addresses_of_another_shape_are_none(listed: Any) -> None:
    (duty,) = duties_of({"assignments": [{**ONE, "addresses": listed}]})
    assert (duty.addresses, duty.probe) == (frozenset(), frozenset())


KERNEL = {"interface": "dummy-pointsman", "responder": "Kernel", "addresses": ["192.0.2.8"]}
EIGHT = frozenset({ip_address("192.0.2.8")})


def test_what_the_kernel_is_to_have_is_no_duty() -> None:
    routes = [{"prefix": "198.51.100.0/24", "redistribute": True}]
    spec = {"assignments": [KERNEL, ONE], "unreachable": routes, "watched": ["192.0.2.8/32"]}
    found = assignment_of({"metadata": {"name": "n"}, "spec": spec})
    assert (found.duties, found.kernel) == ((READ,), EIGHT)
    assert found.unreachable == (Unreachable(ip_network("198.51.100.0/24"), True),)
    assert found.watched == (ip_network("192.0.2.8/32"),)


def test_what_is_answered_for_may_be_the_kernels_too_while_one_takes_over() -> None:
    found = assignment_of(
        {"metadata": {"name": "n"}, "spec": {"assignments": [ONE, {**ONE, **KERNEL}]}}
    )
    assert (found.duties, found.kernel) == ((READ,), EIGHT)
    both = {**KERNEL, "addresses": ["192.0.2.7", "192.0.2.8"]}
    assert kernel_of({"assignments": [ONE, both]}) == EIGHT | {SEVEN}


@pytest.mark.parametrize("spec", [None, [], {}, {"assignments": 7}, {"assignments": [None, 7]}])
def test_a_spec_of_another_shape_gives_the_kernel_nothing(spec: Any) -> None:
    assert kernel_of(spec) == frozenset()


def test_the_kernel_has_no_more_than_the_api_takes() -> None:
    many = [str(ip_address("10.0.0.0") + n) for n in range(MOST_ASSIGNED)]
    elsewhere = {**KERNEL, "interface": "d0", "addresses": ["192.0.2.8"]}
    listed = [{**KERNEL, "addresses": many}, elsewhere]
    assert len(kernel_of({"assignments": listed})) == MOST_ASSIGNED


@pytest.mark.parametrize("rate", [None, 0, -1, True, "10", 1.5])
def test_a_rate_that_is_none_is_the_agents_own(rate: Any) -> None:
    assert duties_of({"assignments": [{**ONE, "announceRate": rate}]})[0].announce_rate is None


@pytest.mark.parametrize("spec", [None, [], "text", {}, {"assignments": {}}, {"assignments": 7}])
def test_a_spec_of_another_shape_asks_for_nothing(spec: Any) -> None:
    assert duties_of(spec) == ()


def test_what_is_probed_and_not_answered_for_is_not_probed() -> None:
    assert not duties_of({"assignments": [{**ONE, "probe": ["192.0.2.9"]}]})[0].probe


def test_an_address_is_answered_for_on_one_interface() -> None:
    elsewhere = {**ONE, "interface": "eth1", "addresses": ["192.0.2.7", "192.0.2.8"]}
    eth0, eth1 = duties_of({"assignments": [ONE, elsewhere]})
    assert (eth0.addresses, eth1.addresses) == (
        READ.addresses,
        frozenset({ip_address("192.0.2.8")}),
    )


def test_of_two_with_one_key_the_first_stands() -> None:
    assert duties_of({"assignments": [ONE, {**ONE, "addresses": ["192.0.2.8"]}]}) == (READ,)


def test_duties_are_in_order_whatever_the_specs_is() -> None:
    entries = [{**ONE, "interface": name, "addresses": []} for name in ("eth1", "eth0")]
    assert [one.interface for one in duties_of({"assignments": entries})] == ["eth0", "eth1"]


def test_no_more_than_the_api_takes_is_read() -> None:
    many = [{**ONE, "interface": f"eth{n}"} for n in range(MOST_ASSIGNMENTS + 1)]
    assert len(duties_of({"assignments": many})) == MOST_ASSIGNMENTS
    first = [str(SEVEN + n) for n in range(MOST_ASSIGNED - 1)]
    second = [str(SEVEN + n) for n in range(MOST_ASSIGNED, MOST_ASSIGNED + 9)]
    entries = [{**ONE, "addresses": first}, {**ONE, "interface": "eth1", "addresses": second}]
    assert [len(one.addresses) for one in duties_of({"assignments": entries})] == [
        MOST_ASSIGNED - 1,
        1,
    ]
