"""Next hops in two racks: each router on top has its own, and no packet goes in circles."""

from collections.abc import Iterator

import pytest

from conftest import Say
from e2e import cluster
from e2e.bed import Bed
from e2e.bgp import racks, routers
from tests.docs import pages

pytestmark = pytest.mark.lab

ALL = ("node1", "node2", "node3", "node4")
SOURCES = ("192.0.2.101", "192.0.2.102")
SIX = "2001:db8:202::201"  # tor2, by its other address


@pytest.fixture(scope="module")
def whole() -> Iterator[Bed]:
    with racks.standing() as up:
        yield up


@pytest.fixture
def lab(whole: Bed) -> Iterator[Bed]:
    yield whole
    racks.tidy(whole)


def test_the_documented_objects_do_it(lab: Bed) -> None:
    (block,) = (b for b in pages.blocks("docs/bgp.md") if b.title == "two-racks.yaml")
    lab.kubectl("apply", "-f", "-", stdin=block.text)
    for name in racks.TORS:
        routers.up(lab, name)
    for address in racks.local(lab, "web", *"1234"):
        racks.routed(lab, "tor1", address, "13")
        racks.routed(lab, "tor2", address, "24")
        racks.at_spine(lab, address, "tor1", "tor2")
        racks.shared_out(lab, address, *ALL)
    racks.unwarned(lab)


@pytest.mark.parametrize(
    ("second", "hops"),
    [
        pytest.param("", {"scope": "Auto"}, id="Auto"),
        pytest.param("", {"scope": "Connected"}, id="Connected"),
        pytest.param(SIX, {"scope": "Auto"}, id="Auto, over IPv6"),
    ],
)
def test_each_router_has_its_own_rack_and_no_packet_circles(
    lab: Bed, second: str, hops: dict[str, str], say: Say
) -> None:
    racks.peered(lab, second=second, **hops)
    for address in racks.local(lab, "web", *"1234"):
        racks.routed(lab, "tor1", address, "13")
        racks.routed(lab, "tor2", address, "24")
        racks.at_spine(lab, address, "tor1", "tor2")
        answers = racks.shared_out(lab, address, *ALL)
        say(f"{address}: {dict(sorted(answers.items()))}")
    racks.unwarned(lab)


def test_all_nodes_for_a_router_behind_others_is_a_loop_that_was_said(lab: Bed, say: Say) -> None:
    routers.peer(lab, "tor-2", "192.0.2.201", 64502, nextHops={"scope": "All"}, **racks.FAR)
    routers.up(lab, "tor-2")
    message = routers.reported(lab, "tor-2", "NextHopsUnverified", "True", "or packets loop")
    assert "scope to Connected" in message
    assert racks.conditions(lab, "tor-1") == {}
    address = racks.local(lab, "web", "1")[0]
    racks.routed(lab, "tor1", address, "1")
    # Its only next hop is node1, behind the spine, which sends half of it back.
    lab.wait("tor2's route", lambda: lab.gateways(f"{address}/32", machine="tor2"))
    racks.at_spine(lab, address, "tor1", "tor2")
    before = racks.expired(lab)
    answers = racks.flows(lab, address, 40)
    circled = racks.circled(lab, before)
    say(f"scope All: {dict(answers)} of 40, packets that died: {dict(circled)}")
    assert answers["node1"] > 0
    assert answers[""] > 0
    assert circled.keys() <= {"router", "tor2"}
    assert circled.total() >= answers[""]

    routers.change(lab, "tor-2", nextHops={"scope": "Connected"})
    racks.at_spine(lab, address, "tor1")
    racks.shared_out(lab, address, "node1")
    lab.wait("no warning", lambda: not racks.conditions(lab, "tor-2"))


def test_a_router_one_hop_away_leaves_far_nodes_out(lab: Bed) -> None:
    racks.leaves_out_far_nodes(lab)


def test_each_router_is_sent_the_nodes_with_its_rack_s_label(lab: Bed) -> None:
    for number, name in ((1, "tor-1"), (2, "tor-2")):
        labels = {"matchLabels": {racks.ZONE: f"rack{number}"}}
        wish = {"scope": "All", "nodeSelector": labels}
        if name == "tor-1":
            routers.change(lab, name, nextHops=wish)
        else:
            routers.peer(lab, name, "192.0.2.201", 64502, nextHops=wish, **racks.FAR)
        routers.up(lab, name)
    for address in racks.local(lab, "web", *"1234"):
        racks.routed(lab, "tor1", address, "13")
        racks.routed(lab, "tor2", address, "24")
    racks.unwarned(lab)


def test_a_router_without_nodes_hears_nothing_and_says_so(lab: Bed) -> None:
    address = racks.local(lab, "web", *"1234")[0]
    racks.routed(lab, "tor1", address, "13")
    with racks.spine(lab, nextHops={"scope": "Connected"}) as name:
        routers.reported(lab, name, "NextHopsMissing", "True", "no IPv4 and no IPv6 prefix",
                     "is on no network that 192.0.2.133 shares")  # fmt: skip
        cluster.reported(lab, "web", "Announced", "True", "Announced")
        lab.wait(
            "no path",
            lambda: routers.session(lab, name).get("advertisedPaths") == 0,
            timeout_s=routers.COUNTED_S,
        )
        # The address is there, from the racks, and is advertised to us: but none is from us.
        assert "from 192.0.2.10 (" not in routers.vtysh(lab, f"show bgp ipv4 unicast {address}/32")
        racks.at_spine(lab, address, "tor1")


def test_at_most_two_paths_one_of_each_zone_and_a_lost_node_replaces_one(lab: Bed) -> None:
    racks.peered(lab)
    with racks.spine(lab, nextHops={"maxPaths": 2}):
        routers.reported(lab, "spine", "NextHopsUnverified", "True")
        address = racks.local(lab, "web", *"1234")[0]
        chosen = lab.wait("two paths", lambda: two(heard(lab, address)))
        assert {number % 2 for number in chosen} == {0, 1}  # one of each rack
        racks.routed(lab, "tor1", address, "13")  # the routers on top are not capped
        racks.routed(lab, "tor2", address, "24")
        racks.shared_out(lab, address, *ALL)
        gone = min(chosen)
        note = {"metadata": {"annotations": {"pointsman.dev/drain": "true"}}}
        lab.api.merge(f"/api/v1/nodes/node{gone}", note)
        lab.wait("it to be replaced", lambda: gone not in heard(lab, address))
        after = lab.wait("two paths again", lambda: two(heard(lab, address)))
        assert chosen - after == {gone}
        assert {number % 2 for number in after} == {0, 1}


def heard(lab: Bed, address: str) -> set[int]:
    """Return the numbers of the nodes that the manager told the spine for *address*."""
    text = routers.vtysh(lab, f"show bgp ipv4 unicast {address}/32")
    hops = {line.split()[0] for line in text.splitlines() if "from 192.0.2.10 (" in line}
    return {n.number for n in lab.topology.nodes if str(n.addresses[0].ip) in hops}


def two(found: set[int]) -> set[int] | None:
    return found if len(found) == 2 else None


@pytest.mark.parametrize(
    ("nodes", "faults"),
    [
        pytest.param("123", ("node2",), id="its only node dies"),
        pytest.param("1234", ("link:node2", "link:node4"), id="all its links are down"),
        pytest.param("1234", ("tor2",), id="its router dies"),
    ],
)
def test_a_rack_that_is_lost_leaves_all_to_the_other(
    lab: Bed, nodes: str, faults: tuple[str, ...], say: Say
) -> None:
    racks.peered(lab)
    both = racks.local(lab, "web", *nodes)
    for address in both:
        racks.at_spine(lab, address, "tor1", "tor2")
    for fault in faults:
        lab.fail(fault)
    for address in both:
        racks.at_spine(lab, address, "tor1")
        answers = racks.shared_out(lab, address, "node1", "node3")
        say(f"{address}: {dict(sorted(answers.items()))}")
    # It is not sent rack 1 instead.
    assert "NextHopsUnverified" not in racks.conditions(lab, "tor-2")
    for fault in faults:
        lab.heal(fault)
    racks.at_spine(lab, both[0], "tor1", "tor2")


def test_nodes_of_both_racks_carry_what_one_of_them_serves(lab: Bed) -> None:
    racks.peered(lab)
    cluster.make(lab, "web", "node1:1")
    (address,) = cluster.held(lab, "web")
    racks.routed(lab, "tor1", address, "13")
    racks.routed(lab, "tor2", address, "24")
    racks.at_spine(lab, address, "tor1", "tor2")
    racks.shared_out(lab, address, "node1", hops=racks.ACROSS)


def test_a_router_without_add_path_needs_its_own_speaker_for_its_own_rack(lab: Bed) -> None:
    with racks.without_add_path(lab):
        racks.peered(lab)
        message = routers.reported(lab, "tor-2", "Ready", "False", "is told nothing", "'tor-1'")
        assert "set its spec.addPath.enabled to false" in message
        both = racks.local(lab, "web", *"1234")
        for address in both:
            racks.routed(lab, "tor1", address, "13")
            racks.at_spine(lab, address, "tor1")
            racks.shared_out(lab, address, "node1", "node3")
        routers.change(lab, "tor-2", addPath={"enabled": False})
        routers.reported(lab, "tor-2", "Ready", "True")
        for address in both:
            racks.at_spine(lab, address, "tor1", "tor2")
            own = one_of(lab, address, "24")
            racks.routed(lab, "tor1", address, "13")
            racks.shared_out(lab, address, "node1", "node3", own)
        routers.change(lab, "tor-2", parallelSessions={"sourceAddresses": list(SOURCES)})
        for address in both:
            racks.routed(lab, "tor2", address, "24")
            racks.routed(lab, "tor1", address, "13")
            racks.at_spine(lab, address, "tor1", "tor2")
            racks.shared_out(lab, address, *ALL)
        racks.unwarned(lab)


def one_of(lab: Bed, address: str, nodes: str) -> str:
    """Return the name of the one node, among *nodes*, that tor2 sends *address* to."""
    own = {str(a.ip): n.name for n in lab.topology.nodes for a in n.addresses}
    prefix = f"{address}/{128 if ':' in address else 32}"
    found = {own.get(hop, hop) for hop in lab.gateways(prefix, machine="tor2")}
    assert len(found) == 1
    assert found < {f"node{number}" for number in nodes}
    return found.pop()
