"""Which Events a write makes: one per transition between the object before it and after it.

Pure. A transition is a condition whose status or reason is another; a Service that has other
addresses than before gets one, too, and one whose record somebody had changed, when it is as
planned again.
"""

from collections.abc import Iterator
from typing import Final

from manager.planner.records import condition_of
from manager.snapshot import Service
from pointsman.model.assignment import EVERYWHERE, KERNEL_INTERFACE
from pointsman.model.names import ANNOUNCED_BY, SHARED_AS
from pointsman.model.record import (
    ConditionValue,
    EventRecord,
    ResourceKey,
    ServiceRecord,
    StatusRecord,
)
from pointsman.model.verdicts.coexistence import Repaired
from pointsman.model.verdicts.severity import warns

# Beside each of these stands the condition that says why: one trouble, one warning.
CONSEQUENCES: Final = frozenset({"NoAddress"})


def service_events(
    service: Service,
    before: ServiceRecord | None,
    after: ServiceRecord,
    *,
    planned: ServiceRecord,
) -> Iterator[EventRecord]:
    """Yield the Events of a write that made *after* of the record *before* of *service*."""
    old = before or ServiceRecord()
    done = after == planned  # else somebody else changed it, just now
    repaired = _repaired(service, after, old) if done else None
    if repaired is not None:
        yield service_event(service, condition_of(repaired))
        return
    moved = done and after.ingress != old.ingress
    for name, condition in sorted(after.conditions.items()):
        turned = (
            _turned(old.conditions.get(name), condition) and condition.reason not in CONSEQUENCES
        )
        if turned or (moved and condition.reason == "Allocated"):
            yield service_event(service, condition)


def status_events(
    key: ResourceKey, uid: str, before: StatusRecord | None, after: StatusRecord
) -> Iterator[EventRecord]:
    """Yield the Events of a write to the status of one of our own resources."""
    old = before or StatusRecord()
    for name, condition in sorted(after.conditions.items()):
        if _turned(old.conditions.get(name), condition):
            yield EventRecord(
                kind=key.kind,
                namespace="",
                name=key.name,
                uid=uid,
                reason=condition.reason,
                message=condition.message,
                warning=warns(condition.reason, condition.status),
            )


def service_event(service: Service, condition: ConditionValue) -> EventRecord:
    """Return the Event that repeats *condition* of *service*."""
    return EventRecord(
        kind="Service",
        namespace=service.namespace,
        name=service.name,
        uid=service.uid,
        reason=condition.reason,
        message=condition.message,
        warning=warns(condition.reason, condition.status),
    )


def _repaired(service: Service, record: ServiceRecord, old: ServiceRecord) -> Repaired | None:
    """Return what somebody had changed behind our back, or None.

    Whatever we decide anew shows in a condition's words, but for the terms of sharing, and for
    the nodes that have an address themselves.
    """
    if record.conditions != old.conditions:
        return None
    changed = [
        f"annotation {name}"
        for name in sorted(record.annotations.keys() | old.annotations.keys())
        if name != SHARED_AS
        and record.annotations.get(name) != old.annotations.get(name)
        and not (name == ANNOUNCED_BY and _on_nodes(record) and _on_nodes(old))
    ]
    if record.ingress != old.ingress:
        changed.insert(0, "status.loadBalancer")
    return Repaired(service.key, tuple(changed)) if changed else None


def _on_nodes(record: ServiceRecord) -> bool:
    """Whether it is the nodes themselves that announce what is in *record*."""
    parts = record.annotations.get(ANNOUNCED_BY, "").split(",")
    return any(one == EVERYWHERE or one.endswith(f"/{KERNEL_INTERFACE}") for one in parts)


def _turned(before: ConditionValue | None, after: ConditionValue) -> bool:
    return before is None or (before.status, before.reason) != (after.status, after.reason)
