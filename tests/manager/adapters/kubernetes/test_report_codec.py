"""A report is read entry by entry: what cannot be read is left out alone, and named."""

from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manager.adapters.kubernetes import codec
from manager.adapters.kubernetes.cache import Cache
from manager.adapters.kubernetes.objects import snapshot_of
from manager.adapters.kubernetes.report_codec import reading
from manager.snapshot import Announcer, Conflict, Interface, NodeName
from pointsman.model.assignment import Arriving

ETH0 = {"name": "eth0", "up": True, "addresses": ["192.0.2.11/24"]}
READ = Interface("eth0", "", True, (IPv4Interface("192.0.2.11/24"),))
GATE = {"ipv4": {"gateway": "192.0.2.1", "interface": "eth0"}}


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        pytest.param("eth1", "status.interfaces[1] is no object", id="text for an interface"),
        pytest.param({"up": True}, "status.interfaces[1].name: Required value", id="no name"),
        pytest.param({"name": "eth1"}, "status.interfaces[1].up: Required value", id="no up"),
        pytest.param(
            {"name": "eth1", "up": "yes"}, "status.interfaces[1].up: Invalid value", id="up as text"
        ),
        pytest.param({"name": 7, "up": True}, "status.interfaces[1].name", id="a number as name"),
    ],
)
def test_an_interface_that_cannot_be_read_is_left_out_alone(entry: object, fault: str) -> None:
    found = reading({"interfaces": [ETH0, entry], "defaultRoute": GATE})
    assert (found.interfaces, found.gateways) == ([READ], [IPv4Address("192.0.2.1")])
    assert fault in found.sentence


@pytest.mark.parametrize(
    "bad",
    ["192.0.2.300/24", "192.0.2.11", "::ffff:192.0.2.1/96", "fe80::1%eth0/64", "", 7, None, []],
)
def test_an_address_that_cannot_be_read_is_left_out_alone(bad: object) -> None:
    many = {**ETH0, "addresses": [bad, "192.0.2.11/24", "2001:db8:2::11/64"]}
    found = reading({"interfaces": [many]})
    assert found.interfaces[0].addresses == (
        IPv4Interface("192.0.2.11/24"),
        IPv6Interface("2001:db8:2::11/64"),
    )
    assert "status.interfaces[0].addresses[0] is" in found.sentence


@pytest.mark.parametrize(
    ("routes", "gateways"),
    [
        pytest.param(
            {
                "ipv4": {"gateway": "no", "interface": "e"},
            },
            [],
            id="a bad gateway",
        ),
        pytest.param(
            {**GATE, "ipv6": {"gateway": "fe80::1%e", "interface": "e"}},
            [IPv4Address("192.0.2.1")],
            id="one of two",
        ),
        pytest.param({**GATE, "ipv6": 7}, [IPv4Address("192.0.2.1")], id="a number"),
        pytest.param("via 192.0.2.1", [], id="text"),
    ],
)
def test_a_route_that_cannot_be_read_is_left_out_alone(routes: object, gateways: list[Any]) -> None:
    found = reading({"interfaces": [ETH0], "defaultRoute": routes, "proxy": {"healthy": True}})
    assert (found.gateways, found.interfaces, found.proxy_healthy) == (gateways, [READ], True)
    assert "status.defaultRoute" in found.sentence


HELD = {"address": "192.0.2.7", "reason": "the link hears nobody"}
CLAIMED = {
    "address": "2001:db8:2::7",
    "interface": "eth0",
    "mac": "02:00:00:00:00:99",
    "since": "2026-11-23T09:00:00Z",
}
SEVEN, SIX = IPv4Address("192.0.2.7"), IPv6Address("2001:db8:2::7")
COMING = {"address": "192.0.2.7", "source": "203.0.113.10", "last": "2026-11-23T09:59:59Z"}
CAME = Arriving(SEVEN, IPv4Address("203.0.113.10"), "2026-11-23T09:59:59Z")
THEIRS = {SIX: Conflict("eth0", "02:00:00:00:00:99")}


def test_what_an_agent_says_of_its_addresses_is_read() -> None:
    status = {
        "observedGeneration": 7,
        "withheld": [HELD],
        "conflicts": [CLAIMED],
        "strictARP": False,
        "netAdmin": True,
        "arriving": [COMING],
        "arrivingUnmeasured": "the link's packets pass by XDP",
    }
    found = codec.announcer({"metadata": {"name": "node1", "generation": 8}, "status": status})
    assert (found.withheld, found.conflicts) == ({SEVEN: "the link hears nobody"}, THEIRS)
    assert (found.strict_arp, found.executes, found.generation) == (False, 7, 8)
    assert (found.net_admin, found.arriving) == (True, (CAME,))
    assert found.arriving_unmeasured == "the link's packets pass by XDP"
    silent = codec.announcer({"metadata": {"name": "node1"}})
    assert (silent.net_admin, silent.arriving, silent.arriving_unmeasured) == (None, (), "")
    assert (silent.withheld, silent.conflicts, silent.strict_arp, silent.executes) == (
        {},
        {},
        None,
        0,
    )


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        pytest.param({"withheld": ["192.0.2.8", HELD]}, "status.withheld[0]", id="text"),
        pytest.param(
            {"withheld": [{**HELD, "address": "no"}, HELD]}, "withheld[0].address", id="no address"
        ),
        pytest.param({"withheld": [{"address": "192.0.2.8"}, HELD]}, "reason", id="no reason"),
        pytest.param({"withheld": [HELD], "conflicts": {}}, "status.conflicts", id="an object"),
        pytest.param(
            {"withheld": [HELD], "conflicts": [{**CLAIMED, "mac": 7}]}, "conflicts[0].mac", id="mac"
        ),
        pytest.param({"withheld": [HELD], "strictARP": "no"}, "status.strictARP", id="strictness"),
        pytest.param({"withheld": [HELD], "netAdmin": "yes"}, "status.netAdmin", id="rights"),
        pytest.param({"withheld": [HELD], "arriving": ["x"]}, "status.arriving[0]", id="a flow"),
        pytest.param(
            {"withheld": [HELD], "arriving": [{**COMING, "source": "no"}]},
            "arriving[0].source",
            id="a flow from nowhere",
        ),
        pytest.param(
            {"withheld": [HELD], "arrivingUnmeasured": 7}, "arrivingUnmeasured", id="no reason"
        ),
        pytest.param(
            {"withheld": [HELD], "observedGeneration": "7"}, "observedGeneration", id="generation"
        ),
    ],
)
def test_what_is_said_of_an_address_and_cannot_be_read_is_left_out_alone(
    bad: Any, fault: str
) -> None:
    found = reading({"interfaces": [ETH0], **bad})
    assert (found.interfaces, found.withheld) == ([READ], {SEVEN: "the link hears nobody"})
    assert (found.conflicts, found.strict_arp, found.executes) == ({}, None, 0)
    assert (found.net_admin, found.arriving, found.arriving_unmeasured) == (None, {}, "")
    assert fault in found.sentence


def test_an_agents_words_are_printable_and_short() -> None:
    odd = {**CLAIMED, "interface": "\x1b[2Jeth0"}
    found = reading({"withheld": [{**HELD, "reason": "a\nb"}], "conflicts": [odd]})
    assert found.withheld == {SEVEN: "a\\nb"}
    assert found.conflicts[SIX].interface == "\\x1b[2Jeth0"


def test_a_proxy_that_cannot_be_read_is_one_that_is_not_checked() -> None:
    found = reading({"interfaces": [ETH0], "proxy": {"healthy": "yes"}})
    assert (found.proxy_healthy, found.interfaces) == (None, [READ])
    assert "status.proxy.healthy" in found.sentence


@pytest.mark.parametrize(("status", "sentence"), [("True", "two agents"), ("False", "")])
def test_what_an_agent_reports_of_a_rival(status: str, sentence: str) -> None:
    condition = {"type": "Contested", "status": status, "message": "two agents"}
    found = reading({"interfaces": [ETH0], "conditions": ["x", condition]})
    assert (found.contested, found.sentence) == (sentence, "")


@pytest.mark.parametrize(
    ("key", "read"),
    [
        pytest.param("A" * 43 + "=", True, id="as an agent writes it"),
        pytest.param("A" * 44, False, id="of another length"),
        pytest.param(7, False, id="a number"),
        pytest.param("A" * 43 + "=\n", False, id="with a line's end"),
    ],
)
def test_the_key_of_its_heartbeats(key: object, read: bool) -> None:
    found = reading({"interfaces": [ETH0], "publicKey": key})
    assert (found.public_key == key, found.interfaces) == (read, [READ])
    assert ("status.publicKey" in found.sentence) is not read


@pytest.mark.parametrize(("status", "sentence"), [("False", "not heard"), ("True", "")])
def test_what_an_agent_reports_of_its_heartbeats(status: str, sentence: str) -> None:
    condition = {"type": "HeartbeatsHeard", "status": status, "message": "not heard"}
    found = reading({"interfaces": [ETH0], "conditions": [condition]})
    assert (found.unheard, found.sentence) == (sentence, "")


def test_of_two_interfaces_of_one_name_the_first_counts() -> None:
    twice = {"name": "eth0", "up": False, "addresses": ["192.0.2.99/24"]}
    assert reading({"interfaces": [ETH0, twice]}).interfaces == [READ]


def test_very_many_faults_are_not_all_named() -> None:
    found = reading({"interfaces": ["x"] * 9})
    assert (len(found.faults), found.sentence.count("is no object")) == (9, 4)
    assert found.sentence.endswith("; and more")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "interfaces",
                    "name",
                    "up",
                    "addresses",
                    "defaultRoute",
                    "ipv4",
                    "gateway",
                    "proxy",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_status_is_read_and_what_is_sound_in_it_stays(junk: Any) -> None:
    reading(junk)
    rest = junk if isinstance(junk, dict) else {"junk": junk}
    found = reading({**rest, "interfaces": [junk, ETH0]})
    assert "eth0" in [one.name for one in found.interfaces]


def raw(address: str, version: str) -> dict[str, Any]:
    status = {"interfaces": [{**ETH0, "addresses": ["192.0.2.11/24", address]}]}
    meta = {"name": "node1", "uid": "u", "resourceVersion": version}
    kind = {"apiVersion": "pointsman.dev/v1alpha1", "kind": "Announcer"}
    return {**kind, "metadata": meta, "status": status}


def test_what_is_known_of_a_node_does_not_depend_on_what_was_known_before() -> None:
    """A manager that started later knows the same, and both say once what they left out."""
    reports: list[Announcer] = []
    for history in (["192.0.2.12/24", "192.0.2.300/24"], ["192.0.2.300/24"]):
        cache = Cache[NodeName, Announcer](
            key=lambda a: a.node, parse=codec.announcer, wake=lambda: None
        )
        for version, address in enumerate(history, 10 - len(history)):
            cache.put(raw(address, str(version)))
        reports.append(cache.items[NodeName("node1")])
        (sentence,) = cache.malformed.values()
        assert sentence == (
            "Announcer node1: status.interfaces[0].addresses[1] is '192.0.2.300/24', no address "
            "with its prefix length."
        )
        cache.put(raw("192.0.2.13/24", "20"))
        assert not cache.malformed
    assert reports[0] == reports[1]
    assert reports[0].interfaces == (READ,)


def test_offline_the_sentence_is_a_problem_and_the_rest_counts() -> None:
    snapshot, problems = snapshot_of([raw("no", "1")])
    assert snapshot.announcers[NodeName("node1")].interfaces == (READ,)
    assert len(problems) == 1
