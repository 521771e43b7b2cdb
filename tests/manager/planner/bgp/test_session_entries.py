"""Our own entry in a BgpPeer's status."""

from dataclasses import replace
from ipaddress import IPv4Address, ip_address

import pytest

from manager.planner.bgp.session_entries import entries, entry
from manager.snapshot import BgpPeer, Observed, Resource, Settings, Snapshot
from pointsman.model.record import Entry
from pointsman.model.route import Neighbor, PeerName, SessionReport, SpeakerIdentity

T = PeerName("t")
US = SpeakerIdentity(64501, IPv4Address("198.18.0.1"))
UP = SessionReport(
    "Established",
    established_at_s=1_767_225_600,
    add_path_negotiated=True,
    graceful_restart=True,
    families=("ipv4-unicast",),
    hold_seconds=9,
    keepalive_seconds=3,
    advertised_paths=3,
    bfd_state="Up",
)
HELD = {T: Neighbor(ip_address("192.0.2.1"), 64500)}
WRITTEN: Entry = {"name": "m1", "state": "Established"}
PEER: BgpPeer = Resource(name="t", spec=None)
S = ip_address("192.0.2.101")


def test_it_says_what_the_session_came_to() -> None:
    assert entry("m1", UP) == {
        "name": "m1",
        "state": "Established",
        "establishedSince": "2026-01-01T00:00:00Z",
        "families": ["ipv4-unicast"],
        "holdSeconds": 9,
        "keepaliveSeconds": 3,
        "bfdState": "Up",
        "ipv6NextHops": False,
        "addPathNegotiated": True,
        "gracefulRestartNegotiated": True,
        "advertisedPrefixes": 0,
        "advertisedPaths": 3,
    }


def test_a_session_that_is_down_counts_nothing() -> None:
    down = SessionReport("Active", last_error="the session was disabled at the speaker")
    assert entry("m1", down) == {
        "name": "m1",
        "state": "Active",
        "lastError": "the session was disabled at the speaker",
    }


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        pytest.param(Observed(US, sessions={T: UP}, neighbors=HELD), entry("m1", UP), id="news"),
        pytest.param(Observed(fresh=False), WRITTEN, id="the speaker is silent: it stays"),
        pytest.param(
            Observed(fresh=False, sessions_unknown=True),
            {
                "name": "m1",
                "state": "Unknown",
                "lastError": "the speaker does not answer its manager",
            },
            id="for so long that nobody knows",
        ),
        pytest.param(Observed(), WRITTEN, id="the speaker is empty: it will be told in this pass"),
        pytest.param(Observed(US, neighbors=HELD), WRITTEN, id="a new process has not asked yet"),
        pytest.param(Observed(US), None, id="no such neighbor any more"),
    ],
)
def test_when_an_entry_changes(observed: Observed, expected: Entry | None) -> None:

    world = Snapshot(
        bgp_peers={T: PEER}, speakers=(observed,), settings=Settings(speaker_name="m1")
    )
    assert entries(world, {T: (WRITTEN,)}) == ({} if expected is None else {T: (expected,)})
    assert entries(replace(world, bgp_peers={}), {T: (WRITTEN,)}) == {}


@pytest.mark.parametrize("several", [True, False])
@pytest.mark.parametrize(
    "observed",
    [
        pytest.param(Observed(US, sessions={T: SessionReport("Active")}), id="no session"),
        pytest.param(Observed(fresh=False, sessions_unknown=True), id="nobody knows"),
    ],
)
def test_what_was_negotiated_stays_for_the_next_session(observed: Observed, several: bool) -> None:
    """The planner goes by it until that one is up: see planner.bgp.negotiated."""
    before = entry("m1", replace(UP, add_path_negotiated=several))
    world = Snapshot(
        bgp_peers={T: PEER}, speakers=(observed,), settings=Settings(speaker_name="m1")
    )
    (expected,) = entries(world, {T: (before,)})[T]
    assert expected["state"] in {"Active", "Unknown"}
    assert expected["addPathNegotiated"] is several
    (again,) = entries(world, {T: (expected,)})[T]
    assert again == expected


def test_each_speaker_of_a_replica_has_an_entry() -> None:
    second = Observed(US, sessions={T: UP}, neighbors={T: replace(HELD[T], source_address=S)})
    speakers, settings = (Observed(), second, Observed(fresh=False)), Settings(speaker_name="m1")
    world = Snapshot(bgp_peers={T: PEER}, speakers=speakers, settings=settings)
    silent: Entry = {"name": "m1/2", "state": "Established"}
    gone: Entry = {"name": "m1/3", "state": "Established"}
    assert entries(world, {T: (silent, gone)}) == {
        T: (entry("m1/1", UP, source="192.0.2.101"), silent)
    }
