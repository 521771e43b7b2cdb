"""The wires of a lab: namespaces, bridges, veth pairs, addresses, routes, sysctls.

Nothing is made in the host's namespace: a veth pair is born with both ends
where they belong. DAD and router advertisements are off, so that every address
works at once and nothing appears that isn't written here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab.network import netns
from lab.network.lans import Lan, Rack
from lab.network.topology import (
    CLIENT,
    CLIENT_GATEWAY,
    SECOND_ROUTER,
    Interface,
    Manager,
    Node,
    Topology,
    owns,
)

QUIET = {
    # A new namespace inherits the IPv4 half from the host, whatever that is.
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.default.rp_filter": 0,
    "net.ipv4.conf.all.send_redirects": 0,
    "net.ipv4.conf.default.send_redirects": 0,
    "net.ipv4.conf.all.accept_redirects": 0,
    "net.ipv4.conf.default.accept_redirects": 0,
    "net.ipv6.conf.all.accept_dad": 0,
    "net.ipv6.conf.default.accept_dad": 0,
    "net.ipv6.conf.all.dad_transmits": 0,
    "net.ipv6.conf.default.dad_transmits": 0,
    "net.ipv6.conf.all.accept_ra": 0,
    "net.ipv6.conf.default.accept_ra": 0,
    "net.ipv6.conf.all.accept_redirects": 0,
    "net.ipv6.conf.default.accept_redirects": 0,
}
SILENT = {"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1}
FORWARDING = {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1}
HASH_PORTS = {  # of the outermost header: Documentation/networking/ip-sysctl.rst
    "net.ipv4.fib_multipath_hash_policy": 1,
    "net.ipv6.fib_multipath_hash_policy": 1,
}
OVER_THE_NODE = {
    "net.ipv4.conf.all.accept_local": 1,  # from an address of one's own: another Pod's, that is
    # The node sees that there is a shorter way. Their end of the cable was there before QUIET.
    "net.ipv6.conf.eth0.accept_redirects": 0,
}
BETWEEN_PODS = 100  # a routing table
# A spine that hashes as the routers below it do sends each of them only flows that hash
# alike there too: half of their next hops would stand idle.
HASH_OTHERWISE = {  # addresses and ports, without the protocol
    "net.ipv4.fib_multipath_hash_policy": 3,
    "net.ipv4.fib_multipath_hash_fields": 0x33,
    "net.ipv6.fib_multipath_hash_policy": 3,
    "net.ipv6.fib_multipath_hash_fields": 0x33,
}


@dataclass(frozen=True, slots=True)
class Wiring:
    """What one machine needs: its sysctls, then `ip` commands in its namespace."""

    machine: str
    sysctls: Mapping[str, int]
    commands: Sequence[str]
    commands6: Sequence[str] = ()  # those that must be told that IPv6 is meant


def up(topology: Topology) -> None:
    """Build every namespace of *topology*; a leftover of an earlier one goes first."""
    down(topology.name)
    netns.ip(*(f"netns add {topology.namespace(machine)}" for machine in topology.machines()))
    for wiring in wirings(topology):
        namespace = topology.namespace(wiring.machine)
        netns.sysctl(namespace, wiring.sysctls)
        netns.ip(*wiring.commands, namespace=namespace)
        if wiring.commands6:
            netns.ip(*wiring.commands6, namespace=namespace, version=6)


def down(lab: str) -> None:
    """Remove every namespace of the lab called *lab*, and who lives in them."""
    netns.remove([name for name in netns.names() if owns(lab, name)])


def set_link(topology: Topology, machine: str, *, up: bool) -> None:
    """Pull or plug the cable of *machine* at the switch: it sees its carrier go and come."""
    state = "up" if up else "down"
    netns.ip(f"link set {machine} {state}", namespace=topology.namespace("switch"))


def wirings(topology: Topology) -> Iterator[Wiring]:
    """Yield what to do, in building order; a machine may appear again."""
    yield _switch(topology)
    yield _spine() if topology.racks else _router(topology)
    for rack in topology.racks:
        yield _tor(topology, rack)
    yield Wiring(
        "client",
        QUIET,
        [
            "link set lo up",
            _cable("eth0", "eth1", topology.namespace("router")),
            *_interface("eth0", CLIENT),
            *_default_routes("eth0", CLIENT_GATEWAY),
        ],
    )
    if topology.router_count > 1:
        first = topology.lans[0]
        second = _host(topology, SECOND_ROUTER, first, first.at(2))
        yield Wiring(SECOND_ROUTER, QUIET | FORWARDING | HASH_PORTS, second.commands)
    for manager in topology.managers:
        host = _host(topology, manager.name, manager.lan, manager.addresses)
        yield Wiring(manager.name, QUIET, [*host.commands, *_further(manager)])
    for node in topology.nodes:
        yield _node(topology, node)
        yield _pods(node)
    # Last, because the other ends exist only now.
    yield Wiring("router", {}, [*_interface("eth1", CLIENT_GATEWAY), *_spine_ends(topology)])
    yield Wiring("switch", {}, list(_ports(topology)))


def _switch(topology: Topology) -> Wiring:
    commands = ["link set lo up"]  # the relay listens here too
    for lan in topology.lans:
        commands += [f"link add {lan.bridge} type bridge stp_state 0 mcast_snooping 0"]
        commands += [f"link set {lan.bridge} up"]
    return Wiring("switch", QUIET | SILENT, commands)


def _router(topology: Topology) -> Wiring:
    commands = ["link set lo up"]
    for lan in topology.lans:
        # eth1 is the client's side, so the second LAN is eth2.
        name = "eth0" if lan.number == 1 else f"eth{lan.number}"
        commands += [_cable(name, router_port(lan), topology.namespace("switch"))]
        commands += _interface(name, lan.router)
    if topology.subnets > 1:  # racks reach each other's pods through the router
        for node in topology.nodes:
            commands += _pod_routes(node, node.addresses)
    return Wiring("router", QUIET | FORWARDING | HASH_PORTS, commands)


def _tor(topology: Topology, rack: Rack) -> Wiring:
    """Its LAN is eth0, its uplink eth1; what isn't here is behind the spine."""
    commands = [
        "link set lo up",
        _cable("eth0", rack.tor, topology.namespace("switch")),
        *_interface("eth0", rack.lan.router),
        _cable("eth1", rack.tor, topology.namespace("router")),
        *_interface("eth1", rack.tor_end),
    ]
    commands += _routes(CLIENT, rack.spine_end)
    for other in topology.racks:
        if other != rack:
            commands += _routes(other.lan.router, rack.spine_end)
    for node in topology.nodes:
        via = node.addresses if node.lan == rack.lan else rack.spine_end
        commands += _pod_routes(node, via)
    return Wiring(rack.tor, QUIET | FORWARDING | HASH_PORTS, commands)


def _spine() -> Wiring:
    return Wiring("router", QUIET | FORWARDING | HASH_OTHERWISE, ["link set lo up"])


def _spine_ends(topology: Topology) -> Iterator[str]:
    """Yield the spine's ends of the uplinks, each named after its router, and what is behind."""
    for rack in topology.racks:
        yield from _interface(rack.tor, rack.spine_end)
        yield from _routes(rack.lan.router, rack.tor_end)
        for node in topology.nodes:
            if node.lan == rack.lan:
                yield from _pod_routes(node, rack.tor_end)


def _host(
    topology: Topology, machine: str, lan: Lan, addresses: tuple[Interface, Interface]
) -> Wiring:
    return Wiring(
        machine,
        QUIET,
        [
            "link set lo up",
            _cable("eth0", machine, topology.namespace("switch")),
            *_interface("eth0", addresses),
            *_default_routes("eth0", lan.router),
        ],
    )


def _further(manager: Manager) -> Iterator[str]:
    """Yield the addresses of further speakers: nobody else on the machine speaks from them."""
    for address in (one for pair in manager.further for one in pair):
        # IPv4 prefers the first address of a network, IPv6 those that aren't deprecated.
        unused = " preferred_lft 0" if address.version == 6 else ""
        yield f"addr add {address}{_nodad(address)} dev eth0{unused}"


def _node(topology: Topology, node: Node) -> Wiring:
    host = _host(topology, node.name, node.lan, node.addresses)
    commands = [
        *host.commands,
        _cable("pods0", "eth0", topology.namespace(node.pods_machine)),
        *_interface("pods0", node.pod_gateway),
    ]
    for other in topology.nodes:
        if other != node:
            via = other.addresses if other.lan == node.lan else node.lan.router
            commands += _pod_routes(other, via)
    return Wiring(node.name, QUIET | FORWARDING, commands)


def _pods(node: Node) -> Wiring:
    """The Pods of a node: one namespace, and yet strangers to each other.

    What one sends to another takes the way over the node, as it would from a namespace of its
    own. Else the answer to a Pod that asked a Service would stay here, and bear the wrong source.
    """
    commands = ["link set lo up", "link set eth0 up"]
    for pair in node.pods:
        commands += [f"addr add {address}{_nodad(address)} dev eth0" for address in pair]
    commands += _default_routes("eth0", node.pod_gateway)
    rules: dict[int, list[str]] = {}
    gateways: tuple[Interface, Interface] = node.pod_gateway
    for gateway, cidr in zip(gateways, node.pod_cidrs, strict=True):
        commands += [f"route add default via {gateway.ip} dev eth0 table {BETWEEN_PODS}"]
        rules[gateway.version] = [
            f"rule add pref 10 iif lo from {cidr} to {cidr} lookup {BETWEEN_PODS}",
            "rule add pref 20 lookup local",  # in the place of the one at 0, which is always first
            "rule del pref 0",
        ]
    return Wiring(node.pods_machine, QUIET | OVER_THE_NODE, [*commands, *rules[4]], rules[6])


def _ports(topology: Topology) -> Iterator[str]:
    """Put every cable's end into its bridge: only possible from the switch's namespace."""
    if topology.racks:
        ports = [(rack.tor, rack.lan) for rack in topology.racks]
    else:
        ports = [(router_port(lan), lan) for lan in topology.lans]
    ports += [(manager.name, manager.lan) for manager in topology.managers]
    ports += [(node.name, node.lan) for node in topology.nodes]
    if topology.router_count > 1:
        ports += [(SECOND_ROUTER, topology.lans[0])]
    for port, lan in ports:
        yield f"link set {port} master {lan.bridge} up"


def router_port(lan: Lan) -> str:
    return "router" if lan.number == 1 else f"router-{lan.number}"


def _cable(name: str, peer: str, namespace: str) -> str:
    return f"link add {name} type veth peer name {peer} netns {namespace}"


def _interface(name: str, addresses: tuple[Interface, Interface]) -> list[str]:
    adds = [f"addr add {address}{_nodad(address)} dev {name}" for address in addresses]
    return [f"link set {name} up", *adds]


def _nodad(address: Interface) -> str:
    return " nodad" if address.version == 6 else ""


def _default_routes(name: str, via: tuple[Interface, Interface]) -> list[str]:
    return [f"route add default via {a.ip} dev {name}" for a in via]


def _routes(inside: tuple[Interface, Interface], via: tuple[Interface, Interface]) -> list[str]:
    """Return routes to the networks that the addresses *inside* are of."""
    return [f"route add {one.network} via {hop.ip}" for one, hop in zip(inside, via, strict=True)]


def _pod_routes(node: Node, via: tuple[Interface, Interface]) -> list[str]:
    return [f"route add {cidr} via {hop.ip}" for cidr, hop in zip(node.pod_cidrs, via, strict=True)]
