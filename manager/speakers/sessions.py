"""The sessions of a speaker as read last, and for how long each has been down, as this process saw.

The age lives here, because no snapshot holds it: a new leader begins at zero, and so does a
daemon that was replaced. Refuses to read anything.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from pointsman.model.route import PeerName, SessionReport


class Sessions:
    """The reports read last. *clock*: monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.now: Mapping[PeerName, SessionReport] = {}
        self._down_since: dict[PeerName, float] = {}

    def note(self, sessions: Mapping[PeerName, SessionReport]) -> None:
        """Keep *sessions*; each that is down has been since it was first seen so."""
        now, before = self._clock(), self._down_since
        down = (name for name, one in sessions.items() if not one.live)
        self.now, self._down_since = sessions, {name: before.get(name, now) for name in down}

    def aged(self, sessions: Mapping[PeerName, SessionReport]) -> Mapping[PeerName, SessionReport]:
        """Return *sessions*, those that are down with how long they have been, in seconds.

        While all are up, the same object.
        """
        if all(one.live for one in sessions.values()):
            return sessions
        now = self._clock()
        return {
            name: one if one.live else replace(one, down_s=now - self._down_since.get(name, now))
            for name, one in sessions.items()
        }

    @property
    def awaits_bfd(self) -> bool:
        """Whether BFD has not come up on a session that is."""
        return any(one.live and one.bfd_state not in ("", "Up") for one in self.now.values())
