"""How the sessions with a router go, as conditions of its BgpPeer."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest

from manager.planner.plan import plan
from manager.snapshot import Condition, NodeName, Observed, Settings
from pointsman.model.record import ResourceKey
from pointsman.model.route import Neighbor, PeerName, SessionReport
from tests.manager.planner.scene import announcer, nic, peer, scene

UP = SessionReport("Established", established_at_s=1_767_225_600, add_path_negotiated=True)
SINGLE = replace(UP, add_path_negotiated=False)
DOWN = SessionReport("Active", last_error="hold timer expired")


@pytest.mark.parametrize(
    ("report", "more", "expected"),
    [
        pytest.param(
            UP, {}, {"Established": "Established", "AddPathNegotiated": "Negotiated"}, id="up"
        ),
        pytest.param(
            SINGLE, {}, {"Established": "Established", "AddPathNegotiated": "SinglePath"}, id="one"
        ),
        pytest.param(DOWN, {}, {"Established": "NotEstablished"}, id="down: nothing negotiated"),
        pytest.param(None, {}, {"Established": "NotEstablished"}, id="not yet there"),
        pytest.param(UP, {"disabled": True}, {}, id="disabled: no session is spoken of"),
    ],
)
def test_the_session_of_a_peer(
    report: SessionReport | None, more: Mapping[str, Any], expected: dict[str, str]
) -> None:
    sessions = {PeerName("t"): report} if report is not None else {}
    found = plan(scene(peer("t", **more), speakers=(Observed(sessions=sessions),)))
    conditions = found.statuses[ResourceKey("BgpPeer", "t")].conditions
    others = ("Ready", "NextHopsUnverified")
    assert {n: one.reason for n, one in conditions.items() if n not in others} == expected


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def usable(at: str) -> Condition:
    return Condition("Ready", "True", "Ready", "it is used", f"2026-01-01T{at}Z")


# Agents that have spoken: nothing else is waited for.
NEAR = {
    NodeName(f"node{n}"): announcer(
        f"node{n}", nic("eth0", f"192.0.2.1{n}/24", f"2001:db8:2::1{n}/64")
    )
    for n in (1, 2, 3)
}
WAS_UP = Condition("Established", "True", "Established", "it is", "2026-01-01T11:00:00Z")


@pytest.mark.parametrize(
    ("conditions", "retry", "stated", "again_s"),
    [
        pytest.param([], 5, False, 8, id="just seen"),
        pytest.param([usable("11:59:58")], 5, False, 6, id="usable for 2 seconds"),
        pytest.param([usable("11:59:52")], 5, True, None, id="usable for 8 seconds"),
        pytest.param([usable("11:59:52")], 30, False, 25, id="a connection is tried after 30 s"),
        pytest.param([usable("12:00:03")], 5, False, 8, id="our clock is behind"),
        pytest.param(
            [Condition("Ready", "False", "NoBgpConf", "", "2026-01-01T10:00:00Z")],
            5,
            False,
            8,
            id="it was not usable until now",
        ),
        pytest.param([usable("11:59:59"), WAS_UP], 5, True, None, id="a session that ends is told"),
    ],
)
def test_a_first_session_has_time_to_come_up(
    conditions: list[Condition], retry: int, stated: bool, again_s: float | None
) -> None:
    timers = {"connectRetrySeconds": retry}
    router = peer("t", conditions=tuple(conditions), timers=timers)
    sessions = {PeerName("t"): DOWN}
    world = scene(router, speakers=(Observed(sessions=sessions),), taken_at=NOON, announcers=NEAR)
    found = plan(world)
    assert ("Established" in found.statuses[ResourceKey("BgpPeer", "t")].conditions) is stated
    assert found.again_s == again_s


def test_a_session_that_is_up_is_said_at_once() -> None:
    observed = Observed(sessions={PeerName("t"): UP})
    found = plan(scene(peer("t"), speakers=(observed,), taken_at=NOON))
    condition = found.statuses[ResourceKey("BgpPeer", "t")].conditions["Established"]
    assert (condition.status, found.again_s) == ("True", None)


def test_a_router_that_is_not_used_is_not_waited_for() -> None:
    found = plan(scene(peer("t", disabled=True), taken_at=NOON))
    assert found.again_s is None


ONE_ADDRESS = {"sourceAddress": "192.0.2.10", "gracefulRestart": {"enabled": "Always"}}
IN_PARALLEL = {"parallelSessions": {"sourceAddresses": ["192.0.2.10", "192.0.2.20"]}}
ALWAYS = {"gracefulRestart": {"enabled": "Always"}}


@pytest.mark.parametrize(
    ("more", "replicas", "expected"),
    [
        pytest.param(ONE_ADDRESS, 2, True, id="two speak from one address"),
        pytest.param({**ALWAYS, **IN_PARALLEL}, 2, True, id="two, from the same several"),
        pytest.param(ONE_ADDRESS, 1, False, id="one alone"),
        pytest.param(ALWAYS, 2, False, id="each from its own"),
        pytest.param({**ONE_ADDRESS, "gracefulRestart": {"enabled": "Auto"}}, 2, False, id="Auto"),
        pytest.param({"sourceAddress": "192.0.2.10"}, 2, False, id="as a BgpConf has it unasked"),
    ],
)
def test_replicas_that_a_router_takes_for_each_other_are_spoken_of(
    more: Mapping[str, Any], replicas: int, *, expected: bool
) -> None:
    settings = Settings(replicas=replicas)
    observed = Observed(sessions={PeerName("t"): UP})
    speakers = (observed, observed) if "parallelSessions" in more else (observed,)
    found = plan(scene(peer("t", **more), speakers=speakers, settings=settings)).statuses
    message = found[ResourceKey("BgpPeer", "t")].conditions["Established"].message
    assert ("gracefulRestart.enabled to Auto" in message) is expected


def test_the_sentences_of_a_peer_say_what_to_do() -> None:
    def message(report: SessionReport, name: str, **more: Any) -> str:
        observed = Observed(sessions={PeerName("t"): report})
        found = plan(scene(peer("t", **more), speakers=(observed,))).statuses
        return found[ResourceKey("BgpPeer", "t")].conditions[name].message

    assert message(DOWN, "Established") == (
        "There is no session with BgpPeer 't' (hold timer expired). Check that 192.0.2.1 is "
        "reachable, runs AS 64500 and has us configured as a neighbor."
    )
    unwatched = message(replace(UP, bfd_state="Down"), "Established")
    assert unwatched.endswith("run it on the router for us, too, or remove spec.bfd.")
    assert "BFD" not in message(replace(UP, bfd_state="Init"), "Established")  # it is coming
    single = message(SINGLE, "AddPathNegotiated")
    for word in ("disable-addpath-rx", "add paths rx", "Cisco", "Juniper", "Arista"):
        assert word in single
    off = message(SINGLE, "AddPathNegotiated", addPath={"enabled": False})
    assert "spec.addPath.enabled is false." in off


OLD_FRR = replace(UP, host_named=True)


@pytest.mark.parametrize(
    ("report", "restart_s", "warned"),
    [
        pytest.param(OLD_FRR, 120, True, id="offered to what may be FRR"),
        pytest.param(OLD_FRR, None, False, id="not offered"),
        pytest.param(UP, 120, False, id="offered to something else"),
    ],
)
def test_a_router_that_may_keep_stale_paths_is_said_where_it_matters(
    report: SessionReport, restart_s: int | None, *, warned: bool
) -> None:
    name = PeerName("t")
    stated = Neighbor(ip_address("192.0.2.1"), 64500, graceful_restart_seconds=restart_s)
    observed = Observed(neighbors={name: stated}, sessions={name: report})
    found = plan(scene(peer("t"), speakers=(observed,))).statuses[ResourceKey("BgpPeer", "t")]
    condition = found.conditions["AddPathNegotiated"]
    assert (condition.status, condition.reason) == ("True", "Negotiated")
    assert ("10.1.2" in condition.message) is warned


def test_a_speaker_that_does_not_answer_changes_nothing_that_was_said() -> None:
    condition = Condition("Established", "True", "Established", "it is", "2026-01-01T00:00:00Z")
    found = plan(scene(peer("t", conditions=(condition,)), speakers=(Observed(fresh=False),)))
    record = found.statuses[ResourceKey("BgpPeer", "t")]
    assert record.conditions["Established"].message == "it is"


SEVERAL = Condition("AddPathNegotiated", "True", "Negotiated", "several", "2026-01-01T00:00:00Z")
GONE = Observed(fresh=False, sessions_unknown=True, silent_s=6.0)


@pytest.mark.parametrize(
    ("speakers", "status", "reason"),
    [
        pytest.param([GONE], "Unknown", "SpeakerSilent", id="the only one"),
        pytest.param([Observed(fresh=False, silent_s=4.0)], "True", "Established", id="a moment"),
        pytest.param(
            [Observed(sessions={PeerName("t"): UP}, fresh=False, silent_s=4.0)],
            "True",
            "Established",
            id="a moment, and what it said last is at hand",
        ),
    ],
)
def test_a_speaker_that_is_silent_leaves_its_sessions_unknown(
    speakers: list[Observed], status: str, reason: str
) -> None:
    router = peer("t", conditions=(WAS_UP, SEVERAL))
    found = plan(scene(router, speakers=tuple(speakers)))
    condition = found.statuses[ResourceKey("BgpPeer", "t")].conditions
    assert (condition["Established"].status, condition["Established"].reason) == (status, reason)
    assert condition["AddPathNegotiated"].status == "True"  # nothing churns when it is back


def test_a_silent_speaker_of_which_nothing_was_said_yet_is_unknown_too() -> None:
    found = plan(scene(peer("t"), speakers=(GONE,)))
    condition = found.statuses[ResourceKey("BgpPeer", "t")].conditions["Established"]
    assert (condition.status, condition.reason) == ("Unknown", "SpeakerSilent")


FLOOD = Condition("PrefixesReceived", "True", "TooManyPrefixes", "m", "2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("observed", "before", "warned"),
    [
        pytest.param(Observed(sessions={PeerName("t"): UP}), (), False, id="no flood"),
        pytest.param(
            Observed(sessions={PeerName("t"): replace(UP, floods=True)}), (), True, id="a flood"
        ),
        pytest.param(Observed(sessions={PeerName("t"): UP}), (FLOOD,), False, id="a filter, now"),
        pytest.param(Observed(sessions={PeerName("t"): DOWN}), (FLOOD,), True, id="kept: down"),
        pytest.param(GONE, (FLOOD,), True, id="kept: nobody knows"),
        pytest.param(GONE, (), False, id="nothing known"),
    ],
)
def test_a_router_that_floods_us_is_told_of(
    observed: Observed, before: tuple[Condition, ...], *, warned: bool
) -> None:
    found = plan(scene(peer("t", conditions=before), speakers=(observed,)))
    condition = found.statuses[ResourceKey("BgpPeer", "t")].conditions
    assert ("PrefixesReceived" in condition) is warned
    if warned:
        assert condition["PrefixesReceived"].status == "True"
        for word in ("export none", "prefix-list", "1,000"):
            assert word in condition["PrefixesReceived"].message
