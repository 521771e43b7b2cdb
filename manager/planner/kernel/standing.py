"""What stands in the Announcers' specs: which nodes have an address, or an aggregate's route.

Read back, never remembered. `Held` is all of it; `Stand` is what a Service's record states of
one address, without what changes whenever some node comes or goes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from manager.planner.desired import Allocation
from manager.planner.nodes.election import Number
from manager.snapshot import Announcer, NodeName, ServiceKey
from pointsman.model.address import Address, Prefix, address_order, host_prefix, prefix_order
from pointsman.model.assignment import KERNEL
from pointsman.model.memo import Each, Index, Once

MOST_NAMED: Final = 16  # nodes that a record names; of more, none: it would change with each
WITHHELD_NAMED: Final = 4
NOWHERE: Final[Mapping[NodeName, str]] = {}
Order = tuple[int, int, int]  # of a prefix, as `prefix_order`
Lengths = Mapping[int, tuple[int, ...]]  # of prefixes, by IP version: the shortest first


class Stand(NamedTuple):
    """What stands of one address."""

    aggregate: Prefix | None  # whose route leads there; None: it is an address of the nodes
    somewhere: bool  # a node has it, and does not say that it cannot
    nodes: tuple[NodeName, ...] = ()  # which, unless they are many, or it is an aggregate
    withheld: tuple[tuple[NodeName, str], ...] = ()  # the first nodes that cannot, and why


@dataclass(frozen=True, slots=True)
class Held:
    """Which nodes have what, each with why its agent withholds it ("": it does not)."""

    hosts: Mapping[Number, Mapping[NodeName, str]]
    aggregates: Mapping[Order, tuple[Prefix, Mapping[NodeName, str]]]
    lengths: Lengths  # of the aggregates

    def of(self, prefix: Prefix) -> frozenset[NodeName]:
        """Return which nodes have *prefix*."""
        if prefix.prefixlen == prefix.max_prefixlen:
            return frozenset(self.hosts.get(address_order(prefix.network_address), NOWHERE))
        _, nodes = self.aggregates.get(prefix_order(prefix), (prefix, NOWHERE))
        return frozenset(nodes)

    def leading_to(self, address: Address) -> Iterator[tuple[Prefix, Mapping[NodeName, str]]]:
        """Yield what leads to *address*: itself, and aggregates that it lies in."""
        if at := self.hosts.get(address_order(address)):
            yield host_prefix(address), at
        for order in covering(address, self.lengths):
            if order in self.aggregates:
                yield self.aggregates[order]


class _Half(NamedTuple):
    """Of an Announcer: what concerns this protocol."""

    addresses: tuple[tuple[Address, ...], ...]
    aggregates: tuple[Prefix, ...]
    withheld: Mapping[Address, str]


def covering(address: Address, lengths: Lengths) -> Iterator[Order]:
    """Yield the order of each prefix of one of *lengths* in which *address* lies, widest first."""
    version, number = address_order(address)
    for length in lengths.get(version, ()):
        rest = address.max_prefixlen - length
        yield version, number >> rest << rest, length


class _Aggregate(NamedTuple):
    """Of an aggregate, what may be said of all addresses in it."""

    prefix: Prefix
    somewhere: bool
    withheld: tuple[tuple[NodeName, str], ...]


class _Aggregates(NamedTuple):
    by_order: Mapping[Order, _Aggregate]
    lengths: Lengths


class StandingMemo:
    """`Held` and what stands, worked out anew for the nodes whose Announcers say something else."""

    def __init__(self) -> None:
        self._halves = Each[NodeName, _Half](_half)
        self._hosts = Index[NodeName, Number, str](_hosts)
        self._aggregates = Index[NodeName, Order, tuple[Prefix, str]](_aggregates)
        self._covering = Each[Order, tuple[Prefix, Mapping[NodeName, str]]](_covering)
        self._held = Once[Held](Held)
        self._lengths = Once[Lengths](_lengths)
        self._summed_up = Once[_Aggregates](_summed_up)
        self._addresses = Index[ServiceKey, Number, Address](_addresses)
        self._standing = Each[Number, Stand](_stand)

    def held(self, announcers: Mapping[NodeName, Announcer]) -> Held:
        """Return which nodes have what."""
        halves = self._halves(None, announcers)
        aggregates = self._covering(None, self._aggregates(halves))
        return self._held(self._hosts(halves), aggregates, self._lengths(aggregates))

    def standing(
        self, held: Held, services: Mapping[ServiceKey, Allocation]
    ) -> Mapping[Number, Stand]:
        """Return what stands of each address that one of *services* holds."""
        if not held.hosts and not held.aggregates:
            services = {}
        aggregates = self._summed_up(held.aggregates, held.lengths)
        return self._standing(aggregates, self._addresses(services), held.hosts)


def _half(_: None, one: Announcer) -> _Half | None:
    addresses = tuple(each.addresses for each in one.assignments if each.responder == KERNEL)
    aggregates = tuple(route.prefix for route in one.unreachable if route.redistribute)
    return _Half(addresses, aggregates, one.withheld) if addresses or aggregates else None


def _hosts(_: NodeName, half: _Half) -> Iterator[tuple[Number, str]]:
    for addresses in half.addresses:
        for address in addresses:
            yield address_order(address), half.withheld.get(address, "")


def _aggregates(_: NodeName, half: _Half) -> Iterator[tuple[Order, tuple[Prefix, str]]]:
    for prefix in half.aggregates:
        why = half.withheld.get(prefix.network_address, "")
        yield prefix_order(prefix), (prefix, why)


def _covering(
    _: None, nodes: Mapping[NodeName, tuple[Prefix, str]]
) -> tuple[Prefix, Mapping[NodeName, str]]:
    prefix, _why = next(iter(nodes.values()))
    return prefix, {name: why for name, (_same, why) in nodes.items()}


def _lengths(aggregates: Iterable[Order]) -> Lengths:
    found: dict[int, set[int]] = {}
    for version, _, length in aggregates:
        found.setdefault(version, set()).add(length)
    return {version: tuple(sorted(lengths)) for version, lengths in found.items()}


def _summed_up(
    aggregates: Mapping[Order, tuple[Prefix, Mapping[NodeName, str]]], lengths: Lengths
) -> _Aggregates:
    return _Aggregates(
        {
            order: _Aggregate(prefix, not all(nodes.values()), _withheld(nodes.items()))
            for order, (prefix, nodes) in aggregates.items()
        },
        lengths,
    )


def _addresses(_: ServiceKey, allocation: Allocation) -> Iterator[tuple[Number, Address]]:
    for grant in allocation.grants:
        yield address_order(grant.address), grant.address


def _stand(
    aggregates: _Aggregates,
    holders: Mapping[ServiceKey, Address],
    hosts: Mapping[NodeName, str] | None,
) -> Stand | None:
    if hosts:
        well = tuple(name for name, why in hosts.items() if not why)
        named = well if len(well) <= MOST_NAMED else ()
        return Stand(None, bool(well), named, _withheld(hosts.items()))
    address = next(iter(holders.values()))
    for order in covering(address, aggregates.lengths):
        if one := aggregates.by_order.get(order):
            return Stand(one.prefix, one.somewhere, withheld=one.withheld)
    return None


def _withheld(nodes: Iterable[tuple[NodeName, str]]) -> tuple[tuple[NodeName, str], ...]:
    return tuple((name, why) for name, why in nodes if why)[:WITHHELD_NAMED]
