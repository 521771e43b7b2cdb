"""Filters that let a kernel pass what concerns our addresses, and nothing else (classic BPF).

Made for a socket that hears Ethernet frames whole. A frame passes when it asks for one of the
addresses or speaks for one: what others ask each other costs no process anything. A program has
at most 4,096 instructions (BPF_MAXINSNS), and a kernel may have less room for it, so each of these
functions returns several, the most exact first: what they let through on top is for the codecs
and for the responder to drop. None lets less through. Each is a binary search, twice: on who is
asked for, and on who speaks.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from pointsman.wire.bpf import (
    AND,
    AT_LEAST,
    EQUAL,
    JUMP,
    LOAD_HALF,
    LOAD_OCTET,
    LOAD_WORD,
    LONGEST,
    PACKET_TYPE,
    PASS,
    REFUSE,
    Instruction,
    Interval,
    Program,
    block,
    joined,
    search,
    widened,
)
from pointsman.wire.ethernet import ETH_P_ARP, ETH_P_IPV6

# What to try when a kernel has no room: the filter that is replaced counts as well meanwhile, and
# net.core.optmem_max is 20 KiB on older ones, 10 octets an instruction (measured).
BUDGETS: Final = (LONGEST, 1000, 200, 64)
MOST_BLOCKS: Final = 16  # /96 blocks of IPv6 that are told apart: they are tried one by one
_OTHERS: Final = 3  # PACKET_OTHERHOST; above it are our own (linux/if_packet.h)

# Whatever somebody else sent to us or to all, of ARP and of ICMPv6: that it arrives says that the
# link delivers. Not what is for others, a VLAN's frames among them.
_FROM_OTHERS: Final = ((LOAD_WORD, 0, 0, PACKET_TYPE), (AT_LEAST, 0, 1, _OTHERS), REFUSE)
ANY_ARP: Final[Program] = (*_FROM_OTHERS, PASS)
ANY_ICMPV6: Final[Program] = (
    *_FROM_OTHERS,
    *((LOAD_OCTET, 0, 0, 20), (EQUAL, 1, 0, 58), REFUSE, PASS),
)

_ARP_SENDER, _ARP_TARGET = 28, 38  # octets from Ethernet's header on
_IPV6_SENDER, _NDP_TARGET = 22, 62


def arp_filter(addresses: Iterable[IPv4Address]) -> tuple[Program, ...]:
    """Return filters for ARP: what is asked of *addresses* or answered to one, or one sends."""
    exact = joined(int(address) for address in addresses)
    if not exact:
        return ((REFUSE,),)
    return _fitting(_arp(exact), (_arp(widened(exact, budget)) for budget in BUDGETS))


def ndp_filter(
    addresses: Iterable[IPv6Address], gateways: Iterable[IPv6Address] = ()
) -> tuple[Program, ...]:
    """Return filters for Neighbor Solicitations and Advertisements: about *addresses* or of them.

    Of *gateways*, a handful, their advertisements pass, and no question about them. The less exact
    ones look at the last 32 bits of an address alone.
    """
    blocks: dict[int, list[int]] = {}
    for address in addresses:
        blocks.setdefault(int(address) >> 32, []).append(int(address) & 0xFFFF_FFFF)
    if not blocks:
        return ((REFUSE,),)
    ends = joined(end for block in blocks.values() for end in block)
    advertised = _advertised(gateways)
    wider = (_ndp_by_end(widened(ends, budget), advertised) for budget in BUDGETS)
    if len(blocks) > MOST_BLOCKS:
        return _fitting(None, wider)
    return _fitting(_ndp({top: joined(blocks[top]) for top in sorted(blocks)}, advertised), wider)


def _fitting(exact: Program | None, wider: Iterable[Program]) -> tuple[Program, ...]:
    """Return those that a kernel may take, each shorter than the one before."""
    found: list[Program] = []
    for program in wider if exact is None else (exact, *wider):
        if len(program) <= LONGEST and (not found or len(program) < len(found[-1])):
            found.append(program)
    return tuple(found)


def _arp(intervals: list[Interval]) -> Program:
    """Return the filter of requests for *intervals* and of answers to them, and of what they send.

    What they are answered is what was asked as one of them: by this node, or by another holder.
    """
    head = _guard(
        (LOAD_HALF, 12, ETH_P_ARP),
        (LOAD_WORD, 14, 0x0001_0800),  # of Ethernet, for IPv4
        (LOAD_HALF, 18, 0x0604),  # octets of their addresses
    )
    operation: Program = (
        (LOAD_HALF, 0, 0, 20),
        (EQUAL, 2, 0, 1),
        (EQUAL, 1, 0, 2),
        REFUSE,
    )
    searches = (*search(_ARP_TARGET, intervals), *search(_ARP_SENDER, intervals))
    return (*head, *operation, *searches, REFUSE)


def _ndp(blocks: dict[int, list[Interval]], advertised: Program) -> Program:
    """Return the filter of messages about or of *blocks*: first 96 bits, and ends within."""
    found: list[Instruction] = []
    for at in (_NDP_TARGET, _IPV6_SENDER):
        for top, ends in blocks.items():
            words = (top >> 64, top >> 32 & 0xFFFF_FFFF, top & 0xFFFF_FFFF)
            within = search(at + 12, ends)
            found += block(at, words, to_next=len(within))
            found += within
    return (*_ndp_head(), *advertised, *found, REFUSE)


def _ndp_by_end(ends: list[Interval], advertised: Program) -> Program:
    """Return the filter of messages about or of addresses whose last 32 bits are in *ends*."""
    searches = (*search(_NDP_TARGET + 12, ends), *search(_IPV6_SENDER + 12, ends))
    return (*_ndp_head(), *advertised, *searches, REFUSE)


def _advertised(gateways: Iterable[IPv6Address]) -> Program:
    """Return what passes advertisements of *gateways*, and goes on with all others."""
    found: list[Instruction] = []
    for gateway in sorted(set(gateways)):
        number = int(gateway)
        words = tuple(number >> shift & 0xFFFF_FFFF for shift in (96, 64, 32, 0))
        found += [*block(_NDP_TARGET, words, to_next=1), PASS]
    if not found:
        return ()
    return ((LOAD_HALF, 0, 0, 54), (EQUAL, 1, 0, 136 << 8), (JUMP, 0, 0, len(found)), *found)


def _ndp_head() -> Program:
    kind: Program = (
        (LOAD_OCTET, 0, 0, 14),
        (AND, 0, 0, 0xF0),
        (EQUAL, 0, 3, 0x60),  # version 6
        (LOAD_HALF, 0, 0, 54),
        (EQUAL, 2, 0, 135 << 8),  # code 0
        (EQUAL, 1, 0, 136 << 8),
        REFUSE,
    )
    # ICMPv6 comes next, and no router passed it on: hop limit 255 (RFC 4861 section 7.1.1).
    return (*_guard((LOAD_HALF, 12, ETH_P_IPV6), (LOAD_HALF, 20, 58 << 8 | 255)), *kind)


def _guard(*fields: tuple[int, int, int]) -> Program:
    """Return what refuses others' frames, and those whose *fields* differ: load, where, value.

    A frame that ends before a field is refused by the kernel.
    """
    head: list[Instruction] = [(LOAD_WORD, 0, 0, PACKET_TYPE)]
    left = 2 * len(fields)  # instructions between a comparison and what refuses
    head.append((AT_LEAST, left, 0, _OTHERS))
    for load, at, value in fields:
        left -= 2
        head += [(load, 0, 0, at), (EQUAL, 0 if left else 1, left, value)]
    return (*head, REFUSE)
