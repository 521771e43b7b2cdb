"""The manager answers what was sent to all, with the MAC of the node that holds the address."""

import pytest

from pointsman.model.address import Address
from pointsman.responder.central import CentralResponder
from pointsman.responder.counters import Counters
from pointsman.responder.timing import CLAIM_FORGOTTEN_S
from pointsman.wire.arp import ArpPacket, write_arp
from tests.pointsman.responder.bench import (
    BOTH,
    CLIENT,
    HIGHER,
    LOWER,
    OWN,
    V4,
    V6,
    claim,
    parsed,
    probe,
    question,
    says,
)  # fmt: skip

NODE, INTRUDER = LOWER, HIGHER


@pytest.fixture
def central() -> CentralResponder:
    made = CentralResponder(OWN, Counters())
    made.follow({V4: NODE, V6: NODE})
    return made


def answers(central: CentralResponder, address: Address, now_s: float = 0.0) -> bool:
    return bool(central.received(question(address), now_s=now_s))


@pytest.mark.parametrize("address", BOTH)
def test_a_question_to_all_is_answered_with_the_nodes_mac_from_our_own(
    central: CentralResponder, address: Address
) -> None:
    (reply,) = central.received(question(address), now_s=0.0)
    assert says(reply) == ("reply", address, NODE)
    assert (parsed(reply).source, parsed(reply).destination) == (OWN, CLIENT)


@pytest.mark.parametrize("address", BOTH)
def test_a_question_to_one_station_is_that_stations(
    central: CentralResponder, address: Address
) -> None:
    assert not central.received(question(address, of=OWN), now_s=0.0)
    assert not central.received(question(address, of=NODE), now_s=0.0)


@pytest.mark.parametrize("address", BOTH)
def test_whoever_wants_to_use_the_address_is_answered(
    central: CentralResponder, address: Address
) -> None:
    (reply,) = central.received(probe(address, INTRUDER), now_s=0.0)
    assert says(reply)[1:] == (address, NODE)


@pytest.mark.parametrize("address", BOTH)
def test_the_node_that_holds_it_is_neither_answered_nor_a_claimant(
    central: CentralResponder, address: Address
) -> None:
    for frame in (probe(address, NODE), claim(address, NODE), question(address, mac=NODE)):
        assert not central.received(frame, now_s=0.0)
    assert not central.questions
    assert answers(central, address)


@pytest.mark.parametrize("address", BOTH)
def test_a_claim_silences_it_until_we_are_seen_to_lead(
    central: CentralResponder, address: Address
) -> None:
    central.received(claim(address, INTRUDER), now_s=1.0)
    assert central.questions == {address}
    assert not answers(central, address)
    central.looked(address, leads=False)
    assert not answers(central, address)
    central.looked(address, leads=True)
    assert answers(central, address)
    assert central.counters.claims == 1


def test_a_claim_each_millisecond_silences_it_once_in_ten_seconds(
    central: CentralResponder,
) -> None:
    silenced = 0
    for n in range(25_000):
        central.received(claim(V4, INTRUDER), now_s=n / 1000)
        silenced += V4 in central.questions
        central.looked(V4, leads=True)
    assert silenced == 3


def test_a_claim_that_takes_nobody_away_is_counted_alone(central: CentralResponder) -> None:
    packet = parsed(question(V4, mac=INTRUDER))
    assert isinstance(packet, ArpPacket)
    from_ours = write_arp(
        ArpPacket(*(packet.destination, INTRUDER, 1, INTRUDER, V4, bytes(6)), packet.sender)
    )
    central.received(from_ours, now_s=0.0)
    assert (central.counters.claims, central.questions) == (1, frozenset())


def test_another_holder_ends_the_silence_and_leaving_ends_the_answers(
    central: CentralResponder,
) -> None:
    central.received(claim(V4, INTRUDER), now_s=1.0)
    central.follow({V4: INTRUDER})
    (reply,) = central.received(question(V4), now_s=1.0)
    assert says(reply)[2] == INTRUDER
    assert not answers(central, V6)
    central.received(claim(V4, NODE), now_s=1.0)
    central.follow({})
    assert not central.questions
    assert not answers(central, V4)


def test_what_is_not_ours_grows_nothing(central: CentralResponder) -> None:
    for n in range(1000):
        central.received(claim(V4 + 1 + n, INTRUDER), now_s=0.0)
        central.received(question(V4 + 1 + n), now_s=0.0)
    assert not central.questions
    assert not central._silenced
    assert not central.counters.replies


@pytest.mark.parametrize("address", BOTH)
def test_who_else_claims_an_address_is_known_until_it_is_long_quiet(
    central: CentralResponder, address: Address
) -> None:
    central.received(claim(address, NODE), now_s=0.0)
    assert central.claimed(0.0) == {}, "of its node it is no claim"
    central.received(claim(address, INTRUDER), now_s=1.0)
    assert central.claimed(1.0 + CLAIM_FORGOTTEN_S - 1) == {address: INTRUDER}
    assert central.claimed(1.0 + CLAIM_FORGOTTEN_S) == {}


def test_of_an_address_that_is_not_ours_any_more_nothing_is_known(
    central: CentralResponder,
) -> None:
    for address in BOTH:
        central.received(claim(address, INTRUDER), now_s=0.0)
    central.follow({V6: NODE})
    assert central.claimed(0.0) == {V6: INTRUDER}
