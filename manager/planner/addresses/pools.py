"""The Eips as pools: which addresses each holds and may grant, and which hold an address.

Reads the Eips and nothing of the Services. A pool that is wrong, or that overlaps an
older one, gives out nothing; it never takes another pool down with it.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from manager.planner.addresses import clusterip_overlap, podcidr_overlap
from manager.planner.addresses.reserved import reserved
from manager.snapshot import Eip, EipName, Snapshot
from pointsman.api import EipSpec
from pointsman.model.address import Address, Family, family_of
from pointsman.model.free import BUGGY
from pointsman.model.ranges import (
    AddressSet,
    Numbers,
    read_block,
    read_disjoint,
    read_union,
    span_text,
    union,
)
from pointsman.model.unicast import refuse_others, unicast_of
from pointsman.model.verdicts.address import (
    Disabled,
    InternalError,
    InvalidAddresses,
    Overlap,
    Ready,
)
from pointsman.model.verdicts.base import Verdict

MENTIONED = 8  # infrastructure addresses, or older Eips, that a sentence names; more help nobody


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

    closed: str = ""  # why it gives out nothing at all now
    selective: bool = False  # not every Service is admitted

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

    def at(self, address: Address) -> tuple[Pool, ...]:
        """Return the pools whose spec.addresses hold *address*, Ready ones first."""
        segments = self.segments[family_of(address)]
        at = bisect_right(segments, int(address), key=_start) - 1
        return segments[at][1] if at >= 0 else ()


def read_pools(snapshot: Snapshot) -> Pools:
    """Return the pools that the Eips of *snapshot* make.

    An Eip whose reading raises becomes an empty pool with the verdict InternalError, and
    the exception is among the failures.
    """
    pools: list[Pool] = []
    failures: list[tuple[str, Exception]] = []
    for eip in snapshot.eips.values():
        try:
            pools.append(_read(eip))
        except Exception as error:  # noqa: BLE001 - docs/architecture.md rule 13
            failures.append((f"Eip {eip.name}", error))
            broken = InternalError("Eip", eip.name, type(error).__name__)
            pools.append(Pool(EipName(eip.name), None, _age(eip), eip.deleting, broken))
    whose = reserved(snapshot)
    pools = _without_infrastructure(_without_overlaps(sorted(pools, key=_age_of)), whose)
    warners = podcidr_overlap.warner(snapshot), clusterip_overlap.warner(snapshot)
    pools = [_warned(pool, [warn(pool.own) for warn in warners]) for pool in pools]
    pools = [replace(pool, closed=_closed(pool), selective=_selective(pool.spec)) for pool in pools]
    defaults = [pool for pool in pools if pool.spec is not None and pool.spec.default]
    return Pools(
        by_name={pool.name: pool for pool in pools},
        defaults=tuple(sorted(defaults, key=_priority)),
        segments={family: _segments(pools, family) for family in Family},
        failures=tuple(failures),
        infrastructure=whose,
    )


def _read(eip: Eip) -> Pool:
    name, spec = EipName(eip.name), eip.spec
    if spec is None:
        broken = InvalidAddresses(eip.name, eip.invalid)
        return Pool(name, None, _age(eip), eip.deleting, broken)
    try:
        declared = read_disjoint(spec.addresses)
        refuse_others(spec.addresses)
        own = declared - read_union(spec.exclude)
    except ValueError as error:
        readable = union(block for entry in spec.addresses if (block := _readable(entry)))
        usable = unicast_of(readable)  # what is held there goes on being announced
        broken = InvalidAddresses(eip.name, str(error))
        return Pool(name, spec, _age(eip), eip.deleting, broken, usable, usable)
    ready = Disabled(eip.name) if spec.disabled else Ready(eip.name)
    return Pool(name, spec, _age(eip), eip.deleting, ready, declared, own, own)


def _warned(pool: Pool, warnings: Iterable[str]) -> Pool:
    warning = "; ".join(filter(None, warnings))
    empty = not any(map(pool.capacity, Family))
    if not (warning or empty) or not isinstance(pool.ready, Ready):
        return pool
    return replace(pool, ready=replace(pool.ready, warning=warning, empty=empty))


def _closed(pool: Pool) -> str:
    if pool.deleting:
        return "is being deleted"
    if isinstance(pool.ready, Disabled):
        return "is disabled"
    return "" if pool.ready.ok else f"is not Ready ({pool.ready.reason})"


def _selective(spec: EipSpec | None) -> bool:
    return spec is not None and bool(
        spec.namespaces or spec.namespace_selector or spec.service_selector
    )


def _readable(entry: str) -> tuple[Family, tuple[int, int]] | None:
    try:
        return read_block(entry)
    except ValueError:
        return None


def _without_overlaps(pools: list[Pool]) -> list[Pool]:
    """Return *pools*, oldest first, with the younger of two that overlap made not Ready.

    A pool that already lost takes nobody else down; a deleting one loses always.
    """
    taken: dict[Family, list[tuple[int, int, EipName]]] = {family: [] for family in Family}
    judged: list[Pool] = []
    for pool in pools:
        if pool.deleting or isinstance(pool.ready, InvalidAddresses | InternalError):
            judged.append(pool)
        elif found := _common(pool, taken):
            older = [(p.name, found[p.name]) for p in judged if p.name in found]
            more = len(older) > MENTIONED
            judged.append(replace(pool, ready=Overlap(pool.name, tuple(older[:MENTIONED]), more)))
        else:
            judged.append(pool)
            for family in Family:
                for first, last in pool.own.of(family).spans:
                    insort(taken[family], (first, last, pool.name))
    return judged


def _common(
    pool: Pool, taken: Mapping[Family, list[tuple[int, int, EipName]]]
) -> dict[EipName, str]:
    """Return every pool that has taken addresses of *pool*, and the first block of each."""
    found: dict[EipName, str] = {}
    for family in Family:
        spans = taken[family]
        for first, last in pool.own.of(family).spans:
            # The spans of a family are disjoint: those that start in time end in order, too.
            at = bisect_right(spans, last, key=_start)
            while at and spans[at - 1][1] >= first:
                at -= 1
            for start, end, owner in spans[at : bisect_right(spans, last, key=_start)]:
                block = span_text(family, max(first, start), min(last, end))
                found.setdefault(owner, block)
    return found


def _without_infrastructure(pools: list[Pool], whose: Mapping[Address, str]) -> list[Pool]:
    index = Pools({}, (), {family: _segments(pools, family) for family in Family})
    inside: dict[EipName, dict[Address, str]] = {}
    for address, owner in whose.items():
        for pool in index.at(address):
            if address in pool.own:
                inside.setdefault(pool.name, {})[address] = owner
    return [_minus(pool, inside.get(pool.name, {})) for pool in pools]


def _minus(pool: Pool, found: Mapping[Address, str]) -> Pool:
    if not found:
        return pool
    points = union((family_of(a), (int(a), int(a))) for a in found)
    ready = pool.ready
    if isinstance(ready, Ready):
        more = ("others of the infrastructure",) if len(found) > MENTIONED else ()
        first = islice(found.items(), MENTIONED)
        never = tuple(f"{address} ({owner})" for address, owner in first)
        ready = Ready(pool.name, never + more)
    return replace(pool, ready=ready, grantable=pool.grantable - points, infrastructure=found)


def _segments(pools: list[Pool], family: Family) -> tuple[tuple[int, tuple[Pool, ...]], ...]:
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


def _up_to(number: int, octet: int) -> int:
    return (number - octet) // 256 + 1


def _age(eip: Eip) -> tuple[str, str]:
    return eip.created, eip.name


def _age_of(pool: Pool) -> tuple[str, str]:
    return pool.age


def _priority(pool: Pool) -> tuple[int, str]:
    return (pool.spec.priority if pool.spec is not None else 0), pool.name


def _rank(pool: Pool) -> tuple[bool, bool, tuple[str, str]]:
    return pool.deleting, not (pool.ready.ok or isinstance(pool.ready, Disabled)), pool.age


def _start(entry: tuple[int, *tuple[object, ...]]) -> int:
    return entry[0]


def _edge(item: tuple[int, list[tuple[bool, Pool]]]) -> int:
    return item[0]
