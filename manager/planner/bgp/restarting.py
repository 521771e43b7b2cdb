"""Whether routers are asked to keep our paths while a speaker is away: graceful restart.

`Auto` offers it while one manager runs: with a second speaker, stale paths of the first would
only keep dead next hops. How many run is what `--replicas` says, else what the BgpPeers' status
records: each replica writes entries of its own, and the leader takes away those of a replica whose
Lease is no longer renewed.

Offering it, or no longer, starts a session anew. So a session that is up keeps what it has until
it ends by itself, but where another replica's session with that router stands and takes over
meanwhile; and of several replicas that still offer it, one goes at a time, in order of names.
"""

from collections.abc import Iterator, Mapping

from manager.snapshot import Snapshot
from pointsman.api import BgpConfSpec, BgpPeerSpec, GracefulRestart, Offer
from pointsman.model.route import LIVE, PeerName


def restart_seconds(
    snapshot: Snapshot,
    conf: BgpConfSpec | None,
    spec: BgpPeerSpec,
    *,
    name: PeerName,
    speaker: int = 0,
) -> int | None:
    """Return for how long the router is asked to keep our paths, or None: not at all."""
    offer = _offer(conf, spec)
    if offer is None or offer.enabled is Offer.NEVER:
        return None
    if offer.enabled is Offer.ALWAYS:
        return offer.restart_seconds
    alone = replicas(snapshot) == 1
    if _is_offered(snapshot, name, speaker, alone=alone):
        return offer.restart_seconds
    return None


def confusable(snapshot: Snapshot, conf: BgpConfSpec | None, spec: BgpPeerSpec) -> bool:
    """Whether the router may take one replica's session for the next life of another's.

    That is where several speak from one address, and each offers a restart whoever else runs.
    """
    if spec.source_address is None and spec.parallel_sessions is None:
        return False
    offer = _offer(conf, spec)
    return offer is not None and offer.enabled is Offer.ALWAYS and replicas(snapshot) > 1


def _offer(conf: BgpConfSpec | None, spec: BgpPeerSpec) -> GracefulRestart | None:
    return spec.graceful_restart or (conf.graceful_restart if conf is not None else None)


def replicas(snapshot: Snapshot) -> int:
    """Return how many managers run, as far as it is said or recorded."""
    given = snapshot.settings.replicas
    if given is not None:
        return given
    every = (entry for name in snapshot.bgp_peers for entry in _others(snapshot, name))
    return 1 + len({_replica(entry) for entry in every})


def _is_offered(snapshot: Snapshot, name: PeerName, speaker: int, *, alone: bool) -> bool:
    """Whether it is offered, given whether we run alone."""
    seen = snapshot.speakers[speaker]
    configured, session = seen.neighbors.get(name), seen.sessions.get(name)
    if snapshot.settings.replicas is not None or configured is None:
        return alone
    if session is None or not session.live:
        return alone
    offered = configured.graceful_restart_seconds is not None
    if offered and not alone:
        return not (session.graceful_restart and _is_our_turn(snapshot, name))
    return offered


def _is_our_turn(snapshot: Snapshot, name: PeerName) -> bool:
    """Whether another replica's session with the router stands, and no such one goes first."""
    standing = [e for e in _others(snapshot, name) if e.get("state") == LIVE]
    first = snapshot.settings.speaker_name
    return bool(standing) and not any(
        entry.get("gracefulRestartNegotiated") is True and _replica(entry) < first
        for entry in standing
    )


def _others(snapshot: Snapshot, name: PeerName) -> Iterator[Mapping[str, object]]:
    """Yield the entries of other replicas about the router *name*."""
    found = snapshot.bgp_peers[name].status.get("speakers")
    for entry in found if isinstance(found, list) else ():
        if isinstance(entry, Mapping) and _replica(entry) != snapshot.settings.speaker_name:
            yield entry


def _replica(entry: Mapping[str, object]) -> str:
    return str(entry.get("name")).partition("/")[0]
