"""Routers without ADD-PATH: docs/bgp.md has a section with this name."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from manager.planner.plan import plan
from manager.planner.plan_json import paths_json
from manager.planner.whatif import settle
from manager.snapshot import BgpPeer, Condition, Settings
from pointsman.model.address import Family
from pointsman.model.record import ResourceKey
from pointsman.model.route import PeerName, SessionReport
from tests.manager.planner.scene import (
    WEB,
    eip,
    endpoints,
    hops,
    peer,
    scene,
    service,
    settled,
)

HERE = endpoints("a/web", "node1 node2 node3")
ALONE = {"addPath": {"enabled": False}}
RACKS = "node1 rack2"
RACK2 = {"nextHops": {"nodeSelector": {"matchLabels": {"rack": "2"}}}}
BOTH = ("ipv4-unicast", "ipv6-unicast")


def router(name: str, **more: Any) -> BgpPeer:
    return peer(name, f"192.0.2.{ord(name[0])}", **more)


def needing(*peers: BgpPeer, marks: str = RACKS, **more: Any) -> list[str]:
    found = plan(scene(WEB, HERE, *peers, marks=marks, **more))
    reasons = {
        name: found.statuses[ResourceKey("BgpPeer", one.name)].conditions["Ready"].reason
        for name, one in ((one.name, one) for one in peers)
    }
    return [name for name, reason in reasons.items() if reason == "NeedsOwnSpeaker"]


@pytest.mark.parametrize(
    ("peers", "expected"),
    [
        pytest.param([router("a", **ALONE)], [], id="alone it needs none"),
        pytest.param([router("a", **ALONE), router("b", **ALONE)], [], id="the same next hops"),
        pytest.param([router("a", **ALONE), router("b")], [], id="the same beside ADD-PATH"),
        pytest.param(
            [router("a", **ALONE), router("b", **RACK2)], ["a"], id="others beside ADD-PATH"
        ),
        pytest.param(
            [router("a", created="2", **ALONE), router("b", created="1", **ALONE, **RACK2)],
            ["a"],
            id="of two that differ the older is served",
        ),
        pytest.param([router("a"), router("b", **RACK2)], [], id="ADD-PATH has no such trouble"),
        pytest.param(
            [
                router("a", families=["ipv4-unicast"], **ALONE),
                router("b", families=["ipv6-unicast"], **RACK2),
            ],
            [],
            id="no family in common",
        ),
    ],
)
def test_needing_own_speakers(peers: list[BgpPeer], expected: list[str]) -> None:
    assert needing(*peers) == needing(*reversed(peers)) == expected


def test_routers_that_hear_no_prefix_in_common_do_not_disturb_each_other() -> None:
    pools = [
        eip("one", "198.51.100.0/28", bgp={"peers": ["a"]}, default=True),
        eip("two", "198.51.101.0/28", bgp={"peers": ["b"]}),
    ]
    peers = {PeerName(p.name): p for p in (router("a", **ALONE), router("b", **RACK2))}
    found = plan(scene(WEB, HERE, *pools, marks=RACKS, bgp_peers=peers))
    ready = {k.name: r.conditions["Ready"].reason for k, r in found.statuses.items()}
    assert (ready["a"], ready["b"]) == ("Ready", "Ready")


def test_who_needs_a_speaker_of_its_own_is_told_nothing_and_keeps_its_session() -> None:
    decided = settled(scene(WEB, HERE, router("a", **ALONE), router("b", **RACK2), marks=RACKS))
    assert hops(decided) == {"b": ["192.0.2.11"]}
    assert set(decided.speakers[0].neighbors) == {"a", "b"}
    conditions = decided.statuses[ResourceKey("BgpPeer", "a")].conditions
    assert conditions["Established"].status == "True"
    assert conditions["Ready"].message.startswith("BgpPeer 'a' is told nothing: it keeps one path")


def test_routers_that_all_keep_one_path_are_told_the_same_chosen_one() -> None:
    decided = settled(scene(WEB, HERE, router("a", **ALONE), router("b", **ALONE)))
    found = hops(decided)
    assert len(found["a"]) == 1
    assert found["a"] == found["b"]


def test_beside_add_path_it_is_told_one_chosen_path_and_that_is_the_best() -> None:
    for family in Family:
        web = service("a/web", families=(family,))
        here = endpoints("a/web", "node1 node2 node3", family=family)
        decided = settled(scene(web, here, router("a", **ALONE), router("b"), router("c", **ALONE)))
        found = hops(decided)
        assert len(found["b"]) == 3
        assert len(found["a"]) == 1
        assert found["a"] == found["c"]
        best = [str(k.next_hop) for k, r in decided.routes.items() if r.attributes.best]
        assert best == found["a"]
        shown = {
            name: [one["nextHop"] for one in paths_json(decided, PeerName(name))] for name in found
        }
        assert shown == found


def test_where_nobody_keeps_one_path_all_are_equal() -> None:
    decided = settled(scene(WEB, HERE, router("a"), router("b")))
    assert all(route.attributes.best for route in decided.routes.values())


def test_who_does_not_hear_an_eip_makes_none_of_its_paths_the_best() -> None:
    pools = [eip("public", "198.51.100.0/28", bgp={"peers": ["b"]}, default=True)]
    peers = {PeerName(p.name): p for p in (router("a", **ALONE), router("b"))}
    decided = settled(scene(WEB, HERE, *pools, bgp_peers=peers))
    assert set(hops(decided)) == {"b"}
    assert all(route.attributes.best for route in decided.routes.values())


UP = SessionReport("Established", families=BOTH)
SEVERAL = replace(UP, add_path_negotiated=True)
NO = (Condition("AddPathNegotiated", "False", "SinglePath"),)
YES = (Condition("AddPathNegotiated", "True", "Negotiated"),)
NEVER_ASKED = (Condition("AddPathNegotiated", "False", "ParallelSessions"),)


def entry(name: str, **fields: Any) -> dict[str, Any]:
    return {"speakers": [{"name": "another", "state": "Idle"}, {"name": name, **fields}]}


@pytest.mark.parametrize(
    ("report", "conditions", "status", "count"),
    [
        pytest.param(UP, (), {}, 1, id="declined by the router"),
        pytest.param(SEVERAL, (), {}, 3, id="accepted"),
        pytest.param(UP, YES, entry("m", addPathNegotiated=True), 1, id="now before then"),
        pytest.param(SEVERAL, NO, entry("m", addPathNegotiated=False), 3, id="now, the other way"),
        pytest.param(SessionReport("Active"), (), {}, 3, id="no session ever: nothing is known"),
        pytest.param(SessionReport("Active"), NO, {}, 1, id="the last one declined"),
        pytest.param(None, NO, {}, 1, id="nothing is read yet, and the last one declined"),
        pytest.param(None, YES, {}, 3, id="the last one accepted"),
        pytest.param(
            None, YES, entry("m", addPathNegotiated=False), 1, id="our own before the leader's"
        ),
        pytest.param(None, NO, entry("m", addPathNegotiated=True), 3, id="our own, the other way"),
        pytest.param(None, NO, entry("m", state="Idle"), 1, id="our own does not say"),
        pytest.param(None, NO, entry("n", addPathNegotiated=True), 1, id="another's is not ours"),
        pytest.param(None, NEVER_ASKED, {}, 3, id="parallel sessions never asked"),
        pytest.param(None, NO, {"speakers": "odd"}, 1, id="what anybody wrote"),
    ],
)
def test_what_the_last_session_negotiated_counts(
    report: SessionReport | None,
    conditions: tuple[Condition, ...],
    status: dict[str, Any],
    count: int,
) -> None:
    a = replace(router("a"), conditions=conditions, status=status)
    world = scene(WEB, HERE, a, router("b"), settings=Settings(speaker_name="m"))
    world = settle(world)[0]
    sessions = {PeerName("a"): report} if report is not None else {}
    after = plan(replace(world, speakers=(replace(world.speakers[0], sessions=sessions),)))
    assert len(hops(after)["a"]) == count
    assert len(hops(after)["b"]) == 3


def test_what_would_be_is_worked_out_with_sessions_as_the_last_ones_were() -> None:
    """`plan`, `routes` and `explain` ask no speaker."""
    world = scene(WEB, HERE, replace(router("a"), conditions=NO), router("b"))
    decided = settled(world)
    assert {name: len(found) for name, found in hops(decided).items()} == {"a": 1, "b": 3}
    for name, reason in (("a", "SinglePath"), ("b", "Negotiated")):
        conditions = decided.statuses[ResourceKey("BgpPeer", name)].conditions
        assert conditions["AddPathNegotiated"].reason == reason


@pytest.mark.parametrize("conditions", [NO, YES])
def test_a_connect_changes_nothing(conditions: tuple[Condition, ...]) -> None:
    """Manager and speaker start anew, the session opens, goes and comes: the table stays."""
    a = replace(router("a"), conditions=conditions)
    world = settle(scene(WEB, HERE, a, router("b")))[0]
    found = []
    for state in ("Idle", "Active", "OpenSent", "Established", "Idle", "Established"):
        live = UP if conditions == NO else SEVERAL
        report = live if state == "Established" else SessionReport(state)
        sessions: Mapping[PeerName, SessionReport] = {PeerName("a"): report}
        decided = plan(replace(world, speakers=(replace(world.speakers[0], sessions=sessions),)))
        status = decided.statuses[ResourceKey("BgpPeer", "a")].conditions
        known = tuple(Condition(kind, one.status, one.reason) for kind, one in status.items())
        a = replace(a, conditions=known)  # what the API says from now on
        world = replace(world, bgp_peers={**world.bgp_peers, PeerName("a"): a})
        found.append(decided.routes)
    assert all(one == found[0] for one in found)
    assert len({key for key, route in found[0].items() if "a" in route.peers}) == (
        1 if conditions == NO else 3
    )
