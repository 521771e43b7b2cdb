"""At which interface each node could answer for an address: what agents report, by network.

An interface counts while it is up and does not lead to the node's Pods; one of which the agent
says that it reaches no gateway counts where there is no other. By `layer2.interface` of an Eip it
is the one whose network holds the address, one of a name, or the one by which another address is
reached. It refuses to know which nodes may carry traffic at all.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from manager.planner.addresses.reserved import PARKED
from manager.snapshot import Announcer, Interface, Node, NodeName
from pointsman.model.address import Address, Family, Prefix, family_of
from pointsman.model.printable import clipped
from pointsman.model.ranges import read_address
from pointsman.model.unicast import is_unicast

CAN_REACH: Final = "can_reach:"
Names = tuple[str, ...]
Interfaces = Mapping[NodeName, Names]
Network = tuple[int, int, int]  # IP version, prefix length, number without host bits
ByNetwork = Mapping[Network, Interfaces]
DOWN: Final = "is down"
CUT: Final = "reaches no gateway"


@dataclass(frozen=True, slots=True)
class NodeLinks:
    """One node's interfaces, as far as they count."""

    up: tuple[tuple[Network, str], ...] = ()  # networks, each with an interface; in order
    down: tuple[tuple[Network, str], ...] = ()  # of interfaces that do not count now
    names_up: frozenset[str] = frozenset()
    names_down: frozenset[str] = frozenset()
    cut: frozenset[str] = frozenset()  # of those that are up: they reach no gateway
    default: tuple[tuple[Family, str], ...] = ()  # the interface of the default route


@dataclass(frozen=True, slots=True)
class Near:
    """Where an address could be, one object for all addresses that could be in the same places."""

    interfaces: Interfaces  # by node, in order of worth
    lacks: Mapping[NodeName, str]  # of the other nodes whose agents report: a clause why not
    cut: Mapping[NodeName, str] = field(default_factory=dict)  # at interfaces without a gateway

    def lack(self, node: NodeName) -> str:
        """Return why the address cannot be at *node*, as a clause."""
        return self.lacks.get(node, f"the agent of {node} has not reported its interfaces")


def node_links(
    _: None, announcer: Announcer, node: Node | None, cut: frozenset[str] | None
) -> NodeLinks | None:
    """Return the links of one node; None: its agent has not reported.

    *cut*: interfaces that reach no gateway, as its agent says.
    """
    if not announcer.reported:
        return None
    cidrs = node.pod_cidrs if node is not None else ()
    up: list[Interface] = []
    down: list[Interface] = []
    for one in announcer.interfaces:
        if not one.name.startswith(PARKED) and not _leads_to_pods(one, cidrs):
            (up if one.up else down).append(one)
    return NodeLinks(
        up=tuple(sorted(set(_networks(up)))),
        down=tuple(sorted(set(_networks(down)))),
        names_up=frozenset(one.name for one in up),
        names_down=frozenset(one.name for one in down),
        cut=frozenset(one.name for one in up).intersection(cut or ()),
        default=announcer.default_interfaces,
    )


def _networks(interfaces: Iterable[Interface]) -> Iterator[tuple[Network, str]]:
    """Yield the networks that have room for others."""
    for one in interfaces:
        for own in one.addresses:
            network, length = own.network, own.network.prefixlen
            if length < own.max_prefixlen and is_unicast(own.ip) and not own.ip.is_link_local:
                yield (own.version, length, int(network.network_address)), one.name


def _leads_to_pods(interface: Interface, cidrs: tuple[Prefix, ...]) -> bool:
    """Whether all that *interface* has is of the networks of the node's Pods."""
    return bool(interface.addresses) and all(
        any(own.version == cidr.version and own.ip in cidr for cidr in cidrs)
        for own in interface.addresses
    )


@dataclass(frozen=True, slots=True)
class Links:
    """The interfaces of all nodes whose agents report. What is asked once is remembered."""

    nodes: Mapping[NodeName, NodeLinks]
    _up: dict[Network, Interfaces] = field(init=False, repr=False, compare=False)
    _down: dict[Network, Interfaces] = field(init=False, repr=False, compare=False)
    _lengths: tuple[tuple[int, int], ...] = field(init=False, repr=False, compare=False)
    _near: dict[object, Near] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        up = _by_network((name, links.up) for name, links in self.nodes.items())
        down = _by_network((name, links.down) for name, links in self.nodes.items())
        lengths = {(version, length) for version, length, _ in (*up, *down)}
        narrow_first = sorted(lengths, key=lambda one: (one[0], -one[1]))
        for name, value in (("_up", up), ("_down", down), ("_lengths", tuple(narrow_first))):
            object.__setattr__(self, name, value)

    def near(self, rule: str, address: Address) -> Near:
        """Return where *address* could be, by `layer2.interface` of its Eip."""
        holding = tuple(self._holding(address)) if not rule else ()
        key = rule, family_of(address), holding
        found = self._near.get(key)
        if found is None:
            found = self._near[key] = self._found(rule, holding, family_of(address))
        return found

    def _holding(self, address: Address) -> Iterator[Network]:
        """Yield the networks that hold *address*, the narrowest first."""
        number, most = int(address), address.max_prefixlen
        for version, length in self._lengths:
            if version == address.version:
                host_bits = most - length
                network = version, length, number >> host_bits << host_bits
                if network in self._up or network in self._down:
                    yield network

    def _found(self, rule: str, holding: tuple[Network, ...], family: Family) -> Near:
        if rule.startswith(CAN_REACH):
            target = read_address(rule.removeprefix(CAN_REACH))
            there = tuple(self._holding(target))
            found = _joined(self._up, there) | self._by_default_route(family_of(target), there)
            why = f"has neither an interface on a network of {target} nor a way there"
        elif rule:
            found = {name: (rule,) for name, one in self.nodes.items() if rule in one.names_up}
            lost = {name: (rule,) for name, one in self.nodes.items() if rule in one.names_down}
            lacks = self._lacks(found, lost, f"has no interface {clipped(rule)}")
            return self._preferred(found, lacks)
        else:
            there, found = holding, _joined(self._up, holding)
            why = "has no interface on its network"
        return self._preferred(found, self._lacks(found, _joined(self._down, there), why))

    def _preferred(self, found: Interfaces, lacks: Mapping[NodeName, str]) -> Near:
        """Return *found*, of each node without the interfaces that are cut, if it has others."""
        whole = {
            node: tuple(name for name in names if name not in self.nodes[node].cut)
            for node, names in found.items()
        }
        return Near(
            {node: whole[node] or names for node, names in found.items()},
            lacks,
            cut={
                node: f"{', '.join(map(clipped, names))} of {node} {CUT}"
                for node, names in found.items()
                if not whole[node]
            },
        )

    def _by_default_route(
        self, family: Family, there: tuple[Network, ...]
    ) -> dict[NodeName, Names]:
        """Return the way out of the nodes that have no network of where it leads."""
        near = _joined(self._up, there)
        return {
            node: (interface,)
            for node, links in self.nodes.items()
            for way, interface in links.default
            if way is family and node not in near and interface in links.names_up
        }

    def _lacks(self, found: Interfaces, down: Interfaces, why: str) -> Mapping[NodeName, str]:
        return {
            node: f"{', '.join(map(clipped, down[node]))} of {node} {DOWN}"
            if node in down
            else f"{node} {why}"
            for node in self.nodes
            if node not in found
        }


def _by_network(
    nodes: Iterable[tuple[NodeName, tuple[tuple[Network, str], ...]]],
) -> dict[Network, Interfaces]:
    found: dict[Network, dict[NodeName, Names]] = {}
    for name, networks in nodes:
        for network, interface in networks:
            there = found.setdefault(network, {})
            there[name] = (*there.get(name, ()), interface)
    return dict(found)


def _joined(by_network: ByNetwork, networks: tuple[Network, ...]) -> dict[NodeName, Names]:
    """Return the interfaces that are on any of *networks*, in their order."""
    found: dict[NodeName, Names] = {}
    for network in networks:
        for node, names in by_network.get(network, {}).items():
            found[node] = tuple(dict.fromkeys((*found.get(node, ()), *names)))
    return found
