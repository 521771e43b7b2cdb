"""How paths stand beside another replica's: as usual, preferred, or not at all."""

from dataclasses import replace

import pytest

from manager.planner.plan import Memo, plan
from manager.planner.whatif import applied, settle
from manager.snapshot import NodeName, Settings, Snapshot
from pointsman.model.liveness import Liveness
from pointsman.model.replicas import BASE_MED, AmongReplicas, outbidding
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey
from pointsman.model.table import Table
from tests.manager.planner.scene import WEB, endpoints, scene, service

TOR = PeerName("tor-1")
BASED = AmongReplicas(bids=True)


def settled(among: AmongReplicas = BASED) -> Snapshot:
    """Return a cluster at rest: web is Local on nodes 1 and 2, api and shop are Cluster."""
    local = replace(WEB, policy="Local")
    others = service("a/api"), service("a/shop")
    slices = [endpoints(key, "node1 node2") for key in ("a/web", "a/api", "a/shop")]
    return settle(replace(scene(local, *others, *slices), among=among))[0]


def held(snapshot: Snapshot) -> dict[RouteKey, Route]:
    return dict(snapshot.speakers[0].routes)


def without(snapshot: Snapshot, node: str, among: AmongReplicas) -> Snapshot:
    """Return what becomes of *snapshot* when *node* dies."""
    memo = Memo()
    snapshot = replace(snapshot, liveness={NodeName(node): Liveness.Dead}, among=among)
    decided = plan(snapshot, memo=memo)
    assert decided == plan(snapshot)
    again = applied(snapshot, decided)
    assert plan(again, memo=memo) == plan(again)
    return again


def meds(snapshot: Snapshot) -> dict[str, set[int | None]]:
    """Return the MEDs of each prefix."""
    found: dict[str, set[int | None]] = {}
    for key, route in snapshot.speakers[0].routes.items():
        found.setdefault(str(key.prefix), set()).add(route.attributes.med)
    return found


def test_alone_a_path_says_no_med() -> None:
    assert set().union(*meds(settled(AmongReplicas())).values()) == {None}


def test_among_several_every_path_says_the_base() -> None:
    world = settled()
    assert set().union(*meds(world).values()) == {BASE_MED}
    two = replace(settled(AmongReplicas()), settings=Settings(replicas=2))
    assert set().union(*meds(applied(two, plan(two))).values()) == {BASE_MED}


def test_while_the_other_is_missed_and_says_the_same_nothing_changes() -> None:
    world = settled()
    missed = replace(world, among=replace(BASED, unheard=(world.speakers[0].routes,)))
    assert held(applied(missed, plan(missed))) == held(world)


def test_a_prefix_that_the_other_leads_to_a_dead_node_is_outbid_and_no_other() -> None:
    world = settled()
    after = without(world, "node3", replace(BASED, unheard=(world.speakers[0].routes,)))
    # Local has no path by node3: nothing of the other's is wrong there.
    web = {f"{one.ip}/32" for one in world.services[WEB.key].ingress}
    found = meds(after)
    assert {prefix for prefix, med in found.items() if med == {BASE_MED}} == web
    assert {prefix for prefix, med in found.items() if med == {BASE_MED - 1}} == found.keys() - web
    assert all(str(key.next_hop) != "192.0.2.13" for key in held(after))


def test_what_is_outbid_goes_back_to_the_base_when_the_other_is_heard() -> None:
    world = settled()
    after = without(world, "node3", replace(BASED, unheard=(world.speakers[0].routes,)))
    assert {BASE_MED - 1} in meds(after).values()
    assert set().union(*meds(without(after, "node3", BASED)).values()) == {BASE_MED}


def test_prefixes_that_say_the_same_go_on_sharing_it() -> None:
    world = settled()
    after = without(world, "node3", replace(BASED, unheard=(world.speakers[0].routes,)))
    table = Table.of(plan(after).speakers[0].routes)
    hops = [id(g.hops) for g in table.groups.values() if g.prefix.version == 4]
    assert len(hops) > len(set(hops))


def test_it_is_quiet_towards_a_router_and_others_go_on() -> None:
    world = settled()
    peers = {name for route in held(world).values() for name in route.peers}
    assert TOR in peers
    silent = replace(world, among=replace(BASED, quiet=frozenset({TOR})))
    after = applied(silent, plan(silent))
    assert all(TOR not in route.peers for route in held(after).values())
    assert {n for r in held(after).values() for n in r.peers} == peers - {TOR}
    back = replace(after, among=BASED)
    assert held(applied(back, plan(back))) == held(world)


@pytest.mark.parametrize(
    ("given", "preferred"),
    [
        pytest.param((None, None), (BASE_MED - 1, 101), id="neither is given"),
        pytest.param((5, 200), (4, 201), id="both are"),
        pytest.param((0, 0xFFFF_FFFF), (0, 0xFFFF_FFFF), id="nothing is better"),
    ],
)
def test_a_lower_med_and_a_higher_preference(
    given: tuple[int | None, int | None], preferred: tuple[int, int]
) -> None:
    med, local_pref = given
    before = PathAttributes(("65000:1",), med=med, local_pref=local_pref, as_path_prepend=2)
    after = outbidding(before)
    assert (after.med, after.local_pref) == preferred
    assert replace(after, med=med, local_pref=local_pref) == before
