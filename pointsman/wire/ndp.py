"""Neighbor Solicitations and Advertisements (RFC 4861, 4862, 7527): bytes and values.

Reading takes any bytes and returns a value or the reason to drop them, never an exception; it
holds them to RFC 4861 sections 7.1.1 and 7.1.2. Refuses to know which addresses are ours.
Extension headers are passed over with the frame: hosts put none before these messages.
"""

import struct
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

from pointsman.wire.ethernet import (
    ETH_P_IPV6,
    ETHERNET,
    TAGS,
    is_station,
)
from pointsman.wire.frame_drops import FrameDrop

SOLICITATION: Final = 135  # RFC 4861 section 4.3
ADVERTISEMENT: Final = 136  # RFC 4861 section 4.4
ALL_NODES: Final = IPv6Address("ff02::1")
UNSPECIFIED: Final = IPv6Address(0)
LOOPBACK: Final = IPv6Address(1)
NONCE_OCTETS: Final = 6  # RFC 7527 section 4.1
HOP_LIMIT: Final = 255  # RFC 4861 section 7.1.1: no router has passed it on

_SOLICITED_NODE: Final = int(IPv6Address("ff02::1:ff00:0"))  # RFC 4291 section 2.7.1
_IPV6: Final = struct.Struct("!IHBB16s16s")
_PSEUDO: Final = struct.Struct("!16s16sII")  # RFC 8200 section 8.1
_MESSAGE: Final = struct.Struct("!BBHI16s")
_HEADERS: Final = ETHERNET.size + _IPV6.size
_VERSION: Final = 6
_ICMPV6: Final = 58
_SOURCE_LINK_LAYER, _TARGET_LINK_LAYER, _NONCE = 1, 2, 14  # RFC 4861 4.6.1; RFC 3971 5.3.2
_OPTION_UNIT: Final = 8  # octets
_ROUTER, _SOLICITED, _OVERRIDE = 1 << 31, 1 << 30, 1 << 29
_GROUP: Final = 0xFF  # the first octet of every multicast address


@dataclass(frozen=True, slots=True)
class Solicitation:
    """A question for *target*, with the headers that carry it; a MAC is six octets."""

    destination: bytes
    source: bytes
    sender: IPv6Address  # UNSPECIFIED: duplicate address detection (RFC 4862 section 5.4)
    receiver: IPv6Address
    target: IPv6Address
    link_layer: bytes | None = None
    nonce: bytes | None = None

    @property
    def is_probe(self) -> bool:
        """Whether it asks for an address before using it (RFC 4862 section 5.4.2)."""
        return self.sender == UNSPECIFIED

    @property
    def sender_mac(self) -> bytes:
        """The hardware address that its sender is reached at."""
        return self.link_layer or self.source

    @property
    def is_relayed(self) -> bool:
        """Whether another hardware address sent it than the one that it names."""
        return self.source != self.sender_mac


@dataclass(frozen=True, slots=True)
class Advertisement:
    """An answer about *target*, or an announcement, with the headers that carry it."""

    destination: bytes
    source: bytes
    sender: IPv6Address
    receiver: IPv6Address
    target: IPv6Address
    link_layer: bytes | None = None
    router: bool = False
    solicited: bool = False
    override: bool = False

    @property
    def sender_mac(self) -> bytes:
        """The hardware address that it gives to its target."""
        return self.link_layer or self.source


def solicited_node_group(address: IPv6Address) -> IPv6Address:
    """Return the multicast group that questions for *address* are sent to.

    It holds the low 24 bits only: several addresses may share one.

    Source: RFC 4291 section 2.7.1.
    """
    return IPv6Address(_SOLICITED_NODE | (int(address) & 0xFF_FFFF))


def read_ndp(frame: bytes) -> Solicitation | Advertisement | FrameDrop:
    """Return what *frame* holds, padded or not, or why it counts for nothing."""
    if len(frame) < ETHERNET.size:
        return FrameDrop.SHORT
    destination, source, ethertype = ETHERNET.unpack_from(frame)
    if ethertype != ETH_P_IPV6:
        return FrameDrop.TAGGED if ethertype in TAGS else FrameDrop.FOREIGN
    if len(frame) < _HEADERS:
        return FrameDrop.SHORT
    first, length, next_header, hop_limit, sender, receiver = _IPV6.unpack_from(
        frame, ETHERNET.size
    )
    if first >> 28 != _VERSION or next_header != _ICMPV6:
        return FrameDrop.FOREIGN
    message = frame[_HEADERS : _HEADERS + length]
    if message and message[0] not in (SOLICITATION, ADVERTISEMENT):
        return FrameDrop.FOREIGN
    if len(message) < max(length, _MESSAGE.size):
        return FrameDrop.SHORT
    if hop_limit != HOP_LIMIT:
        return FrameDrop.HOP_LIMIT
    if _sum(sender, receiver, message):
        return FrameDrop.CHECKSUM
    if not is_station(source) or sender[0] == _GROUP or sender == LOOPBACK.packed:
        return FrameDrop.SENDER
    kind, code, _, flags, target = _MESSAGE.unpack_from(message)
    if code:
        return FrameDrop.MALFORMED
    if target[0] == _GROUP:
        return FrameDrop.TARGET
    if (options := _options(message)) is None:
        return FrameDrop.OPTION
    ends = IPv6Address(sender), IPv6Address(receiver), IPv6Address(target)
    if kind == SOLICITATION:
        return _solicitation(destination, source, *ends, options)
    return _advertisement(destination, source, *ends, options, flags)


def write_solicitation(solicitation: Solicitation) -> bytes:
    """Return the frame that asks *solicitation*."""
    message = solicitation_message(
        solicitation.target, link_layer=solicitation.link_layer, nonce=solicitation.nonce
    )
    return _frame(solicitation, message)


def write_advertisement(advertisement: Advertisement) -> bytes:
    """Return the frame that says *advertisement*."""
    flags = (
        (_ROUTER if advertisement.router else 0)
        | (_SOLICITED if advertisement.solicited else 0)
        | (_OVERRIDE if advertisement.override else 0)
    )
    message = _MESSAGE.pack(ADVERTISEMENT, 0, 0, flags, advertisement.target.packed)
    return _frame(advertisement, message + _option(_TARGET_LINK_LAYER, advertisement.link_layer))


def solicitation_message(
    target: IPv6Address, *, link_layer: bytes | None, nonce: bytes | None = None
) -> bytes:
    """Return the ICMPv6 message alone, for a socket whose kernel adds headers and checksum."""
    options = _option(_SOURCE_LINK_LAYER, link_layer) + _option(_NONCE, nonce)
    return _MESSAGE.pack(SOLICITATION, 0, 0, 0, target.packed) + options


def advertised(message: bytes) -> IPv6Address | None:
    """Return who answers in an ICMPv6 *message* that a kernel checked; None: it is no answer."""
    if len(message) < _MESSAGE.size:
        return None
    kind, code, _, _, target = _MESSAGE.unpack_from(message)
    return IPv6Address(target) if (kind, code) == (ADVERTISEMENT, 0) else None


def _solicitation(
    destination: bytes,
    source: bytes,
    sender: IPv6Address,
    receiver: IPv6Address,
    target: IPv6Address,
    options: dict[int, bytes],
) -> Solicitation | FrameDrop:
    link_layer, nonce = options.get(_SOURCE_LINK_LAYER), options.get(_NONCE)
    if link_layer is not None and not is_station(link_layer):
        return FrameDrop.SENDER  # the answer would go to a group: everybody hears it
    if sender == UNSPECIFIED:
        if link_layer is not None:
            return FrameDrop.OPTION  # RFC 4861 section 7.1.1
        if receiver != solicited_node_group(target):
            return FrameDrop.RECEIVER
    return Solicitation(destination, source, sender, receiver, target, link_layer, nonce)


def _advertisement(
    destination: bytes,
    source: bytes,
    sender: IPv6Address,
    receiver: IPv6Address,
    target: IPv6Address,
    options: dict[int, bytes],
    flags: int,
) -> Advertisement | FrameDrop:
    link_layer = options.get(_TARGET_LINK_LAYER)
    if sender == UNSPECIFIED or (link_layer is not None and not is_station(link_layer)):
        return FrameDrop.SENDER
    router, solicited, override = (bool(flags & bit) for bit in (_ROUTER, _SOLICITED, _OVERRIDE))
    if solicited and receiver.is_multicast:
        return FrameDrop.RECEIVER  # RFC 4861 section 7.1.2
    return Advertisement(
        *(destination, source, sender, receiver, target, link_layer),
        router=router,
        solicited=solicited,
        override=override,
    )


def _options(message: bytes) -> dict[int, bytes] | None:
    """Return the first option of each kind, without its header; None: they do not fit.

    What a hardware address does not fill is no option of Ethernet (RFC 2464 section 6).
    """
    found: dict[int, bytes] = {}
    at = _MESSAGE.size
    while at < len(message):
        length = message[at + 1] * _OPTION_UNIT if at + 1 < len(message) else 0
        if not length or at + length > len(message):
            return None
        kind = message[at]
        if kind in (_SOURCE_LINK_LAYER, _TARGET_LINK_LAYER) and length != _OPTION_UNIT:
            return None
        found.setdefault(kind, message[at + 2 : at + length])
        at += length
    return found


def _option(kind: int, content: bytes | None) -> bytes:
    """Return an option that holds *content*, filled up with zeros; nothing for None."""
    if content is None:
        return b""
    units = -(-(len(content) + 2) // _OPTION_UNIT)
    return bytes((kind, units)) + content.ljust(units * _OPTION_UNIT - 2, b"\0")


def _frame(packet: Solicitation | Advertisement, message: bytes) -> bytes:
    """Return *message*, whose checksum is still zero, with all that is before it."""
    sender, receiver = packet.sender.packed, packet.receiver.packed
    checksum = -_sum(sender, receiver, message) % 0xFFFF
    return b"".join(
        (
            ETHERNET.pack(packet.destination, packet.source, ETH_P_IPV6),
            _IPV6.pack(_VERSION << 28, len(message), _ICMPV6, HOP_LIMIT, sender, receiver),
            message[:2],
            checksum.to_bytes(2, "big"),
            message[4:],
        )
    )


def _sum(sender: bytes, receiver: bytes, message: bytes) -> int:
    """Return the ones' complement sum of *message* and its pseudo header; 0: it is right.

    Adding 16-bit words with an end-around carry is adding modulo 0xFFFF (RFC 1071 section 2), and
    a long number is worth the sum of its words, since 0x10000 is 1 there.
    """
    padding = b"\0" * (len(message) & 1)
    whole = _PSEUDO.pack(sender, receiver, len(message), _ICMPV6) + message + padding
    return int.from_bytes(whole, "big") % 0xFFFF
