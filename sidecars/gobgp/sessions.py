"""What is known of each session, from what the log says, line by line. Pure.

A reason has two parts: the last NOTIFICATION, and what has kept the session away since. It
outlives the return of the session, as its last error; a changed neighbor starts afresh.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from pointsman.wire import session_reasons
from pointsman.wire.notification import CEASE, FSM_ERROR, HOLD_TIMER_EXPIRED
from sidecars.gobgp import reasons
from sidecars.gobgp.journal import Line

MOST: Final = 1000  # neighbors told of: a bound for the file
SILENT_AFTER_S: Final = 10.0  # an OPEN takes milliseconds
# Of Cease: the session is lost or reset, or there is another; nobody refused.
NO_REFUSAL: Final = frozenset({4, 6, 7, 10})
HARD_RESET: Final = (CEASE, 9)
# Of Cease, sent: somebody on our side ended it, by a change or by hand. That is no failure.
# Where graceful restart was agreed upon, it is a Hard Reset (RFC 8538 section 4).
OUR_OWN: Final = frozenset({2, 3, 4, 6, 9})
ESTABLISHED: Final = "BGP_FSM_ESTABLISHED"
OPENING: Final = frozenset({"BGP_FSM_OPENSENT", "BGP_FSM_OPENCONFIRM"})


class Turn(Enum):
    """What a line means beyond its words."""

    UP = "up"
    REFUSED = "refused"  # by a NOTIFICATION, or by closing the connection instead of an OPEN
    REFUSED_WITHOUT_REASON = (
        "refused without a reason"  # by a NOTIFICATION that gobgpd does not tell
    )
    TIMED_OUT = "timed out"  # nothing came back: is anybody there?
    CHANGED = "changed"  # the neighbor is another one now, or configured otherwise
    GONE = "gone"
    SWITCHED_OFF = "switched off"


@dataclass(slots=True)
class _Session:
    notified: str = ""
    trouble: str = ""  # since then
    stale: bool = False  # the session came up since: what goes wrong next is a new story
    up: bool = False
    waiting_since: float | None = None  # connected, and no OPEN came

    @property
    def why(self) -> str:
        if self.notified and self.trouble:
            later = reasons.HANGS_UP if self.trouble == session_reasons.NO_WORD else self.trouble
            return f"{self.notified}; since then {later}"
        return self.notified or self.trouble


@dataclass(slots=True)
class Sessions:
    """All sessions of one gobgpd."""

    _known: dict[str, _Session] = field(default_factory=dict)

    def reasons(self) -> Mapping[str, str]:
        """Return why each session that ever failed did, by the neighbor's address."""
        failed = {name: one.why for name, one in sorted(self._known.items()) if one.why}
        return dict(list(failed.items())[:MOST])

    def hear(self, line: Line, now: float) -> Turn | None:
        """Take note of one line, at monotonic *now*; return what it means besides."""
        match line.message:
            case "Add a peer configuration":
                self._known[line.neighbor] = _Session()
                return Turn.CHANGED
            case "Delete a peer configuration":
                self._known.pop(line.neighbor, None)
                return Turn.GONE
        one = self._known.setdefault(line.neighbor, _Session())
        one.waiting_since = None
        return _hear(one, line, now)

    def is_up(self, neighbor: str) -> bool:
        """Whether the session is established."""
        return neighbor in self._known and self._known[neighbor].up

    def forget(self, neighbor: str) -> None:
        """Say nothing of a session any more: somebody switched it off."""
        if neighbor in self._known:
            self._known[neighbor] = _Session()

    def blame(self, neighbor: str, clause: str) -> None:
        """Say what keeps a session away, found out by asking."""
        if neighbor in self._known and not self._known[neighbor].up:
            _trouble(self._known[neighbor], clause)

    def blame_notification(self, neighbor: str, clause: str) -> None:
        """Say which NOTIFICATION a router refuses us with, found out by asking."""
        if neighbor in self._known and not self._known[neighbor].up:
            _notified(self._known[neighbor], clause)

    def tick(self, now: float) -> None:
        """Notice what is told by silence alone."""
        for one in self._known.values():
            since = one.waiting_since
            if since is not None and now - since >= SILENT_AFTER_S and not one.up:
                one.waiting_since = None
                _trouble(one, reasons.SILENT)


def _hear(one: _Session, line: Line, now: float) -> Turn | None:
    match line.message:
        case "Peer Up":
            one.up = one.stale = True
            return Turn.UP
        case "Peer Down":
            return _down(one, line.text("Reason"))
        case "sent notification" | "received notification":
            return _exchanged(one, line)
        case "failed to connect":
            return _unconnected(one, line.text("Error"))
        case "outgoing connection established":
            one.waiting_since = now
        case "outgoing connection IO error":
            _trouble(one, session_reasons.NO_WORD)
            return Turn.REFUSED
        case "state changed" if line.text("new") == "BGP_FSM_IDLE":
            return _fallen(one, line)
        case "Mismatched local address" if not one.up:
            called = reasons.printable(line.text("Addr"))
            _trouble(one, f"the router calls {called}, which is not the session's source address")
        case "Administrative shutdown":
            return Turn.SWITCHED_OFF
        case "Update timer configuration" | "Update BFD configuration":
            return Turn.CHANGED
    return None


def _down(one: _Session, reason: str) -> Turn | None:
    one.up = False
    if one.stale:  # nothing was said of it before
        clause = {
            "read-failed": reasons.CLOSED,
            "graceful-restart": reasons.CLOSED,
            "write-failed": reasons.BROKE,
        }.get(reason)
        if clause is not None:
            _trouble(one, clause)
    return None


def _exchanged(one: _Session, line: Line) -> Turn | None:
    code, subcode, sent = line.number("Code"), line.number("Subcode"), line.message[0] == "s"
    if sent and code == FSM_ERROR and line.text("State") != ESTABLISHED:
        # gobgpd's answer to a NOTIFICATION where it waits for an OPEN (read and measured, 4.8).
        return _refused_without_reason(one)
    if sent and code == CEASE and subcode in OUR_OWN:
        return None
    communicated = line.text("Communicated-Reason")
    clause = reasons.notification(code, subcode, sent=sent, communicated=communicated)
    if (code, subcode) == HARD_RESET and (inner := _wrapped(line.text("Data"))) is not None:
        code, subcode = inner
        clause = reasons.hard_reset(code, subcode, sent=sent)
    _notified(one, clause)
    lost = code == HOLD_TIMER_EXPIRED or (code == CEASE and subcode in NO_REFUSAL)
    return None if lost else Turn.REFUSED


def _wrapped(data: str) -> tuple[int, int] | None:
    """Return code and subcode of what a Hard Reset carries: RFC 8538 section 3.1."""
    try:
        found = base64.b64decode(data, validate=True)
    except ValueError:
        return None
    return (found[0], found[1]) if len(found) >= 2 else None


def _refused_without_reason(one: _Session) -> Turn:
    if one.stale or not one.notified:  # else the router says what it said, as far as we know
        _notified(one, reasons.REFUSED_OPEN)
    return Turn.REFUSED_WITHOUT_REASON


def _unconnected(one: _Session, error: str) -> Turn | None:
    clause = reasons.connecting(error)
    if clause == reasons.TIMED_OUT:
        return Turn.TIMED_OUT  # its words wait until we know whether anybody is there
    _trouble(one, clause)
    return None


def _fallen(one: _Session, line: Line) -> Turn | None:
    """An opening session fell back: gobgpd says why here only."""
    if line.text("old") not in OPENING:
        return None
    match line.text("reason"):
        case "invalid-msg" if line.text("old") == "BGP_FSM_OPENCONFIRM":
            return _refused_without_reason(one)
        case "read-failed":
            _trouble(one, session_reasons.NO_WORD)
            return Turn.REFUSED
    return None


def _notified(one: _Session, clause: str) -> None:
    one.notified, one.trouble, one.stale = clause, "", False


def _trouble(one: _Session, clause: str) -> None:
    if one.stale:
        one.notified, one.stale = "", False
    one.trouble = clause
