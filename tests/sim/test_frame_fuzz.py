"""Frames by chance, led by coverage: the codecs and a whole responder, by SEED.

Each makes a value or a named drop of any frame; what is a value is written back the same, has
passed the kernel's filter if it concerns an address of ours, and leaves a responder that goes on.
"""

from random import Random

import pytest

from pointsman.responder.answer import Claim, Packet, answer, read
from pointsman.responder.responder import Responder
from pointsman.responder.terms import DutyTerms
from pointsman.wire.arp import REQUEST, ArpPacket, read_arp, write_arp
from pointsman.wire.ethernet import is_station
from pointsman.wire.frame_drops import FrameDrop
from pointsman.wire.ndp import (
    Advertisement,
    Solicitation,
    read_ndp,
    write_advertisement,
    write_solicitation,
)
from pointsman.wire.packet_filter import arp_filter, ndp_filter
from tests.pointsman.responder.bench import BOTH, HIGHER, OWN, V4, V6, claim, probe, question
from tests.pointsman.responder.test_odd_frames import FRAMES
from tests.pointsman.wire import classic_bpf
from tests.sim.frame_fuzz import FrameFuzz
from tests.sim.seeds import seeds

pytestmark = pytest.mark.sim
TIMES = 30_000
CORPUS = [
    *(make(address, HIGHER) for address in BOTH for make in (claim, probe)),
    *(question(address, of=of) for address in BOTH for of in (None, OWN)),
    *(frame for frame, _ in FRAMES.values()),
]
FILTERS = arp_filter([V4])[0], ndp_filter([V6])[0]


def written(packet: Packet) -> bytes:
    match packet:
        case ArpPacket():
            return write_arp(packet)
        case Solicitation():
            return write_solicitation(packet)
        case Advertisement():
            return write_advertisement(packet)


def concerns(packet: Packet) -> bool:
    if packet.sender in BOTH:
        return True
    asks = not isinstance(packet, ArpPacket) or packet.operation == REQUEST
    return asks and packet.target in BOTH


def read_and_answered(frame: bytes) -> None:
    for codec in (read_arp, read_ndp, read):
        packet = codec(frame)
        if isinstance(packet, FrameDrop):
            continue
        assert read(written(packet)) == packet
        assert is_station(packet.source)
        assert len(packet.sender_mac) == 6
        assert is_station(packet.sender_mac)
        if concerns(packet):
            assert any(classic_bpf.run(program, frame) for program in FILTERS)
        result = answer(packet, mac=OWN, is_ours=BOTH.__contains__)
        assert isinstance(result, bytes | FrameDrop | Claim)
        if isinstance(result, bytes):
            reply = read(result)
            assert not isinstance(reply, FrameDrop)
            assert reply.source == reply.sender_mac == OWN
            assert len(result) <= max(len(frame), 86)  # nobody is hit by more than was sent


class Living:
    """A responder that lives through all frames, on a clock of its own."""

    def __init__(self, seed: int) -> None:
        self.now_s, self.chance = 1000.0, Random(seed)
        self.responder = Responder(mac=OWN, announce_rate=500, chance=self.chance, now_s=self.now_s)
        self.responder.follow({V4: DutyTerms(), V6: DutyTerms(probe=True)}, self.now_s)

    def hear(self, frame: bytes) -> None:
        self.now_s += self.chance.choice((0.0001, 0.01, 0.3))
        sent = [
            *self.responder.received(frame, now_s=self.now_s),
            *self.responder.due(self.now_s),
        ]
        for address in self.responder.questions:
            ours = self.chance.choice((True, None))
            self.responder.looked(address, ours=ours, now_s=self.now_s)
        for one in sent:
            packet = read(one)
            assert not isinstance(packet, FrameDrop)
            assert packet.source == packet.sender_mac == OWN
        assert self.responder.answers_for <= self.responder.listens_for == {V4, V6}
        assert len(self.responder.conflicts) <= 64


def is_ours(file: str) -> bool:
    return "/pointsman/wire/" in file or "/pointsman/responder/" in file


@pytest.mark.parametrize("seed", seeds(1))
def test_any_frame_is_a_value_or_a_named_drop(seed: int) -> None:
    for target in (read_and_answered, Living(seed).hear):
        fuzz = FrameFuzz(target, CORPUS, is_traced=is_ours, seed=seed)
        found = sum(1 for _ in fuzz.run(TIMES))
        print(f"seed {seed}: {TIMES} frames, {found} reached new code, {len(fuzz.reached)} arcs")


def test_the_fuzzer_finds_what_only_three_right_octets_reach() -> None:
    """It is led: chance alone would need 16 million frames."""

    def target(frame: bytes) -> None:
        if frame[0] == 0x5A:
            if frame[1] == 0xC3:
                if frame[2] == 0x99:
                    raise LookupError
                return
            return

    fuzz = FrameFuzz(target, [bytes(4)], is_traced=lambda file: file == __file__, seed=1)
    with pytest.raises(LookupError):
        for _ in fuzz.run(100_000):
            pass
