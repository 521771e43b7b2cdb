"""Sessions as `plan` compares them: also those whose password it may not read. Pure."""

from dataclasses import replace
from typing import Final

from cli.source.cluster import PlannedCluster
from manager.planner.bgp.peers import neighbors, read_peers
from pointsman.model.route import Neighbor, PeerName

# What users write, where it is not what the speaker calls it in other letters.
_WRITTEN: Final = {
    "asn": "as",
    "password": "passwordSecretRef",
    "multihop_ttl": "ebgpMultihop",
    "graceful_restart_seconds": "gracefulRestart",
    "hold_seconds": "timers.holdSeconds",
    "keepalive_seconds": "timers.keepaliveSeconds",
    "connect_retry_seconds": "timers.connectRetrySeconds",
}


def field(name: str) -> str:
    """Return the field of a BgpPeer that users write for field *name* of a Neighbor."""
    head, *more = name.split("_")
    return _WRITTEN.get(name) or head + "".join(word.capitalize() for word in more)


def neighbor(planned: PlannedCluster, name: PeerName, index: int) -> Neighbor | None:
    """Return the session of BgpPeer *name* with the speaker *index*; None: none is opened.

    This command reads no Secrets. A password that it doesn't know counts as one that is
    there and named like its Secret: another Secret or key is another password.
    """
    speakers = planned.plan.speakers
    if index >= len(speakers):
        return None
    found = speakers[index].neighbors.get(name)
    if found is not None:
        return found
    peers = read_peers(planned.settled)
    spec = peers.usable.get(name)
    if name not in peers.awaiting_password or spec is None or spec.password_secret_ref is None:
        return None
    ref = spec.password_secret_ref
    passwords = {**peers.passwords, name: f"{ref.name}/{ref.key}"}
    awaiting_password, sessions = peers.awaiting_password - {name}, planned.plan.sessions
    known = replace(
        peers, passwords=passwords, awaiting_password=awaiting_password, sessions=sessions
    )
    return neighbors(planned.settled, known, index).get(name)
