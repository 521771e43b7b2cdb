"""What begins a flow towards our prefixes: the kernel's filter run by hand, beside scapy's packets.

On a kernel: `tests/pointsman/net/test_arrivals_on_kernel.py`.
"""

import random
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
)
from scapy.layers.ipsec import AH
from scapy.layers.sctp import SCTP, SCTPChunkData, SCTPChunkInit
from scapy.packet import Packet, Raw

from pointsman.model.address import Address, Prefix
from pointsman.wire.arrival_filter import MOST_EXTENSIONS, addresses, arrival_filter, is_exact
from pointsman.wire.bpf import LONGEST
from pointsman.wire.ethernet import ETH_P_ARP, ETH_P_IPV4, ETH_P_IPV6
from tests.pointsman.wire import classic_bpf
from tests.pointsman.wire.classic_bpf import BROADCAST, HOST, MULTICAST, OTHERHOST, OUTGOING

OURS: tuple[Prefix, ...] = tuple(
    map(
        ip_network,
        (
            "192.0.2.100/32",
            "198.51.100.0/24",
            "203.0.113.64/26",
            "2001:db8:1::/48",
            "2001:db8:2:3::/64",
            "2001:db8:2:4:8000::/65",
            "2001:db8:5::100/120",
            "2001:db8:5::300/128",
            "2001:db8:6::7/128",
        ),
    )
)
EXTENSIONS = {
    "hop by hop": lambda: IPv6ExtHdrHopByHop(options=[PadN(optdata=bytes(12))]),
    "destination": lambda: IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(4))]),
    "routing": lambda: IPv6ExtHdrRouting(addresses=["2001:db8::1"], segleft=0),
    "first fragment": lambda: IPv6ExtHdrFragment(offset=0, m=1, id=7),
    "authentication": lambda: AH(payloadlen=4, spi=1, seq=1, icv=bytes(12)),
}
NUMBERS = {
    IPv6ExtHdrHopByHop: 0,
    TCP: 6,
    UDP: 17,
    IPv6ExtHdrRouting: 43,
    IPv6ExtHdrFragment: 44,
    AH: 51,
    IPv6ExtHdrDestOpt: 60,
    SCTP: 132,
}


def near(prefix: Prefix) -> st.SearchStrategy[Address]:
    """Return addresses in *prefix* and just outside."""
    first, last = int(prefix[0]), int(prefix[-1])
    kind = IPv4Address if prefix.version == 4 else IPv6Address
    beside = [first - 1, first, last, last + 1]
    return (st.sampled_from(beside) | st.integers(first, last)).map(kind)


fours = st.one_of(*map(near, OURS[:3])) | st.integers(1, 0xDFFF_FFFF).map(IPv4Address)
sixes = st.one_of(*map(near, OURS[3:])) | st.integers(0x2 << 124, (0x4 << 124) - 1).map(IPv6Address)
transports = st.one_of(
    st.builds(lambda flags: TCP(flags=flags), st.integers(0, 0xFF)),
    st.builds(lambda octets: UDP(sport=443) / Raw(octets), st.binary(max_size=30)),
    st.sampled_from([SCTP() / SCTPChunkInit(), SCTP() / SCTPChunkData(data=b"x")]),
)


def begins(transport: Packet) -> bool:
    """Say what the filter is to find of *transport*."""
    if TCP in transport:
        return bool(transport[TCP].flags.S and not transport[TCP].flags.A)
    return UDP in transport or SCTPChunkInit in transport


def stacked(address: Address, extensions: list[str], transport: Packet) -> Packet:
    """Return a packet of IPv6; scapy does not say of itself what follows an AH."""
    packet = IPv6(dst=str(address), src="2001:db8::1")
    headers = [*(EXTENSIONS[name]() for name in extensions), transport]
    for header, after in pairwise(headers):
        header.nh = NUMBERS[type(after)]
    for header in headers:
        packet = packet / header
    return packet


def passes(packet: Packet | bytes, prefixes: tuple[Prefix, ...] = OURS, **how: int) -> bool:
    octets = bytes(packet)
    protocol = how.pop("protocol", ETH_P_IPV4 if octets[:1] < b"\x60" else ETH_P_IPV6)
    program = arrival_filter(prefixes)[0]
    classic_bpf.check(program)
    return bool(classic_bpf.run(program, octets, protocol=protocol, **how))


def ours(address: Address) -> bool:
    return any(address in prefix for prefix in OURS if prefix.version == address.version)


@given(fours, transports, st.integers(0, 10))
def test_ipv4(address: IPv4Address, transport: Packet, options: int) -> None:
    header = IP(
        dst=str(address), src="192.0.2.1", options=[("NOP" if options else "EOL")] * options
    )
    packet = header / transport
    assert passes(packet) == (ours(address) and begins(transport))
    assert addresses(bytes(packet)) == (address, IPv4Address("192.0.2.1"))


@given(sixes, transports, st.lists(st.sampled_from(sorted(EXTENSIONS)), max_size=MOST_EXTENSIONS))
def test_ipv6_behind_extension_headers(
    address: IPv6Address, transport: Packet, extensions: list[str]
) -> None:
    packet = stacked(address, extensions, transport)
    assert passes(packet) == (ours(address) and begins(transport))
    assert addresses(bytes(packet)) == (address, IPv6Address("2001:db8::1"))


@given(st.lists(st.sampled_from(sorted(EXTENSIONS)), min_size=5, max_size=7))
def test_what_nobody_looks_behind_counts(extensions: list[str]) -> None:
    assert passes(stacked(IPv6Address("2001:db8:6::7"), extensions, TCP(flags="A")))
    assert not passes(stacked(IPv6Address("2001:db8:6::8"), extensions, TCP(flags="S")))


SYN = IP(dst="192.0.2.100") / TCP(flags="S")
SYN6 = IPv6(dst="2001:db8:6::7") / TCP(flags="S")


@pytest.mark.parametrize(
    ("packet", "counts"),
    [
        (SYN, True),
        (IP(dst="192.0.2.100") / TCP(flags="SEC"), True),
        (IP(dst="192.0.2.100") / TCP(flags="SA"), False),
        (IP(dst="192.0.2.100") / TCP(flags="A"), False),  # an idle keep-alive, too
        (IP(dst="192.0.2.100") / TCP(flags="PA") / Raw(b"GET / HTTP/1.1"), False),
        (IP(dst="192.0.2.100") / TCP(flags="R"), False),
        (IP(dst="192.0.2.100") / ICMP(), False),
        (IP(dst="192.0.2.100") / UDP(), True),
        (IP(dst="192.0.2.100", proto=136) / Raw(bytes(8)), True),
        (IP(dst="192.0.2.100", proto=47) / Raw(bytes(28)), False),
        (IP(dst="192.0.2.100", flags="MF") / UDP() / Raw(bytes(64)), True),
        (IP(dst="192.0.2.100", frag=3, flags="MF") / UDP() / Raw(bytes(64)), False),
        (IP(dst="192.0.2.100", frag=3) / TCP(flags="S"), False),
        (IP(dst="192.0.2.101") / TCP(flags="S"), False),
        (SYN6, True),
        (IPv6(dst="2001:db8:6::7") / ICMPv6EchoRequest(), False),
        (IPv6(dst="2001:db8:6::7") / IPv6ExtHdrFragment(offset=3, m=0) / UDP(), False),
        (IPv6(dst="2001:db8:6::7", nh=59), False),
    ],
)
def test_what_counts(packet: Packet, counts: bool) -> None:
    assert passes(packet) is counts


@pytest.mark.parametrize("kind", [BROADCAST, MULTICAST, OTHERHOST, OUTGOING])
def test_only_what_was_sent_to_this_host(kind: int) -> None:
    assert passes(SYN, packet_type=HOST)
    assert not passes(SYN, packet_type=kind)


def test_a_vlans_frames_are_its_own_interfaces() -> None:
    assert passes(SYN, vlan=0)  # a priority alone
    assert passes(SYN6, vlan=0xE000)
    assert not passes(SYN, vlan=100)
    assert not passes(SYN6, vlan=0xE064)


def test_what_is_no_ip_or_is_cut_off() -> None:
    assert not passes(SYN, protocol=ETH_P_ARP)
    assert not passes(b"")
    for packet in (bytes(SYN), bytes(SYN6)):
        whole = 34 if packet[0] < 0x60 else 54  # up to the flags of TCP
        assert [n for n in range(len(packet)) if passes(packet[:n])] == list(
            range(whole, len(packet))
        )
    assert addresses(b"") is addresses(bytes(40)) is addresses(bytes(SYN6)[:39]) is None


def test_nothing_of_a_family_that_has_no_prefix() -> None:
    assert passes(SYN, OURS[:1])
    assert not passes(SYN6, OURS[:1])
    assert passes(SYN6, OURS[-1:])
    assert not passes(SYN, OURS[-1:])
    assert not passes(SYN, ())


@pytest.mark.parametrize("count", [1, 100, 1024])
def test_the_less_exact_ones_let_more_through_and_never_less(count: int) -> None:
    chance = random.Random(count)
    prefixes: list[Prefix] = [IPv4Network((chance.getrandbits(31), 32)) for _ in range(count)]
    prefixes += [IPv6Network((chance.getrandbits(125) | 1 << 125, 128)) for _ in range(count)]
    programs = arrival_filter(prefixes)
    assert is_exact(prefixes, programs[0]) is (count <= 100)
    assert not any(is_exact(prefixes, one) for one in programs[1:])
    assert [len(one) for one in programs] == sorted((len(one) for one in programs), reverse=True)
    assert len(programs[-1]) < 400
    for program in programs:
        classic_bpf.check(program)
        assert len(program) <= LONGEST
        for prefix in chance.sample(prefixes, min(50, len(prefixes))):
            four = prefix.version == 4
            header = (IP if four else IPv6)(dst=str(prefix[0]))
            protocol = ETH_P_IPV4 if four else ETH_P_IPV6
            assert classic_bpf.run(program, bytes(header / UDP()), protocol=protocol)
            established = bytes(header / TCP(flags="A"))
            assert not classic_bpf.run(program, established, protocol=protocol)


def test_no_prefix_passes_nothing() -> None:
    assert arrival_filter(()) == (((0x06, 0, 0, 0),),)
    assert is_exact((), arrival_filter(())[0])
