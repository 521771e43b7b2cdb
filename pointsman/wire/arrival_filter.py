"""Filters that let a kernel pass the beginnings of flows towards our prefixes (classic BPF). Pure.

Made for a socket that hears packets from their IP header on (SOCK_DGRAM), whatever carried them. A
packet passes when it came to this host from elsewhere and begins a flow: TCP with SYN and
without ACK, an INIT of SCTP, any datagram of UDP or UDP-Lite. What belongs to an established
connection passes never; ICMP neither. Of a fragmented packet the first fragment counts, and
the others do not. VLANs have interfaces of their own, so a frame with a tag is not this one's.
IPv6 extension headers are passed over, four of them: behind more nobody looks, so that counts
as new.

As in `packet_filter`, each function returns several programs, the most exact first.
"""

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
)
from typing import Final

from pointsman.model.address import Address, Prefix
from pointsman.wire.bpf import (
    ADD,
    ADD_INDEX,
    AND,
    EQUAL,
    HAS_VLAN_TAG,
    INDEX_CONSTANT,
    INDEX_IPV4_HEADER,
    JUMP,
    LOAD_CONSTANT,
    LOAD_HALF,
    LOAD_HALF_AT,
    LOAD_OCTET,
    LOAD_OCTET_AT,
    LOAD_SCRATCH,
    LOAD_WORD,
    LONGEST,
    PACKET_TYPE,
    PASS,
    PROTOCOL,
    REFUSE,
    SHIFT_LEFT,
    STORE,
    TO_INDEX,
    VLAN_TAG,
    Instruction,
    Interval,
    Line,
    Program,
    assembled,
    block,
    search,
    widened,
)
from pointsman.wire.ethernet import ETH_P_IPV4, ETH_P_IPV6

MOST_EXTENSIONS: Final = 4
COARSE: Final = 200  # instructions for the IPv4 addresses of a filter that is not exact
HEADERS: Final = 40  # octets of a packet that hold both addresses: IPv6's header

TCP, UDP, SCTP, UDP_LITE = 6, 17, 132, 136  # IANA, assigned Internet protocol numbers
HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION = 0, 43, 44, 51, 60
_EXTENSIONS: Final = (HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION)
_SYN, _SYN_ACK = 0x02, 0x12  # RFC 9293 section 3.1
_INIT: Final = 1  # RFC 9260 section 3.2
_TO_THIS_HOST: Final = 0  # PACKET_HOST, linux/if_packet.h
_VLAN_ID: Final = 0x0FFF  # 0: the tag has a priority alone (IEEE 802.1Q)
_DESTINATION_V4, _DESTINATION_V6 = 16, 24
_WORD: Final = 0xFFFF_FFFF


def arrival_filter(prefixes: Iterable[Prefix]) -> tuple[Program, ...]:
    """Return filters for what begins a flow towards one of *prefixes*.

    The less exact ones let through what lies between prefixes of IPv4, and of IPv6 what shares
    the first 64 bits, then all.
    """
    spans, sixes = _of_both(prefixes)
    if not spans and not sixes:
        return ((REFUSE,),)
    ends = sorted({one if one.prefixlen <= 64 else one.supernet(new_prefix=64) for one in sixes})
    coarse = widened(spans, COARSE)
    tries = (
        _program(spans, _ipv6_search(sixes)),
        _program(coarse, _ipv6_search(ends)),
        _program(coarse, (PASS,) if sixes else ()),
    )
    found: list[Program] = []
    for program in tries:
        if len(program) <= LONGEST and (not found or len(program) < len(found[-1])):
            found.append(program)
    return tuple(found)


def is_exact(prefixes: Sequence[Prefix], program: Program) -> bool:
    """Whether *program*, one of the filters for *prefixes*, passes nothing else."""
    spans, sixes = _of_both(prefixes)
    return not (spans or sixes) or program == _program(spans, _ipv6_search(sixes))


def addresses(packet: bytes) -> tuple[Address, Address] | None:
    """Return destination and source of an IP packet; None: it has not even a header."""
    if len(packet) >= 20 and packet[0] >> 4 == 4:
        return IPv4Address(packet[16:20]), IPv4Address(packet[12:16])
    if len(packet) >= 40 and packet[0] >> 4 == 6:
        return IPv6Address(packet[24:40]), IPv6Address(packet[8:24])
    return None


def _of_both(prefixes: Iterable[Prefix]) -> tuple[list[Interval], list[IPv6Network]]:
    """Return IPv4's as intervals, neighbors in one, and IPv6's; both sorted and disjoint."""
    listed = list(prefixes)
    spans: list[Interval] = []
    for one in collapse_addresses(one for one in listed if isinstance(one, IPv4Network)):
        first, last = int(one[0]), int(one[-1])
        if spans and first == spans[-1][1] + 1:
            first = spans.pop()[0]
        spans.append((first, last))
    sixes = collapse_addresses(one for one in listed if isinstance(one, IPv6Network))
    return spans, list(sixes)


def _program(spans: list[Interval], sixes: Program) -> Program:
    """Return what asks for packets of others and the beginning of a flow, then for its address."""
    return assembled(
        (
            (LOAD_WORD, 0, 0, PACKET_TYPE),
            (EQUAL, "untagged?", "refuse", _TO_THIS_HOST),
            "refuse",
            REFUSE,
            "untagged?",
            (LOAD_WORD, 0, 0, HAS_VLAN_TAG),
            (EQUAL, "untagged", "", 0),
            (LOAD_WORD, 0, 0, VLAN_TAG),
            (AND, 0, 0, _VLAN_ID),
            (EQUAL, "untagged", "", 0),
            REFUSE,
            "untagged",
            (LOAD_WORD, 0, 0, PROTOCOL),
            (EQUAL, "IPv4", "", ETH_P_IPV4),
            (EQUAL, "IPv6?", "", ETH_P_IPV6),
            REFUSE,
            "IPv6?",
            (JUMP, "IPv6", "", 0),
            "IPv4",
            *(_ipv4_flow("4") if spans else ()),
            *(search(_DESTINATION_V4, spans) if spans else ()),
            REFUSE,
            "IPv6",
            *(_ipv6_flow("6") if sixes else ()),
            *sixes,
            REFUSE,
        )
    )


def _ipv4_flow(name: str) -> tuple[Line, ...]:
    """Return what goes on with a packet that begins a flow, and refuses others (RFC 791)."""
    return (
        (LOAD_HALF, 0, 0, 6),
        (AND, 0, 0, 0x1FFF),  # fragment offset
        (EQUAL, f"first{name}", "", 0),
        REFUSE,
        f"first{name}",
        (INDEX_IPV4_HEADER, 0, 0, 0),
        (LOAD_OCTET, 0, 0, 9),
        *_begins(name),
    )


def _ipv6_flow(name: str) -> tuple[Line, ...]:
    """Return the same for IPv6 (RFC 8200 section 4; an AH is measured by RFC 4302 section 2.2).

    The accumulator has a header's number, the index register its place.
    """
    lines: list[Line] = [(LOAD_OCTET, 0, 0, 6), (INDEX_CONSTANT, 0, 0, 40)]
    for step in range(MOST_EXTENSIONS):
        lines += _past_extension(f"{name}.{step}", transport=f"transport{name}")
    lines += [
        *((EQUAL, f"counts{name}", "", one) for one in _EXTENSIONS),
        (JUMP, f"transport{name}", "", 0),
        f"counts{name}",
        (JUMP, f"new{name}", "", 0),
        f"transport{name}",
        *_begins(name),
    ]
    return tuple(lines)


def _past_extension(name: str, *, transport: str) -> tuple[Line, ...]:
    """Return what goes past one header, or to *transport* where it is none of IPv6's own."""
    return (
        *((EQUAL, f"options{name}", "", one) for one in (HOP_BY_HOP, ROUTING, DESTINATION)),
        (EQUAL, f"fragment{name}", "", FRAGMENT),
        (EQUAL, f"authentication{name}", "", AUTHENTICATION),
        (JUMP, transport, "", 0),
        f"options{name}",
        (LOAD_OCTET_AT, 0, 0, 1),
        (ADD, 0, 0, 1),
        (SHIFT_LEFT, 0, 0, 3),
        (JUMP, f"past{name}", "", 0),
        f"authentication{name}",
        (LOAD_OCTET_AT, 0, 0, 1),
        (ADD, 0, 0, 2),
        (SHIFT_LEFT, 0, 0, 2),
        (JUMP, f"past{name}", "", 0),
        f"fragment{name}",
        (LOAD_HALF_AT, 0, 0, 2),
        (AND, 0, 0, 0xFFF8),  # fragment offset
        (EQUAL, f"first{name}", "", 0),
        REFUSE,
        f"first{name}",
        (LOAD_CONSTANT, 0, 0, 8),
        f"past{name}",
        (STORE, 0, 0, 0),
        (LOAD_OCTET_AT, 0, 0, 0),
        (STORE, 0, 0, 1),
        (LOAD_SCRATCH, 0, 0, 0),
        (ADD_INDEX, 0, 0, 0),
        (TO_INDEX, 0, 0, 0),
        (LOAD_SCRATCH, 0, 0, 1),
    )


def _begins(name: str) -> tuple[Line, ...]:
    """Return what goes on with what begins a flow: the accumulator has the protocol's number."""
    return (
        (EQUAL, f"new{name}", "", UDP),
        (EQUAL, f"new{name}", "", UDP_LITE),
        (EQUAL, f"tcp{name}", "", TCP),
        (EQUAL, f"sctp{name}", "", SCTP),
        REFUSE,
        f"tcp{name}",
        (LOAD_OCTET_AT, 0, 0, 13),
        (AND, 0, 0, _SYN_ACK),
        (EQUAL, f"new{name}", "", _SYN),
        REFUSE,
        f"sctp{name}",
        (LOAD_OCTET_AT, 0, 0, 12),  # of the first chunk: an INIT comes alone
        (EQUAL, f"new{name}", "", _INIT),
        REFUSE,
        f"new{name}",
    )


def _ipv6_search(prefixes: Sequence[IPv6Network]) -> Program:
    """Return what passes a packet to one of *prefixes*, and else goes on."""
    found: list[Instruction] = []
    within: dict[int, list[Interval]] = {}  # by the first 96 bits
    for prefix in prefixes:
        first, last = int(prefix[0]), int(prefix[-1])
        if prefix.prefixlen < 96:
            found += _in_prefix(first, prefix.prefixlen)
            continue
        spans, span = within.setdefault(first >> 32, []), (first & _WORD, last & _WORD)
        if spans and spans[-1][1] + 1 == span[0]:
            span = spans.pop()[0], span[1]
        spans.append(span)
    for top, spans in within.items():
        words = (top >> 64, top >> 32 & _WORD, top & _WORD)
        ends = search(_DESTINATION_V6 + 12, spans)
        found += (*block(_DESTINATION_V6, words, to_next=len(ends)), *ends)
    return tuple(found)


def _in_prefix(first: int, length: int) -> Program:
    """Return what passes a packet to the prefix of *length* bits from *first* on, else goes on."""
    lines: list[Line] = []
    for word in range(-(-length // 32)):
        bits = min(32, length - 32 * word)
        lines.append((LOAD_WORD, 0, 0, _DESTINATION_V6 + 4 * word))
        if bits < 32:
            lines.append((AND, 0, 0, _WORD << 32 - bits & _WORD))
        lines.append((EQUAL, "", "another", first >> 96 - 32 * word & _WORD))
    return assembled((*lines, PASS, "another"))
