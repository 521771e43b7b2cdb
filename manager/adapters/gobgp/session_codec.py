"""The state of a session, from a Peer message of GoBGP. Pure."""

from collections.abc import Iterable

from manager.adapters.gobgp.neighbor_codec import FAMILIES
from manager.adapters.gobgp.path_codec import IPV4, IPV6
from pointsman.gobgp_api import capability_pb2 as cap
from pointsman.gobgp_api import common_pb2 as cm
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.printable import clipped
from pointsman.model.route import LIVE, MANY_PREFIXES, SessionReport

STATES = {
    pb.PeerState.SESSION_STATE_IDLE: "Idle",
    pb.PeerState.SESSION_STATE_CONNECT: "Connect",
    pb.PeerState.SESSION_STATE_ACTIVE: "Active",
    pb.PeerState.SESSION_STATE_OPENSENT: "OpenSent",
    pb.PeerState.SESSION_STATE_OPENCONFIRM: "OpenConfirm",
    pb.PeerState.SESSION_STATE_ESTABLISHED: LIVE,
}
BFD_STATES = {  # RFC 5880 section 6.8.1
    pb.BFD_SESSION_STATE_UP: "Up",
    pb.BFD_SESSION_STATE_DOWN: "Down",
    pb.BFD_SESSION_STATE_ADMIN_DOWN: "AdminDown",
    pb.BFD_SESSION_STATE_INIT: "Init",
}
PREFIX_LIMIT = "the router announced more prefixes than it may; the session stays down"
SWITCHED_OFF = "the session was disabled at the speaker"
PASSIVE = "we wait for the router to open the session: spec.passive is true"
BFD_DOWN = "BFD is down"  # whose diagnostic the daemon does not fill in (measured, 4.8)


def report(peer: pb.Peer, advertised: tuple[int, int], *, why: str = "") -> SessionReport:
    """Return the report of one session; *advertised*: prefixes and paths, counted.

    *why*: the reason the daemon's parent left; a session that is up shows it as its last error.
    """
    state = STATES.get(peer.state.session_state, "Idle")
    bfd = _bfd_state(peer)
    if state != LIVE:
        return SessionReport(state, last_error=_error(peer, why), bfd_state=bfd)
    received = sum(one.state.received for one in peer.afi_safis)
    theirs = _capabilities(list(peer.state.remote_cap))
    ours = _capabilities(list(peer.state.local_cap))
    families = tuple(sorted(theirs.keys() & ours.keys()))
    timers = peer.timers.state
    remote_caps = {one.WhichOneof("cap"): one for one in peer.state.remote_cap}
    offered = {one.WhichOneof("cap") for one in peer.state.local_cap}
    return SessionReport(
        state,
        established_at_s=timers.uptime.seconds or None,
        add_path_negotiated=bool(families)
        and all(theirs[name][0] and ours[name][1] for name in families),
        families=families,
        ipv6_next_hops=_ipv6_next_hops(peer.state.remote_cap),
        graceful_restart="graceful_restart" in remote_caps.keys() & offered,
        hold_seconds=timers.negotiated_hold_time,
        keepalive_seconds=timers.keepalive_interval if timers.negotiated_hold_time else 0,
        advertised_prefixes=advertised[0],
        advertised_paths=advertised[1],
        last_error=why,
        received_prefixes=received,
        floods=received > MANY_PREFIXES,
        host_named="fqdn" in remote_caps,
        # The router's own words (draft-abraitis-bgp-version-capability).
        software=clipped(remote_caps["software_version"].software_version.software_version)
        if "software_version" in remote_caps
        else "",
        bfd_state=bfd,
    )


def _ipv6_next_hops(announced: Iterable[cap.Capability]) -> bool:
    """Return whether a router takes IPv6 next hops for IPv4 prefixes: RFC 8950 section 4.

    gobgpd offers it on every session (4.8, measured), and sends such paths unasked.
    """
    return any(
        (each.nlri_family.afi, each.nlri_family.safi) == (IPV4.afi, IPV4.safi)
        and each.nexthop_family.afi == IPV6.afi
        for one in announced
        for each in one.extended_nexthop.tuples
    )


def _error(peer: pb.Peer, why: str) -> str:
    """Return why there is no session: a clause, or nothing.

    The daemon's disconnect_reason is never set (measured, 4.8), and its parent switches off a
    neighbor for a while that refuses us: then *why* says more than that it is off.
    """
    if peer.state.admin_state == pb.PeerState.ADMIN_STATE_PFX_CT:
        return PREFIX_LIMIT
    if why:
        return why
    if peer.state.admin_state == pb.PeerState.ADMIN_STATE_DOWN:
        return SWITCHED_OFF
    if _bfd_state(peer) == "Down":
        return BFD_DOWN
    return PASSIVE if peer.transport.passive_mode else ""


def _bfd_state(peer: pb.Peer) -> str:
    """Return the state of BFD, or "": the neighbor is not watched by it."""
    if not peer.bfd.enabled:
        return ""
    return BFD_STATES.get(peer.state.bfd_state.session_state, "Down")


def _capabilities(announced: list[cap.Capability]) -> dict[str, tuple[bool, bool]]:
    """Return family → (receives several paths, sends several paths): RFC 7911 section 4."""
    families: dict[str, tuple[bool, bool]] = {}
    modes: dict[str, int] = {}
    for one in announced:
        match one.WhichOneof("cap"):
            case "multi_protocol":
                families[_name(one.multi_protocol.family)] = (False, False)
            case "add_path":
                for each in one.add_path.tuples:
                    modes[_name(each.family)] = each.mode
    receives = {cap.AddPathCapabilityTuple.MODE_RECEIVE, cap.AddPathCapabilityTuple.MODE_BOTH}
    sends = {cap.AddPathCapabilityTuple.MODE_SEND, cap.AddPathCapabilityTuple.MODE_BOTH}
    return {
        name: (modes.get(name, 0) in receives, modes.get(name, 0) in sends)
        for name in families
        if name
    }


def _name(family: cm.Family) -> str:
    known = {(known.afi, known.safi): name for name, known in FAMILIES.items()}
    return known.get((family.afi, family.safi), "")
