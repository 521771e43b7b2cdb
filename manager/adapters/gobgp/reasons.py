"""Why sessions are away, as gobgpd's parent leaves it beside the socket; it may not be there.

Missing, unreadable, or of another daemon than the one behind the socket: nothing is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pointsman.wire import session_reasons

Seal = tuple[int, int]  # which file it was; another one is in its place after each change


@dataclass(frozen=True, slots=True)
class Reasons:
    """The reasons left beside the socket of a daemon; None: of no daemon."""

    socket: Path | None = None

    def read(self) -> Mapping[str, str]:
        """Return the reasons, by the neighbor's address."""
        if self.socket is None:
            return {}
        try:
            found = self.socket.stat()
            with self.socket.with_name(session_reasons.FILE).open("rb") as file:
                raw = file.read(session_reasons.LARGEST + 1)
        except OSError:
            return {}
        return session_reasons.decode(raw, (found.st_ino, found.st_ctime_ns))

    def seal(self) -> Seal | None:
        """Return what differs after each change; None: there is nothing."""
        if self.socket is None:
            return None
        try:
            found = self.socket.with_name(session_reasons.FILE).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns
