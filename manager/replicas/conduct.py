"""How this replica behaves to routers, given what it hears of the others. Pure.

A stale one goes quiet towards a router that a fresh replica serves: what it advertises would keep
what the other has withdrawn. One that does not hear another outbids it where they may differ. Each
error is the harmless one: in doubt it speaks, and in its usual words.
"""

from collections.abc import Collection, Iterable

from manager.replicas.reports import OtherReplica
from manager.replicas.timing import DOUBT_S, LATELY_S, STEADY_S
from pointsman.model.route import PeerName
from pointsman.wire.replica_report import mark_of


def quiet_towards(
    routers: Iterable[PeerName],
    others: Collection[OtherReplica],
    *,
    already: frozenset[PeerName],
    stale_since_s: float | None,
    now_s: float,
) -> frozenset[PeerName]:
    """Return the *routers* that are to have no path of ours.

    *stale_since_s*: since when what we know of the API may be old; None: it is not. One that we
    are quiet towards *already* stays so while the other still serves it. Before that it must have
    for a while, and have called itself fresh when it could know what befell us: an API server
    that is gone for all makes all stale at one time, and then each would be quiet for the others.
    """
    if stale_since_s is None:
        return frozenset()
    fresh = [one for one in others if one.is_heard(now_s) and one.fresh_since_s is not None]
    doubted = now_s - stale_since_s >= DOUBT_S
    found = set()
    for router in routers if doubted else already & frozenset(routers):
        mark = mark_of(router)
        steady = 0.0 if router in already else STEADY_S
        for one in fresh:
            since_s = max(one.fresh_since_s or 0.0, one.steady_since_s)
            if mark in one.serves and now_s - max(since_s, one.serves[mark]) >= steady:
                found.add(router)
    return frozenset(found)


def is_missed(other: OtherReplica, now_s: float) -> bool:
    """Whether a replica that is there, by what is written, is not heard."""
    return not other.is_heard(now_s)


def is_in_step(other: OtherReplica, now_s: float) -> bool:
    """Whether a replica is heard, fresh, and its speakers hold what it planned."""
    return other.is_heard(now_s) and other.fresh_since_s is not None and other.follows > 0


def followed(others: Iterable[OtherReplica], now_s: float) -> int | None:
    """Return the version of Services up to which the tables of all heard lately follow.

    None: nobody was heard, so nobody is waited for. 0: of one of them it is not known.
    """
    lately = [one.follows for one in others if now_s - one.heard_s < LATELY_S]
    return min(lately, default=None)
