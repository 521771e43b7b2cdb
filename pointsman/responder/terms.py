"""What a responder is asked to hold, and what it says about it: values only."""

from dataclasses import dataclass
from typing import Protocol

from pointsman.model.address import Address

__all__ = ["Address", "Chance", "DutyTerms", "SeenConflict"]


@dataclass(frozen=True, slots=True)
class DutyTerms:
    """How one address is to be held.

    *probe*: nobody has announced it before, or nobody has confirmed it since a boot: ask the
    network first. *announce_rate*: frames a second where the network limits a port; None: the
    interface's own rate. Whether a manager answers broadcasts, too, is nothing that changes what
    is done here.
    """

    probe: bool = False
    announce_rate: int | None = None


@dataclass(frozen=True, slots=True)
class SeenConflict:
    """Somebody else speaks for an address of ours: who, since when (s, on the caller's clock)."""

    mac: bytes
    since_s: float


class Chance(Protocol):
    """Randomness as a port; ``random.Random`` is one."""

    def uniform(self, a: float, b: float) -> float: ...

    def randbytes(self, n: int) -> bytes: ...
