"""Which addresses a report says are withheld: each of them, however many there are.

An Announcer takes 64 entries. More addresses than that are said as runs: neighbors in the order
of all that is assigned here. Whoever reads it must never take an address for answered that is
not, so of runs that are too many the last covers what lies between the rest, too.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from agent.snapshot import Assignment, Withheld
from pointsman.model.address import Address, address_order
from pointsman.model.report import MOST_WITHHELD


def listed(withheld: Iterable[Withheld], assignment: Assignment | None) -> tuple[Withheld, ...]:
    """Return what a report says of *withheld*, in order of their addresses."""
    each = sorted(withheld, key=_order)
    if len(each) <= MOST_WITHHELD:
        return tuple(each)
    assigned = _assigned(assignment)
    runs = list(_runs(each, assigned, _reason))
    if len(runs) > MOST_WITHHELD:  # of several reasons the first is said
        runs = list(_runs(each, assigned, _any_reason))
    first, rest = runs[: MOST_WITHHELD - 1], runs[MOST_WITHHELD - 1 :]
    if rest:
        first.append(_run(rest[0], rest[-1].through or rest[-1].address))
    return tuple(first)


def _runs(
    each: Sequence[Withheld], assigned: Iterable[Address], alike: Callable[[Withheld], str]
) -> Iterator[Withheld]:
    """Yield the runs of *each* between which no address of *assigned* stands."""
    every = sorted({*assigned, *(one.address for one in each)}, key=address_order)
    places = {address: place for place, address in enumerate(every)}
    numbered = ((places[one.address] - index, one) for index, one in enumerate(each))
    for _, found in groupby(numbered, key=lambda pair: (pair[0], alike(pair[1]))):
        run = [one for _, one in found]
        yield _run(run[0], run[-1].address)


def _run(first: Withheld, last: Address) -> Withheld:
    return first if last == first.address else replace(first, through=last)


def _reason(one: Withheld) -> str:
    """Return why, without the address that the sentence is about."""
    return one.reason.replace(str(one.address), "")


def _any_reason(_: Withheld) -> str:
    return ""


def _assigned(assignment: Assignment | None) -> frozenset[Address]:
    if assignment is None:
        return frozenset()
    routes = (one.prefix.network_address for one in assignment.unreachable)
    duties = (address for duty in assignment.duties for address in duty.addresses)
    return assignment.kernel.union(routes, duties)


def _order(one: Withheld) -> tuple[int, int]:
    return address_order(one.address)
