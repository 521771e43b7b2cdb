"""How many paths of a prefix a router is sent: the speaker's limit, its own, and one."""

from collections import Counter, defaultdict
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manager.planner.desired import Plan
from manager.planner.plan import plan
from manager.planner.whatif import settle
from manager.snapshot import (
    BgpPeer,
    Endpoint,
    EndpointSlice,
    Node,
    NodeName,
    Resource,
    ServicePort,
    Snapshot,
)
from pointsman.api import EipBgp
from pointsman.model.address import Family, Prefix
from pointsman.model.names import ZONE
from pointsman.model.record import ResourceKey
from pointsman.model.route import PeerName
from tests.manager.planner.scene import condition_of, eip, peer, scene, service

MANY = 300
ALONE = {"addPath": {"enabled": False}}


def nodes(count: int = MANY) -> dict[NodeName, Node]:
    """Nodes in three zones, one of them small."""
    names = [NodeName(f"node{n:03}") for n in range(count)]
    return {
        name: Node(
            name,
            uid=name,
            labels={ZONE: "small" if n % 10 == 0 else f"big{n % 2}"},
            internal_ips=(
                ip_address("192.0.2.0") + 256 + n,
                ip_address("2001:db8:2::") + 256 + n,
            ),
        )
        for n, name in enumerate(names)
    }


def everywhere(key: str, names: Any, family: Family = Family.IPV4) -> EndpointSlice:
    namespace, name = key.split("/")
    pods = tuple(Endpoint(NodeName(one), ready=True) for one in names)
    return EndpointSlice(namespace, f"{name}-{family}", name, family, pods)


def router(name: str, **more: Any) -> BgpPeer:
    return peer(name, f"203.0.113.{ord(name[0])}", **more)


def sent_to(decided: Plan) -> dict[tuple[str, Prefix], list[str]]:
    """Nodes by router and prefix."""
    found: dict[tuple[str, Prefix], list[str]] = defaultdict(list)
    for key, route in decided.routes.items():
        for name in route.peers:
            found[name, key.prefix].append(decided.speakers[0].nodes[key.next_hop])
    return found


def conditions(decided: Plan, name: str) -> dict[str, str]:
    record = decided.statuses[ResourceKey("BgpPeer", name)]
    return {kind: one.message for kind, one in record.conditions.items()}


WIDE = eip(
    "public",
    "198.51.100.0/28",
    "2001:db8:100::/124",
    default=True,
    bgp=EipBgp.model_validate({"aggregationLength": 28, "aggregationLengthV6": 124}),
)
KINDS = [
    pytest.param(family, policy, pools, id=f"{family} {policy}{' aggregate' if pools else ''}")
    for family in Family
    for policy, pools in (("Cluster", ()), ("Local", ()), ("Cluster", (WIDE,)))
]


def large(family: Family, policy: Any, pools: Any, *peers: BgpPeer, count: int = MANY) -> Snapshot:
    web = service("a/web", families=(family,), policy=policy)
    here = everywhere("a/web", nodes(count), family)
    return scene(web, here, *pools, *peers, nodes=nodes(count))


@pytest.mark.parametrize(("family", "policy", "pools"), KINDS)
def test_no_router_is_planned_more_than_a_speaker_sends(
    family: Family, policy: Any, pools: Any
) -> None:
    peers = router("a"), router("b", nextHops={"maxPaths": 10}), router("c", **ALONE)
    calm, decided = settle(large(family, policy, pools, *peers))
    counts = {name: len(hops) for (name, _), hops in sent_to(decided).items()}
    assert counts == {"a": 255, "b": 10, "c": 1}
    zones = Counter(
        calm.nodes[NodeName(n)].labels[ZONE] for n in next(iter(sent_to(decided).values()))
    )
    assert zones["small"] == 30  # all of the small one: the others give way first
    assert sum(route.attributes.best for route in decided.routes.values()) == 1
    assert "255 next hops" in conditions(decided, "a")["NextHopsLimited"]
    assert "NextHopsLimited" not in conditions(decided, "b")
    assert "NextHopsLimited" not in conditions(decided, "c")
    sentence = condition_of(decided).message
    assert "255 are sent to BgpPeer 'a'," in sentence
    assert plan(calm).routes == decided.routes


@pytest.mark.parametrize("count", [255, 256])
def test_the_limit_is_told_where_it_begins(count: int) -> None:
    decided = settle(large(Family.IPV4, "Cluster", (), router("a"), count=count))[1]
    assert {len(hops) for hops in sent_to(decided).values()} == {255}
    assert ("NextHopsLimited" in conditions(decided, "a")) == (count > 255)
    assert ("255 are sent" in condition_of(decided).message) == (count > 255)


def test_a_node_that_goes_is_replaced_by_one_other_and_no_other_moves() -> None:
    calm, before = settle(large(Family.IPV4, "Cluster", (), router("a")))
    (had,) = sent_to(before).values()
    for gone, moved in ((had[7], 1), (next(iter(calm.nodes.keys() - set(had))), 0)):
        left = {name: one for name, one in calm.nodes.items() if name != gone}
        (has,) = sent_to(settle(replace(calm, nodes=left))[1]).values()
        assert (len(set(had) - set(has)), len(has)) == (moved, 255)


def test_services_leave_out_different_nodes() -> None:
    services = [service(f"a/s{n}") for n in range(12)]
    slices = [everywhere(one.key, nodes()) for one in services]
    decided = settle(scene(*services, *slices, router("a"), nodes=nodes()))[1]
    found = {frozenset(hops) for hops in sent_to(decided).values()}
    assert {len(hops) for hops in found} == {255}
    assert len(found) > 6


NAMES = [f"node{n:03}" for n in range(6)]
SOME = st.sets(st.sampled_from(NAMES), min_size=1)


@settings(max_examples=60, deadline=None)
@given(SOME, SOME, st.integers(1, 3), st.booleans())
def test_services_on_one_address_together_stay_within_the_limits(
    one: set[str], two: set[str], most: int, several: bool
) -> None:
    """Their slices change at different moments, so for a while they choose differently."""
    same: dict[str, Any] = {
        "policy": "Local",
        "selector": {"app": "web"},
        "notes": {"share-key": "k", "addresses": "198.51.100.3"},
    }
    services = (
        service("a/one", ports=(ServicePort("TCP", 80),), **same),
        service("a/two", ports=(ServicePort("TCP", 81),), **same),
    )
    peers = [router("b", nextHops={"maxPaths": most}), router("c", **ALONE)]
    peers += [router("a")] if several else []
    slices = [
        everywhere(web.key, sorted(names)) for web, names in zip(services, (one, two), strict=True)
    ]
    _, decided = settle(scene(*services, *slices, *peers, nodes=nodes(6)))
    found = {name: hops for (name, _), hops in sent_to(decided).items()}
    both = one | two
    if several:
        assert set(found.pop("a")) == both
    assert {name: len(hops) for name, hops in found.items()} == {
        "b": min(most, len(both)),
        "c": 1,
    }
    best = [
        decided.speakers[0].nodes[k.next_hop]
        for k, r in decided.routes.items()
        if r.attributes.best
    ]
    assert best == found["c"]
    for key in ("a/one", "a/two"):
        assert condition_of(decided, key).status == "True"


def test_what_an_unreadable_bgppeer_keeps_stays_the_best_path() -> None:
    """Its router was told one path, and the others are told the same as before."""
    names = sorted(nodes(6))
    calm, before = settle(
        scene(
            service("a/web"),
            everywhere("a/web", names),
            router("a"),
            router("c", **ALONE),
            nodes=nodes(6),
        )
    )
    broken: BgpPeer = Resource("c", None, invalid="spec.families is odd")
    after = plan(replace(calm, bgp_peers={**calm.bgp_peers, PeerName("c"): broken}))
    assert after.routes == before.routes
