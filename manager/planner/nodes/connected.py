"""Which networks the nodes are on, and what that forbids to be led elsewhere.

A host address on a node's own network is asked for by ARP there, and no router is asked. An
aggregate that overlaps such a network, or that holds an address of a node, a gateway or a router,
would cut the node off from them. Pure; what agents report, of any interface but those on which
addresses of Services are.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from manager.planner.addresses.reserved import PARKED, Owned
from manager.snapshot import Announcer, NodeName
from pointsman.model.address import Family, Prefix, family_of
from pointsman.model.assignment import KERNEL_INTERFACE
from pointsman.model.printable import clipped
from pointsman.model.ranges import Span

OwnNetworks = tuple[tuple[Prefix, str], ...]  # each with an interface
Clauses = Mapping[NodeName, str]
_Network = tuple[int, int, int]  # IP version, prefix length, number without host bits


def own_networks(_: None, announcer: Announcer) -> OwnNetworks | None:
    """Return the networks of one node that have room for others; None: there are none.

    Interfaces without link, too: one that comes back has its networks again.
    """
    found = {
        (own.network, one.name)
        for one in announcer.interfaces
        if one.name != KERNEL_INTERFACE and not one.name.startswith(PARKED)
        for own in one.addresses
        if own.network.prefixlen < own.max_prefixlen and not own.ip.is_link_local
    }
    return tuple(sorted(found, key=_by_network)) or None


def _by_network(item: tuple[Prefix, str]) -> tuple[_Network, str]:
    return _key(item[0]), item[1]


def _key(prefix: Prefix) -> _Network:
    return prefix.version, prefix.prefixlen, int(prefix.network_address)


def _remembered() -> Any:
    return field(default_factory=dict, init=False, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Connected:
    """The networks of all nodes, and whose each address is. What is asked once is remembered."""

    networks: Mapping[NodeName, OwnNetworks]
    owned: Owned = ()  # infrastructure: `manager.planner.addresses.reserved`
    _by_network: dict[_Network, dict[NodeName, str]] = field(init=False, repr=False, compare=False)
    _lengths: tuple[tuple[int, int], ...] = field(init=False, repr=False, compare=False)
    _near: dict[tuple[_Network, ...], Clauses] = _remembered()
    _inside: dict[Prefix, str] = _remembered()

    def __post_init__(self) -> None:
        found: dict[_Network, dict[NodeName, str]] = {}
        for node, networks in self.networks.items():
            for network, interface in networks:
                clause = f"{node} is itself on {network} ({clipped(interface)})"
                found.setdefault(_key(network), {}).setdefault(node, clause)
        object.__setattr__(self, "_by_network", found)
        object.__setattr__(self, "_lengths", tuple(sorted({key[:2] for key in found})))

    def near(self, prefix: Prefix) -> Clauses:
        """Return the nodes with a network that overlaps *prefix*, each with a clause.

        One object for all prefixes that overlap the same networks.
        """
        keys = tuple(self._overlapping(prefix))
        found = self._near.get(keys)
        if found is None:
            found = self._near[keys] = self._clauses(keys)
        return found

    def inside(self, prefix: Prefix) -> str:
        """Return an address of the infrastructure that lies in *prefix*, as a clause; "": none."""
        found = self._inside.get(prefix)
        if found is None:
            found = self._inside[prefix] = next(_whose(prefix, self.owned), "")
        return found

    def within(self, family: Family, span: Span) -> Iterator[str]:
        """Yield what of the nodes' networks and of the infrastructure overlaps *span*: a clause."""
        first, last = span
        for (version, length, number), nodes in self._by_network.items():
            size = (32 if version == 4 else 128) - length
            same = (version == 4) is (family is Family.IPV4)
            if same and number <= last and first <= number + (1 << size) - 1:
                yield next(iter(nodes.values()))
        for address, whose in self.owned:
            if family_of(address) is family and first <= int(address) <= last:
                yield f"{address} is among its addresses ({whose})"

    def _overlapping(self, prefix: Prefix) -> Iterator[_Network]:
        number, most = int(prefix.network_address), prefix.max_prefixlen
        for version, length in self._lengths:
            if version != prefix.version:
                continue
            if length <= prefix.prefixlen:
                key = version, length, number >> most - length << most - length
                if key in self._by_network:
                    yield key
            else:  # of an aggregate: those that lie in it
                host_bits = most - prefix.prefixlen
                yield from (
                    key
                    for key in self._by_network
                    if key[:2] == (version, length) and key[2] >> host_bits == number >> host_bits
                )

    def _clauses(self, keys: tuple[_Network, ...]) -> Clauses:
        found: dict[NodeName, str] = {}
        for key in keys:
            for node, clause in self._by_network[key].items():
                found.setdefault(node, clause)
        return dict(sorted(found.items()))


def _whose(prefix: Prefix, owned: Iterable[tuple[Any, str]]) -> Iterator[str]:
    for address, whose in owned:
        if address.version == prefix.version and address in prefix:
            yield f"{address} ({whose}) lies in it"
