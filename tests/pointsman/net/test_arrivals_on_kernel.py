"""New flows on a real kernel: what passes the filter, under a flood too, and what hides packets."""

import select
import time
from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.layers.l2 import Dot1Q, Ether
from scapy.layers.sctp import SCTP, SCTPChunkInit
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

from agent.adapters.netlink import KernelNetwork
from agent.outward import hidden, outward
from agent.snapshot import Network
from lab.errors import Broken
from lab.network import netns
from pointsman.net.packet import AT_ONCE, ArrivingPackets
from pointsman.wire.arrival_filter import addresses, arrival_filter
from tests.pointsman.net import xdp
from tests.pointsman.net.wires import FAR_MAC, NEAR_MAC, Cable, cable

pytestmark = pytest.mark.lab
OURS = [ip_network(text) for text in ("198.51.100.0/25", "2001:db8:1::/48", "2001:db8:2::7/128")]
LAST = "198.51.100.127"


@pytest.fixture
def wires() -> Iterator[Cable]:
    with cable() as made:
        yield made


def listening(wires: Cable, name: str) -> ArrivingPackets:
    index = wires.index(name)
    with netns.entered(wires.namespace):
        made = ArrivingPackets(name, index, arrival_filter(OURS))
    wires.open.callback(made.close)
    return made


def framed(packet: Packet, to: bytes = NEAR_MAC) -> Packet:
    return Ether(src=FAR_MAC.hex(":"), dst=to.hex(":")) / packet


def sent(wires: Cable, *frames: Packet) -> None:
    far = wires.packets("far")
    for frame in frames:
        while not far.send(bytes(frame)):
            time.sleep(0.001)


def arrived(sock: ArrivingPackets) -> list[str]:
    """Return the destinations of what arrived up to LAST."""
    found: list[str] = []
    until = time.monotonic() + 60
    while LAST not in found and time.monotonic() < until:
        select.select([sock], [], [], 1)
        for packet in sock.drain().frames:
            both = addresses(packet)
            assert both is not None
            found.append(str(both[0]))
    return found


DONE = framed(IP(dst=LAST, src="203.0.113.10") / UDP())


def test_beginnings_of_flows_pass_and_nothing_else(wires: Cable) -> None:
    near = listening(wires, "near")
    six = IPv6(dst="2001:db8:1::1", src="2001:db8:3::10")
    sent(
        wires,
        framed(IP(dst="198.51.100.1") / TCP(flags="S")),
        framed(IP(dst="198.51.100.2") / TCP(flags="A")),
        framed(IP(dst="198.51.100.3") / TCP(flags="SA")),
        framed(IP(dst="198.51.100.4", options=[("NOP")] * 8) / TCP(flags="S")),
        framed(IP(dst="198.51.100.5", frag=8) / UDP() / Raw(bytes(64))),
        framed(IP(dst="198.51.100.6") / SCTP() / SCTPChunkInit()),
        framed(IP(dst="198.51.100.128") / TCP(flags="S")),
        framed(IP(dst="198.51.100.7") / UDP(), to=b"\xff" * 6),
        framed(IP(dst="198.51.100.8") / UDP(), to=bytes.fromhex("020000000077")),
        framed(Dot1Q(vlan=7) / IP(dst="198.51.100.9") / UDP()),
        framed(Dot1Q(vlan=0) / IP(dst="198.51.100.10") / UDP()),
        framed(six / TCP(flags="S")),
        framed(six / TCP(flags="A")),
        framed(IPv6(dst="2001:db8:2::7") / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / UDP()),
        framed(IPv6(dst="2001:db8:2::7") / IPv6ExtHdrFragment(offset=8) / UDP()),
        framed(IPv6(dst="2001:db8:2::8") / UDP()),
        DONE,
    )
    assert arrived(near) == [
        *("198.51.100.1", "198.51.100.4", "198.51.100.6", "198.51.100.10"),
        *("2001:db8:1::1", "2001:db8:2::7", LAST),
    ]


def test_what_this_host_sends_itself_is_not_there(wires: Cable) -> None:
    near = listening(wires, "near")
    with netns.entered(wires.namespace):
        out = wires.packets("near")
    assert out.send(bytes(framed(IP(dst="198.51.100.1") / UDP(), to=FAR_MAC)))
    sent(wires, DONE)
    assert arrived(near) == [LAST]


def add_vlan(wires: Cable) -> None:
    try:
        wires.ip("link add link near name near.7 type vlan id 7", "link set near.7 up")
    except Broken as broken:
        if "Unknown device type" not in str(broken):
            raise
        pytest.skip("this kernel has no VLANs")


def test_a_vlan_is_an_interface_of_its_own(wires: Cable) -> None:
    add_vlan(wires)
    near, tagged = listening(wires, "near"), listening(wires, "near.7")
    frame = Dot1Q(vlan=7) / IP(dst="198.51.100.9") / UDP()
    sent(wires, framed(frame), framed(Dot1Q(vlan=7) / DONE[IP]), DONE)
    assert arrived(near) == [LAST]
    assert arrived(tagged) == ["198.51.100.9", LAST]


def test_what_arrives_in_a_tunnel_is_seen_behind_it(wires: Cable) -> None:
    wires.ip(
        "address add 192.0.2.11/24 dev near",
        "link add tun7 address 02:00:00:00:00:0c type vxlan "
        "id 7 local 192.0.2.11 remote 192.0.2.1 dstport 4789",
        "link set tun7 up",
    )
    tunnel = listening(wires, "tun7")
    outer = (
        IP(dst="192.0.2.11", src="192.0.2.1")
        / UDP(sport=4000, dport=4789)
        / VXLAN(vni=7, flags="Instance")
    )
    within = Ether(src="02:00:00:00:00:0d", dst="02:00:00:00:00:0c")
    inner = IP(dst="198.51.100.9", src="203.0.113.10") / TCP(flags="S")
    sent(wires, framed(outer / within / inner), framed(outer / within / DONE[IP]))
    assert arrived(tunnel) == ["198.51.100.9", LAST]


def test_a_flood_fills_a_small_buffer_and_no_more_is_ever_read(wires: Cable) -> None:
    near = listening(wires, "near")
    sent(wires, *[DONE] * 3000)
    until = time.monotonic() + 60
    while not near.dropped and time.monotonic() < until:
        time.sleep(0.01)
    assert near.dropped > 1000
    first = near.drain()
    assert (len(first.frames), first.more) == (AT_ONCE, True)
    rest = 0
    while frames := near.drain().frames:
        rest += len(frames)
    assert rest < 1000


async def network(wires: Cable) -> Network:
    with netns.entered(wires.namespace):
        return await KernelNetwork().observe()


async def test_an_xdp_program_takes_packets_first_and_that_is_read(wires: Cable) -> None:
    near = listening(wires, "near")
    with netns.entered(wires.namespace):
        xdp.attach(wires.index("near"), xdp.XDP_DROP)
    sent(wires, *[framed(IP(dst="198.51.100.1") / UDP())] * 5)
    with netns.entered(wires.namespace):
        xdp.attach(wires.index("near"), xdp.XDP_PASS)
    sent(wires, DONE)
    assert arrived(near) == [LAST]
    found = await network(wires)
    by_name = {link.name: link for link in found.links}
    assert [link.name for link in found.links if link.xdp] == ["near"]
    # A veth's other end is no interface that it lies on.
    assert (by_name["far"].lower, by_name["near"].lower) == (None, None)
    assert hidden(found, [by_name["near"]]).startswith("An XDP program on near may")
    assert hidden(found, [by_name["far"]]) == ""


async def test_which_interfaces_packets_of_others_arrive_by(wires: Cable) -> None:
    wires.ip(
        "link add pod type veth peer name pods",
        "link add tun7 type vxlan id 7 local 192.0.2.11 remote 192.0.2.1 dstport 4789",
        "address add 192.0.2.11/24 dev near",
        "route add default via 192.0.2.1 dev near",
    )
    found = await network(wires)
    names = {link.name for link in outward(found)}
    assert (names & {"near", "far", "lo", "pod", "pods", "tun7"}) == {"near", "tun7"}
