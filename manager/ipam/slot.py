"""What a driver is handed: the newest plan of its IPAM, and what all drivers share."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from manager.ports import WriteFence
from pointsman.model.reservation import SourcePlan, SourceReading
from pointsman.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Slot:
    """What the IPAM should come to, and the reading that this was planned from."""

    plan: SourcePlan
    planned_from: SourceReading
    term: int  # of leadership, in which it was planned

    def equals(self, other: "Slot") -> bool:
        """Whether nothing is to be looked at again because of *other* in the place of this."""
        same = self.planned_from is other.planned_from and self.term == other.term
        return same and self.plan == other.plan


class Leader(Protocol):
    """Whether this replica may write, and since which term."""

    @property
    def fence(self) -> WriteFence: ...

    @property
    def term(self) -> int:
        """A number that grows whenever leading begins."""
        ...


@dataclass(frozen=True, slots=True)
class Shell:
    """What drivers share.

    *releasing*: whether entries that nobody has may be given back now.

    *counted* is told what was asked: of which Eip's, what, and how it ended.
    """

    leader: Leader
    clock: Clock
    chance: random.Random
    wake: Callable[[], None]
    releasing: Callable[[], bool]
    counted: Callable[[str, str, str], None] = lambda *_: None
