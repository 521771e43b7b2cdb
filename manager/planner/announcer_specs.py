"""A node's Announcer spec, of what heartbeats, drains and each protocol put into it.

Protocols that use agents in the same way share a key: what they assign is joined, what they count
added up. Of two routes to one prefix there is one, and a router picks it up if it should either.
Of more than the API takes, those that routers pick up come first: each is how packets come here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from manager.snapshot import Announcer, Assigned, NodeName
from pointsman.model.address import prefix_order
from pointsman.model.assignment import MOST_ASSIGNMENTS, MOST_UNREACHABLE, Unreachable
from pointsman.model.ranges import read_address
from pointsman.wire.asked_prefixes import UNREACHABLE, read_prefix

ASSIGNMENTS: Final = "assignments"
ANNOUNCING: Final = "announcing"  # how many addresses, for those who only look
SHARED: Final = frozenset({ASSIGNMENTS, ANNOUNCING, UNREACHABLE})
MOST: Final = {ASSIGNMENTS: MOST_ASSIGNMENTS, UNREACHABLE: MOST_UNREACHABLE}
Spec = Mapping[str, Any]


def joined(specs: Iterable[Spec | None]) -> Spec:
    """Return one spec of several parts, each of which may be missing."""
    parts = [one for one in specs if one]
    found: dict[str, Any] = {k: v for one in parts for k, v in one.items() if k not in SHARED}
    for key in (ASSIGNMENTS, ANNOUNCING, UNREACHABLE):
        values = [one[key] for one in parts if key in one]
        if len(values) == 1 and (key not in MOST or len(values[0]) <= MOST[key]):
            found[key] = values[0]
        elif values:
            found[key] = _JOINED[key](values)
    return found


def _assignments(values: list[list[Spec]]) -> list[Spec]:
    entries = sorted((e for each in values for e in each), key=_by_interface)
    return entries[:MOST_ASSIGNMENTS]


def _by_interface(entry: Spec) -> tuple[str, str]:
    return entry["interface"], entry["responder"]


def _routes(values: list[list[Spec]]) -> list[Spec]:
    by_prefix: dict[str, Spec] = {}
    for entry in (e for each in values for e in each):
        known = by_prefix.get(entry["prefix"])
        if known is None or entry["redistribute"]:
            by_prefix[entry["prefix"]] = entry
    entries = sorted(by_prefix.values(), key=lambda one: not one["redistribute"])
    return sorted(entries[:MOST_UNREACHABLE], key=_by_prefix)


def _by_prefix(entry: Spec) -> tuple[int, int, int]:
    return prefix_order(read_prefix(entry["prefix"]))


_JOINED: Final[Mapping[str, Callable[[list[Any]], Any]]] = {
    ASSIGNMENTS: _assignments,
    ANNOUNCING: sum,
    UNREACHABLE: _routes,
}


def full(announcers: Mapping[NodeName, Announcer], most: int) -> frozenset[NodeName]:
    """Return the nodes whose specs hold *most* addresses, which is as many as they can."""
    return frozenset(name for name, one in announcers.items() if one.assigned >= most)


def routes_in(spec: Spec) -> list[Any]:
    """Return the `unreachable` routes of a spec that was planned here."""
    entries = spec.get(UNREACHABLE, [])
    assert isinstance(entries, list), entries
    return entries


def as_read_back(announcer: Announcer, spec: Spec) -> Announcer:
    """Return *announcer* once *spec* is written, and its agent has taken that up.

    Itself, where addresses and routes are the same.
    """
    assignments = tuple(map(_assigned, assignments_in(spec)))
    unreachable = tuple(
        Unreachable(read_prefix(one["prefix"]), one["redistribute"]) for one in routes_in(spec)
    )
    if (assignments, unreachable) == (announcer.assignments, announcer.unreachable):
        return announcer
    others = {key: value for key, value in announcer.spec.items() if key not in SHARED}
    ours = {key: spec[key] for key in (ASSIGNMENTS, UNREACHABLE) if spec.get(key)}
    return replace(
        announcer,
        spec=others | ours,
        assignments=assignments,
        unreachable=unreachable,
        executes=max(announcer.executes, announcer.generation),
    )


def _assigned(entry: Spec) -> Assigned:
    return Assigned(
        entry["interface"],
        entry["responder"],
        tuple(map(read_address, entry["addresses"])),
        tuple(map(read_address, entry.get("probe", ()))),
        entry.get("announceRate"),
    )


def assignments_in(spec: Spec) -> list[Any]:
    """Return the entries of a spec that was planned here."""
    entries = spec.get(ASSIGNMENTS, [])
    assert isinstance(entries, list), entries
    return entries
