"""A pool: an Eip with its addresses worked out, and all of them, found by address."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from manager.snapshot import EipName
from pointsman.api import EipSpec
from pointsman.model.address import Address, Family, family_of
from pointsman.model.free import BUGGY
from pointsman.model.printable import clipped
from pointsman.model.ranges import AddressSet, Numbers
from pointsman.model.verdicts.address import Disabled
from pointsman.model.verdicts.base import Verdict


@dataclass(frozen=True, slots=True)
class Pool:
    """One Eip with its addresses worked out."""

    name: EipName
    spec: EipSpec | None
    age: tuple[str, str]  # (created, name): smaller is older
    deleting: bool
    ready: Verdict
    declared: AddressSet = AddressSet()  # spec.addresses; of a broken Eip, what can be read
    own: AddressSet = AddressSet()  # declared without spec.exclude
    grantable: AddressSet = AddressSet()  # own without infrastructure; empty when broken
    infrastructure: Mapping[Address, str] = field(default_factory=dict)  # inside own, whose

    source: str = ""  # what sentences call the IPAM that its addresses come from; "": its own
    known: bool = True  # False: which addresses the IPAM may give was never read
    within: AddressSet | None = None  # what the IPAM may give, where that is not all it has
    closed: str = ""  # why it gives out nothing at all now
    selective: bool = False  # not every Service is admitted
    default: bool = False
    legible: AddressSet = AddressSet()  # what an Eip that cannot be read seems to hold

    def without_buggy(self) -> AddressSet:
        """Return what it may grant, without the addresses that it avoids."""
        ipv4 = self.grantable.ipv4
        if not self.avoids_buggy:
            return self.grantable
        points = tuple(
            (number, number) for first, last in ipv4.spans for number in _buggy_in(first, last)
        )
        return AddressSet(ipv4 - Numbers(points), self.grantable.ipv6)

    @property
    def avoids_buggy(self) -> bool:
        return self.spec is not None and self.spec.avoid_buggy_ips

    def withholds(self, address: Address) -> str:
        """Return why *address*, which is declared, is never given out; "" when it may be.

        `grantable` holds the addresses for which this is "", but for those of avoidBuggyIPs.
        """
        if address not in self.own:
            return f"Eip '{self.name}' excludes it"
        if self.avoids_buggy and address.version == 4 and (int(address) & 0xFF) in BUGGY:
            return f"Eip '{self.name}' avoids addresses that end in .0 or .255"
        owner = self.infrastructure.get(address)
        return f"it is an address of the infrastructure ({owner})" if owner else ""

    def capacity(self, family: Family) -> int:
        """Return how many addresses of *family* it can hold in all; exact."""
        numbers = self.grantable.of(family)
        buggy = self.avoids_buggy and family is Family.IPV4
        return numbers.count() - (_buggy(numbers) if buggy else 0)


@dataclass(frozen=True, slots=True)
class Pools:
    """All pools, by name and by address."""

    by_name: Mapping[EipName, Pool]
    defaults: tuple[Pool, ...]  # by priority, then name
    segments: Mapping[Family, tuple[tuple[int, tuple[Pool, ...]], ...]]  # from number on: pools
    failures: tuple[tuple[str, Exception], ...] = ()
    infrastructure: Mapping[Address, str] = field(default_factory=dict)  # and whose, everywhere
    unreadable: tuple[Pool, ...] = ()  # oldest first

    def at(self, address: Address) -> tuple[Pool, ...]:
        """Return the pools whose spec.addresses hold *address*, Ready ones first."""
        segments = self.segments[family_of(address)]
        at = bisect_right(segments, int(address), key=_start) - 1
        return segments[at][1] if at >= 0 else ()

    def seem_at(self, address: Address) -> tuple[Pool, ...]:
        """Return the pools that seem to hold *address* too, of Eips that cannot be read."""
        return tuple(pool for pool in self.unreadable if address in pool.legible)


def name_of(pool: Pool) -> str:
    """Return what sentences call the IPAM of *pool*, or the one that it publishes to."""
    return clipped(pool.source) or "NetBox"


def segments_of(pools: Iterable[Pool], family: Family) -> tuple[tuple[int, tuple[Pool, ...]], ...]:
    """Cut the numbers at every edge of a pool; each piece knows the pools it lies in."""
    edges: dict[int, list[tuple[bool, Pool]]] = {}
    for pool in pools:
        for first, last in pool.declared.of(family).spans:
            edges.setdefault(first, []).append((True, pool))
            edges.setdefault(last + 1, []).append((False, pool))
    inside: dict[EipName, Pool] = {}
    segments: list[tuple[int, tuple[Pool, ...]]] = []
    for number, changes in sorted(edges.items(), key=_edge):
        for enters, pool in changes:
            if enters:
                inside[pool.name] = pool
            else:
                inside.pop(pool.name, None)
        segments.append((number, tuple(sorted(inside.values(), key=_rank))))
    return tuple(segments)


def _buggy(numbers: Numbers) -> int:
    """Return how many of *numbers* end in .0 or .255."""
    return sum(
        _up_to(last, octet) - _up_to(first - 1, octet)
        for first, last in numbers.spans
        for octet in BUGGY
    )


def _buggy_in(first: int, last: int) -> Iterable[int]:
    """Yield the numbers from *first* to *last* that end in .0 or .255, in order."""
    for block in range(first >> 8, (last >> 8) + 1):
        for octet in sorted(BUGGY):
            if first <= (number := block << 8 | octet) <= last:
                yield number


def _up_to(number: int, octet: int) -> int:
    return (number - octet) // 256 + 1


def _rank(pool: Pool) -> tuple[bool, bool, tuple[str, str]]:
    return pool.deleting, not (pool.ready.ok or isinstance(pool.ready, Disabled)), pool.age


def _start(entry: tuple[int, *tuple[object, ...]]) -> int:
    return entry[0]


def _edge(item: tuple[int, list[tuple[bool, Pool]]]) -> int:
    return item[0]
