"""The Eips as pools: which addresses each holds and may grant, and which hold an address.

Reads the Eips and nothing of the Services. A pool that is wrong, or that overlaps an
older one, gives out nothing; it never takes another pool down with it.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from manager.planner.addresses import clusterip_overlap, podcidr_overlap
from manager.planner.addresses.clusterip_overlap import ClusterIps
from manager.planner.addresses.pool import Pool, Pools, segments_of
from manager.planner.addresses.reserved import EdgesMemo, Owned, ReservedMemo
from manager.planner.addresses.source_blocks import blocks_of
from manager.snapshot import Eip, EipName, NodeName, Resource, ServiceKey, Snapshot
from pointsman.api import EipSpec
from pointsman.model.address import Address, Family, Prefix, family_of
from pointsman.model.memo import Each, Once
from pointsman.model.printable import sentence
from pointsman.model.ranges import (
    AddressSet,
    read_block,
    read_disjoint,
    read_union,
    span_text,
    union,
)
from pointsman.model.reservation import SourceReading
from pointsman.model.unicast import refuse_others, unicast_of
from pointsman.model.verdicts.address import (
    Disabled,
    InternalError,
    InvalidAddresses,
    Overlap,
    Ready,
)

FAULT = 512  # characters of what is wrong with an Eip, in the sentences of those who wait for it
MENTIONED = 8  # infrastructure addresses, or older Eips, that a sentence names; more help nobody


def read_pools(snapshot: Snapshot, memo: "PoolsMemo | None" = None) -> Pools:
    """Return the pools that the Eips of *snapshot* make; *memo*: of the plan before, if any.

    An Eip whose reading raises becomes an empty pool with the verdict InternalError, and
    the exception is among the failures.
    """
    return (PoolsMemo() if memo is None else memo)(snapshot)


class PoolsMemo:
    """`read_pools`, worked out anew where what it reads changed: no status is among that."""

    def __init__(self) -> None:
        self._facts = Each[EipName, _Facts](_facts)
        self._read = Each[EipName, _Reading](_reading)
        self._reserved = ReservedMemo()
        self._edges = EdgesMemo()
        self._pod_cidrs = Each[NodeName, tuple[Prefix, ...]](podcidr_overlap.pod_cidrs)
        self._every = Once[AddressSet](_every)
        self._clusterips = Each[ServiceKey, ClusterIps](clusterip_overlap.clusterips)
        self._pools = Once[Pools](_pools)

    def __call__(self, snapshot: Snapshot) -> Pools:
        """Return the pools; the same object as before where nothing about them changed."""
        read = self._read(None, self._facts(None, snapshot.eips, snapshot.sources))
        return self._pools(
            read,
            self._reserved(snapshot),
            self._edges(snapshot),
            self._pod_cidrs(None, snapshot.nodes),
            self._clusterips(self._every(read), snapshot.services),
        )


@dataclass(frozen=True, slots=True)
class _Facts:
    """What makes a pool of an Eip: neither its status nor what changes with that."""

    eip: Eip
    blocks: AddressSet | None  # that its IPAM may give; None: it has none, or nothing is known


def _facts(_: None, eip: Eip, reading: SourceReading | None) -> _Facts:
    bare = Resource(
        eip.name, eip.spec, eip.invalid, created=eip.created, deleting=eip.deleting,
        legible=eip.legible,
    )  # fmt: skip
    return _Facts(bare, blocks_of(eip, reading))


def _every(read: Mapping[EipName, "_Reading"]) -> AddressSet:
    """Return all addresses that any Eip has."""
    return union(
        (family, span)
        for reading in read.values()
        for family in Family
        for span in reading.pool.own.of(family).spans
    )


def _pools(
    read: Mapping[EipName, "_Reading"],
    owned: Owned,
    edges: Owned,
    pod_cidrs: Mapping[NodeName, tuple[Prefix, ...]],
    clusterips: Mapping[ServiceKey, ClusterIps],
) -> Pools:
    whose = dict(owned)
    pools = sorted((reading.pool for reading in read.values()), key=_age_of)
    pools = _without_infrastructure(_without_overlaps(pools), whose, dict(edges))
    warners = podcidr_overlap.warner(pod_cidrs), clusterip_overlap.warner(clusterips.values())
    pools = [_warned(pool, [warn(pool.own) for warn in warners]) for pool in pools]
    pools = [_finished(pool) for pool in pools]
    defaults = [pool for pool in pools if pool.default]
    failures = ((f"Eip {name}", one.error) for name, one in read.items())
    return Pools(
        by_name={pool.name: pool for pool in pools},
        defaults=tuple(sorted(defaults, key=_priority)),
        segments={family: segments_of(pools, family) for family in Family},
        failures=tuple((subject, error) for subject, error in failures if error is not None),
        infrastructure=whose,
        unreadable=tuple(pool for pool in pools if pool.legible),
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    """A pool by itself, and what reading its Eip raised."""

    pool: Pool
    error: Exception | None = None


def _reading(_: None, facts: _Facts) -> _Reading:
    eip = facts.eip
    try:
        return _Reading(replace(_read(eip, facts.blocks), default=_is_default(eip)))
    except Exception as error:  # noqa: BLE001 - docs/architecture.md rule 13
        broken = InternalError("Eip", eip.name, type(error).__name__)
        pool = Pool(EipName(eip.name), None, _age(eip), eip.deleting, broken)
        return _Reading(replace(pool, default=_is_default(eip)), error)


def _is_default(eip: Eip) -> bool:
    """Return whether Services that name no Eip would have one of *eip*, were it in order."""
    return eip.spec.default if isinstance(eip.spec, EipSpec) else eip.legible.default


def _read(eip: Eip, blocks: AddressSet | None) -> Pool:
    name, spec = EipName(eip.name), eip.spec
    if spec is None:
        broken = InvalidAddresses(eip.name, eip.invalid)
        seems = union(block for entry in eip.legible.addresses if (block := _readable(entry)))
        return Pool(name, None, _age(eip), eip.deleting, broken, legible=seems)
    try:
        declared = read_disjoint(spec.addresses)
        refuse_others(spec.addresses)
        if spec.source is not None and blocks is not None:
            declared = declared & blocks if spec.addresses else blocks
        own = declared - read_union(spec.exclude)
    except ValueError as error:
        readable = union(block for entry in spec.addresses if (block := _readable(entry)))
        usable = unicast_of(readable)  # what is held there goes on being announced
        broken = InvalidAddresses(eip.name, str(error))
        return Pool(name, spec, _age(eip), eip.deleting, broken, usable, usable)
    label = spec.source.label if spec.source is not None else ""
    ready = Disabled(eip.name) if spec.disabled else Ready(eip.name, source=label)
    pool = Pool(name, spec, _age(eip), eip.deleting, ready, declared, own, own)
    if spec.source is None:
        return pool
    return replace(pool, source=label, known=blocks is not None, within=blocks)


def _warned(pool: Pool, warnings: Iterable[str]) -> Pool:
    warning = "; ".join(filter(None, warnings))
    empty = pool.known and not any(map(pool.capacity, Family))
    if not (warning or empty) or not isinstance(pool.ready, Ready):
        return pool
    ready = replace(pool.ready, warning=warning, empty=empty)
    return replace(pool, ready=ready)


def _finished(pool: Pool) -> Pool:
    """Return *pool* with what follows from all that is known of it."""
    pool = replace(pool, closed=_closed(pool), selective=_selective(pool.spec))
    if pool.within is None:
        return pool
    may_give = pool.without_buggy()
    return replace(pool, within=None if may_give == pool.within else may_give)


def _closed(pool: Pool) -> str:
    if pool.deleting:
        return "is being deleted"
    if isinstance(pool.ready, Disabled):
        return "is disabled"
    if isinstance(pool.ready, InvalidAddresses):
        return f"is not Ready ({pool.ready.reason}): {sentence(pool.ready.why, FAULT).rstrip('.')}"
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


def _without_infrastructure(
    pools: list[Pool], whose: Mapping[Address, str], edges: Mapping[Address, str]
) -> list[Pool]:
    """Return *pools* without what belongs to others; *edges*: no host of a network has these."""
    index = Pools({}, (), {family: segments_of(pools, family) for family in Family})
    inside: dict[EipName, dict[Address, str]] = {}
    for address, owner in (*edges.items(), *whose.items()):
        for pool in index.at(address):
            on_link = pool.spec is not None and pool.spec.on_link
            if address in pool.own and (on_link or address in whose):
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
        ready = replace(ready, never=never + more)
    return replace(pool, ready=ready, grantable=pool.grantable - points, infrastructure=found)


def _age(eip: Eip) -> tuple[str, str]:
    return eip.created, eip.name


def _age_of(pool: Pool) -> tuple[str, str]:
    return pool.age


def _priority(pool: Pool) -> tuple[int, str]:
    return (pool.spec.priority if pool.spec is not None else 0), pool.name


def _start(entry: tuple[int, *tuple[object, ...]]) -> int:
    return entry[0]
