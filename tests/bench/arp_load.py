"""Questions for a bench of the responder, from a process of its own; prints one line of JSON.

`flood`: foreign requests at a rate, many with one call (sendmmsg), and some of ours among them,
whose answers are counted. `turns`: one question at a time, by turns for an address that is
answered from userspace and one that the kernel answers, with the time that each answer took.
"""

import argparse
import ctypes
import json
import os
import select
import socket
import time
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from pointsman.model.address import Address
from pointsman.net.packet import PacketSocket
from pointsman.responder.answer import read
from pointsman.wire.arp import ArpPacket, arp_request, write_arp
from pointsman.wire.ethernet import ETH_P_ARP, ETH_P_IPV6, multicast_mac
from pointsman.wire.frame_drops import FrameDrop
from pointsman.wire.ndp import Solicitation, solicited_node_group, write_solicitation
from pointsman.wire.packet_filter import arp_filter, ndp_filter

MAC = bytes.fromhex("02000000000b")
HERE: dict[int, Address] = {4: ip_address("192.0.2.1"), 6: ip_address("2001:db8:2::1")}
FOREIGN = 4096  # different ones
SOURCES = 10  # stations that ask for ours in a flood: each is answered only so often
MOST_AT_ONCE = 512
WAIT_S = 1.0


class _Octets(ctypes.Structure):
    _fields_ = (("start", ctypes.c_char_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    """struct msghdr of a 64-bit Linux."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("octets", ctypes.POINTER(_Octets)),
        ("count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """struct mmsghdr."""

    _fields_ = (("header", _Header), ("sent", ctypes.c_uint))


class Batch:
    """Frames that are sent many with one call, round and round."""

    def __init__(self, sock: socket.socket, frames: Sequence[bytes]) -> None:
        self._sock, self._next = sock, 0
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._octets = (_Octets * len(frames))(*(_Octets(one, len(one)) for one in frames))
        self._messages = (_Message * len(frames))()
        for message, octets in zip(self._messages, self._octets, strict=True):
            message.header.octets, message.header.count = ctypes.pointer(octets), 1

    def send(self, most: int) -> int:
        """Return how many frames went out: at most *most*, and as many as the queue took."""
        count = min(most, MOST_AT_ONCE, len(self._messages) - self._next)
        first = ctypes.byref(self._messages, self._next * ctypes.sizeof(_Message))
        sent = int(self._libc.sendmmsg(self._sock.fileno(), first, count, 0))
        if sent < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"sendmmsg: {os.strerror(number)}")
        self._next = (self._next + sent) % len(self._messages)
        return sent


def question(address: Address, *, source: int = 0) -> bytes:
    """Return the question, sent by one of many stations; the answer comes to MAC."""
    frame = _question(address)
    return frame[:6] + b"\x02\x00" + source.to_bytes(4, "big") + frame[12:] if source else frame


def _question(address: Address) -> bytes:
    if isinstance(address, IPv4Address):
        sender = HERE[4]
        assert isinstance(sender, IPv4Address)
        return write_arp(arp_request(address, mac=MAC, sender=sender))
    group, sender6 = solicited_node_group(address), HERE[6]
    assert isinstance(sender6, IPv6Address)
    return write_solicitation(Solicitation(multicast_mac(group), MAC, sender6, group, address, MAC))


def foreign(version: int) -> list[bytes]:
    if version == 4:
        return [question(IPv4Address(0xC612_0000 + n)) for n in range(FOREIGN)]  # RFC 2544
    top = int(IPv6Address("2001:db8:2::f:0"))
    return [question(IPv6Address(top + n)) for n in range(FOREIGN)]


def listen(name: str, addresses: list[Address]) -> PacketSocket:
    """Return a socket that hears what *addresses*, all of one family, say."""
    index = socket.if_nametoindex(name)
    if addresses[0].version == 4:
        v4 = [one for one in addresses if isinstance(one, IPv4Address)]
        return PacketSocket(name, index, ETH_P_ARP, arp_filter(v4))
    v6 = [one for one in addresses if isinstance(one, IPv6Address)]
    return PacketSocket(name, index, ETH_P_IPV6, ndp_filter(v6))


def answers(sock: PacketSocket) -> list[Address]:
    """Return who has answered since."""
    found: list[Address] = []
    for frame in sock.drain().frames:
        packet = read(frame)
        assert not isinstance(packet, FrameDrop)
        found.append(packet.sender if isinstance(packet, ArpPacket) else packet.target)
    return found


def flood(name: str, ours: list[Address], *, rate: int, ours_rate: int, seconds: float):
    """Send *rate* foreign questions a second and *ours_rate* of ours, each due at its time."""
    sending = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sending.bind((name, 0))
    sending.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
    hearing = listen(name, ours)
    batch = Batch(sending, foreign(ours[0].version))
    frames = [question(one, source=n % SOURCES + 1) for n, one in enumerate(ours * SOURCES)]
    began_s = time.perf_counter()
    sent = asked = answered = 0
    while (now_s := time.perf_counter() - began_s) < seconds:
        while asked < now_s * ours_rate:
            sending.send(frames[asked % len(frames)])
            asked += 1
        if (due := int(now_s * rate) - sent) > 0:
            sent += batch.send(due)
        elif answered == asked:
            time.sleep(0.0005)
        answered += len(answers(hearing))
    took_s = time.perf_counter() - began_s
    until_s = time.perf_counter() + WAIT_S
    while answered < asked and time.perf_counter() < until_s:
        select.select([hearing], [], [], 0.1)
        answered += len(answers(hearing))
    return {"foreign": sent, "asked": asked, "answered": answered, "seconds": took_s}


def turns(name: str, ours: Address, kernels: Address, *, rate: int, seconds: float):
    """Ask for *ours* and then for *kernels*, *rate* times a second each."""
    sending = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sending.bind((name, 0))
    hearing = listen(name, [ours, kernels])
    frames = {one: question(one) for one in (ours, kernels)}  # of one station
    took_us: dict[Address, list[float]] = {ours: [], kernels: []}
    lost = dict.fromkeys(took_us, 0)
    began_s = time.perf_counter()
    while (round_s := time.perf_counter()) - began_s < seconds:
        for address, frame in frames.items():
            asked_s = time.perf_counter()
            sending.send(frame)
            while select.select([hearing], [], [], WAIT_S)[0]:
                if address in answers(hearing):
                    took_us[address].append((time.perf_counter() - asked_s) * 1e6)
                    break
            else:
                lost[address] += 1
        # What is late is not caught up with: nobody asks in bursts here.
        time.sleep(max(0.0, round_s + 1 / rate - time.perf_counter()))
    spent_s = time.perf_counter() - began_s
    return {
        which: {"took_us": took_us[one], "lost": lost[one], "seconds": spent_s}
        for which, one in (("ours", ours), ("kernel", kernels))
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("interface")
    parser.add_argument("what", choices=["flood", "turns"])
    parser.add_argument("--ours", type=ip_address, nargs="+", required=True)
    parser.add_argument("--kernel", type=ip_address)
    parser.add_argument("--foreign", type=int, default=0)
    parser.add_argument("--rate", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    if given.what == "flood":
        rates = {"rate": given.foreign, "ours_rate": given.rate}
        found = flood(given.interface, given.ours, **rates, seconds=given.seconds)
    else:
        found = turns(
            *(given.interface, given.ours[0], given.kernel),
            rate=given.rate,
            seconds=given.seconds,
        )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
