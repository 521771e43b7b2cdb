"""The interfaces by which packets from elsewhere arrive at this node, and what may hide some. Pure.

Pods' packets are not among them: a pod has a veth, or a bridge that no cable is plugged into. What
a bond, a bridge or a team receives is looked at there and not at its ports; each VLAN and each
tunnel has an interface of its own, behind which packets lie open. Refuses to look at packets.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from agent.planner.report import usable
from agent.snapshot import Duty, Link, LinkIndex, Network
from agent.stations import TAKES_FRAMES
from pointsman.model.address import Prefix, host_prefix
from pointsman.model.printable import clipped, some

# IFLA_INFO_KIND of what lies directly on hardware, which has none itself.
_ON_HARDWARE: Final = frozenset({"", "bond", "team", "vlan", "macvlan", "ipvlan"})
NONE: Final = frozenset[LinkIndex]()
_TUNNELS: Final = frozenset(
    {
        *("ipip", "sit", "ip6tnl", "vti", "vti6", "xfrm", "gre", "gretap", "ip6gre", "ip6gretap"),
        *("erspan", "ip6erspan", "vxlan", "geneve", "bareudp", "wireguard", "ppp"),
    }
)


def outward(network: Network, duties: Iterable[Duty] = ()) -> tuple[Link, ...]:
    """Return the interfaces that packets of others arrive by, by index.

    Whatever it is, one that a default route uses, or that the node answers ARP and NDP on, is.
    """
    links = {link.index: link for link in network.links}
    used = {route.link for route in network.default_routes}
    named = {duty.interface for duty in duties}
    return tuple(
        link
        for _, link in sorted(links.items())
        if not link.loopback
        and not _is_port(link, links)
        and (
            link.index in used
            or link.name in named
            or link.kind in _ON_HARDWARE
            or link.kind in _TUNNELS
            or any(port.kind in _ON_HARDWARE for port in _ports(link, network))
        )
    )


def own_addresses(network: Network, links: Iterable[Link]) -> frozenset[Prefix]:
    """Return the addresses of the node itself on *links*, as host prefixes.

    What it has on `lo` or on a dummy interface may be a Service's.
    """
    indices = {link.index for link in links}
    return frozenset(
        host_prefix(one.interface.ip)
        for one in network.addresses
        if one.link in indices and usable(one)
    )


def without(prefixes: Iterable[Prefix], hosts: Iterable[Prefix]) -> list[Prefix]:
    """Return prefixes that hold what *prefixes* hold, but for *hosts*."""
    left = list(prefixes)
    for host in hosts:
        address = host.network_address
        cut: list[Prefix] = []
        for prefix in left:
            if prefix.version == host.version and address in prefix:
                cut += prefix.address_exclude(host)  # type: ignore[arg-type]
            else:
                cut.append(prefix)
        left = cut
    return left


def hidden(
    network: Network, links: Iterable[Link], in_hardware: frozenset[LinkIndex] = NONE
) -> str:
    """Return the sentence about what may take packets before a filter on *links* sees them.

    *in_hardware*: on whose cards filters of tc forward or drop packets.
    """
    under = beneath(network, links)
    if names := _named(one for one in under if one.xdp):
        return f"An XDP program on {names} may take packets before the agent can see them."
    if names := _named(one for one in under if one.index in in_hardware):
        return (
            f"A filter of tc on {names} is in hardware (in_hw): the card may take packets before "
            "the agent can see them."
        )
    return ""


def beneath(network: Network, links: Iterable[Link]) -> tuple[Link, ...]:
    """Return *links*, and those by which their packets arrive, by index."""
    found = {one.index: one for link in links for one in _beneath(link, network)}
    return tuple(one for _, one in sorted(found.items()))


def _named(links: Iterable[Link]) -> str:
    return ", ".join(some([clipped(name) for name in sorted(link.name for link in links)]))


def _is_port(link: Link, links: dict[LinkIndex, Link]) -> bool:
    master = links.get(link.master) if link.master is not None else None
    return master is not None and master.kind in TAKES_FRAMES


def _ports(link: Link, network: Network) -> Iterator[Link]:
    if link.kind in TAKES_FRAMES:
        yield from (port for port in network.links if port.master == link.index)


def _beneath(link: Link, network: Network) -> Iterator[Link]:
    """Yield *link*, and those by which its packets arrive."""
    waiting, seen = [link], set[LinkIndex]()
    while waiting:
        one = waiting.pop()
        if one.index in seen:
            continue
        seen.add(one.index)
        yield one
        waiting += _ports(one, network)
        waiting += (under for under in network.links if under.index == one.lower)
