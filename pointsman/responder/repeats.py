"""Announcing again what was announced long ago, so that no switch and no router forgets.

A switch forgets a station that is silent for minutes, and then floods what is sent to it; hosts
that missed an announcement hear the next one. Every frame serves both.
"""

import math
from collections import OrderedDict
from collections.abc import Iterable

from pointsman.responder.terms import Address, Chance
from pointsman.responder.timing import KEEPALIVE_S, REPEAT_S, REPEAT_SHARE, REPEAT_TICK_S


class Repeats:
    """A rotation over the addresses that are announced: a few at each tick.

    One round takes REPEAT_S, or ten times as long as all of them take at the allowed rate; an
    interface never waits longer than KEEPALIVE_S for a frame.
    """

    def __init__(self, chance: Chance) -> None:
        self._rotation: OrderedDict[Address, None] = OrderedDict()
        self._chance = chance
        self._tick_s: float | None = None

    def __contains__(self, address: object) -> bool:
        return address in self._rotation

    def addresses(self) -> Iterable[Address]:
        """Return the addresses in rotation."""
        return self._rotation.keys()

    def add(self, address: Address, *, rate: int, now_s: float) -> None:
        """Take *address* into the rotation, as the last; it was announced just now."""
        self._rotation[address] = None
        if self._tick_s is None:  # by chance, so that nodes started at once don't speak at once
            self._tick_s = now_s + self._gap_s(rate) * self._chance.uniform(0.5, 1.0)

    def postpone(self, *, rate: int, now_s: float) -> None:
        """All are about to be announced anew: the next tick is a gap away."""
        if self._rotation:
            self._tick_s = now_s + self._gap_s(rate)

    def discard(self, address: Address) -> None:
        """Take *address* out."""
        self._rotation.pop(address, None)
        if not self._rotation:
            self._tick_s = None

    def next_s(self) -> float | None:
        """Return when :meth:`due` has something. None: nothing is in rotation."""
        return self._tick_s

    def due(self, now_s: float, *, rate: int) -> list[Address]:
        """Return the addresses to announce again now; a late call doesn't catch up."""
        if self._tick_s is None or now_s < self._tick_s:
            return []
        gap_s = self._gap_s(rate)
        self._tick_s = now_s + gap_s
        number = len(self._rotation)
        several = max(1, math.ceil(number * gap_s / self._round_s(rate)))
        chosen = [self._rotation.popitem(last=False)[0] for _ in range(min(several, number))]
        self._rotation.update(dict.fromkeys(chosen))
        return chosen

    def _round_s(self, rate: int) -> float:
        return max(REPEAT_S, REPEAT_SHARE * len(self._rotation) / rate)

    def _gap_s(self, rate: int) -> float:
        between_s = self._round_s(rate) / len(self._rotation)
        return min(KEEPALIVE_S, max(REPEAT_TICK_S, between_s))
