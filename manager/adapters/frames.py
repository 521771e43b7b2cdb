"""ARP and NDP on the interfaces of the host, for what the leading manager answers itself.

It opens packet sockets, which need NET_RAW, and nothing else does in the manager: without it the
sentence says so. Refuses to read more of a network than names, hardware addresses and subnets.
"""

import asyncio
import fcntl
import ipaddress
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Final

from manager.ports import HostInterface
from pointsman.model.address import Address, Prefix
from pointsman.model.printable import clipped
from pointsman.net.packet import GONE, PacketSocket
from pointsman.net.solicited import SolicitedNodeGroups
from pointsman.runtime.os_errors import os_error_text
from pointsman.runtime.target import Unavailable
from pointsman.wire.ethernet import ETH_P_ARP, ETH_P_IPV6
from pointsman.wire.packet_filter import arp_filter, ndp_filter

PROC: Final = Path("/proc/thread-self/net")  # of the network namespace that this thread is in
SIOCGIFHWADDR: Final = 0x8927  # linux/sockios.h
ARPHRD_ETHER: Final = 1  # linux/if_arp.h
RTF_UP: Final = 1  # linux/route.h
GLOBAL_SCOPE: Final = 0  # of /proc/net/if_inet6
NO_RIGHT: Final = (
    "responder: Central needs the capability NET_RAW, which this manager does not have: apply "
    "deploy/patches/central.yaml, or use responder: Node. Until then the nodes alone answer"
)


class HostFrames:
    """The port ``FrameNet`` on Linux."""

    def interfaces(self) -> Sequence[HostInterface]:
        """Return the interfaces with an Ethernet address and a subnet, by index.

        Raises:
            Unavailable: the kernel's lists cannot be read.
        """
        subnets: dict[str, set[Prefix]] = {}
        try:
            for name, subnet in (*_ipv4_subnets(), *_ipv6_subnets()):
                subnets.setdefault(name, set()).add(subnet)
        except OSError as error:
            raise Unavailable(f"the interfaces of this host: {error.strerror}") from error
        found = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            for name, nets in subnets.items():
                try:
                    mac, index = _mac(asking, name), socket.if_nametoindex(name)
                except OSError:  # it is gone by now
                    continue
                if mac is not None:
                    found.append(HostInterface(name, index, mac, tuple(sorted(nets, key=str))))
        return sorted(found, key=lambda one: one.index)

    def open(
        self, interface: HostInterface, received: Callable[[bytes], list[bytes]]
    ) -> "FramesOfOne":
        """Open both sockets; nothing is heard before `listen`."""
        return FramesOfOne(interface, received)


class FramesOfOne:
    """The port ``FrameSocket``: a socket for each kind, and the groups of solicited nodes."""

    def __init__(self, interface: HostInterface, received: Callable[[bytes], list[bytes]]) -> None:
        self._interface, self._received = interface, received
        self._groups = SolicitedNodeGroups(interface.index)
        self._sockets: dict[int, PacketSocket] = {}
        self.broken = False
        try:
            for protocol, program in ((ETH_P_ARP, arp_filter(())), (ETH_P_IPV6, ndp_filter(()))):
                sock = PacketSocket(interface.name, interface.index, protocol, program)
                self._sockets[protocol] = sock
                asyncio.get_running_loop().add_reader(sock.fileno(), self._read, sock)
        except PermissionError as error:
            self.close()
            raise Unavailable(NO_RIGHT) from error
        except OSError as error:
            self.close()
            raise self._unavailable(error) from error

    def listen(self, addresses: frozenset[Address]) -> None:
        """Hear about *addresses* alone: the filters first, or a group's questions found none."""
        solicited = [one for one in addresses if isinstance(one, IPv6Address)]
        requested = [one for one in addresses if isinstance(one, IPv4Address)]
        try:
            self._sockets[ETH_P_ARP].filter(arp_filter(requested))
            self._sockets[ETH_P_IPV6].filter(ndp_filter(solicited))
        except OSError as error:
            raise self._unavailable(error) from error
        if (refused := self._groups.follow(solicited)) is not None:
            raise self._unavailable(refused) from refused

    def close(self) -> None:
        """Hear nothing more."""
        for sock in self._sockets.values():
            asyncio.get_running_loop().remove_reader(sock.fileno())
            sock.close()
        self._sockets.clear()
        self._groups.close()

    def _read(self, sock: PacketSocket) -> None:
        try:
            drained = sock.drain()
            for frame in drained.frames:
                for reply in self._received(frame):
                    sock.send(reply)
            if drained.down:  # said once, of an interface that goes down or away
                self.broken = _index(self._interface.name) != self._interface.index
        except OSError as error:
            # Without its interface a socket may be readable for ever; another replaces it.
            asyncio.get_running_loop().remove_reader(sock.fileno())
            self.broken = True
            if error.errno not in GONE:
                raise

    def _unavailable(self, error: OSError) -> Unavailable:
        why = os_error_text(error)
        return Unavailable(f"interface {clipped(self._interface.name)} of this host: {why}")


def _index(name: str) -> int | None:
    """Return the number of the interface. None: there is none of that name."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return None


def _mac(asking: socket.socket, name: str) -> bytes | None:
    """Return the Ethernet address of the interface; None: it is of another kind, or has none.

    Raises:
        OSError: there is no such interface.
    """
    question = struct.pack("16sH14s", name.encode(), 0, b"")
    answered = fcntl.ioctl(asking, SIOCGIFHWADDR, question)
    _, kind, address = struct.unpack("16sH14s", answered)
    return address[:6] if kind == ARPHRD_ETHER and any(address[:6]) else None


def _ipv4_subnets() -> Iterator[tuple[str, Prefix]]:
    """Yield the connected routes: destination and mask without a gateway."""
    for line in _lines(PROC / "route")[1:]:
        name, destination, gateway, flags, *_rest = line.split()
        mask = _rest[3]
        if int(gateway, 16) or not int(flags, 16) & RTF_UP or not int(mask, 16):
            continue
        octets = struct.pack("=I", int(destination, 16)), struct.pack("=I", int(mask, 16))
        net, length = (IPv4Address(one) for one in octets)
        yield name, ipaddress.IPv4Network(f"{net}/{length}")


def _ipv6_subnets() -> Iterator[tuple[str, Prefix]]:
    """Yield the subnets of addresses of global scope."""
    listed = PROC / "if_inet6"
    if not listed.exists():  # a kernel without IPv6
        return
    for line in _lines(listed):
        address, _index, length, scope, _flags, name = line.split()
        if int(scope, 16) == GLOBAL_SCOPE:
            one = IPv6Address(bytes.fromhex(address)), int(length, 16)
            yield name, ipaddress.IPv6Network(one, strict=False)


def _lines(listed: Path) -> list[str]:
    """Return the lines of a list of the kernel's.

    Any octets but blanks and '/' make a name. One that is no text cannot be bound to: as it is
    spelled here no interface has it, and the others are read all the same.
    """
    return [line.decode(errors="backslashreplace") for line in listed.read_bytes().splitlines()]
