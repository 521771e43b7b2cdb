"""What our speakers hold now, by prefix: what may be left as it is while nobody can decide."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from pointsman.model.address import Address, Prefix, address_order, prefix_order
from pointsman.model.route import PeerName, Route, RouteKey
from pointsman.model.table import Group, Order, Table


@dataclass(frozen=True)
class ObservedPaths:
    """The paths of all our speakers; their lengths are counted when first asked for."""

    tables: tuple[Table, ...]  # of each speaker

    @cached_property
    def _lengths(self) -> tuple[tuple[int, int], ...]:
        """IP versions and prefix lengths that occur."""
        orders = (order for table in self.tables for order in table.groups)
        return tuple(sorted({(version, length) for version, _, length in orders}))

    def of(self, prefix: Prefix) -> Mapping[RouteKey, Route]:
        """Return what our speakers hold for *prefix*."""
        return dict(item for group in self._at(prefix_order(prefix)) for item in group.routes())

    def are_sent(self, prefix: Prefix, names: frozenset[PeerName]) -> bool:
        """Whether one of the routers *names* is sent a path of *prefix*."""
        return any(route.peers & names for route in self.of(prefix).values())

    def holds(self, address: Address) -> bool:
        """Whether our speakers hold a path to *address* alone: its host route."""
        order = *address_order(address), address.max_prefixlen
        return any(order in table.groups for table in self.tables)

    def covering(self, address: Address) -> Mapping[RouteKey, Route]:
        """Return what leads to *address*: its host route, and aggregates."""
        return dict(item for group in self.leading_to(address) for item in group.routes())

    def leading_to(
        self, address: Address, lengths: Iterable[tuple[int, int]] | None = None
    ) -> list[Group]:
        """Return what leads to *address*, by prefix and speaker.

        *lengths*: the IP versions and prefix lengths to look for; None: any.
        """
        own, number = address_order(address)
        most = address.max_prefixlen
        found: list[Group] = []
        for version, length in self._lengths if lengths is None else lengths:
            if version == own:
                host_bits = most - length
                found += self._at((version, number >> host_bits << host_bits, length))
        return found

    def _at(self, order: Order) -> list[Group]:
        return [group for table in self.tables if (group := table.groups.get(order)) is not None]
