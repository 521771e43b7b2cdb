"""Whether a node that drains is quiet, from what its agent writes: pure, one reading at a time.

Quiet is an agent's word, never the absence of one: it says since when no new flow came and until
when it looked, both by the clock of its node, so no other clock is compared with that. What counts
begins with its first word after no router was told the node any more. Refuses to wait for ever
for an agent that says nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pointsman.model.address import Address, address_order
from pointsman.model.assignment import MOST_ARRIVING
from pointsman.model.printable import clipped
from pointsman.model.ranges import read_address
from pointsman.model.timestamps import parse_time

SILENCE_S: Final = 60.0  # an agent that looks says something every 15 s
TRANSIENT_S: Final = 5.0  # what cannot be measured for no longer than that may be the beginning
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Comer:
    """Who still begins flows to an address."""

    address: Address
    source: Address
    last: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """What one reading comes to."""

    quiet: bool = False
    why: str = ""  # not yet; "" when *quiet*
    final: bool = False  # waiting longer changes nothing
    comers: tuple[Comer, ...] = ()  # within the time that is to be quiet, by address


@dataclass(frozen=True, slots=True)
class _Word:
    generation: int
    since: datetime
    until: datetime


@dataclass(slots=True)
class Listening:
    """Reads the Announcer of *node* until it was quiet for *wanted*.

    *looked_for*: whether there is anything to look for; without it every node is quiet.
    """

    node: str
    wanted: timedelta
    looked_for: bool = True
    _watched: object = field(default=None, init=False)
    _generation: int = field(default=0, init=False)  # of the spec that first said so
    _first: datetime | None = field(default=None, init=False)  # `until` of what was there before
    _begins: datetime | None = field(default=None, init=False)  # `until` of what came since
    _begun: bool = field(default=False, init=False)
    _news: tuple[object, ...] = field(default=(), init=False)
    _news_s: float | None = field(default=None, init=False)
    _hidden_s: float | None = field(default=None, init=False)

    def anew(self) -> None:
        """Take that a router is told the node: what was quiet until now does not count."""
        self._begun, self._first, self._begins = False, None, None

    def judge(self, announcer: Json | None, now_s: float) -> Judged:
        """Return what *announcer* as it is at *now_s* comes to; None: there is none."""
        if not self.looked_for:
            return Judged(quiet=True)
        spec, status = _part(announcer, "spec"), _part(announcer, "status")
        word, comers = _word(status), self._recent(status)
        self._hear(spec.get("watched"), _part(announcer, "metadata").get("generation"))
        self._follow(word)
        if word is not None and self._is_quiet(word):
            return Judged(quiet=True)
        if hidden := self._unmeasured(status):
            self._hidden_s = now_s if self._hidden_s is None else self._hidden_s
            return Judged(why=hidden, final=now_s - self._hidden_s >= TRANSIENT_S, comers=comers)
        self._hidden_s = None
        news = (word, self._watched)
        if self._news_s is None or news != self._news:
            self._news, self._news_s = news, now_s
        silent = now_s - self._news_s >= SILENCE_S
        why = self._why_not(announcer, word, status, silent=silent)
        return Judged(why=why, final=silent, comers=comers)

    def _hear(self, watched: object, generation: object) -> None:
        """Note since which spec the agent is asked to look for what it is asked now."""
        if watched != self._watched:
            self._watched = watched
            self._generation = generation if type(generation) is int else 0

    def _follow(self, word: _Word | None) -> None:
        """Note the first word that was said after the node was out of all routes."""
        until = None if word is None else word.until
        if not self._begun:
            self._begun, self._first = True, until
        elif self._begins is None and until is not None and until != self._first:
            self._begins = until

    def _is_quiet(self, word: _Word) -> bool:
        if not self._watched or word.generation < self._generation or self._begins is None:
            return False
        return word.until - max(word.since, self._begins) >= self.wanted

    def _unmeasured(self, status: Json) -> str:
        reason = status.get("arrivingUnmeasured")
        if not isinstance(reason, str) or not reason:
            return ""
        return f"Whether node {self.node} is quiet is not measurable here: {clipped(reason, 256)}"

    def _why_not(
        self, announcer: Json | None, word: _Word | None, status: Json, *, silent: bool
    ) -> str:
        node = self.node
        if announcer is None:
            return f"There is no Announcer {node}: no manager has made one; does one lead?"
        if not self._watched:
            return (
                f"No manager has asked the agent of node {node} to look at what arrives (spec."
                "watched of its Announcer): does one lead, and is it of this version?"
            )
        version = status.get("agentVersion")
        if not isinstance(version, str):
            return f"The agent of node {node} has never reported: does its Pod run?"
        if word is None:
            return (
                f"The agent of node {node} (version {clipped(version)}) does not say what arrives: "
                "either it does not run, or it is older than this command."
            )
        if silent:
            at = word.until.strftime("%Y-%m-%dT%H:%M:%SZ")
            return (
                f"The agent of node {node} has said nothing since {at}, so whether flows still "
                "come is not known: does its Pod run, and does it reach the API server?"
            )
        if word.generation < self._generation:
            return f"The agent of node {node} has not taken up yet what it is to look for."
        seconds = (word.until - max(word.since, self._begins or word.until)).total_seconds()
        return (
            f"Node {node} has been quiet for {max(seconds, 0):.0f} s of "
            f"{self.wanted.total_seconds():.0f} s, as its agent says."
        )

    def _recent(self, status: Json) -> tuple[Comer, ...]:
        """Return who came within the time that is to be quiet, as far as the agent has looked."""
        listed = status.get("arriving")
        found = [
            comer
            for entry in (listed[:MOST_ARRIVING] if isinstance(listed, list) else ())
            if (comer := _comer(entry)) is not None
        ]
        word = _word(status)
        until = max((one.last for one in found), default=None) if word is None else word.until
        return tuple(
            sorted(
                (one for one in found if until is not None and one.last > until - self.wanted),
                key=lambda one: address_order(one.address),
            )
        )


def _part(thing: Json | None, key: str) -> Json:
    found = thing.get(key) if thing is not None else None
    return found if isinstance(found, Mapping) else {}


def _word(status: Json) -> _Word | None:
    entry = _part(status, "quiet")
    generation = entry.get("observedGeneration")
    since, until = (parse_time(str(entry.get(key) or "")) for key in ("since", "until"))
    if type(generation) is not int or since is None or until is None:
        return None
    return _Word(generation, since, until)


def _comer(entry: object) -> Comer | None:
    if not isinstance(entry, Mapping):
        return None
    last = parse_time(str(entry.get("last") or ""))
    try:
        address, source = (read_address(str(entry.get(key))) for key in ("address", "source"))
    except ValueError:
        return None
    return None if last is None else Comer(address, source, last)
