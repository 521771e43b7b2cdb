"""Gateways asked on the wire, once a second: unicast ARP, and Neighbor Solicitations.

It needs NET_RAW; without it nobody is asked, which is said once, and no interface is ever called
down. A gateway is asked by all until its hardware address is known, then alone.
"""

import asyncio
import errno
import logging
import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from agent.gateways import ASK_S, Gateway, Gateways
from agent.snapshot import Network
from pointsman.wire.arp import REPLY, ArpPacket, arp_request, read_arp, write_arp
from pointsman.wire.ethernet import BROADCAST, ETH_P_ARP
from pointsman.wire.ndp import ADVERTISEMENT, advertised, solicitation_message

ICMP6_FILTER: Final = 1  # linux/icmpv6.h
AT_ONCE: Final = 64
PASSING: Final = frozenset(
    {errno.ENETDOWN, errno.ENXIO, errno.ENODEV, errno.ENOBUFS, errno.ENOMEM, errno.EHOSTUNREACH}
    | {errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAGAIN, errno.EINVAL}
    | {errno.EPERM, errno.EACCES}  # a firewall of this host, or a rule that prohibits
)
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Line:
    """One socket: of one family, on one interface."""

    sock: socket.socket
    interface: str
    family: int


class GatewayProbes:
    """The port ``Paths``: asks, and says which interfaces are down."""

    def __init__(self) -> None:
        self._gateways = Gateways()
        self._lines: dict[tuple[str, int, int], _Line] = {}  # by interface, index, IP version
        self._macs: dict[Gateway, bytes] = {}
        self._forbidden = False

    def follow(self, network: Network) -> None:
        """Ask the gateways of *network* from now on."""
        self._gateways.follow(network)

    @property
    def down(self) -> tuple[str, ...]:
        """Return the interfaces that reach none of their gateways any more."""
        return self._gateways.down

    async def run(self) -> None:
        """Ask until cancelled."""
        try:
            while not self._forbidden:
                self._open()
                for gateway in self._gateways.all:
                    self._ask(gateway)
                await asyncio.sleep(ASK_S)
        finally:
            for key in list(self._lines):
                self._close(key)

    def _open(self) -> None:
        """Have a socket for each interface and family that is asked, and no other."""
        wanted = {(g.interface, g.index, g.address.version) for g in self._gateways.all}
        for key in self._lines.keys() - wanted:
            self._close(key)
        self._macs = {one: mac for one, mac in self._macs.items() if one in self._gateways.all}
        for key in sorted(wanted - self._lines.keys()):
            interface, _, version = key
            try:
                sock = _arp_socket(interface) if version == 4 else _icmp6_socket(interface)
            except PermissionError:
                log.info("gateways are not asked whether they are there: that needs NET_RAW")
                self._forbidden = True
                return
            except OSError as error:
                log.debug("%s: %s", interface, error)
                continue
            line = _Line(sock, interface, version)
            self._lines[key] = line
            asyncio.get_running_loop().add_reader(sock, self._read, line)

    def _close(self, key: tuple[str, int, int]) -> None:
        line = self._lines.pop(key)
        asyncio.get_running_loop().remove_reader(line.sock)
        line.sock.close()

    def _ask(self, gateway: Gateway) -> None:
        address = gateway.address
        line = self._lines.get((gateway.interface, gateway.index, address.version))
        if line is None:
            return
        self._gateways.asked(gateway)
        own_mac = bytes.fromhex(gateway.mac.replace(":", ""))
        try:
            if isinstance(address, IPv6Address):
                message = solicitation_message(address, link_layer=own_mac)
                line.sock.sendto(message, (str(address), 0, 0, gateway.index))
            elif gateway.source is not None:
                # Silence makes it forget the address: the gateway may have another now.
                mac = self._macs.pop(gateway, BROADCAST)
                asked = arp_request(address, mac=own_mac, sender=gateway.source, of=mac)
                line.sock.send(write_arp(asked))
        except OSError as error:
            if error.errno not in PASSING:
                raise

    def _read(self, line: _Line) -> None:
        for _ in range(AT_ONCE):
            try:
                data = line.sock.recv(2048)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno not in PASSING:
                    raise
                return
            if line.family == 4:
                packet = read_arp(data)
                if isinstance(packet, ArpPacket) and packet.operation == REPLY:
                    self._heard(line.interface, packet.sender, packet.sender_mac)
            elif (target := advertised(data)) is not None:
                self._gateways.answered(line.interface, target)

    def _heard(self, interface: str, address: IPv4Address, mac: bytes) -> None:
        self._gateways.answered(interface, address)
        for gateway in self._gateways.all:
            if (gateway.interface, gateway.address) == (interface, address):
                self._macs[gateway] = mac


def _arp_socket(interface: str) -> socket.socket:
    kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
    made = socket.socket(socket.AF_PACKET, kind, socket.htons(ETH_P_ARP))
    try:
        made.bind((interface, ETH_P_ARP))
    except OSError:
        made.close()
        raise
    return made


def _icmp6_socket(interface: str) -> socket.socket:
    kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
    made = socket.socket(socket.AF_INET6, kind, socket.IPPROTO_ICMPV6)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)  # RFC 4861 7.1.1
        blocked = [0xFFFF_FFFF] * 8  # a bit per type, 1: not for us (linux/icmpv6.h)
        blocked[ADVERTISEMENT >> 5] &= ~(1 << (ADVERTISEMENT & 31)) & 0xFFFF_FFFF
        made.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, struct.pack("=8I", *blocked))
    except OSError:
        made.close()
        raise
    return made
