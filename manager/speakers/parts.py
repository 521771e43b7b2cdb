"""The work of one speaker in parts, in the order in which it is safe. Pure.

A rule of export stands before a path that needs it; of each prefix the new paths are put
before the old ones are dropped; a neighbor is added once its paths are there, and removed
after they are gone. Prefixes that lose a path come first: what must go waits for nothing
that is only to come.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from manager.work import SpeakerWork
from pointsman.model.delta import Delta
from pointsman.model.route import Route, RouteKey
from pointsman.model.table import Group, Order, Table

AT_ONCE = 4000  # paths: about a quarter of a second of the daemon's time


@dataclass(frozen=True, slots=True)
class Part:
    """What is done in one go, at one table."""

    table: str  # a field of SpeakerWork
    work: Delta[Any, Any]  # puts first


def parts(work: SpeakerWork) -> Iterator[Part]:
    """Yield *work* in the order in which it is to be done."""
    if work.exports.put:
        yield Part("exports", work.exports.puts_only())
    if work.routes:
        for some in _chunks(work.routes):
            yield Part("routes", some)
    if work.neighbors.put:
        yield Part("neighbors", work.neighbors.puts_only())
    if work.neighbors.drop:
        yield Part("neighbors", work.neighbors.drops_only())
    if work.exports.drop:
        yield Part("exports", work.exports.drops_only())


def _chunks(routes: Delta[RouteKey, Route]) -> Iterator[Delta[RouteKey, Route]]:
    """Yield the work of as many whole prefixes as are done at once, withdrawals first."""
    if len(routes.put) + len(routes.drop) <= AT_ONCE:
        yield routes
        return
    put, drop = Table.of(routes.put).groups, Table.of_keys(routes.drop).groups
    chosen: list[Order] = []
    paths = 0
    for order in (*drop, *(order for order in put if order not in drop)):
        chosen.append(order)
        paths += sum(len(groups[order].hops) for groups in (put, drop) if order in groups)
        if paths >= AT_ONCE:
            yield Delta(_some(chosen, put), _some(chosen, drop).keys())
            chosen, paths = [], 0
    if chosen:
        yield Delta(_some(chosen, put), _some(chosen, drop).keys())


def _some(chosen: list[Order], groups: Mapping[Order, Group]) -> Table:
    """Return the routes of the *chosen* prefixes."""
    return Table({order: groups[order] for order in sorted(chosen) if order in groups})
