"""What the Announcers' specs say of protocol `kernel`, of all Services together.

Prefixes that the same nodes have are one list, made once for all of these nodes. A node has no
more addresses and routes than an Announcer holds: those that it has already come first.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple

from manager.planner.announcer_specs import ANNOUNCING, ASSIGNMENTS, Spec
from manager.planner.kernel.contribute import Wanted
from manager.planner.kernel.standing import Order
from manager.snapshot import Announcer, NodeName, ServiceKey
from pointsman.model.address import Prefix, prefix_order
from pointsman.model.assignment import (
    KERNEL,
    KERNEL_INTERFACE,
    MOST_UNREACHABLE,
    Unreachable,
)
from pointsman.model.memo import Each, Index
from pointsman.wire.asked_prefixes import UNREACHABLE, unreachable_entry

Names = tuple[NodeName, ...]
_first: Final = itemgetter(0)


class _Listing(NamedTuple):
    """What all of some nodes have: host addresses as text, and aggregates; in order."""

    addresses: tuple[tuple[Order, str], ...]
    texts: list[str]  # of the addresses
    aggregates: tuple[Prefix, ...]


class AssignedMemo:
    """The stages, from what Services want to specs."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._wanted = Index[ServiceKey, Order, Wanted](_by_prefix)
        self._nodes = Each[Order, Wanted](_together)
        self._groups = Index[Order, Names, Prefix](_by_nodes)
        self._listings = Each[Names, _Listing](_listing)
        self._by_node = Index[Names, NodeName, _Listing](_by_node)
        self._rooms = Each[NodeName, _Room](_room)
        self._specs = Each[NodeName, Spec](_spec)

    def __call__(
        self,
        hops: Mapping[ServiceKey, tuple[tuple[Wanted, ...], ...]],
        announcers: Mapping[NodeName, Announcer],
    ) -> Mapping[NodeName, Spec]:
        """Return what each Announcer's spec says of this protocol."""
        listings = self._listings(None, self._groups(self._nodes(None, self._wanted(hops))))
        rooms = self._rooms(self._most, announcers if listings else {})
        return self._specs(None, self._by_node(listings), rooms)


class _Room(NamedTuple):
    """For how many addresses a node has room, and what it has already, if that decides."""

    most: int
    stand: frozenset[str]
    routes: frozenset[Prefix]


def _by_prefix(
    _: ServiceKey, each: tuple[tuple[Wanted, ...], ...]
) -> Iterator[tuple[Order, Wanted]]:
    found: dict[Order, Wanted] = {}
    for one in (wanted for by_eip in each for wanted in by_eip):
        order = prefix_order(one.prefix)
        known = found.get(order)
        found[order] = one if known is None else Wanted(one.prefix, one.nodes | known.nodes)
    return iter(found.items())


def _together(_: None, wanted: Mapping[ServiceKey, Wanted]) -> Wanted:
    first, *rest = wanted.values()
    if all(one.nodes is first.nodes or one.nodes == first.nodes for one in rest):
        return first
    return Wanted(first.prefix, first.nodes.union(*(one.nodes for one in rest)))


def _by_nodes(_: Order, wanted: Wanted) -> Iterator[tuple[Names, Prefix]]:
    yield _sorted(wanted.nodes), wanted.prefix


@lru_cache(maxsize=4096)  # a few sets for thousands of Services
def _sorted(nodes: frozenset[NodeName]) -> Names:
    return tuple(sorted(nodes))


def _listing(_: None, prefixes: Mapping[Order, Prefix]) -> _Listing:
    hosts = [
        (order, str(one.network_address))
        for order, one in prefixes.items()
        if one.prefixlen == one.max_prefixlen
    ]
    wide = [one for one in prefixes.values() if one.prefixlen < one.max_prefixlen]
    return _Listing(tuple(hosts), [text for _, text in hosts], tuple(wide))


def _by_node(names: Names, listing: _Listing) -> Iterator[tuple[NodeName, _Listing]]:
    return ((name, listing) for name in names)


def _room(most: int, announcer: Announcer) -> _Room:
    """Return how many more a node may have beside what it answers ARP and NDP for."""
    mine = [one.addresses for one in announcer.assignments if one.responder == KERNEL]
    others = announcer.assigned - sum(map(len, mine))
    full = announcer.assigned >= most
    stand = frozenset(str(address) for addresses in mine for address in addresses)
    routes = frozenset(one.prefix for one in announcer.unreachable if one.redistribute)
    return _Room(
        max(most - others, 0),
        stand if full else frozenset(),
        routes if len(routes) >= MOST_UNREACHABLE else frozenset(),
    )


def _spec(_: None, listings: Mapping[Names, _Listing], room: _Room | None) -> Spec:
    """Return a node's part of its Announcer's spec: JSON values, in order."""
    texts = _texts(list(listings.values()))
    if room is not None and len(texts) > room.most:
        texts = _within(texts, room)
    wide = sorted((one for each in listings.values() for one in each.aggregates), key=prefix_order)
    if len(wide) > MOST_UNREACHABLE:
        stand = frozenset[Prefix]() if room is None else room.routes
        first = sorted(wide, key=lambda one: one not in stand)[:MOST_UNREACHABLE]
        wide = sorted(first, key=prefix_order)
    spec: dict[str, Any] = {}
    if texts:
        entry = {"interface": KERNEL_INTERFACE, "responder": KERNEL, "addresses": texts}
        spec |= {ASSIGNMENTS: [entry], ANNOUNCING: len(texts)}
    if wide:
        routes = (Unreachable(prefix, redistribute=True) for prefix in wide)
        spec[UNREACHABLE] = [unreachable_entry(one) for one in routes]
    return spec


def _texts(listings: list[_Listing]) -> list[str]:
    """Return the addresses in order: of one list that very list, which other nodes have, too."""
    if len(listings) == 1:
        return listings[0].texts
    return [text for _, text in sorted((a for one in listings for a in one.addresses), key=_first)]


def _within(texts: list[str], room: _Room) -> list[str]:
    """Return as many of *texts* as there is room for: what stands already stays."""
    stays = [text for text in texts if text in room.stand][: room.most]
    more = [text for text in texts if text not in room.stand][: room.most - len(stays)]
    chosen = {*stays, *more}
    return [text for text in texts if text in chosen]
