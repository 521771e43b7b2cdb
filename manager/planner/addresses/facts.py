"""What one plan is made from, found by address: who names it, records it, or has it as another's.

All of it follows from the snapshot, most of it was known before this plan (see
allocation_memo.py), and nothing here changes while the plan is made.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from manager.planner.addresses.claims import Claim, Share
from manager.planner.addresses.pool import Pools
from manager.planner.addresses.source_index import SourceIndex
from manager.planner.desired import Allocation
from manager.snapshot import EipName, Observed, ServiceKey
from pointsman.model.address import Address, address_order, prefix_order
from pointsman.model.free import BLOCK_BITS, PLAIN_IN_BLOCK
from pointsman.model.table import Order, Table

Number = tuple[int, int]  # an address by its IP version and number: that hashes faster, and sorts
Block = tuple[int, int]  # IP version, and the numbers that differ in the last octet alone


class Routed(Container[Address]):
    """The addresses that speakers have a host route for, or are being given one.

    Or that another replica may have one for: *released*. Aggregates hold none. It asks the
    speakers' tables and copies none.
    """

    def __init__(
        self, speakers: Iterable[Observed], released: frozenset[Address] = frozenset()
    ) -> None:
        self._speakers, self._released = tuple(speakers), frozenset(map(address_order, released))
        self._tables: tuple[Container[Order], ...] | None = None

    def __contains__(self, address: object) -> bool:
        assert not isinstance(address, str | tuple)
        return self.has(*address_order(address))  # type: ignore[arg-type]

    def has(self, version: int, number: int) -> bool:
        """Whether the address of that number is routed."""
        if self._tables is None:
            self._tables = tuple(self._asked())
        if (version, number) in self._released:
            return True
        order = version, number, 32 if version == 4 else 128
        return any(order in table for table in self._tables)

    def _asked(self) -> Iterator[Container[Order]]:
        for one in self._speakers:
            if isinstance(one.routes, Table):
                yield one.routes.groups
            elif one.routes:
                yield {key.order[:3] for key in one.routes}
            if one.putting:
                yield {prefix_order(prefix) for prefix in one.putting}


class HeldAddresses(Container[Address]):
    """The addresses that Services hold from an Eip; what lies in none is nobody's VIP."""

    def __init__(self, held: Mapping[Number, object]) -> None:
        self._held = held

    def __contains__(self, address: object) -> bool:
        return address_order(address) in self._held  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts; Services by address are in order of their keys."""

    pools: Pools
    namespaces: Mapping[str, Mapping[str, str]]
    taken_at: datetime | None
    routed: Routed
    claims: Mapping[ServiceKey, Claim]  # of ours, each as it is by itself
    named: Mapping[Number, Mapping[ServiceKey, Share | None]]  # which of these hold or may take it
    foreign: Mapping[Number, Mapping[ServiceKey, str]]  # in whose status, not ours, with their age
    pending: Mapping[Number, Mapping[ServiceKey, None]]  # whose grant is on its way
    external: Mapping[Number, Mapping[ServiceKey, str]]  # among whose external IPs, with their age
    sharers: Mapping[str, Mapping[ServiceKey, Share]]  # claims by share-key
    stand: Mapping[ServiceKey, Allocation]  # what claims come to that depend on nobody else's
    restless: frozenset[ServiceKey]  # claims that do not stand: what they come to is decided
    sources: Mapping[EipName, SourceIndex]  # what the IPAMs of Eips were read to hold
    in_block: Callable[[], Mapping[Block, int]]  # how many plain numbers are named

    def standing_at(self, number: Number) -> tuple[Claim, ...]:
        """Return the claims that stand and hold it; if one of several doesn't, none does."""
        keys = self.named.get(number)
        if keys is None:
            return ()
        return tuple(self.claims[key] for key in keys if key not in self.restless)

    def recorded_by(self, address: Address) -> tuple[ServiceKey, ...]:
        """Return the Services, ours or not, whose status records *address*, the oldest first.

        A grant that is on its way counts as recorded: it may stand there by now.
        """
        number = address_order(address)
        named = (self.claims[key] for key in self.named.get(number, ()))
        ages = [claim.age for claim in named if address in claim.in_status]
        ages += ((created, key) for key, created in self.foreign.get(number, {}).items())
        keys = dict.fromkeys(ServiceKey(key) for _, key in sorted(ages))
        return (*keys, *(key for key in self.pending.get(number, ()) if key not in keys))

    def is_recorded(self, number: Number) -> bool:
        """Whether any Service has it by its status, or by a grant that is on its way."""
        return number in self.named or number in self.foreign or number in self.pending

    def is_busy(self, version: int, number: int) -> bool:
        """Whether nobody new may have it: it is recorded, or routed still."""
        key = version, number
        if key in self.named or key in self.foreign or key in self.pending:
            return True
        return self.routed.has(version, number)

    def full_blocks(self, version: int) -> Callable[[int], bool]:
        """Return what says of a block whether all its plain numbers are named: look no further."""
        named = self.in_block()
        return lambda block: named.get((version, block)) == PLAIN_IN_BLOCK

    def external_users(self, address: Address) -> tuple[ServiceKey, ...]:
        """Return the Services that have *address* among their external IPs, the oldest first."""
        found = self.external.get(address_order(address))
        return () if found is None else tuple(sorted(found, key=lambda key: (found[key], key)))


def block_of(number: Number) -> Block:
    """Return the block of a number."""
    return number[0], number[1] >> BLOCK_BITS
