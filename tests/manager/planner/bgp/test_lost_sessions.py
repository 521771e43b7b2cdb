"""Sessions and configuration that go away: what stays advertised, and what the verdict is."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from manager.planner.bgp.peers import read_peers
from manager.planner.plan import plan
from manager.planner.whatif import settle
from manager.snapshot import BgpConf, BgpPeer, Condition, Resource, ServiceKey, Snapshot
from pointsman.model.route import PeerName, SessionReport
from tests.manager.planner.scene import (
    WEB,
    condition_of,
    endpoints,
    peer,
    scene,
    settled,
)

HERE = endpoints("a/web", "node1")
NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
KEY = ServiceKey("a/web")


def sessions_down(ages: dict[str, float | None]) -> dict[PeerName, SessionReport]:
    """Sessions that have been down for so many seconds; None: it is established."""
    return {
        PeerName(name): SessionReport("Established" if age is None else "Active", down_s=age)
        for name, age in ages.items()
    }


def peers_named(names: Iterable[str]) -> dict[str, BgpPeer]:
    """Peers whose condition has said for an hour that there is no session."""
    since = (NOW - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = Condition("Established", "False", "x", "y", since)
    return {
        name: peer(name, f"192.0.2.{n + 1}", conditions=(condition,))
        for n, name in enumerate(names)
    }


@pytest.mark.parametrize(
    ("ages", "reason"),
    [
        pytest.param({"a": 59}, "Announced", id="59 s without a session are patience"),
        pytest.param({"a": 60}, "NoSession", id="60 s are not"),
        pytest.param({"a": 3600, "b": None}, "Announced", id="another peer has one"),
        pytest.param({"a": 3600, "b": 10}, "Announced", id="another peer lost it just now"),
        pytest.param({"a": 3600, "b": 61}, "NoSession", id="no peer has one"),
    ],
)
def test_sessions_that_are_lost(ages: dict[str, float | None], reason: str) -> None:
    """By the age that the session's report carries, whatever a condition's time says."""
    snapshot, before = settle(scene(WEB, HERE, bgp_peers=peers_named(ages)))
    seen = replace(snapshot.speakers[0], sessions=sessions_down(ages))
    found = plan(replace(snapshot, speakers=(seen,), taken_at=NOW))
    assert condition_of(found).reason == reason
    # A session that returns finds them.
    assert found.speakers[0].routes == before.speakers[0].routes
    assert ("pointsman.dev/announced-by", "bgp") in found.services[KEY].annotations.items()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"sessions_unknown": True, "silent_s": 64.9}, "Announced", id="not for 60 s"),
        pytest.param({"sessions_unknown": True, "silent_s": 65.0}, "NoSession", id="for 60 s"),
        pytest.param({"silent_s": 4.0}, "Announced", id="a moment's silence"),
        pytest.param({"refused": "no port"}, "Announced", id="refused, and never started: no peer"),
    ],
)
def test_a_speaker_that_is_gone(change: dict[str, Any], reason: str) -> None:
    snapshot, before = settle(scene(WEB, HERE))
    fresh = "silent_s" not in change
    seen = replace(snapshot.speakers[0], sessions={}, fresh=fresh, **change)
    found = plan(replace(snapshot, speakers=(seen,), taken_at=NOW))
    assert condition_of(found).reason == reason
    assert found.speakers[0].routes == before.speakers[0].routes


def test_a_speaker_that_could_not_be_started_for_an_hour_is_no_session() -> None:
    snapshot, _ = settle(scene(WEB, HERE, bgp_peers=peers_named(["a"])))
    seen = replace(snapshot.speakers[0], sessions={}, refused="its port is taken")
    found = plan(replace(snapshot, speakers=(seen,), taken_at=NOW))
    assert condition_of(found).reason == "NoSession"


def test_nothing_known_of_a_session_is_not_its_absence() -> None:
    for seen_of in ({}, {PeerName("a"): SessionReport("Active")}):  # no report, or one without age
        snapshot, _ = settle(scene(WEB, HERE, bgp_peers=peers_named(["a"])))
        seen = replace(snapshot.speakers[0], sessions=seen_of)
        assert (
            condition_of(plan(replace(snapshot, speakers=(seen,), taken_at=NOW))).reason
            == "Announced"
        )


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        pytest.param(0.0, "NoSession", id="a new leader has seen none of it"),
        pytest.param(None, "Announced", id="it is up again"),
    ],
)
def test_no_session_stays_said_until_there_is_one(age: float | None, reason: str) -> None:
    snapshot, _ = settle(scene(WEB, HERE, bgp_peers=peers_named(["a"])))
    web = snapshot.services[KEY]
    others = tuple(one for one in web.conditions if one.type != "pointsman.dev/Announced")
    lost = Condition("pointsman.dev/Announced", "False", "NoSession", "gone", "")
    services = {**snapshot.services, KEY: replace(web, conditions=(*others, lost))}
    seen = replace(snapshot.speakers[0], sessions=sessions_down({"a": age}))
    assert (
        condition_of(plan(replace(snapshot, services=services, speakers=(seen,)))).reason == reason
    )


def test_the_plan_says_when_a_minute_will_be_over() -> None:
    snapshot, _ = settle(scene(WEB, HERE, bgp_peers=peers_named(["a", "b"])))
    seen = replace(snapshot.speakers[0], sessions=sessions_down({"a": 20.0, "b": 45.0}))
    assert plan(replace(snapshot, speakers=(seen,), taken_at=NOW)).again_s == 15
    silent = replace(
        snapshot.speakers[0], sessions={}, fresh=False, sessions_unknown=True, silent_s=25.0
    )
    assert plan(replace(snapshot, speakers=(silent,), taken_at=NOW)).again_s == 40


def without_conf(snapshot: Snapshot, **more: Any) -> Snapshot:
    return replace(snapshot, bgp_confs={}, **more)


def test_without_bgpconf_the_speaker_keeps_what_it_has() -> None:
    snapshot, before = settle(scene(WEB, HERE))
    found = plan(without_conf(snapshot, endpoint_slices={}))
    assert (found.speakers[0].identity, found.speakers[0].routes) == (
        None,
        before.speakers[0].routes,
    )
    assert (found.speakers[0].neighbors, found.speakers[0].exports) == (
        before.speakers[0].neighbors,
        before.speakers[0].exports,
    )
    assert found.services == before.services


def test_without_bgpconf_nothing_new_is_said() -> None:
    decided = settled(without_conf(scene(WEB, HERE)))
    assert not decided.speakers[0].routes
    assert condition_of(decided).reason == "NoPeer"
    assert "no usable BgpConf named 'default'" in condition_of(decided).message


def test_a_bgpconf_that_cannot_be_read_is_not_one_to_create() -> None:
    confs: dict[str, BgpConf] = {"default": Resource("default", None, invalid="spec.as is 0")}
    world = scene(WEB, HERE, peer("tor-1"), bgp_confs=confs)
    broken = "BgpConf 'default' cannot be read: spec.as is 0"
    assert condition_of(settled(world)).message == (
        f"Service a/web is not announced: {broken}; correct it."
    )
    ready = read_peers(world).verdicts[PeerName("tor-1")]
    assert str(ready) == f"BgpPeer 'tor-1' has no session of ours: {broken}. Correct it."


@pytest.mark.parametrize(
    ("peers", "left"),
    [
        pytest.param({}, [], id="deleted"),
        pytest.param({"tor-1": peer("tor-1", disabled=True)}, [], id="disabled"),
        pytest.param({"tor-1": peer("tor-1")}, ["tor-1"], id="untouched"),
    ],
)
def test_without_bgpconf_a_session_still_ends_by_hand(
    peers: dict[str, BgpPeer], left: list[str]
) -> None:
    snapshot, _ = settle(scene(WEB, HERE))
    assert list(plan(without_conf(snapshot, bgp_peers=peers)).speakers[0].neighbors) == left


def test_a_speaker_that_restarts_empty_is_told_anew_and_no_service_is_written() -> None:
    snapshot, before = settle(scene(WEB, HERE))
    found = plan(replace(snapshot, speakers=scene().speakers))
    assert found.speakers[0].routes == before.speakers[0].routes
    assert found.services == before.services
