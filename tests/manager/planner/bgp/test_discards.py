"""Where packets end for addresses of an aggregate that nobody has, and what is said otherwise."""

from dataclasses import replace

import pytest

from manager.planner.plan import Memo, plan
from manager.snapshot import Announcer, NodeName, Snapshot
from pointsman.model.address import Family
from pointsman.model.assignment import MOST_UNREACHABLE
from pointsman.model.names import AGGREGATES_UNGUARDED, BGP_APPLIED
from pointsman.model.record import ResourceKey
from tests.manager.planner.addresses.addressing import eip, service
from tests.manager.planner.kernel.pool import able, agents, having, routes, settled
from tests.manager.planner.layer2.lan import agent, served
from tests.manager.planner.scene import WEB, endpoints, nic, peer, scene

AGGREGATE = "198.51.100.0/28"
NODES = ["node1", "node2", "node3"]
PUBLIC = eip("public", "198.51.100.0/28", default=True, bgp={"aggregationLength": 28})


def cluster(*others: Announcer, marks: str = "", where: str = "node1") -> Snapshot:
    objects = (WEB, endpoints(WEB.key, where), PUBLIC, peer("tor-1"))
    return scene(*objects, marks=marks, announcers=agents(*others))


def discards(snapshot: Snapshot) -> list[str]:
    return routes(settled(snapshot)[1], redistribute=False).get(AGGREGATE, [])


def warning(snapshot: Snapshot) -> str:
    decided = settled(snapshot)[1]
    found = decided.statuses[ResourceKey("Eip", "public")].conditions.get(AGGREGATES_UNGUARDED)
    assert found is None or found.status == "True"
    return "" if found is None else found.message


def test_every_next_hop_has_a_route_and_nobody_warns() -> None:
    assert discards(cluster()) == NODES
    assert routes(settled(cluster())[1]) == {}
    assert warning(cluster()) == ""


@pytest.mark.parametrize("mark", ["drained", "labelled", "dead"])
def test_who_is_no_next_hop_has_none(mark: str) -> None:
    seen = cluster(able("node3", net_admin=False), marks=f"node3 {mark}")
    assert (discards(seen), warning(seen)) == (["node1", "node2"], "")


@pytest.mark.parametrize(
    ("words", "clause"),
    [
        ({"net_admin": False}, "the agent of node2 lacks NET_ADMIN"),
        ({"net_admin": None}, "the agent of node2 is too old"),
    ],
)
def test_a_next_hop_whose_agent_cannot_is_named(words: dict[str, bool | None], clause: str) -> None:
    seen = cluster(able("node2", **words))
    assert discards(seen) == ["node1", "node3"]
    assert clause in warning(seen)
    assert AGGREGATE in warning(seen)
    assert "node1" not in warning(seen)


def test_what_would_cut_a_node_off_is_not_put() -> None:
    """The aggregate is of that node's own network, though the node has no address in it."""
    seen = cluster(agent("node2", nic("eth1", "198.51.100.200/24"), net_admin=True))
    assert discards(seen) == ["node1", "node3"]
    assert "node2" in warning(seen)


@pytest.mark.parametrize(
    ("seen", "whose"),
    [
        pytest.param(
            cluster(agent("node2", nic("eth1", "198.51.100.9/32"), net_admin=True)),
            "198.51.100.9 (eth1 of Node node2)",
            id="an address of a node",
        ),
        pytest.param(
            replace(cluster(), bgp_peers=scene(peer("tor-1", "198.51.100.1")).bgp_peers),
            "198.51.100.1 (BgpPeer tor-1)",
            id="the router itself",
        ),
    ],
)
def test_what_holds_infrastructure_is_no_aggregate(seen: Snapshot, whose: str) -> None:
    """The router would send that machine's packets to the nodes: all of them have host routes."""
    decided = settled(seen)[1]
    assert {str(key.prefix) for key in decided.speakers[0].routes} == {"198.51.100.0/32"}
    assert (discards(seen), warning(seen)) == ([], "")
    condition = decided.statuses[ResourceKey("Eip", "public")].conditions[BGP_APPLIED]
    assert condition is not None
    assert f"in {AGGREGATE} are advertised as host routes, as {whose} lies in it" in (
        condition.message
    )


def test_more_than_an_announcer_holds_are_not_asked_for_and_it_is_said() -> None:
    few = MOST_UNREACHABLE - 1
    wide = eip("public", "10.0.0.0/16", default=True, bgp={"aggregationLength": 24})
    every = [service(f"a/s{n:03}", f"10.0.{n}.1") for n in range(few)]
    more = [service(f"b/s{n}", f"10.1.{n}.1") for n in range(2)]
    beside = eip("beside", "10.1.0.0/16", bgp={"aggregationLength": 24})
    seen = scene(*served(*every, *more), wide, beside, peer("tor-1"), announcers=agents())
    decided = settled(seen)[1]
    found = routes(decided, redistribute=False)
    assert len(found) == MOST_UNREACHABLE
    assert "10.1.1.0/24" not in found
    condition = decided.statuses[ResourceKey("Eip", "beside")].conditions[AGGREGATES_UNGUARDED]
    assert condition is not None
    assert "node1 has as many routes as one Announcer holds" in condition.message


def test_routes_of_the_other_protocol_take_room_and_it_is_said() -> None:
    """They stand in the spec of node1, one of them under an aggregate of bgp as well."""
    two = [service("a/one", "198.51.100.1"), service("a/two", "198.51.100.17")]
    public = eip("public", "198.51.100.0/27", default=True, bgp={"aggregationLength": 28})
    seen, _ = settled(scene(*served(*two), public, peer("tor-1"), announcers=agents()))
    for free, expected in ((0, ["198.51.100.0/28"]), (1, ["198.51.100.0/28", "198.51.100.16/28"])):
        many = [f"10.0.{n}.0/24" for n in range(MOST_UNREACHABLE - 1 - free)]
        full = having("node1", routes=["198.51.100.0/28", *many])
        decided = plan(replace(seen, announcers=agents(full)))
        found = [p for p, at in routes(decided, redistribute=False).items() if "node1" in at]
        assert found == expected
        stated = decided.statuses[ResourceKey("Eip", "public")].conditions.get(AGGREGATES_UNGUARDED)
        assert (stated is None) == bool(free)
        if stated is not None:
            assert "addresses in 198.51.100.16/28 that nobody has" in stated.message
            assert "node1 has as many routes as one Announcer holds" in stated.message


def test_host_routes_need_none() -> None:
    local = cluster()
    services = {key: replace(one, policy="Local") for key, one in local.services.items()}
    seen = replace(local, services=services)
    assert (discards(seen), warning(seen)) == ([], "")


def test_it_goes_with_the_aggregate() -> None:
    seen, _ = settled(cluster())
    assert discards(replace(seen, services={})) == []


def test_it_stays_where_nothing_can_be_decided() -> None:
    seen, _ = settled(cluster())
    assert discards(replace(seen, bgp_confs={})) == NODES


def test_ipv6_too() -> None:
    six = eip("public", "2001:db8:100::/124", default=True, bgp={"aggregationLengthV6": 124})
    web = replace(WEB, families=(Family.IPV6,))
    ends = endpoints(WEB.key, "node1", family=Family.IPV6)
    seen = scene(web, ends, six, peer("tor-1"), announcers=agents())
    found = routes(settled(seen)[1], redistribute=False)
    assert found == {"2001:db8:100::/124": NODES}


def test_an_agent_that_reports_the_same_changes_nothing() -> None:
    seen, _ = settled(cluster())
    memo = Memo()
    before = plan(seen, memo=memo).announcers
    same = {n: replace(one, resource_version="9") for n, one in seen.announcers.items()}
    after = plan(replace(seen, announcers=same), memo=memo).announcers
    assert all(after[name] is before[name] for name in map(NodeName, NODES))
