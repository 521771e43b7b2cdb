"""What counts as held by a speaker now, from the last reading and since when it is away."""

from dataclasses import replace

from manager.snapshot import Observed
from manager.speakers.availability import GRACE_S, SESSIONS_UNKNOWN_S
from manager.speakers.sessions import Sessions
from pointsman.model.address import Prefix


def reading(
    last: Observed, sessions: Sessions, *, putting: frozenset[Prefix], silent_s: float | None
) -> Observed:
    """Return *last*, with the age of its *sessions* and what is on its way.

    *silent_s*: for how long the speaker has not answered. Then it is not fresh; its sessions
    are unknown after a few seconds, and its routes count for a grace period.
    """
    current = replace(last, putting=putting) if putting else last
    if silent_s is None:
        return replace(current, sessions=sessions.aged(last.sessions))
    unknown = silent_s > SESSIONS_UNKNOWN_S
    if not last.known:
        return Observed(fresh=False, sessions_unknown=unknown, known=unknown, silent_s=silent_s)
    if silent_s > GRACE_S:
        current = Observed()
    return replace(
        current,
        sessions={} if unknown else sessions.aged(current.sessions),
        fresh=False,
        sessions_unknown=unknown,
        silent_s=silent_s,
    )
