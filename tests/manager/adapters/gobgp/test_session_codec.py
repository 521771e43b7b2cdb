"""What is read out of a Peer message about its session."""

from dataclasses import replace

import pytest

from manager.adapters.gobgp.path_codec import IPV4, IPV6
from manager.adapters.gobgp.session_codec import BFD_DOWN, PREFIX_LIMIT, SWITCHED_OFF, report
from pointsman.gobgp_api import common_pb2 as cm
from pointsman.gobgp_api import gobgp_pb2 as pb

UP, DOWN = pb.BFD_SESSION_STATE_UP, pb.BFD_SESSION_STATE_DOWN


def peer(state: pb.PeerState.SessionState.ValueType, *, bfd: bool = False) -> pb.Peer:
    found = pb.Peer()
    found.state.session_state = state
    found.bfd.enabled = bfd
    return found


ESTABLISHED = pb.PeerState.SESSION_STATE_ESTABLISHED
ACTIVE = pb.PeerState.SESSION_STATE_ACTIVE


@pytest.mark.parametrize(
    ("hold", "keepalive", "expected"),
    [
        pytest.param(9, 3, (9, 3), id="as negotiated"),
        pytest.param(0, 30, (0, 0), id="hold time off: no keepalives either (RFC 4271 4.4)"),
    ],
)
def test_the_timers_in_use(hold: int, keepalive: int, expected: tuple[int, int]) -> None:
    live = peer(ESTABLISHED)
    live.timers.state.negotiated_hold_time = hold
    live.timers.state.keepalive_interval = keepalive
    found = report(live, (0, 0))
    assert (found.hold_seconds, found.keepalive_seconds) == expected


@pytest.mark.parametrize(
    ("state", "enabled", "bfd", "expected"),
    [
        pytest.param(ESTABLISHED, True, UP, ("Up", ""), id="watched"),
        pytest.param(ESTABLISHED, True, DOWN, ("Down", ""), id="the router does not take part"),
        pytest.param(ACTIVE, True, DOWN, ("Down", BFD_DOWN), id="down: the likely cause"),
        pytest.param(ACTIVE, True, UP, ("Up", ""), id="down, though the router is heard"),
        pytest.param(ACTIVE, False, DOWN, ("", ""), id="not asked for: not spoken of"),
    ],
)
def test_bfd(
    state: pb.PeerState.SessionState.ValueType,
    enabled: bool,
    bfd: pb.BfdSessionState.ValueType,
    expected: tuple[str, str],
) -> None:
    one = peer(state, bfd=enabled)
    one.state.bfd_state.session_state = bfd
    found = report(one, (0, 0))
    assert (found.bfd_state, found.last_error) == expected


@pytest.mark.parametrize(
    ("admin", "expected"),
    [
        (pb.PeerState.ADMIN_STATE_PFX_CT, PREFIX_LIMIT),
        (pb.PeerState.ADMIN_STATE_DOWN, SWITCHED_OFF),
        (pb.PeerState.ADMIN_STATE_UP, ""),
    ],
)
def test_why_there_is_no_session(admin: pb.PeerState.AdminState.ValueType, expected: str) -> None:
    one = peer(ACTIVE)
    one.state.admin_state = admin
    assert report(one, (0, 0)).last_error == expected


@pytest.mark.parametrize(
    ("admin", "expected"),
    [
        pytest.param(pb.PeerState.ADMIN_STATE_PFX_CT, PREFIX_LIMIT, id="stays down"),
        pytest.param(pb.PeerState.ADMIN_STATE_DOWN, "bad AS", id="off until it is asked again"),
        pytest.param(pb.PeerState.ADMIN_STATE_UP, "bad AS", id="asked again"),
    ],
)
def test_what_the_parent_says_says_more(
    admin: pb.PeerState.AdminState.ValueType, expected: str
) -> None:
    one = peer(ACTIVE, bfd=True)
    one.transport.passive_mode = True
    one.state.admin_state = admin
    assert report(one, (0, 0), why="bad AS").last_error == expected


def test_a_passive_session_waits() -> None:
    one = peer(ACTIVE)
    one.transport.passive_mode = True
    assert "spec.passive is true" in report(one, (0, 0)).last_error


@pytest.mark.parametrize(("counts", "floods"), [((600, 400), False), ((600, 401), True)])
def test_what_the_router_sends_is_counted(counts: tuple[int, int], floods: bool) -> None:
    live = peer(ESTABLISHED)
    for count in counts:
        live.afi_safis.add().state.received = count
    found = report(live, (0, 0))
    assert (found.received_prefixes, found.floods) == (sum(counts), floods)


def test_counts_and_ages_are_no_news() -> None:
    one = report(peer(ESTABLISHED), (0, 0))
    assert replace(one, received_prefixes=7, down_s=3.0) == one
    assert replace(one, floods=True) != one


def test_what_the_router_says_that_it_is() -> None:
    live = peer(ESTABLISHED)
    assert (report(live, (0, 0)).host_named, report(live, (0, 0)).software) == (False, "")
    live.state.remote_cap.add().fqdn.host_name = "tor-1"
    live.state.remote_cap.add().software_version.software_version = "FRRouting/9.1.3"
    found = report(live, (0, 0))
    assert (found.host_named, found.software) == (True, "FRRouting/9.1.3")


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        pytest.param([], False, id="nothing announced"),
        pytest.param([(IPV4, IPV6)], True, id="IPv4 over IPv6"),
        pytest.param([(IPV6, IPV6)], False, id="of another family"),
        pytest.param([(IPV4, IPV4)], False, id="over another family"),
    ],
)
def test_ipv6_next_hops(pairs: list[tuple[cm.Family, cm.Family]], expected: bool) -> None:
    live = peer(ESTABLISHED)
    capability = live.state.remote_cap.add().extended_nexthop
    for prefix, hop in pairs:
        capability.tuples.add(nlri_family=prefix, nexthop_family=hop)
    assert report(live, (0, 0)).ipv6_next_hops is expected


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        pytest.param(True, True, True, id="offered and taken"),
        pytest.param(True, False, False, id="the router is no helper"),
        pytest.param(False, True, False, id="not offered"),
    ],
)
def test_graceful_restart_takes_both_sides(ours: bool, theirs: bool, expected: bool) -> None:
    live = peer(ESTABLISHED)
    for enabled, capabilities in ((ours, live.state.local_cap), (theirs, live.state.remote_cap)):
        if enabled:
            capabilities.add().graceful_restart.time = 120
    assert report(live, (0, 0)).graceful_restart is expected
