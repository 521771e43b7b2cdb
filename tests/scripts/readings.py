"""What a snapshot says of what we wrote: records, statuses, specs, and the Events of a step."""

from collections.abc import Iterator, Mapping
from typing import Any

from manager.adapters.kubernetes.record_codec import service_record, status_record
from manager.events import service_events, status_events
from manager.planner.nodes.eligible import dead
from manager.snapshot import Snapshot
from manager.work import ClusterWork, Written
from pointsman.model.assignment import KERNEL
from pointsman.model.record import AnnouncerRecord, EventRecord, ResourceKey

Assigned = dict[str, tuple[str, ...]]  # by address


def assigned(snapshot: Snapshot) -> Assigned:
    """Return in the specs of which nodes, but of dead ones, each address stands."""
    found: dict[str, list[str]] = {}
    gone = dead(snapshot)
    for name, one in sorted(snapshot.announcers.items()):
        for entry in one.assignments if name not in gone else ():
            if entry.responder == KERNEL:  # those are on several nodes
                continue
            for address in entry.addresses:
                found.setdefault(str(address), []).append(f"{name}/{entry.interface}")
    return {address: tuple(places) for address, places in found.items()}


def on_nodes(snapshot: Snapshot) -> Assigned:
    """Return which nodes have each address themselves: in their specs, and not withheld."""
    found: dict[str, list[str]] = {}
    for name, one in sorted(snapshot.announcers.items()):
        for entry in one.assignments:
            for address in entry.addresses if entry.responder == KERNEL else ():
                if address in one.withheld:
                    continue
                found.setdefault(str(address), []).append(f"{name}/{entry.interface}")
    return {address: tuple(places) for address, places in found.items()}


def written(snapshot: Snapshot) -> Written:
    """Return what the objects say of us: what the shell's targets observe."""
    records = {key: service_record(one) for key, one in snapshot.services.items()}
    resources: Mapping[str, Mapping[Any, Any]] = {
        "Eip": snapshot.eips,
        "BgpConf": snapshot.bgp_confs,
        "BgpPeer": snapshot.bgp_peers,
    }
    statuses = {
        ResourceKey(kind, name): status_record(one)
        for kind, found in resources.items()
        for name, one in found.items()
    }
    return Written(
        services={key: record for key, record in records.items() if record is not None},
        statuses={key: record for key, record in statuses.items() if record is not None},
        announcers={
            name: AnnouncerRecord(
                snapshot.nodes[name].uid if name in snapshot.nodes else "", one.spec
            )
            for name, one in snapshot.announcers.items()
        },
    )


def emitted(
    snapshot: Snapshot, before: Written, after: Written, work: ClusterWork
) -> Iterator[EventRecord]:
    """Yield what the writers tell of their answers, Services first."""
    for key, record in sorted(work.services.put.items()):
        old, new = before.services.get(key), after.services[key]
        yield from service_events(snapshot.services[key], old, new, planned=record)
    for one in sorted(work.statuses.put):
        if one in after.statuses:
            yield from status_events(one, "", before.statuses.get(one), after.statuses[one])


def event_line(notice: EventRecord) -> str:
    """Return an Event as transcripts have it."""
    who = "/".join(filter(None, (notice.namespace, notice.name)))
    return f"{'Warning' if notice.warning else 'Normal'} {notice.reason} {who}"
