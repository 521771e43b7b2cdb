"""What counts as held by a speaker now, from the last reading and since when it is away."""

from dataclasses import replace
from typing import Final

from manager.snapshot import Observed
from manager.speakers.availability import GRACE_S, SESSIONS_UNKNOWN_S
from manager.speakers.sessions import Sessions
from pointsman.model.address import Prefix

# What only another object can differ in; sessions that are down are another at each look.
TABLES: Final = ("exports", "routes", "neighbors", "sessions")


def reading(
    last: Observed, sessions: Sessions, *, putting: frozenset[Prefix], silent_s: float | None
) -> Observed:
    """Return *last*, with the age of its *sessions* and what is on its way.

    *silent_s*: for how long the speaker has not answered. Then it is not fresh; its sessions
    are unknown after a few seconds, and its routes count for a grace period.
    """
    if silent_s is None:
        return replace(last, putting=putting, sessions=sessions.aged(last.sessions))
    unknown = silent_s > SESSIONS_UNKNOWN_S
    if not last.known:
        return Observed(fresh=False, sessions_unknown=unknown, known=unknown, silent_s=silent_s)
    current = Observed() if silent_s > GRACE_S else replace(last, putting=putting)
    return replace(
        current,
        sessions={} if unknown else sessions.aged(current.sessions),
        fresh=False,
        sessions_unknown=unknown,
        silent_s=silent_s,
    )


def unchanged(before: Observed, now: Observed) -> bool:
    """Whether the two say the same to the second: equality leaves out how time went by.

    Tables are compared by identity alone: whoever changed one returned another.
    """
    same_tables = all(getattr(before, name) is getattr(now, name) for name in TABLES)
    return same_tables and before == now and before.silent_s == now.silent_s
