"""Which router ids the speakers of all replicas have: what the status of BgpConf shows.

Each replica derives its own; that any other can, too, is what makes them stable. Refuses to
know a replica that is neither this one nor has an entry in a BgpPeer.
"""

from collections.abc import Mapping

from manager.planner.bgp.peers import identities_of
from manager.snapshot import Snapshot
from pointsman.api import BgpConfSpec

MOST = 63  # an index that somebody wrote into a status costs no more than this


def router_ids(snapshot: Snapshot, conf: BgpConfSpec) -> list[str]:
    """Return the router id of every speaker, by replica and index, each once."""
    ids = [
        str(identity.router_id)
        for replica, count in sorted(_speakers(snapshot).items())
        for identity in identities_of(snapshot, conf, replica, count=count)
    ]
    return list(dict.fromkeys(ids))  # one that is given is every first speaker's


def _speakers(snapshot: Snapshot) -> Mapping[str, int]:
    """Return how many speakers each replica has; offline there is none."""
    own = snapshot.settings.speaker_name
    found = {own: len(snapshot.speakers)} if own else {}
    for peer in snapshot.bgp_peers.values():
        entries = peer.status.get("speakers")
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, Mapping) and isinstance(name := entry.get("name"), str):
                replica, _, index = name.partition("/")
                if replica != own:
                    number = int(index) if index.isascii() and index.isdigit() else 0
                    found[replica] = max(found.get(replica, 1), min(number, MOST) + 1)
    return found
