"""Appointments: one for each address, in order of rank, then of time."""

from pointsman.model.address import Address
from pointsman.responder.agenda import SLACK, Agenda
from tests.pointsman.responder.bench import V4, V6, addresses

A, B, C = addresses(3)


def taken(agenda: Agenda, now_s: float) -> list[Address]:
    """Return everybody whose turn it is, in order."""
    order = []
    while (address := agenda.first(now_s)) is not None:
        agenda.drop(address)
        order.append(address)
    return order


def test_what_is_due_comes_by_rank_then_by_time_then_as_it_was_put() -> None:
    agenda = Agenda()
    agenda.put(A, at_s=1.0, rank=2)
    agenda.put(B, at_s=3.0, rank=1)
    agenda.put(C, at_s=1.0, rank=2)
    agenda.put(V4, at_s=0.5, rank=2)
    agenda.put(V6, at_s=9.0, rank=0)
    assert taken(agenda, 3.0) == [B, V4, A, C]
    assert agenda.next_s() == 9.0


def test_a_new_appointment_replaces_the_old_one_even_when_its_turn_had_come() -> None:
    agenda = Agenda()
    agenda.put(A, at_s=1.0, rank=1)
    assert agenda.first(1.0) == A
    assert agenda.backlog()
    agenda.put(A, at_s=5.0, rank=1)
    assert agenda.first(1.0) is None
    assert not agenda.backlog()
    assert agenda.next_s() == 5.0
    assert taken(agenda, 5.0) == [A]


def test_what_was_cancelled_never_comes() -> None:
    agenda = Agenda()
    agenda.put(A, at_s=1.0, rank=1)
    agenda.put(B, at_s=1.0, rank=1)
    agenda.drop(A)
    assert taken(agenda, 2.0) == [B]
    assert (taken(agenda, 9.0), agenda.next_s(), len(agenda)) == ([], None, 0)


def test_it_stays_as_large_as_its_addresses_however_often_they_change() -> None:
    agenda = Agenda()
    for n in range(10_000):
        agenda.put(addresses(3)[n % 3], at_s=1e6 + n, rank=1)
    assert len(agenda._waiting) <= 2 * 3 + SLACK
    for n in range(10_000):
        agenda.put(addresses(3)[n % 3], at_s=0.0, rank=n % 2)
        agenda.first(1.0)
    assert len(agenda._waiting) + len(agenda._ready) <= 2 * 3 + SLACK + 1
