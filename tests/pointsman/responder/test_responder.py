"""What a responder sends and answers: announcing, probing, and what the link does to both."""

from dataclasses import replace
from ipaddress import IPv4Address, ip_address
from itertools import pairwise

import pytest

from pointsman.model.address import Address
from pointsman.responder.terms import DutyTerms
from pointsman.wire.arp import ArpPacket
from pointsman.wire.frame_drops import FrameDrop
from pointsman.wire.ndp import Advertisement, Solicitation, write_solicitation
from tests.pointsman.responder.bench import (
    BOTH,
    CLIENT,
    HIGHER,
    LOWER,
    OWN,
    UNSEEN,
    V4,
    V6,
    Bench,
    addresses,
    claim,
    noise,
    parsed,
    probe,
    question,
    says,
)  # fmt: skip

ROUNDS = {V4: [0.0, 0.2, 1.1, 2.2, 4.4], V6: [0.0, 1.1, 2.2]}


def times(sent: list[tuple[float, str, Address]], kind: str = "announce") -> list[float]:
    return [at for at, what, _ in sent if what == kind]


@pytest.mark.parametrize("address", BOTH)
def test_an_address_taken_over_is_answered_and_announced_at_once(
    address: Address,
) -> None:
    bench = Bench(address)
    assert bench.answers(address)
    assert times(bench.run(60.0)) == pytest.approx(ROUNDS[address])
    assert bench.responder.answers_for == bench.responder.listens_for == {address}
    assert not bench.responder.withheld


def test_announcements_have_the_forms_that_every_host_accepts() -> None:
    bench = Bench(*BOTH)
    arp, advertisement = (parsed(frame) for frame in bench.responder.due(bench.now_s))
    assert isinstance(arp, ArpPacket)
    assert (arp.operation, arp.sender, arp.target, arp.target_mac) == (1, V4, V4, bytes(6))
    assert isinstance(advertisement, Advertisement)
    assert (advertisement.override, advertisement.solicited) == (True, False)
    assert (advertisement.target, advertisement.link_layer) == (V6, OWN)


@pytest.mark.parametrize("address", BOTH)
def test_unicast_questions_are_answered_as_well(address: Address) -> None:
    bench = Bench(address)
    (reply,) = bench.hear(question(address, of=OWN))
    assert says(reply) == ("reply", address, OWN)
    assert parsed(reply).destination == CLIENT


def test_an_address_that_left_is_silent_at_once_and_its_series_ends() -> None:
    bench = Bench(*BOTH)
    bench.run(0.5)
    bench.follow(V6)
    assert not bench.answers(V4)
    assert {address for _, _, address in bench.run(60.0)} == {V6}
    assert bench.responder.listens_for == {V6}


def test_what_is_not_assigned_is_never_answered() -> None:
    bench = Bench(V4)
    assert not bench.answers(IPv4Address("192.0.2.101"))
    assert not bench.answers(V6)


@pytest.mark.parametrize("address", BOTH)
def test_an_address_never_announced_before_is_probed_first(address: Address) -> None:
    bench = Bench(address, terms=UNSEEN)
    assert not bench.answers(address)
    sent = bench.run(30.0)
    assert times(sent, "probe") == pytest.approx([0.0, 0.2, 0.4])
    assert times(sent) == pytest.approx([at + 0.8 for at in ROUNDS[address]])
    assert bench.answers(address)


def test_probes_claim_nothing() -> None:
    bench = Bench(*BOTH, terms=UNSEEN)
    arp, solicitation = (parsed(frame) for frame in bench.responder.due(bench.now_s))
    assert isinstance(arp, ArpPacket)
    assert arp.is_probe
    assert (arp.target, arp.target_mac) == (V4, bytes(6))
    assert isinstance(solicitation, Solicitation)
    assert solicitation.is_probe
    assert solicitation.link_layer is None
    assert solicitation.nonce is not None
    assert len(solicitation.nonce) == 6


@pytest.mark.parametrize("address", BOTH)
@pytest.mark.parametrize("speaks", [claim, lambda address, mac: question_from(address, mac)])
def test_an_address_in_use_is_withheld_and_tried_again_each_minute(
    address: Address, speaks: object
) -> None:
    assert callable(speaks)
    bench = Bench(address, terms=UNSEEN)
    bench.run(0.5)
    bench.hear(speaks(address, HIGHER))
    assert not times(bench.run(59.0))
    assert "in use by 02:00:00:00:00:0c" in bench.responder.withheld[address]
    assert bench.responder.conflicts[address].mac == HIGHER
    assert not bench.answers(address)
    sent = bench.run(30.0)
    assert times(sent, "probe") == pytest.approx([1.0, 1.2, 1.4])
    assert times(sent)[0] == pytest.approx(1.8)
    assert not bench.responder.withheld
    assert not bench.responder.questions


def question_from(address: Address, mac: bytes) -> bytes:
    """Return a frame of the host that has *address*: it asks somebody else."""
    other = ip_address("192.0.2.1") if address.version == 4 else ip_address("2001:db8::1")
    frame = question(other, mac=mac)
    sender = ip_address("192.0.2.7") if address.version == 4 else ip_address("2001:db8::7")
    assert sender.packed in frame
    if address.version == 4:
        return frame.replace(sender.packed, address.packed)
    packet = parsed(frame)
    assert isinstance(packet, Solicitation)
    assert address.version == 6
    return write_solicitation(replace(packet, sender=address))


@pytest.mark.parametrize("address", BOTH)
def test_of_two_that_probe_at_once_the_lower_mac_goes_on(address: Address) -> None:
    bench = Bench(address, terms=UNSEEN)
    bench.run(0.1)
    bench.hear(probe(address, HIGHER))
    bench.run(1.0)
    assert bench.responder.answers_for == {address}

    bench = Bench(address, terms=UNSEEN)
    bench.run(0.1)
    bench.hear(probe(address, LOWER))
    bench.run(1.0)
    assert not bench.responder.answers_for
    assert bench.responder.conflicts[address].mac == LOWER


@pytest.mark.parametrize("address", BOTH)
def test_our_own_frames_come_back_and_mean_nothing(address: Address) -> None:
    bench = Bench(address, terms=UNSEEN, heard=False)
    for frame in (probe(address, OWN), claim(address, OWN)):
        assert bench.hear(frame) == []
    assert not bench.responder.hears
    bench.hear(noise())
    (own,) = bench.responder.due(bench.now_s)
    bench.hear(own)
    bench.run(1.0)
    assert bench.responder.answers_for == {address}
    bench.hear(claim(address, OWN))
    assert not bench.responder.questions
    assert not bench.responder.conflicts


def test_a_looped_solicitation_under_a_foreign_mac_is_known_by_its_nonce() -> None:
    bench = Bench(V6, terms=UNSEEN)
    (own,) = bench.responder.due(bench.now_s)
    bench.hear(own.replace(OWN, LOWER, 1))  # a switch that rewrites sources
    bench.run(1.0)
    assert bench.responder.answers_for == {V6}


def test_probes_count_only_once_the_link_is_heard() -> None:
    bench = Bench(V4, terms=UNSEEN, heard=False)
    assert bench.run(20.0) == []
    assert "no frame" in bench.responder.withheld[V4]
    bench.hear(noise())
    assert times(bench.run(1.0), "probe") == pytest.approx([0.0, 0.2, 0.4])
    assert bench.responder.answers_for == {V4}


def test_who_speaks_for_the_address_before_the_probes_holds_it() -> None:
    bench = Bench(V4, terms=UNSEEN, heard=False)
    bench.hear(claim(V4, HIGHER))  # the very frame by which the link is heard
    assert times(bench.run(50.0), "probe") == []


def test_a_link_that_is_never_heard_is_taken_to_carry_after_35_s() -> None:
    bench = Bench(V4, terms=UNSEEN, heard=False)
    assert times(bench.run(40.0), "probe") == pytest.approx([35.0, 35.2, 35.4])
    assert bench.responder.answers_for == {V4}


@pytest.mark.parametrize("address", BOTH)
def test_a_series_that_nobody_may_have_heard_begins_again_once_the_link_is_heard(
    address: Address,
) -> None:
    bench = Bench(address, heard=False)
    assert times(bench.run(5.0)) == pytest.approx(ROUNDS[address])
    bench.hear(noise())
    assert times(bench.run(20.0)) == pytest.approx(ROUNDS[address])
    bench.hear(noise())
    assert times(bench.run(20.0)) == []


@pytest.mark.parametrize("address", BOTH)
def test_link_up_and_a_new_mac_begin_the_series_again(address: Address) -> None:
    bench = Bench(address)
    bench.run(10.0)
    bench.responder.link(up=False, mac=OWN, now_s=bench.now_s)
    assert bench.run(500.0) == []
    bench.responder.link(up=True, mac=HIGHER, now_s=bench.now_s)
    (frame,) = bench.responder.due(bench.now_s)
    assert says(frame) == ("announce", address, HIGHER)
    (reply,) = bench.hear(question(address))
    assert says(reply) == ("reply", address, HIGHER)
    bench.hear(claim(address, OWN))  # still under way from before
    assert not bench.responder.questions


def test_probing_begins_again_with_the_link() -> None:
    bench = Bench(V4, terms=UNSEEN)
    bench.run(0.5)
    bench.responder.link(up=False, mac=OWN, now_s=bench.now_s)
    bench.run(100.0)
    bench.responder.link(up=True, mac=OWN, now_s=bench.now_s)
    assert bench.run(3.0) == []
    bench.hear(noise())
    assert len(times(bench.run(1.0), "probe")) == 3


def test_an_address_confirmed_while_it_is_probed_is_announced_at_once() -> None:
    bench = Bench(V4, terms=UNSEEN)
    bench.run(0.3)
    bench.follow(V4)
    assert bench.answers(V4)


def test_first_rounds_of_all_come_before_second_rounds() -> None:
    many = addresses(2000)
    bench = Bench(*many)
    sent = bench.run(20.0)
    first = [address for _, _, address in sent[:2000]]
    assert sorted(map(str, first)) == sorted(map(str, many))
    # 500 at once, then 500 a second: n addresses take (n - 500) / 500 seconds.
    assert times(sent)[499] == 0.0
    assert times(sent)[1999] == pytest.approx(3.0, abs=0.01)
    assert times(Bench(*addresses(1000)).run(20.0))[999] == pytest.approx(1.0, abs=0.01)


def test_a_takeover_comes_before_further_rounds_and_repeats() -> None:
    many = addresses(1500)
    bench = Bench(*many)
    bench.run(2.5)
    bench.follow(*many, V4)
    assert bench.run(0.01)[0][2] == V4


def test_a_gentle_rate_never_sends_much_more_than_itself_in_a_second() -> None:
    bench = Bench(*addresses(60), terms=DutyTerms(announce_rate=10))
    at = times(bench.run(20.0))
    assert max(sum(1 for t in at if s <= t < s + 1) for s in at) <= 12
    assert at[59] == pytest.approx(5.8, abs=0.3)  # N / rate


def test_switches_and_routers_are_reminded() -> None:
    bench = Bench(V4)
    bench.run(10.0)
    at = [0.0, *times(bench.run(1200.0))]
    assert max(b - a for a, b in pairwise(at)) <= 121

    many = addresses(3000)
    bench = Bench(*many)
    bench.run(121.0)
    again = bench.run(600.0 + 2.0)
    assert {address for _, _, address in again} == set(many)
    assert len(again) <= 1.1 * len(many)


def test_what_was_counted() -> None:
    bench = Bench(V4)
    bench.answers(V4)
    bench.answers(V6)
    bench.hear(b"\0" * 14)
    bench.run(10.0)
    counters = bench.responder.counters
    assert dict(counters.replies) == {"arp_bcast": 1}
    assert counters.drops[FrameDrop.NOT_OURS] >= 1
    assert sum(counters.drops.values()) == 3
    assert counters.announcements == 5
