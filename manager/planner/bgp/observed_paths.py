"""What our speakers hold now, by prefix: what may be left as it is while nobody can decide."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network

from manager.snapshot import Snapshot
from pointsman.model.address import Address, Prefix
from pointsman.model.route import PeerName, Route, RouteKey


@dataclass(frozen=True)
class ObservedPaths:
    """The paths of all our speakers; put in order when first asked for, most plans never ask."""

    snapshot: Snapshot

    @cached_property
    def _by_prefix(self) -> Mapping[Prefix, Mapping[RouteKey, Route]]:
        found: dict[Prefix, dict[RouteKey, Route]] = {}
        for key, route in self.snapshot.routes.items():
            found.setdefault(key.prefix, {})[key] = route
        return found

    @cached_property
    def _lengths(self) -> tuple[tuple[int, int], ...]:
        """IP versions and prefix lengths that occur."""
        prefixes = self._by_prefix
        return tuple(sorted({(one.version, one.prefixlen) for one in prefixes}))

    def of(self, prefix: Prefix) -> Mapping[RouteKey, Route]:
        """Return what our speakers hold for *prefix*."""
        return self._by_prefix.get(prefix, {})

    def are_sent(self, prefix: Prefix, names: frozenset[PeerName]) -> bool:
        """Whether one of the routers *names* is sent a path of *prefix*."""
        return any(route.peers & names for route in self.of(prefix).values())

    def covering(self, address: Address) -> Mapping[RouteKey, Route]:
        """Return what leads to *address*: its host route, and aggregates."""
        found: dict[RouteKey, Route] = {}
        for version, length in self._lengths:
            if version == address.version:
                found |= self.of(ip_network((address, length), strict=False))
        return found
