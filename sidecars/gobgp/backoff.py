"""When a router that refuses us is asked again: later each time, up to a minute. Pure.

gobgpd alone would come back every two seconds for ever (measured, 4.8): each time the router
logs it, and each time a session that comes up for an instant tells it everything. gobgpd has
no such timer to set, so a neighbor is switched off and on again. On it sits still for 5 s and
connects within 2 more (measured, 4.8).

A lost session is no refusal: it is opened again as fast as gobgpd does that.
"""

from dataclasses import dataclass, field
from typing import Final

from sidecars.gobgp.sessions import Turn

STEPS_S: Final = (7.0, 15.0, 30.0, 60.0)
RETURN_S: Final = 7.0  # what gobgpd itself takes from being switched on to connecting
LEAST_S: Final = 0.5  # for its log to say that it is off
AGAIN_S: Final = 1.0  # until it is switched on again by a daemon that did not answer
STEADY_S: Final = 60.0  # a session that lived so long was a success


@dataclass(slots=True)
class _Neighbor:
    step: int = 0
    up_since: float | None = None
    off_until: float | None = None  # switched off by us


@dataclass(slots=True)
class Backoff:
    """The neighbors that refused us lately."""

    scale: float = 1.0
    _known: dict[str, _Neighbor] = field(default_factory=dict)

    def hear(self, neighbor: str, turn: Turn, now: float) -> bool:
        """Take note of a turn; return whether the neighbor is to be switched off now."""
        if turn in (Turn.CHANGED, Turn.GONE):
            known = self._known.pop(neighbor, None)
            # Removed and added, gobgpd has it on; else whoever changed it gets it on by this.
            if turn is Turn.CHANGED and known is not None and known.off_until is not None:
                self._known[neighbor] = _Neighbor(off_until=now)
            return False
        one = self._known.setdefault(neighbor, _Neighbor())
        if turn is Turn.UP:
            one.up_since = now
        elif turn in (Turn.REFUSED, Turn.REFUSED_WITHOUT_REASON) and one.off_until is None:
            return self._refused(one, now)
        return False

    def _refused(self, one: _Neighbor, now: float) -> bool:
        was_up, one.up_since = one.up_since, None
        if was_up is not None and now - was_up >= STEADY_S * self.scale:
            one.step = 0
        delay = STEPS_S[one.step]
        one.step = min(one.step + 1, len(STEPS_S) - 1)
        if was_up is not None and delay <= RETURN_S:
            return False  # gobgpd does just that after a session
        one.off_until = now + max(delay - RETURN_S, LEAST_S) * self.scale
        return True

    def is_off(self, neighbor: str) -> bool:
        """Whether it is off because of us."""
        known = self._known.get(neighbor)
        return known is not None and known.off_until is not None

    def due(self, now: float) -> list[str]:
        """Return the neighbors to be switched on now; they count as on from here."""
        found = sorted(
            name
            for name, one in self._known.items()
            if one.off_until is not None and one.off_until <= now
        )
        for name in found:
            self._known[name].off_until = None
        return found

    def still_off(self, neighbor: str, now: float) -> None:
        """Have it switched on again, if it is there: that it was is not known."""
        known = self._known.get(neighbor)
        if known is not None and known.off_until is None:
            known.off_until = now + AGAIN_S * self.scale
