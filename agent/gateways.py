"""Which of this node's interfaces reach their gateways. Sans I/O.

That this node is heard says that one of its ways works, perhaps that of a management network. So
the gateway of each default route is asked every second, on its own interface. An interface is
down for us when every gateway there that has ever answered is silent; one that never did says
nothing (it may not answer anybody).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from agent.snapshot import Link, Network
from pointsman.model.address import Address, address_order

ASK_S: Final = 1.0
SILENT_ASKS: Final = 3  # questions, and a second after the last of them


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway, and how this node asks it."""

    interface: str
    index: int
    mac: str  # this node's own, on that interface
    address: Address
    source: IPv4Address | None  # this node's own address on its network; IPv6 needs none


@dataclass(slots=True)
class Gateways:
    """What is known of each: how often it was asked since it answered, if it ever did.

    Questions are counted, not seconds: an agent that was short of CPU asked nobody meanwhile.
    """

    all: tuple[Gateway, ...] = ()
    _unanswered: dict[Gateway, int] = field(default_factory=dict)

    def follow(self, network: Network) -> None:
        """Ask the gateways of *network* from now on."""
        self.all = tuple(gateways(network))
        asked = set(self.all)
        self._unanswered = {one: n for one, n in self._unanswered.items() if one in asked}

    def asked(self, gateway: Gateway) -> None:
        """Take that it is asked now."""
        if gateway in self._unanswered:
            self._unanswered[gateway] += 1

    def answered(self, interface: str, address: Address) -> None:
        """Take an answer of *address* on *interface*."""
        for one in self.all:
            if (one.interface, one.address) == (interface, address):
                self._unanswered[one] = 0

    @property
    def down(self) -> tuple[str, ...]:
        """Return the interfaces that reach none of the gateways that they reached."""
        silent: dict[str, bool] = {}
        for one, questions in self._unanswered.items():
            silent[one.interface] = silent.get(one.interface, True) and questions > SILENT_ASKS
        return tuple(sorted(name for name, quiet in silent.items() if quiet))


def gateways(network: Network) -> Iterable[Gateway]:
    """Yield the gateways of the default routes, each once, in order."""
    links = {link.index: link for link in network.links}
    found: dict[tuple[str, tuple[int, int]], Gateway] = {}
    for route in network.default_routes:
        link = links.get(route.link)
        if route.gateway is None or link is None or not link.mac:
            continue
        source = _source(network, link, route.gateway)
        if route.gateway.version == 4 and source is None:
            continue
        key = link.name, address_order(route.gateway)
        found[key] = Gateway(link.name, link.index, link.mac, route.gateway, source)
    for key in sorted(found):
        yield found[key]


def _source(network: Network, link: Link, gateway: Address) -> IPv4Address | None:
    """Return this node's address on the gateway's network."""
    if isinstance(gateway, IPv6Address):
        return None
    for one in network.addresses:
        address = one.interface.ip
        near = one.link == link.index and gateway in one.interface.network
        if near and isinstance(address, IPv4Address):
            return address
    return None
