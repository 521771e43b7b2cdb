"""Which interface of this node answers for which addresses, and what keeps one from it. Pure.

An assignment names interfaces; what answers is the device on top: a bridge, bond or team eats the
frames of its ports (measured). A name that moved on stays with its interface until the next
assignment. Refuses to judge addresses: whether one is free, or still ours, is the responder's
question.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from typing import Final

from agent.snapshot import Duty, Link, LinkIndex, Network
from pointsman.model.address import Address, address_order
from pointsman.model.printable import clipped
from pointsman.responder.terms import DutyTerms

# Those that take what their ports receive. A VRF is a master too, and takes nothing here.
TAKES_FRAMES: Final = frozenset({"bond", "bridge", "team"})


@dataclass(frozen=True, slots=True)
class Station:
    """One interface, and what it is to answer for."""

    link: Link
    mac: bytes
    link_local: IPv6Address | None = None
    terms: Mapping[Address, DutyTerms] = field(default_factory=dict)
    gateways: tuple[Address, ...] = ()  # of the default routes that leave by it, in order


@dataclass(frozen=True, slots=True)
class Stations:
    """What a node's duties come to on its network as it is now."""

    by_index: Mapping[LinkIndex, Station] = field(default_factory=dict)
    withheld: Mapping[Address, str] = field(default_factory=dict)
    names: Mapping[str, LinkIndex] = field(default_factory=dict)  # those found: for the next time


def stations(
    duties: Iterable[Duty],
    network: Network,
    *,
    found: Mapping[str, LinkIndex],
    probe_all: bool = False,
) -> Stations:
    """Return who answers for what. *found*: where names were last time.

    *probe_all*: nobody has confirmed these duties since this agent started.
    """
    links = {link.index: link for link in network.links}
    by_name = {link.name: link.index for link in network.links}
    terms: dict[LinkIndex, dict[Address, DutyTerms]] = {}
    withheld: dict[Address, str] = {}
    names: dict[str, LinkIndex] = {}
    for duty in duties:
        index = by_name.get(duty.interface, found.get(duty.interface))
        link = links.get(index) if index is not None else None
        reason = _unfit(duty.interface, link)
        if link is None or reason:
            withheld |= dict.fromkeys(duty.addresses, reason)
            continue
        names[duty.interface] = link.index
        here = terms.setdefault(top(link, links).index, {})
        # Two for all of them: a node may hold thousands.
        plain, probing = (DutyTerms(probe, duty.announce_rate) for probe in (False, True))
        for address in duty.addresses:
            here[address] = probing if probe_all or address in duty.probe else plain
    locals_ = _link_locals(network)
    return Stations(
        by_index={
            index: Station(
                *(links[index], mac_of(links[index]), locals_.get(index), here),
                gateways=_gateways(network, index),
            )
            for index, here in terms.items()
        },
        withheld=withheld,
        names=names,
    )


def top(link: Link, links: Mapping[LinkIndex, Link]) -> Link:
    """Return the device that receives what arrives at *link*: itself, or what it is a port of."""
    passed = {link.index}
    while link.master is not None and link.master not in passed:
        above = links.get(link.master)
        if above is None or above.kind not in TAKES_FRAMES or not above.mac:
            return link
        link = above
        passed.add(link.index)
    return link


def mac_of(link: Link) -> bytes:
    return bytes.fromhex(link.mac.replace(":", ""))


def _unfit(name: str, link: Link | None) -> str:
    if link is None:
        return (
            f"This node has no interface {clipped(name)} (any more): `ip link` on the node shows "
            "what it has; spec.layer2.interface of the Eip names another."
        )
    if link.loopback or not link.mac:
        return (
            f"Interface {clipped(name)} has no hardware address, so nobody asks for addresses on "
            "it: name another in spec.layer2.interface of the Eip."
        )
    return ""


def _gateways(network: Network, index: LinkIndex) -> tuple[Address, ...]:
    found = {
        route.gateway
        for route in network.default_routes
        if route.link == index and route.gateway is not None
    }
    return tuple(sorted(found, key=address_order))


def _link_locals(network: Network) -> dict[LinkIndex, IPv6Address]:
    found: dict[LinkIndex, IPv6Address] = {}
    for one in network.addresses:
        ip, usable = one.interface.ip, not (one.tentative or one.duplicate)
        if usable and isinstance(ip, IPv6Address) and ip.is_link_local:
            found.setdefault(one.link, ip)
    return found
