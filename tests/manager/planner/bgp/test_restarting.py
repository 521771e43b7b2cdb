"""Graceful restart follows how many managers run, and costs nobody a session that is alone."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from manager.planner.bgp.peers import neighbors, read_peers
from manager.planner.bgp.restarting import replicas
from manager.snapshot import BgpPeer, Observed, Settings, Snapshot
from pointsman.model.route import Neighbor, PeerName, SessionReport
from tests.manager.planner.scene import peer, scene

TOR = PeerName("tor-1")


def world(
    *entries: Any, given: int | None = None, seconds: int | None = 0, live: bool = True
) -> Snapshot:
    """Replica b beside those of *entries*; *seconds*: what its session has (0: there is none)."""
    tor = peer("tor-1")
    observed = Observed()
    if seconds != 0:
        session = SessionReport("Established" if live else "Active", graceful_restart=bool(seconds))
        configured = Neighbor(ip_address("192.0.2.1"), 64500, graceful_restart_seconds=seconds)
        observed = Observed(neighbors={TOR: configured}, sessions={TOR: session})
    return scene(
        replace(tor, status={"speakers": list(entries)}),
        settings=Settings(speaker_name="b", replicas=given),
        speakers=(observed,),
    )


def entry(name: str, state: str = "Established", *, keeps: bool = False) -> dict[str, Any]:
    return {"name": name, "state": state, "gracefulRestartNegotiated": keeps}


def offered(snapshot: Snapshot) -> bool:
    found = neighbors(snapshot, read_peers(snapshot))[TOR].graceful_restart_seconds
    assert found in (None, 120)
    return found is not None


@pytest.mark.parametrize(
    ("entries", "given", "number"),
    [
        pytest.param([], None, 1, id="nobody has written yet"),
        pytest.param([entry("b"), entry("b/1")], None, 1, id="only we have, with two speakers"),
        pytest.param([entry("b"), entry("a")], None, 2, id="another has"),
        pytest.param([entry("a", "Idle"), entry("a/1"), entry("c")], None, 3, id="two others"),
        pytest.param([entry("a")], 1, 1, id="--replicas overrides"),
        pytest.param([], 2, 2, id="both ways"),
        pytest.param(["x", {"name": 7}, {}], None, 3, id="what is no entry of ours is somebody's"),
    ],
)
def test_how_many_managers_run(entries: list[Any], given: int | None, number: int) -> None:
    assert replicas(world(*entries, given=given)) == number


def test_one_that_speaks_with_another_router_counts() -> None:
    elsewhere: BgpPeer = replace(peer("tor-2", "192.0.2.2"), status={"speakers": [entry("a")]})
    snapshot = world()
    peers = {**snapshot.bgp_peers, PeerName("tor-2"): elsewhere}
    assert replicas(replace(snapshot, bgp_peers=peers)) == 2


@pytest.mark.parametrize(
    ("entries", "more", "expected"),
    [
        pytest.param([], {}, True, id="alone, a new session offers it"),
        pytest.param([entry("a")], {}, False, id="beside another, a new one does not"),
        pytest.param([], {"seconds": None, "live": False}, True, id="alone, at the next connect"),
        pytest.param([entry("a")], {"seconds": 120, "live": False}, False, id="so beside another"),
        pytest.param([], {"seconds": None}, False, id="the other went: a session that is up stays"),
        pytest.param(
            [entry("c", "Active")], {"seconds": 120}, True, id="another came, with no session yet"
        ),
        pytest.param([entry("c")], {"seconds": 120}, False, id="now it has one: ours starts anew"),
        pytest.param([entry("a", keeps=True)], {"seconds": 120}, True, id="a goes first"),
        pytest.param([entry("c", keeps=True)], {"seconds": 120}, False, id="we go before c"),
        pytest.param([entry("a")], {"seconds": 120}, False, id="a has done so"),
        pytest.param([entry("a", "Unknown")], {"seconds": 120}, True, id="of a, nothing is known"),
        pytest.param([], {"given": 2, "seconds": 120}, False, id="--replicas is followed at once"),
        pytest.param([], {"given": 1, "seconds": None}, True, id="either way"),
    ],
)
def test_when_it_is_offered(entries: list[Any], more: dict[str, Any], expected: bool) -> None:
    assert offered(world(*entries, **more)) is expected


def test_a_session_is_not_started_anew_for_a_router_that_keeps_nothing() -> None:
    snapshot = world(entry("c"), seconds=120)
    session = SessionReport("Established", graceful_restart=False)
    observed = replace(snapshot.speakers[0], sessions={TOR: session})
    assert offered(replace(snapshot, speakers=(observed,)))
