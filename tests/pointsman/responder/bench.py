"""A responder on a table: frames of others as bytes, and a clock that a test moves."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from random import Random
from typing import Final

from pointsman.model.address import Address
from pointsman.responder import frames
from pointsman.responder.answer import Packet, read
from pointsman.responder.responder import Responder
from pointsman.responder.terms import DutyTerms
from pointsman.wire.arp import ArpPacket, arp_request, write_arp
from pointsman.wire.ethernet import multicast_mac
from pointsman.wire.frame_drops import FrameDrop
from pointsman.wire.ndp import Advertisement, Solicitation, solicited_node_group, write_solicitation

OWN: Final = bytes.fromhex("02000000000b")
LOWER: Final = bytes.fromhex("02000000000a")
HIGHER: Final = bytes.fromhex("02000000000c")
CLIENT: Final = bytes.fromhex("0200000000cc")
V4: Final = IPv4Address("192.0.2.100")
V6: Final = IPv6Address("2001:db8::100")
BOTH: Final = (V4, V6)
CLIENT_V4: Final = IPv4Address("192.0.2.7")
CLIENT_V6: Final = IPv6Address("2001:db8::7")
CONFIRMED: Final = DutyTerms()
UNSEEN: Final = DutyTerms(probe=True)


def addresses(number: int) -> list[Address]:
    """Return so many addresses, one family and the other by turns."""
    return [
        ip_address(f"198.18.{n >> 8}.{n & 255}" if n % 2 else f"2001:db8::{n:x}")
        for n in range(number)
    ]


def question(address: Address, *, mac: bytes = CLIENT, of: bytes | None = None) -> bytes:
    """Return the frame by which a client asks for *address*: all, or one station."""
    if isinstance(address, IPv4Address):
        request = arp_request(address, mac=mac, sender=CLIENT_V4)
        return write_arp(
            request if of is None else arp_request(address, mac=mac, sender=CLIENT_V4, of=of)
        )
    group = solicited_node_group(address)
    return write_solicitation(
        Solicitation(
            *(
                of or multicast_mac(group),
                mac,
                CLIENT_V6,
                group if of is None else address,
                address,
            ),
            link_layer=mac,
        )
    )


def noise(mac: bytes = CLIENT) -> bytes:
    """Return a frame of somebody that has nothing to do with us."""
    return write_arp(arp_request(CLIENT_V4, mac=mac, sender=CLIENT_V4))


def claim(address: Address, mac: bytes) -> bytes:
    """Return the announcement by which *mac* takes *address* over."""
    return frames.announcement(address, mac, link_local=None)


def probe(address: Address, mac: bytes) -> bytes:
    """Return the frame by which *mac* asks before it uses *address*."""
    return frames.probe(address, mac, nonce=mac)


def says(frame: bytes) -> tuple[str, Address, bytes]:
    """Return what one of our frames is, for which address, and which MAC it names."""
    packet = parsed(frame)
    if isinstance(packet, ArpPacket):
        kind = "reply" if packet.operation == 2 else "probe" if packet.is_probe else "announce"
        if kind == "announce" and not packet.is_announcement:
            kind = "ask"
        return kind, packet.target if kind == "probe" else packet.sender, packet.sender_mac
    if isinstance(packet, Advertisement):
        kind = "announce" if packet.receiver == IPv6Address("ff02::1") else "reply"
        return kind, packet.target, packet.sender_mac
    if not packet.is_probe:
        return "ask", packet.sender, packet.sender_mac
    return "probe", packet.target, packet.sender_mac


def parsed(frame: bytes) -> Packet:
    """Return what *frame* holds; it must be readable."""
    packet = read(frame)
    assert not isinstance(packet, FrameDrop), packet
    return packet


class Bench:
    """One responder with the time at which it is; whatever it sends is in :attr:`sent`."""

    def __init__(
        self,
        *held: Address,
        terms: DutyTerms = CONFIRMED,
        heard: bool = True,
        rate: int = 500,
        seed: int = 1,
    ) -> None:
        self.now_s = 1000.0
        self.responder = Responder(
            mac=OWN, announce_rate=rate, chance=Random(seed), now_s=self.now_s
        )
        self.sent: list[tuple[float, str, Address]] = []
        if heard:
            self.hear(noise())
        self.follow(*held, terms=terms)

    def follow(self, *held: Address, terms: DutyTerms = CONFIRMED) -> None:
        self.responder.follow(dict.fromkeys(held, terms), self.now_s)

    def hear(self, frame: bytes) -> list[bytes]:
        return self.responder.received(frame, now_s=self.now_s)

    def answers(self, address: Address) -> bool:
        """Ask as a client does; any answer must name our MAC."""
        replies = self.hear(question(address))
        assert all(says(reply)[1:] == (address, OWN) for reply in replies)
        return bool(replies)

    def run(self, seconds: float) -> list[tuple[float, str, Address]]:
        """Let time pass; return what was sent meanwhile, with times from now on."""
        began_s, until_s, first = self.now_s, self.now_s + seconds, len(self.sent)
        while (due_s := self.responder.next_due_s()) is not None and due_s <= until_s:
            assert due_s >= self.now_s - 1e-6 or self.now_s == began_s, "time went back"
            self.now_s = max(self.now_s, due_s)
            for frame in self.responder.due(self.now_s):
                kind, address, mac = says(frame)
                assert parsed(frame).source == mac == OWN
                self.sent.append((self.now_s, kind, address))
            again_s = self.responder.next_due_s()
            assert again_s is None or again_s > self.now_s, "nothing was done, and it is due again"
        self.now_s = until_s
        return [(round(at - began_s, 3), kind, address) for at, kind, address in self.sent[first:]]

    def looked(self, address: Address, *, ours: bool | None) -> None:
        self.responder.looked(address, ours=ours, now_s=self.now_s)
