"""Malformed and odd frames, written by scapy: what each is, and what becomes of it.

Their like was sent to kernels, too. Three that a kernel answers are dropped here: an answer to
IEEE 802 (hardware type 6), to a sender that is a group, and to a source link-layer option that
is one (a question to one station would make every station hear the answer). So is a solicitation
behind an extension header, and a sender that nobody can be.
"""

from typing import Any

import pytest
from scapy.compat import raw
from scapy.layers.inet6 import (
    ICMPv6EchoRequest,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    ICMPv6NDOptUnknown,
    IPv6,
    IPv6ExtHdrHopByHop,
)
from scapy.layers.l2 import ARP, Dot1Q, Ether

from pointsman.responder.answer import Claim, answer, read
from pointsman.wire.frame_drops import FrameDrop
from tests.pointsman.responder.test_answer import OURS, OWN

A, US, ALL = "02:00:00:00:00:01", "02:00:00:00:00:11", "ff:ff:ff:ff:ff:ff"
GROUP, GROUP_MAC = "ff02::1:ff00:100", "33:33:ff:00:01:00"
VIP6, HERE6 = "2001:db8:2::100", "2001:db8:2::10"


def arp(*, dst: str = ALL, src: str = A, **fields: Any) -> bytes:
    given = {"op": 1, "hwsrc": A, "psrc": "192.0.2.10", "pdst": "192.0.2.100"} | fields
    return bytes(Ether(dst=dst, src=src) / ARP(hwdst="00:00:00:00:00:00", **given))


def ndp(
    message: Any = None, *options: Any, to: str = GROUP_MAC, by: str = A, **fields: Any
) -> bytes:
    ipv6 = IPv6(**{"src": HERE6, "dst": GROUP, "hlim": 255} | fields)
    frame = Ether(dst=to, src=by, type=0x86DD) / ipv6 / (message or ICMPv6ND_NS(tgt=VIP6))
    for option in options:
        frame = frame / option
    return bytes(frame)


def option(kind: int, length: int, content: bytes) -> Any:
    return ICMPv6NDOptUnknown(type=kind, len=length, data=content)


MAC = ICMPv6NDOptSrcLLAddr(lladdr=A)
NA, TO_ALL = ICMPv6ND_NA(tgt=VIP6, S=0, O=1), ICMPv6NDOptDstLLAddr(lladdr=A)
ANSWER, CLAIM = "answer", "claim"
D = FrameDrop
FRAMES = {
    "a request": (arp(), ANSWER),
    "a request, padded to 60": (arp() + bytes(18), ANSWER),
    "a request, with a trailer of 64": (arp() + b"\xaa" * 64, ANSWER),
    "to this station": (arp(dst=US), ANSWER),
    "to another station": (arp(dst="02:00:00:00:00:77"), D.DESTINATION),
    "to a group of Ethernet": (arp(dst="01:00:5e:00:00:01"), D.DESTINATION),
    "a probe": (arp(psrc="0.0.0.0"), ANSWER),
    "sent by another interface than it names": (arp(src="00:00:5e:00:01:01"), ANSWER),
    "target's hardware address not zero": (arp()[:32] + b"\xff" * 6 + arp()[38:], ANSWER),
    "cut in the middle": (arp()[:30], D.SHORT),
    "one octet short": (arp()[:41], D.SHORT),
    "hardware type 6": (arp(hwtype=6), D.FOREIGN),
    "protocol IPv6": (arp(ptype=0x86DD), D.FOREIGN),
    "hardware addresses of 8 octets": (arp(hwlen=8), D.FOREIGN),
    "addresses of 16 octets": (arp(plen=16), D.FOREIGN),
    "addresses of no octets": (arp(plen=0, hwlen=0), D.SHORT),  # scapy writes none
    "operation 0": (arp(op=0), D.FOREIGN),
    "reverse ARP": (arp(op=3), D.FOREIGN),
    "operation 65535": (arp(op=65535), D.FOREIGN),
    "of another ethertype": (raw(Ether(dst=ALL, src=A, type=0x8035) / bytes(46)), D.FOREIGN),
    "tagged": (raw(Ether(dst=ALL, src=A) / Dot1Q(vlan=7) / ARP(pdst="192.0.2.100")), D.TAGGED),
    "tagged twice": (
        raw(Ether(dst=ALL, src=A, type=0x88A8) / Dot1Q(vlan=7) / Dot1Q(vlan=8) / ARP()),
        D.TAGGED,
    ),
    "sender is everybody": (arp(hwsrc=ALL), D.SENDER),
    "sender is a group": (arp(hwsrc="01:00:5e:00:00:01"), D.SENDER),
    "sender is nobody": (arp(hwsrc="00:00:00:00:00:00"), D.SENDER),
    "Ethernet's source is a group": (arp(src="33:33:00:00:00:01"), D.SENDER),
    "sender's address is a group": (arp(psrc="224.0.0.1"), D.SENDER),
    "sender's address is broadcast": (arp(psrc="255.255.255.255"), D.SENDER),
    "sender's address is loopback": (arp(psrc="127.0.0.1"), D.SENDER),
    "sender is this station": (arp(hwsrc=US, psrc="192.0.2.100"), D.OWN),
    "another's announcement": (arp(psrc="192.0.2.100"), CLAIM),
    "another's announcement as a reply": (arp(op=2, psrc="192.0.2.100"), CLAIM),
    "another asks in our name": (arp(psrc="192.0.2.100", pdst="192.0.2.1"), CLAIM),
    "an answer nobody asked for": (arp(op=2), D.NO_QUESTION),
    "a solicitation": (ndp(None, MAC), ANSWER),
    "a solicitation, padded": (ndp(None, MAC) + bytes(20), ANSWER),
    "without the option": (ndp(), ANSWER),
    "to the address itself": (ndp(None, MAC, to=US, dst=VIP6), ANSWER),
    "of a group, to this station": (ndp(None, MAC, to=US), ANSWER),  # RFC 6085
    "duplicate address detection": (ndp(src="::"), ANSWER),
    "the same, with a nonce": (ndp(None, option(14, 1, b"\1\2\3\4\5\6"), src="::"), ANSWER),
    "an unknown option": (ndp(None, option(200, 2, bytes(14)), MAC), ANSWER),
    "the option twice": (ndp(None, MAC, ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:99")), ANSWER),
    "sent by another interface, of NDP": (ndp(None, MAC, by="00:00:5e:00:02:01"), ANSWER),
    "an option of no length": (ndp(None, option(1, 0, bytes(6))), D.OPTION),
    "an option of no length behind a good one": (ndp(None, MAC, option(5, 0, b"")), D.OPTION),
    "an option longer than the message": (ndp(None, option(1, 4, bytes(6))), D.OPTION),
    "half an option": (ndp(None, b"\x01"), D.OPTION),
    "a hardware address of 14 octets": (ndp(None, option(1, 2, bytes(14))), D.OPTION),
    "duplicate address detection with the option": (ndp(None, MAC, src="::"), D.OPTION),
    "duplicate address detection to the address": (ndp(src="::", dst=VIP6, to=US), D.RECEIVER),
    "duplicate address detection of all nodes": (
        ndp(src="::", dst="ff02::1", to="33:33:00:00:00:01"),
        D.RECEIVER,
    ),
    "asked of all nodes": (ndp(None, MAC, dst="ff02::1", to="33:33:00:00:00:01"), D.RECEIVER),
    "hop limit 254": (ndp(None, MAC, hlim=254), D.HOP_LIMIT),
    "hop limit 0": (ndp(None, MAC, hlim=0), D.HOP_LIMIT),
    "code 1": (ndp(ICMPv6ND_NS(tgt=VIP6, code=1), MAC), D.MALFORMED),
    "a wrong checksum": (ndp(ICMPv6ND_NS(tgt=VIP6, cksum=0x1234), MAC), D.CHECKSUM),
    "no checksum": (ndp(ICMPv6ND_NS(tgt=VIP6, cksum=0), MAC), D.CHECKSUM),
    "target is a group": (ndp(ICMPv6ND_NS(tgt="ff02::1:ff00:100"), MAC), D.TARGET),
    "the option is a group": (
        ndp(None, ICMPv6NDOptSrcLLAddr(lladdr="33:33:00:00:00:01")),
        D.SENDER,
    ),
    "the option is everybody": (ndp(None, ICMPv6NDOptSrcLLAddr(lladdr=ALL)), D.SENDER),
    "source is a group": (ndp(None, MAC, src="ff02::1"), D.SENDER),
    "source is loopback": (ndp(None, MAC, src="::1"), D.SENDER),
    "Ethernet's source is a group, of NDP": (ndp(None, MAC, by="33:33:00:00:00:01"), D.SENDER),
    "payload longer than the frame": (ndp(None, MAC, plen=64), D.SHORT),
    "payload shorter than the message": (ndp(None, MAC, plen=20), D.SHORT),
    "no payload": (ndp(None, MAC, plen=0), D.SHORT),
    "version 4": (ndp(None, MAC, version=4), D.FOREIGN),
    "another next header": (ndp(None, MAC, nh=17), D.FOREIGN),
    "a hop-by-hop header in front": (ndp(IPv6ExtHdrHopByHop() / ICMPv6ND_NS(tgt=VIP6)), D.FOREIGN),
    "an echo": (ndp(ICMPv6EchoRequest()), D.FOREIGN),
    "to another station, of NDP": (ndp(None, MAC, to="02:00:00:00:00:77"), D.DESTINATION),
    "to another group of Ethernet": (ndp(None, MAC, to="33:33:ff:00:01:01"), D.DESTINATION),
    "to everybody": (ndp(None, MAC, to=ALL), D.DESTINATION),
    "our own, come back": (ndp(by=US, src="::"), D.OWN),
    "another's advertisement": (ndp(NA, TO_ALL, dst="ff02::1", to="33:33:00:00:00:01"), CLAIM),
    "another's, without the option": (ndp(NA, dst="ff02::1", to="33:33:00:00:00:01"), CLAIM),
    "another asks in our name, of NDP": (
        ndp(ICMPv6ND_NS(tgt="2001:db8:2::1:100"), MAC, src=VIP6),
        CLAIM,
    ),
    "an answer to all nodes that calls itself asked for": (
        ndp(ICMPv6ND_NA(tgt=VIP6, S=1), TO_ALL, dst="ff02::1", to="33:33:00:00:00:01"),
        D.RECEIVER,
    ),
    "an advertisement of a group": (
        ndp(ICMPv6ND_NA(tgt="ff02::5"), TO_ALL, dst="ff02::1", to="33:33:00:00:00:01"),
        D.TARGET,
    ),
    "an advertisement of nobody's": (
        ndp(NA, TO_ALL, src="::", dst="ff02::1", to="33:33:00:00:00:01"),
        D.SENDER,
    ),
    "an advertisement of code 1": (
        ndp(ICMPv6ND_NA(tgt=VIP6, code=1), dst="ff02::1", to="33:33:00:00:00:01"),
        D.MALFORMED,
    ),
    "an advertisement with an option of no length": (
        ndp(NA, option(2, 0, bytes(6)), dst="ff02::1", to="33:33:00:00:00:01"),
        D.OPTION,
    ),
}


@pytest.mark.parametrize(("frame", "becomes"), FRAMES.values(), ids=FRAMES)
def test_an_odd_frame(frame: bytes, becomes: str) -> None:
    packet = read(frame)
    found = (
        packet
        if isinstance(packet, FrameDrop)
        else answer(packet, mac=OWN, is_ours=OURS.__contains__)
    )
    if becomes == ANSWER:
        assert isinstance(found, bytes)
    elif becomes == CLAIM:
        assert isinstance(found, Claim)
    else:
        assert found is becomes
