"""What an IPAM lacks of a plan and holds too much: which entry is kept, which is asked for."""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address

import pytest

from manager.ipam.work import Describe, Reserve, source_work
from pointsman.model.ranges import read_disjoint
from pointsman.model.reservation import (
    AddressRequest,
    Reservation,
    ReservationState,
    SourcePlan,
    SourceReading,
)
from tests.manager.ipam.driven import ask, hold, holder, key, together

NOTHING = SourcePlan()
ALL = read_disjoint(("192.0.2.0/24",))


def entry(number: str, address: str, uid: str = "", *, quarantined: bool = False) -> Reservation:
    state = ReservationState.QUARANTINED if quarantined else ReservationState.HELD
    owner = key(uid) if uid else None
    return Reservation(number, ip_address(address), owner, state, holder(uid))


def limited(*blocks: str) -> SourcePlan:
    """Return a plan that asks for an address for web, within *blocks*."""
    return SourcePlan({key("web"): AddressRequest(holder("web"), within=read_disjoint(blocks))})


def shown(plan: SourcePlan, entries: Sequence[Reservation]) -> list[str]:
    """Return the work, a line for each part of it."""
    reading = SourceReading(ALL, tuple(entries))
    work = source_work(plan, reading, planned_from=reading)
    lines = []
    for put in work.puts:
        what = "repair" if put.held else "ask"
        where = put.request.address or "any"
        via = f" by {put.reservation.id}" if isinstance(put, Describe) else ""
        lines.append(f"{what} {put.key.service_uid} {where}{via}")
    return [*lines, *(f"too much {one.id}" for one in work.surplus)]


A, B = "192.0.2.1", "192.0.2.2"


@pytest.mark.parametrize(
    ("plan", "entries", "lines"),
    [
        pytest.param(ask("web"), [], ["ask web any"], id="asked for"),
        pytest.param(ask("web"), [entry("1", A, "web")], [], id="met by its own entry"),
        pytest.param(
            ask(web=B),
            [entry("1", A, "web")],
            ["ask web 192.0.2.2", "too much 1"],
            id="another address is asked for: its own entry does not do",
        ),
        pytest.param(
            limited("192.0.2.8/29"),
            [entry("1", A, "web")],
            ["ask web any", "too much 1"],
            id="its own entry lies where the Eip does not allow it",
        ),
        pytest.param(
            ask("web"),
            [entry("1", A, "web", quarantined=True)],
            ["ask web any by 1"],
            id="out of the quarantine, if it is its own",
        ),
        pytest.param(
            ask("web"),
            [entry("1", A, "old", quarantined=True)],
            ["ask web any", "too much 1"],
            id="some address: not one that is in quarantine for another",
        ),
        pytest.param(
            ask(web=A),
            [entry("1", A, "old", quarantined=True)],
            ["ask web 192.0.2.1 by 1"],
            id="this very address: out of the quarantine of another",
        ),
        pytest.param(
            together(hold(old=A), ask(web=A)),
            [entry("1", A, "old")],
            ["ask web 192.0.2.1"],
            id="this very address, which another holds: the IPAM says no",
        ),
        pytest.param(hold(web=A), [], ["repair web 192.0.2.1"], id="deleted by somebody"),
        pytest.param(
            hold(web=A), [entry("1", A)], ["repair web 192.0.2.1 by 1"], id="owner edited"
        ),
        pytest.param(
            hold(web=A),
            [entry("1", A, "web", quarantined=True)],
            ["repair web 192.0.2.1 by 1"],
            id="state edited",
        ),
        pytest.param(
            hold(web=A),
            [replace(entry("1", A, "web"), holder=holder("other"))],
            ["repair web 192.0.2.1 by 1"],
            id="words edited",
        ),
        pytest.param(
            hold(web=A),
            [entry("10", A, "web"), entry("9", A, "web")],
            ["too much 10"],
            id="two entries of one address: the older one stays, 9 before 10",
        ),
        pytest.param(
            hold(web=A),
            [entry("9", A, "old"), entry("10", A, "web")],
            ["too much 9"],
            id="two entries of one address: the right one stays",
        ),
        pytest.param(
            replace(hold(web=A), owners={}),
            [entry("1", A, "web")],
            [],
            id="in use by whom is not known: left as it is",
        ),
        pytest.param(NOTHING, [entry("1", A)], ["too much 1"], id="nobody's"),
        pytest.param(
            together(ask("new"), hold(web=A)),
            [],
            ["repair web 192.0.2.1", "ask new any"],
            id="what is in use is put right first",
        ),
    ],
)
def test_the_work(plan: SourcePlan, entries: Sequence[Reservation], lines: list[str]) -> None:
    assert shown(plan, entries) == lines
    assert shown(plan, entries[::-1]) == lines  # order never leaks


def test_an_address_that_stands_twice_meets_no_request_and_stays_where_it_is_held() -> None:
    twice = SourceReading(ALL, (entry("1", A, "web"),), foreign={ip_address(A): "the printer"})
    for plan in (ask("web"), ask(web=A)):
        work = source_work(plan, twice, planned_from=twice)
        assert [type(put) for put in work.puts] == [Reserve]
        assert [one.id for one in work.surplus] == ["1"]
    assert not source_work(hold(web=A), twice, planned_from=twice)


def test_only_what_the_plan_saw_is_too_much() -> None:
    seen, later = entry("1", A, "old"), entry("2", B, "newer")
    reading = SourceReading(ALL, (seen, later))
    work = source_work(NOTHING, reading, planned_from=SourceReading(ALL, (seen,)))
    assert work.surplus == (seen,)


def test_what_was_done_is_no_work() -> None:
    plan = together(ask("web"), hold(old=B))
    reading = SourceReading(ALL)
    work = source_work(plan, reading, planned_from=reading)
    made = tuple(
        Reservation(
            str(number), put.request.address or ip_address(A), put.key, holder=put.request.holder
        )
        for number, put in enumerate(work.puts)
        if isinstance(put, Reserve)
    )
    reading = SourceReading(ALL, made)
    assert not source_work(plan, reading, planned_from=reading)
