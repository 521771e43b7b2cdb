"""What stands in the objects we write: Service records and the status of our resources.

Verdicts become conditions, the sentence of the one that matters becomes the annotation
`pointsman.dev/status`. It refuses to carry anything that changes by itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from manager.planner.addresses.claims import allocated_from
from manager.planner.addresses.source_blocks import (
    RECORD,
    has_ipam,
    recorded_blocks,
    source_of,
)
from manager.planner.addresses.source_index import is_unread
from manager.planner.desired import Allocation, Allocations, Counts, EipUsage
from manager.snapshot import Eip, Service, Snapshot
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
from pointsman.model.verdicts.source import ForeignChange, NotReleased, SourceUnavailable

# Kubernetes, TotalAnnotationSizeLimitB: bytes of all keys and values of one object.
ANNOTATIONS_MAX: Final = 256 * 1024
# What a condition says by an IPAM's answers alone.
OF_SOURCE: Final = frozenset(
    one.__name__ for one in (SourceUnavailable, ForeignChange, NotReleased)
)
NOTHING: Final[Mapping[str, str]] = {}


def condition_of(verdict: Verdict, known: Mapping[str, str] = NOTHING) -> ConditionValue:
    """Return the condition a verdict makes; its message is taken from *known* if it is there."""
    message = str(verdict)
    return ConditionValue(verdict.status, verdict.reason, known.get(message, message))


def service_record(
    service: Service, allocation: Allocation, verdict: Verdict, carriers: tuple[str, ...]
) -> ServiceRecord:
    """Return our part of *service*; *verdict*: on its announcement, by *carriers*."""
    known = _texts(service)
    conditions = {ALLOCATED: condition_of(allocation.verdict, known)}
    sentence = conditions[ALLOCATED].message
    unsaid = isinstance(verdict, NotAnnounced) and verdict.passing
    before = service.announced
    by = ",".join(carriers)
    if not unsaid:
        conditions[ANNOUNCED] = condition_of(verdict, known)
        sentence = conditions[ANNOUNCED].message if allocation.verdict.ok else sentence
    elif before is not None:  # for the moment between two writes, the condition stays
        conditions[ANNOUNCED] = ConditionValue(before.status, before.reason, before.message)
        sentence = before.message if allocation.verdict.ok else sentence
        by = service.annotations.get(ANNOUNCED_BY, "")
    else:  # nor is half of it said
        by = ""
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
    annotations = {key: known.get(text, text) for key, text in annotations.items()}
    return ServiceRecord(
        ingress=tuple([grant.text for grant in allocation.grants]),
        annotations=_fitting(service, annotations),
        conditions=conditions,
    )


def _texts(service: Service) -> dict[str, str]:
    """Return what stands on *service*, to be found again: at rest a record says the very same.

    Of ten thousand Services those are ten thousand sentences, each three times.
    """
    texts = [*service.annotations.values(), *[one.message for one in service.conditions]]
    return dict(zip(texts, texts, strict=True))


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
        eip, reading = snapshot.eips[name], snapshot.sources.get(name)
        # A finalizer cannot be added to what is being deleted already. Until its IPAM was asked
        # nobody knows whether that has entries of it, and the one that is there stays.
        there, unread = FINALIZER in eip.finalizers, has_ipam(eip) and is_unread(reading)
        finalizer = (there and unread) or (usage.in_use and (there or not eip.deleting))
        record = _eip_record(usage, eip.generation, has_finalizer=finalizer)
        if (blocks := recorded_blocks(eip, reading)) is not None:
            record = replace(record, fields={**record.fields, RECORD: blocks})
        if is_unread(reading) and (before := _recorded_of_source(eip)) is not None:
            record = replace(record, conditions={READY: before})
        records[ResourceKey("Eip", name)] = record
    return records


def _recorded_of_source(eip: Eip) -> ConditionValue | None:
    """Return the condition of an Eip whose IPAM was not asked yet: what was so stays said."""
    if source_of(eip) is None or eip.deleting or (eip.spec is not None and eip.spec.disabled):
        return None
    recorded = next((one for one in eip.conditions if one.type == READY), None)
    if recorded is None or recorded.reason not in OF_SOURCE:
        return None
    return ConditionValue(recorded.status, recorded.reason, recorded.message)


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
