"""What stands in the objects we write: Service records and the status of our resources.

Verdicts become conditions, the sentence of the one that matters becomes the annotation
`pointsman.dev/status`. It refuses to carry anything that changes by itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from manager.planner.addresses.claims import allocated_from
from manager.planner.desired import Allocation, Allocations, Announcement, Counts, EipUsage
from manager.snapshot import Service, Snapshot
from pointsman.model.names import (
    ALLOCATED,
    ALLOCATED_FROM,
    ANNOUNCED,
    ANNOUNCED_BY,
    FINALIZER,
    READY,
    SHARED_AS,
    STATUS,
)
from pointsman.model.record import ConditionValue, ResourceKey, ServiceRecord, StatusRecord
from pointsman.model.verdicts.address import Allocated, InternalError, warned
from pointsman.model.verdicts.announcement import NotAnnounced
from pointsman.model.verdicts.base import Verdict

# Kubernetes, TotalAnnotationSizeLimitB: bytes of all keys and values of one object.
ANNOTATIONS_MAX: Final = 256 * 1024


def condition_of(verdict: Verdict) -> ConditionValue:
    """Return the condition a verdict makes."""
    return ConditionValue(verdict.status, verdict.reason, str(verdict))


def service_record(
    service: Service, allocation: Allocation, announcement: Announcement, carriers: tuple[str, ...]
) -> ServiceRecord:
    """Return our part of *service*."""
    conditions = {ALLOCATED: condition_of(allocation.verdict)}
    sentence = str(allocation.verdict)
    verdict = announcement.verdict
    unsaid = isinstance(verdict, NotAnnounced) and verdict.passing
    before = next((c for c in service.conditions if c.type == ANNOUNCED), None)
    by = ",".join(carriers)
    if not unsaid:
        conditions[ANNOUNCED] = condition_of(verdict)
        sentence = str(verdict) if allocation.verdict.ok else sentence
    elif before is not None:  # for the moment between two writes, the condition stays
        conditions[ANNOUNCED] = ConditionValue(before.status, before.reason, before.message)
        sentence = before.message if allocation.verdict.ok else sentence
        by = service.annotations.get(ANNOUNCED_BY, "")
    if ANNOUNCED in conditions and isinstance(allocation.verdict, Allocated):
        sentence = f"{sentence} {warned(allocation.verdict.warning)}".rstrip()
    if isinstance(allocation.verdict, InternalError):
        return _as_it_is(service, conditions, allocation.verdict)
    annotations = {
        ALLOCATED_FROM: origins(allocation),
        SHARED_AS: allocation.shared_as or "",
        ANNOUNCED_BY: by,
        STATUS: sentence,
    }
    return ServiceRecord(
        ingress=tuple(str(grant.address) for grant in allocation.grants),
        annotations=_fitting(service, annotations),
        conditions=conditions,
    )


def _fitting(service: Service, ours: Mapping[str, str]) -> dict[str, str]:
    """Return those of *ours* that are not empty and fit beside the user's annotations.

    The API server would refuse the whole write otherwise, address and conditions with it. In
    order of their worth: the sentence is in a condition too, so it yields first.
    """
    room = ANNOTATIONS_MAX - sum(
        _size(key, value) for key, value in service.annotations.items() if key not in ours
    )
    fitting: dict[str, str] = {}
    for key, value in ours.items():
        if value and (size := _size(key, value)) <= room:
            fitting[key] = value
            room -= size
    return fitting


def _size(key: str, value: str) -> int:
    if value.isascii():
        return len(key) + len(value)
    return len(key) + len(value.encode(errors="surrogatepass"))


def _as_it_is(
    service: Service, conditions: Mapping[str, ConditionValue], verdict: InternalError
) -> ServiceRecord:
    """Return the record of a Service that could not be judged: only the verdict is new."""
    retained = (ALLOCATED_FROM, SHARED_AS, ANNOUNCED_BY)
    annotations = {key: service.annotations[key] for key in retained if key in service.annotations}
    return ServiceRecord(
        ingress=tuple(entry.ip for entry in service.ingress),
        annotations=_fitting(service, {**annotations, STATUS: str(verdict)}),
        conditions=conditions,
    )


def origins(allocation: Allocation) -> str:
    """Return the annotation allocated-from: where each address came from, and what is hoped for."""
    granted = {grant.address for grant in allocation.grants}
    grants = ((grant.eip, grant.address) for grant in allocation.grants)
    strays = (hint for hint in allocation.hints if hint[1] in granted)
    hoped = (hint for hint in allocation.hints if hint[1] not in granted)
    return allocated_from((*grants, *strays), hoped)


def eip_records(snapshot: Snapshot, allocations: Allocations) -> dict[ResourceKey, StatusRecord]:
    """Return the status of every Eip, but for what its protocol adds."""
    records: dict[ResourceKey, StatusRecord] = {}
    for name, usage in allocations.eips.items():
        eip = snapshot.eips[name]
        # A finalizer cannot be added to what is being deleted already.
        finalizer = usage.in_use and (not eip.deleting or FINALIZER in eip.finalizers)
        records[ResourceKey("Eip", name)] = _eip_record(
            usage, eip.generation, has_finalizer=finalizer
        )
    return records


def with_conditions(
    records: Mapping[ResourceKey, StatusRecord],
    added: Iterable[Mapping[ResourceKey, Mapping[str, ConditionValue]]],
) -> Mapping[ResourceKey, StatusRecord]:
    """Return *records* with the conditions *added* among their own."""
    found = dict(records)
    for conditions in added:
        for key, more in conditions.items():
            found[key] = replace(found[key], conditions={**found[key].conditions, **more})
    return found


def _eip_record(usage: EipUsage, generation: int, *, has_finalizer: bool) -> StatusRecord:
    return StatusRecord(
        conditions={READY: condition_of(usage.ready)},
        fields={
            "capacity": _counts(usage.capacity),
            "allocated": _counts(usage.allocated),
            "available": _counts(usage.available),
            "totals": {
                "allocated": str(usage.allocated.ipv4 + usage.allocated.ipv6),
                "available": str(usage.available.ipv4 + usage.available.ipv6),
            },
            "services": usage.services,
        },
        observed_generation=generation,
        has_finalizer=has_finalizer,
    )


def _counts(counts: Counts) -> dict[str, str]:
    return {"ipv4": str(counts.ipv4), "ipv6": str(counts.ipv6)}
