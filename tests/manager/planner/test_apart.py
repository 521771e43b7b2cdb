"""Routers without ADD-PATH: product.md section 7."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from manager.planner.plan import plan
from manager.planner.whatif import settle
from manager.snapshot import BgpPeer, Snapshot
from pointsman.model.record import ResourceKey
from pointsman.model.route import PeerName, SessionReport
from tests.manager.planner.scene import WEB, eip, endpoints, hops, peer, scene, settled

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
    assert set(decided.speech.neighbors) == {"a", "b"}
    conditions = decided.statuses[ResourceKey("BgpPeer", "a")].conditions
    assert conditions["Established"].status == "True"
    assert conditions["Ready"].message.startswith("BgpPeer 'a' is told nothing: it keeps one path")


def test_routers_that_all_keep_one_path_are_told_the_same_chosen_one() -> None:
    decided = settled(scene(WEB, HERE, router("a", **ALONE), router("b", **ALONE)))
    found = hops(decided)
    assert len(found["a"]) == 1
    assert found["a"] == found["b"]


def test_beside_add_path_all_paths_are_there_and_the_daemon_chooses() -> None:
    decided = settled(scene(WEB, HERE, router("a", **ALONE), router("b")))
    assert hops(decided)["a"] == hops(decided)["b"] == ["192.0.2.11", "192.0.2.12", "192.0.2.13"]


@pytest.mark.parametrize(
    ("report", "count"),
    [
        pytest.param(SessionReport("Established", families=BOTH), 1, id="declined by the router"),
        pytest.param(
            SessionReport("Established", families=BOTH, add_path_negotiated=True), 3, id="accepted"
        ),
        pytest.param(SessionReport("Active"), 3, id="no session: nothing is known"),
    ],
)
def test_what_the_session_negotiated_counts(report: SessionReport, count: int) -> None:
    world: Snapshot = settle(scene(WEB, HERE, router("a")))[0]
    sessions: Mapping[PeerName, SessionReport] = {PeerName("a"): report}
    told = plan(replace(world, observed=replace(world.observed, sessions=sessions)))
    assert len(hops(told)["a"]) == count
