"""Foreign claims: when an address falls silent, when it is defended, who answers in the end."""

import pytest

from pointsman.model.address import Address
from pointsman.responder.timing import LOOK_PATIENCE_S
from pointsman.wire.arp import arp_request, write_arp
from tests.pointsman.responder.bench import (
    BOTH,
    CLIENT_V4,
    HIGHER,
    LOWER,
    OWN,
    V4,
    Bench,
    claim,
    noise,
    probe,
)  # fmt: skip

BY_ARP_REQUEST = write_arp(arp_request(CLIENT_V4, mac=HIGHER, sender=V4))


def settled(*held: Address) -> Bench:
    """Return a bench whose series has ended."""
    bench = Bench(*held)
    bench.run(30.0)
    return bench


def claimed(address: Address, mac: bytes = HIGHER) -> Bench:
    bench = settled(address)
    bench.hear(claim(address, mac))
    return bench


def kinds(sent: list[tuple[float, str, Address]]) -> list[tuple[float, str]]:
    return [(at, kind) for at, kind, _ in sent]


@pytest.mark.parametrize("address", BOTH)
def test_a_yielding_claim_silences_the_address_and_asks_the_shell(address: Address) -> None:
    bench = claimed(address)
    assert bench.responder.questions == {address}
    assert not bench.answers(address)
    assert bench.responder.listens_for == {address}
    assert bench.responder.conflicts[address].mac == HIGHER
    assert bench.run(1.0) == []


@pytest.mark.parametrize("address", BOTH)
def test_confirmed_it_is_defended_once_and_answered_again(address: Address) -> None:
    bench = claimed(address)
    bench.looked(address, ours=True)
    assert bench.answers(address)
    assert kinds(bench.run(30.0)) == [(0.0, "announce")]
    assert not bench.responder.questions
    assert bench.responder.conflicts[address].mac == HIGHER  # reported still


def test_what_left_while_it_was_claimed_is_no_question_any_more() -> None:
    bench = claimed(V4)
    bench.follow()
    assert not bench.responder.questions
    assert not bench.responder.conflicts
    bench.looked(V4, ours=True)  # too late, and about nothing
    assert not bench.answers(V4)


def test_further_claims_neither_silence_nor_are_left_standing() -> None:
    bench = claimed(V4)
    bench.looked(V4, ours=True)
    bench.run(1.0)
    for _ in range(8):
        bench.hear(claim(V4, HIGHER))
        assert bench.answers(V4)
        assert bench.run(1.0) == []
    assert kinds(bench.run(5.0)) == [(1.0, "announce")]  # ten seconds after the first defence


def test_a_forged_claim_a_millisecond_silences_a_look_in_ten_seconds() -> None:
    bench = settled(V4)
    silent = 0
    for n in range(15_000):
        bench.hear(claim(V4, n.to_bytes(6, "big").replace(b"\0", b"\2")))
        silent += V4 in bench.responder.questions
        if n % 5 == 4 and V4 in bench.responder.questions:
            bench.looked(V4, ours=True)
        bench.run(0.001)
    assert silent <= 2 * 5
    assert len(bench.responder.conflicts) == 1
    assert len([1 for _, kind, _ in bench.sent if kind == "announce"]) <= 5 + 2


def test_a_claim_that_takes_nobody_away_is_defended_without_silence() -> None:
    bench = settled(V4)
    bench.hear(BY_ARP_REQUEST)
    assert not bench.responder.questions
    assert bench.answers(V4)
    assert kinds(bench.run(9.0)) == [(0.0, "announce")]
    bench.hear(BY_ARP_REQUEST)
    assert kinds(bench.run(9.0)) == [(1.0, "announce")]
    assert bench.responder.counters.claims == 2


def test_a_probe_for_it_is_answered_and_is_no_claim() -> None:
    bench = settled(V4)
    (reply,) = bench.hear(probe(V4, HIGHER))
    assert reply
    assert (bench.responder.counters.claims, bench.responder.questions) == (0, frozenset())


@pytest.mark.parametrize("address", BOTH)
def test_revoked_it_stays_silent_until_it_is_dropped_or_given_again(address: Address) -> None:
    bench = claimed(address)
    bench.looked(address, ours=False)
    assert bench.run(9.0) == []
    assert not bench.answers(address)
    assert "no longer" in bench.responder.withheld[address]
    bench.run(2.0)
    assert bench.responder.questions == {address}  # the assignment stands: look again
    bench.looked(address, ours=None)  # a revoked address is not contended for
    assert bench.run(100.0) == []
    bench.looked(address, ours=True)
    assert bench.answers(address)
    assert len(bench.run(30.0)) >= 3  # others had it meanwhile: a whole series


@pytest.mark.parametrize("ours", [None, "nobody looks"])
@pytest.mark.parametrize("address", BOTH)
def test_cut_off_it_is_taken_again_after_three_unanswered_probes(
    address: Address, ours: str | None
) -> None:
    bench = claimed(address)
    if ours is None:
        bench.looked(address, ours=None)
    sent = bench.run(LOOK_PATIENCE_S + 5.0 + 0.8)
    assert [kind for _, kind in kinds(sent)][:4] == ["probe", "probe", "probe", "announce"]
    assert bench.answers(address)


def contending(address: Address) -> Bench:
    """Return a bench in the midst of its probes, cut off."""
    bench = claimed(address)
    bench.looked(address, ours=None)
    while "probe" not in [kind for _, kind, _ in bench.sent]:
        bench.run(0.05)
    return bench


@pytest.mark.parametrize("address", BOTH)
def test_cut_off_it_yields_to_whoever_answers_its_probe(address: Address) -> None:
    bench = contending(address)
    bench.hear(claim(address, HIGHER))
    assert "announce" not in [kind for _, kind in kinds(bench.run(1.4))]
    assert not bench.answers(address)
    assert "could be asked" in bench.responder.withheld[address]
    assert bench.responder.questions == {address}
    bench.run(1.5 + 10.0 + 1.0)  # and that one falls silent for good
    assert bench.answers(address)


@pytest.mark.parametrize(
    ("mac", "goes_on"),
    [pytest.param(LOWER, False, id="lower wins"), pytest.param(HIGHER, True, id="higher loses")],
)
def test_of_two_contenders_the_lower_mac_stays(mac: bytes, goes_on: bool) -> None:
    bench = contending(V4)
    bench.hear(probe(V4, mac))
    bench.run(1.0)
    assert bench.answers(V4) is goes_on


def test_who_waits_for_its_turn_lets_the_other_go_first() -> None:
    bench = claimed(V4)
    bench.looked(V4, ours=None)
    for _ in range(50):  # whatever chance says
        bench.hear(probe(V4, HIGHER))
        assert bench.run(1.4) == []


def test_each_lost_contest_doubles_the_wait() -> None:
    bench = contending(V4)
    latest = 0.0
    for _ in range(6):
        before = bench.now_s
        bench.hear(claim(V4, HIGHER))
        while not any(at >= before for at, kind, _ in bench.sent if kind == "probe"):
            bench.run(0.05)
        latest = max(latest, bench.now_s - before)
    assert 15.0 < latest < 62.0


def test_a_late_no_ends_what_was_taken_again_and_nothing_that_is_confirmed() -> None:
    bench = contending(V4)
    bench.run(1.0)
    assert bench.answers(V4)
    bench.looked(V4, ours=False)
    assert not bench.answers(V4)

    bench = settled(V4)
    bench.looked(V4, ours=False)  # nobody asked: what is assigned stands
    assert bench.answers(V4)


def test_a_look_that_confirms_makes_the_wait_short_again() -> None:
    for _ in range(10):
        bench = contending(V4)
        for _ in range(6):
            bench.hear(claim(V4, HIGHER))
            bench.run(70.0)
        bench.looked(V4, ours=True)
        bench.run(30.0)
        bench.hear(claim(V4, HIGHER))
        bench.looked(V4, ours=None)
        bench.run(5.0 + 0.8)
        assert bench.answers(V4)


@pytest.mark.parametrize("address", BOTH)
def test_unconfirmed_after_a_contest_it_yields_at_once(address: Address) -> None:
    bench = contending(address)
    bench.run(1.0)
    assert bench.answers(address)
    bench.hear(claim(address, LOWER))
    assert not bench.answers(address)


def test_a_late_look_ends_a_contest_either_way() -> None:
    bench = contending(V4)
    bench.looked(V4, ours=True)
    assert bench.answers(V4)
    bench.run(5.0)
    bench.hear(claim(V4, HIGHER))
    assert bench.answers(V4)  # confirmed: within ten seconds it only defends

    bench = contending(V4)
    bench.looked(V4, ours=False)
    assert [kind for _, kind in kinds(bench.run(9.0))] == []


def test_a_contest_stops_with_the_link_and_goes_on_after_it() -> None:
    bench = contending(V4)
    bench.responder.link(up=False, mac=OWN, now_s=bench.now_s)
    assert bench.run(60.0) == []
    bench.responder.link(up=True, mac=OWN, now_s=bench.now_s)
    bench.hear(noise())
    bench.run(8.0)
    assert bench.answers(V4)
