"""Whether a router takes several paths of a prefix: as its session says, or the last one did.

While no session is up, what is known from before counts, or a router without ADD-PATH would
be given all paths whenever a speaker or its manager starts, and lose them again as soon as it
connects. Of a router that never connected nothing is known.
"""

from collections.abc import Mapping

from manager.planner.bgp.session_entries import entry_name
from manager.snapshot import BgpPeer, Snapshot
from pointsman.api import BgpPeerSpec
from pointsman.model.names import ADD_PATH
from pointsman.model.route import PeerName
from pointsman.model.verdicts.session import ParallelSessions


def takes_several(snapshot: Snapshot, name: PeerName) -> bool | None:
    """Return what the first speaker's session with a router negotiated; None: nobody knows.

    Our own entry of its status comes before its condition, which is of the leader's session.
    """
    report = snapshot.speakers[0].sessions.get(name)
    if report is not None and report.live and report.families:
        return report.add_path_negotiated
    peer = snapshot.bgp_peers.get(name)
    if peer is None:
        return None
    own = _own_entry(peer, entry_name(snapshot.settings.speaker_name, 0))
    return own if own is not None else _condition(peer)


def keeps_one_path(snapshot: Snapshot, name: PeerName, spec: BgpPeerSpec) -> bool:
    """Whether a router takes one path of a prefix: by its spec, or as far as is known."""
    if not spec.add_path.enabled or spec.parallel_sessions is not None:
        return True
    return takes_several(snapshot, name) is False


def _own_entry(peer: BgpPeer, name: str) -> bool | None:
    entries = peer.status.get("speakers")
    for entry in entries if isinstance(entries, list | tuple) else ():
        if isinstance(entry, Mapping) and entry.get("name") == name:
            value = entry.get("addPathNegotiated")
            return value if isinstance(value, bool) else None
    return None


def _condition(peer: BgpPeer) -> bool | None:
    for one in peer.conditions:
        # Parallel sessions never offer ADD-PATH: what the router would say is not known.
        if one.type == ADD_PATH and one.reason != ParallelSessions.__name__:
            return {"True": True, "False": False}.get(one.status)
    return None
