"""One address on one interface: may it be answered for, and what is its next deed?

A state machine without frames, link or clock. Time comes in by each call; what shall happen
next stands in :attr:`Holding.due_s` until :meth:`Holding.act` does it. DESIGN.md
beside this file has the picture.
"""

from enum import Enum, auto

from pointsman.responder import timing
from pointsman.responder.terms import Chance
from pointsman.responder.timing import DEFEND_INTERVAL_S
from pointsman.wire.ndp import NONCE_OCTETS


class Standing(Enum):
    """Where an address stands. Only in ANNOUNCED is it answered for."""

    UNHEARD = auto()
    PROBING = auto()
    IN_USE = auto()
    ANNOUNCED = auto()
    QUESTIONED = auto()
    DEFERRING = auto()
    CONTENDING = auto()
    REVOKED = auto()


class Deed(Enum):
    """What an act sends."""

    NOTHING = auto()
    ANNOUNCE = auto()
    PROBE = auto()


class Rank(Enum):
    """Which frame goes first where not all may: a lower value."""

    FREE = 0  # sends nothing
    DEFEND = 1
    FIRST = 2  # an address's first announcement: clients wait for it
    PROBE = 3
    ROUND = 4  # further announcements, by round


ASKING = frozenset({Standing.QUESTIONED, Standing.DEFERRING, Standing.CONTENDING})
PROBES_OUT = frozenset({Standing.PROBING, Standing.CONTENDING})


class Holding:
    """The state of one address; made by :meth:`probe_first` or :meth:`announce` right after."""

    __slots__ = (
        "claimant",
        "confirmed",
        "defend_s",
        "defended_s",
        "next_s",
        "nonce",
        "rounds_s",
        "sent",
        "shown",
        "silenced_s",
        "standing",
        "window_s",
    )

    def __init__(self, rounds_s: tuple[float, ...]) -> None:
        self.rounds_s = rounds_s
        self.standing = Standing.UNHEARD
        self.shown: Standing | None = None  # what the responder counted it as
        self.next_s: float | None = None  # of the series, or of the state
        self.sent = 0  # of the probes, or of the announcements of this series
        self.nonce = b""  # of our probes (RFC 7527)
        self.claimant = b""  # who spoke for it last
        self.confirmed = True  # by a look, or by the assignment itself, since the last claim
        self.silenced_s: float | None = None
        self.defended_s: float | None = None
        self.defend_s: float | None = None  # a defence is due then
        self.window_s = timing.CONTEST_FIRST_S

    # What the link and the assignment say

    def probe_first(self, now_s: float, chance: Chance, *, heard: bool) -> None:
        """Ask the network before answering; while it was never *heard*, wait for that."""
        self.standing = Standing.PROBING if heard else Standing.UNHEARD
        self.sent = 0
        self.nonce = chance.randbytes(NONCE_OCTETS)
        self.next_s = now_s if heard else None

    def announce(self, now_s: float) -> None:
        """Answer from now on; begin a series of announcements."""
        self.standing = Standing.ANNOUNCED
        self.sent = 0
        self.defend_s = None
        self.next_s = now_s

    def link_came(self, now_s: float, chance: Chance) -> None:
        """Begin again what the old link, or the old MAC, had of this address."""
        match self.standing:
            case Standing.ANNOUNCED:
                self.announce(now_s)
            case Standing.PROBING | Standing.IN_USE:
                self.probe_first(now_s, chance, heard=False)
            case Standing.CONTENDING | Standing.DEFERRING:
                self._defer(now_s, chance)
            case _:
                pass

    # What others send

    def claimed(self, mac: bytes, *, yields: bool, now_s: float) -> None:
        """*mac* speaks for the address while it is ours; *yields*: so that clients follow it."""
        self.claimant = mac
        if yields and not (self.confirmed and self._within(self.silenced_s, now_s)):
            self.silenced_s = now_s
            self.confirmed = False
            self.standing = Standing.QUESTIONED
            self.defend_s = None
            self.next_s = now_s + timing.LOOK_PATIENCE_S
        else:
            self._defend(now_s)

    def overheard(
        self, mac: bytes, *, own: bytes, probes: bool, now_s: float, chance: Chance
    ) -> None:
        """*mac* speaks for the address, or only *probes* for it, while it is not answered for.

        A probe counts as an answer; of two that probe at once the lower MAC goes on.
        """
        if probes and self.standing in PROBES_OUT and mac > own:
            return
        match self.standing:
            case Standing.PROBING:
                self._found_in_use(mac, now_s)
            case Standing.CONTENDING:
                self.window_s = min(2 * self.window_s, timing.CONTEST_LAST_S)
                self.claimant = mac
                self._defer(now_s, chance)
            case Standing.DEFERRING:
                self.claimant = mac
                self._defer(now_s, chance)
            case _ if not probes:
                self.claimant = mac
            case _:
                pass

    # What the shell found when it looked

    def looked(self, *, ours: bool | None, now_s: float, chance: Chance) -> None:
        """True: ours as ever. False: not any more. None: neither could be asked."""
        if ours is None:
            if self.standing is Standing.QUESTIONED:
                self._defer(now_s, chance, clear_s=0.0)
            return
        asked = self.standing in ASKING or self.standing is Standing.REVOKED
        if not ours:
            if asked or (self.standing is Standing.ANNOUNCED and not self.confirmed):
                self.standing = Standing.REVOKED
                self.defend_s = None
                self.next_s = now_s + timing.LOOK_AGAIN_S
            return
        if self.standing is Standing.QUESTIONED:
            self.standing = Standing.ANNOUNCED
            self.next_s = self._next_round_s(now_s)
            self._defend(now_s)
        elif asked:
            self.announce(now_s)
        if asked or self.standing is Standing.ANNOUNCED:
            self.confirmed = True
            self.window_s = timing.CONTEST_FIRST_S

    # What is next

    @property
    def answers(self) -> bool:
        """Whether the address is answered for."""
        return self.standing is Standing.ANNOUNCED

    @property
    def asks(self) -> bool:
        """Whether the shell must look whose the address is.

        A revoked one that is assigned to us all the same was given again, or the assignment is
        out of date: that is worth a look, too.
        """
        return self.standing in ASKING or (
            self.standing is Standing.REVOKED and self.next_s is None
        )

    @property
    def due_s(self) -> float | None:
        """Return when :meth:`act` is next. None: nothing is to come."""
        if self.defend_s is None or self.next_s is None:
            return self.next_s if self.defend_s is None else self.defend_s
        return min(self.defend_s, self.next_s)

    @property
    def rank(self) -> int:
        """Return the rank of the next act."""
        if self.standing in PROBES_OUT and self.sent < timing.PROBES:
            return Rank.PROBE.value
        if self.standing is not Standing.ANNOUNCED:
            return Rank.FREE.value
        if self.defend_s is not None and self.defend_s == self.due_s:
            return Rank.DEFEND.value
        return Rank.FIRST.value if self.sent == 0 else Rank.ROUND.value + self.sent

    def act(self, now_s: float, chance: Chance) -> Deed:
        """Do what is due: change the state, set the next time, return what is to be sent."""
        match self.standing:
            case Standing.ANNOUNCED if self.defend_s is not None and self.defend_s <= now_s:
                self.defend_s = None
                self.defended_s = now_s
                return Deed.ANNOUNCE
            case Standing.ANNOUNCED:
                self.sent += 1
                self.next_s = self._next_round_s(now_s)
                return Deed.ANNOUNCE
            case Standing.PROBING | Standing.CONTENDING if self.sent < timing.PROBES:
                self.sent += 1
                last = self.sent == timing.PROBES
                self.next_s = now_s + (timing.PROBE_WAIT_S if last else timing.PROBE_GAP_S)
                return Deed.PROBE
            case Standing.PROBING | Standing.CONTENDING:
                self.announce(now_s)
            case Standing.IN_USE:
                self.probe_first(now_s, chance, heard=True)
            case Standing.QUESTIONED:
                self._defer(now_s, chance, clear_s=0.0)
            case Standing.DEFERRING:
                self.standing = Standing.CONTENDING
                self.sent = 0
                self.nonce = chance.randbytes(NONCE_OCTETS)
                self.next_s = now_s
            case Standing.REVOKED | Standing.UNHEARD:
                self.next_s = None
        return Deed.NOTHING

    def _found_in_use(self, mac: bytes, now_s: float) -> None:
        self.standing = Standing.IN_USE
        self.claimant = mac
        self.next_s = now_s + timing.IN_USE_RETRY_S

    def _defer(
        self, now_s: float, chance: Chance, *, clear_s: float = timing.CONTEST_CLEAR_S
    ) -> None:
        """Wait for a moment that chance picks: two cut-off holders must not pick the same."""
        self.standing = Standing.DEFERRING
        self.next_s = now_s + clear_s + chance.uniform(0.0, self.window_s)

    def _defend(self, now_s: float) -> None:
        """Announce once, as soon as the last defence is DEFEND_INTERVAL_S ago.

        A claim within the interval is answered at its end (RFC 5227 section 2.4 (c)): whom it
        misled is not left with it for ever.
        """
        if self.defend_s is None:
            last_s = self.defended_s
            self.defend_s = now_s if last_s is None else max(now_s, last_s + DEFEND_INTERVAL_S)

    def _next_round_s(self, now_s: float) -> float | None:
        if not 0 < self.sent < len(self.rounds_s):
            return None if self.sent else now_s
        return now_s + self.rounds_s[self.sent] - self.rounds_s[self.sent - 1]

    @staticmethod
    def _within(then_s: float | None, now_s: float) -> bool:
        return then_s is not None and now_s - then_s < timing.SILENCE_INTERVAL_S
