"""The verified move: gateways asked in the name of an address, and what their silence comes to."""

from ipaddress import IPv4Address, IPv6Address

import pytest

from pointsman.model.address import Address
from pointsman.responder.asking import MOST_GATEWAYS, GatewayAsks
from pointsman.wire.arp import REPLY, ArpPacket, write_arp
from pointsman.wire.ndp import Advertisement, write_advertisement
from tests.pointsman.responder.bench import (
    BOTH,
    CLIENT,
    OWN,
    V4,
    V6,
    Bench,
    addresses,
    claim,
    noise,
    parsed,
    says,
)

GATEWAY = bytes.fromhex("0200000000fe")
ROUTER4, ROUTER6 = IPv4Address("192.0.2.1"), IPv6Address("fe80::1")
ROUTERS = {V4: ROUTER4, V6: ROUTER6}
ROUND_S = 10.0  # longer than announcing and asking take


def asks(bench: Bench, seconds: float = ROUND_S) -> list[tuple[float, Address]]:
    """Let time pass; return when it asked a gateway as which address."""
    return [(at, address) for at, kind, address in bench.run(seconds) if kind == "ask"]


def acknowledgement(address: Address, *, of: bytes = OWN, router: Address | None = None) -> bytes:
    """The frame by which the gateway answers what *address* asked, to the station *of*."""
    if isinstance(address, IPv4Address):
        router = router or ROUTER4
        assert isinstance(router, IPv4Address)
        return write_arp(ArpPacket(of, GATEWAY, REPLY, GATEWAY, router, of, address))
    router = router or ROUTER6
    assert isinstance(router, IPv6Address)
    return write_advertisement(
        Advertisement(*(of, GATEWAY, router, address, router, GATEWAY), router=True, solicited=True)
    )


def taken(*held: Address, gateways: tuple[Address, ...] = (ROUTER4, ROUTER6)) -> Bench:
    bench = Bench(*held, heard=True)
    bench.responder.follow_gateways(gateways, bench.now_s)
    bench.follow(*held)
    return bench


@pytest.mark.parametrize("address", BOTH)
def test_a_gateway_is_asked_as_the_address_three_times_and_then_it_is_said(
    address: Address,
) -> None:
    bench = taken(address)
    assert asks(bench) == [(0.0, address), (1.1, address), (2.2, address)]
    assert bench.responder.unacknowledged == {address: (ROUTERS[address],)}
    assert bench.responder.counters.gateway_asks == 3
    assert asks(bench, 2 * ROUND_S) == []


@pytest.mark.parametrize("address", BOTH)
def test_the_question_names_the_address_and_our_hardware_address(address: Address) -> None:
    bench = taken(address)
    questions = [f for f in bench.responder.due(bench.now_s) if says(f)[0] == "ask"]
    (question,) = map(parsed, questions)
    assert not isinstance(question, Advertisement)
    assert (question.sender, question.target) == (address, ROUTERS[address])
    assert question.sender_mac == question.source == OWN
    assert question.destination[0] & 1  # to all, or to the gateway's group


@pytest.mark.parametrize("address", BOTH)
def test_its_answer_to_this_station_ends_it(address: Address) -> None:
    bench = taken(address)
    assert len(asks(bench, 0.5)) == 1
    changes, drops = bench.responder.changes, bench.responder.counters.drops.copy()
    assert bench.hear(acknowledgement(address)) == []
    assert asks(bench) == []
    assert bench.responder.unacknowledged == {}
    assert bench.responder.counters.gateway_acks == 1
    assert bench.responder.changes == changes  # nothing is to be told
    assert bench.responder.counters.drops == drops
    bench.hear(acknowledgement(address))  # nobody asked
    assert bench.responder.counters.gateway_acks == 1


@pytest.mark.parametrize("address", BOTH)
def test_an_answer_to_somebody_else_or_of_somebody_else_is_none(address: Address) -> None:
    other = IPv4Address("192.0.2.3") if address == V4 else IPv6Address("fe80::3")
    bench = taken(address)
    bench.run(0.5)
    bench.hear(acknowledgement(address, of=CLIENT))
    bench.hear(acknowledgement(address, router=other))
    bench.hear(noise(GATEWAY))
    assert bench.responder.counters.gateway_acks == 0
    assert len(asks(bench)) == 2


@pytest.mark.parametrize("address", BOTH)
def test_a_late_answer_to_a_later_question_takes_the_word_back(address: Address) -> None:
    bench = taken(address)
    bench.run(ROUND_S)
    assert bench.responder.unacknowledged
    changes = bench.responder.changes
    assert asks(bench, 1300.0), "it is asked again when the address is announced again"
    bench.responder.link(up=True, mac=OWN, now_s=bench.now_s)
    bench.hear(noise())
    bench.run(0.1)
    bench.hear(acknowledgement(address))
    assert bench.responder.unacknowledged == {}
    assert bench.responder.changes > changes


def test_after_a_link_another_mac_or_a_claim_it_is_asked_anew() -> None:
    bench = taken(V4)
    for what in ("link", "mac", "claim"):
        bench.run(0.1)
        bench.hear(acknowledgement(V4))
        bench.run(20.0)
        match what:
            case "link":
                bench.responder.link(up=False, mac=OWN, now_s=bench.now_s)
                bench.responder.link(up=True, mac=OWN, now_s=bench.now_s)
            case "claim":
                bench.hear(claim(V4, CLIENT))
                bench.looked(V4, ours=True)
            case _:
                bench.responder.link(up=True, mac=OWN, now_s=bench.now_s)
        bench.hear(noise())
        assert asks(bench, 0.1), what


def test_a_gateway_that_comes_later_is_asked_as_all_and_one_that_went_is_forgotten() -> None:
    bench = taken(V4, V6, gateways=())
    assert asks(bench) == []
    bench.responder.follow_gateways((ROUTER4,), bench.now_s)
    assert {address for _, address in asks(bench)} == {V4}
    assert bench.responder.unacknowledged == {V4: (ROUTER4,)}
    changes = bench.responder.changes
    bench.responder.follow_gateways((ROUTER6,), bench.now_s)
    assert bench.responder.unacknowledged == {}
    assert bench.responder.changes > changes
    assert {address for _, address in asks(bench)} == {V6}


def test_what_is_revoked_or_not_answered_for_is_asked_about_no_more() -> None:
    bench = taken(V4)
    bench.run(ROUND_S)
    bench.follow()
    assert bench.responder.unacknowledged == {}
    bench.follow(V4)
    bench.run(0.1)
    bench.hear(claim(V4, CLIENT))
    bench.looked(V4, ours=False)
    assert asks(bench) == []


def test_of_two_gateways_each_is_to_answer() -> None:
    second = IPv4Address("192.0.2.2")
    bench = taken(V4, gateways=(ROUTER4, second))
    assert len(asks(bench, 0.5)) == 2
    bench.hear(acknowledgement(V4))
    assert len(asks(bench)) == 2
    assert bench.responder.unacknowledged == {V4: (second,)}


def test_a_gateway_that_is_called_silent_was_asked_however_low_the_rate() -> None:
    second = IPv4Address("192.0.2.2")
    many = [one for one in addresses(80) if one.version == 4]
    bench = Bench(rate=10, heard=True)
    bench.responder.follow_gateways((ROUTER4, second), bench.now_s)
    bench.follow(*many)
    asked: dict[tuple[Address, Address], int] = {}
    until_s = bench.now_s + 120.0
    while bench.now_s < until_s:
        for frame in bench.responder.due(bench.now_s):
            if says(frame)[0] == "ask":
                question = parsed(frame)
                assert isinstance(question, ArpPacket)
                pair = question.sender, question.target
                asked[pair] = asked.get(pair, 0) + 1
        bench.now_s += 0.05
    assert bench.responder.unacknowledged == dict.fromkeys(many, (ROUTER4, second))
    assert min(asked.values()) == 3  # or more, of those that were announced again
    assert len(asked) == 80


def test_first_announcements_come_first_then_gateways_then_further_rounds() -> None:
    many = addresses(40)
    bench = Bench(rate=20, heard=True)
    bench.responder.follow_gateways((ROUTER4, ROUTER6), bench.now_s)
    bench.follow(*many)
    kinds = [kind for _, kind, _ in bench.run(30.0)]
    firsts, rest = kinds[:40], kinds[40:]
    assert set(firsts) == {"announce"}
    assert set(rest[:40]) == {"ask"}
    assert rest.count("ask") == 120


def test_it_remembers_no_more_than_it_holds_and_asks_few_gateways() -> None:
    asked = GatewayAsks()
    asked.follow([IPv4Address(n) for n in range(1, 20)])
    asked.begin(V4, 1.0)
    assert asked.first(1.0) == V4
    first = [asked.asked(V4, 1.0) for _ in range(MOST_GATEWAYS)]
    assert first == list(asked.gateways)
    assert asked.first(1.0) is None  # the next round is later
    asked.discard(V4)
    assert (asked.next_s(), asked.silent, asked.first(99.0)) == (None, {}, None)
