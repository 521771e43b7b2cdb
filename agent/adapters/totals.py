"""What the responders of all interfaces have counted together; numbers only go up."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from pointsman.responder.counters import Counters

BUFFER_FULL: Final = "buffer_full"  # among the reasons of frames that were dropped


@dataclass(slots=True)
class Totals:
    """Sums over interfaces, those that are gone included; by the words that metrics have."""

    replies: Counter[str] = field(default_factory=Counter)
    drops: Counter[str] = field(default_factory=Counter)
    claims: int = 0
    announcements: int = 0
    gateway_asks: int = 0
    gateway_acks: int = 0

    def count(self, counters: Counters, *, lost: int) -> None:
        """Add what one interface counted; *lost*: frames that found its buffers full."""
        self.replies.update({str(kind): number for kind, number in counters.replies.items()})
        self.drops.update({str(why): number for why, number in counters.drops.items()})
        self.drops[BUFFER_FULL] += lost
        self.claims += counters.claims
        self.announcements += counters.announcements
        self.gateway_asks += counters.gateway_asks
        self.gateway_acks += counters.gateway_acks

    def add(self, other: "Totals") -> None:
        """Add *other*."""
        self.replies.update(other.replies)
        self.drops.update(other.drops)
        self.claims += other.claims
        self.announcements += other.announcements
        self.gateway_asks += other.gateway_asks
        self.gateway_acks += other.gateway_acks
