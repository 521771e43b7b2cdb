"""Nodes that are drained and carry on for some seconds, while routers turn to others (RFC 8326).

When a drain began, and whether its paths are to be gone, is recorded in the node's Announcer, by
the leader: every replica goes by that record, so their clocks need not agree, and a new leader
goes on where the old one was. Pure. A node that our speakers hold no path of does not come back
for this; one without Announcer, or out of service, leaves at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from manager.planner.nodes.address_owners import addresses_of
from manager.planner.nodes.eligible import drains, is_out_of_service
from manager.snapshot import Announcer, Node, NodeName, Snapshot
from pointsman.model.address import Address
from pointsman.model.liveness import Liveness
from pointsman.model.table import Table
from pointsman.model.timestamps import format_time, parse_time

DRAIN_SPEC: Final = "drain"  # in an Announcer's spec: {"since": TIME, "phase": PHASE}
GRACEFUL_SHUTDOWN: Final = "GracefulShutdown"
WITHDRAWN: Final = "Withdrawn"

Specs = Mapping[NodeName, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Leaving:
    """Which nodes carry on, what their Announcers record, and when to look again."""

    nodes: frozenset[NodeName] = frozenset()
    specs: Specs = field(default_factory=dict)  # of every node that is drained
    again_s: float | None = None


def leaving(snapshot: Snapshot) -> Leaving:
    """Return which of the drained nodes are not to be withdrawn yet."""
    grace, now = _grace(snapshot), snapshot.taken_at
    if not grace or now is None:
        return Leaving()
    nodes: list[NodeName] = []
    specs: dict[NodeName, Mapping[str, object]] = {}
    waits: list[float] = []
    advertised: frozenset[Address] | None = None
    for name, node in sorted(snapshot.nodes.items()):
        announcer = snapshot.announcers.get(name)
        if announcer is None or not drains(node, snapshot.settings):
            continue
        phase, since = _recorded(announcer, now)
        if phase is None:
            advertised = _advertised(snapshot) if advertised is None else advertised
            theirs = advertised.intersection(addresses_of(node, announcer))
            phase = GRACEFUL_SHUTDOWN if theirs else WITHDRAWN
        left = since + grace - now
        if _gone(snapshot, node):
            phase = WITHDRAWN
        if phase == GRACEFUL_SHUTDOWN:
            nodes.append(name)  # until it is recorded that the time is over
            if left > timedelta():
                waits.append(left.total_seconds())
            else:
                phase = WITHDRAWN
        specs[name] = {DRAIN_SPEC: {"phase": phase, "since": format_time(_whole(since))}}
    return Leaving(frozenset(nodes), specs, min(waits, default=None))


def _grace(snapshot: Snapshot) -> timedelta:
    conf = snapshot.bgp_confs.get("default")
    seconds = conf.spec.graceful_shutdown_seconds if conf is not None and conf.spec else 0
    return timedelta(seconds=seconds)


def _recorded(announcer: Announcer, now: datetime) -> tuple[str | None, datetime]:
    """Return the phase, None where none is recorded, and since when; never later than *now*."""
    found = announcer.spec.get(DRAIN_SPEC)
    if not isinstance(found, Mapping) or found.get("phase") not in (GRACEFUL_SHUTDOWN, WITHDRAWN):
        return None, now
    since = parse_time(str(found.get("since") or ""))
    return str(found["phase"]), min(since or now, now)


def _whole(moment: datetime) -> datetime:
    """Return *moment* or the next whole second: a record has no fraction, and no grace ends early.

    With a fraction, each plan until the record stands would ask for another record.
    """
    return moment + timedelta(microseconds=-moment.microsecond % 1_000_000)


def _gone(snapshot: Snapshot, node: Node) -> bool:
    return is_out_of_service(node) or snapshot.liveness.get(node.name) is Liveness.Dead


def _advertised(snapshot: Snapshot) -> frozenset[Address]:
    """Return the next hops that our speakers hold."""
    tables = [Table.of(one.routes) for one in snapshot.speakers]
    return frozenset(hop for table in tables for hops in table.distinct_hops() for hop, _ in hops)
