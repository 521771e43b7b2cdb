"""Our part of an API object: read out of it, and written into it as one merge patch. Pure.

What marks a Service as written by us are our condition types, which users cannot write; no
annotation is a mark, nothing else in it is ever read as ours, and entries of others in the
same lists are copied verbatim.
Refuses to decide what should stand there: that is the plan's.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from manager.planner.addresses.own_record import bears_mark, own_record
from manager.snapshot import Condition, Ingress, Resource, Service
from pointsman.model.merge_patch import merge_patch
from pointsman.model.names import (
    FINALIZER,
    OUR_ANNOTATIONS,
    OUR_CONDITIONS,
    VIP,
)
from pointsman.model.record import ConditionValue, ServiceRecord, StatusRecord, condition_entries
from pointsman.model.verdicts.address import says_it_leaves


def service_record(service: Service) -> ServiceRecord | None:
    """Return our part of *service*, or None when it bears no mark of ours.

    A condition is the mark. An unmarked Service's addresses are somebody else's, and its
    annotations, even those with our names, its owner's: copied with a manifest, or written by
    hand. A plan may put a record there, but there is nothing of ours to drop.
    """
    if not bears_mark(service):
        return None
    annotations = {k: v for k, v in service.annotations.items() if k in OUR_ANNOTATIONS}
    conditions = {c.type: _value_of(c) for c in service.conditions if c.type in OUR_CONDITIONS}
    return ServiceRecord(tuple(map(_spelled, service.ingress)), annotations, conditions)


def service_patch(service: Service, record: ServiceRecord, *, now: str) -> dict[str, Any]:
    """Return the merge patch of `/status` that makes our part of *service* equal to *record*.

    It carries the resourceVersion of *service*; *now* stamps conditions whose status turns.
    """
    foreign = set(record.annotations) - OUR_ANNOTATIONS | set(record.conditions) - OUR_CONDITIONS
    if foreign:
        raise AssertionError(f"{sorted(foreign)} are not ours to write")
    metadata: dict[str, Any] = {"resourceVersion": service.resource_version}
    annotations = _annotations(service, record.annotations)
    if annotations:
        metadata["annotations"] = annotations
    status: dict[str, Any] = {}
    if tuple(map(_spelled, service.ingress)) != record.ingress:
        entries = [{"ip": ip, "ipMode": VIP} for ip in record.ingress]
        status["loadBalancer"] = {"ingress": entries or None}
    standing = {c.type: _value_of(c) for c in service.conditions if c.type in OUR_CONDITIONS}
    if standing != record.conditions:
        ours = _conditions(service.conditions, record.conditions, now=now)
        status["conditions"] = _others(service) + ours or None
    return {"metadata": metadata} | ({"status": status} if status else {})


def service_release(service: Service) -> dict[str, Any]:
    """Return the merge patch of `/status` that takes our part of *service* away.

    Only addresses of our own record go: another controller may have added its own since.
    """
    metadata: dict[str, Any] = {"resourceVersion": service.resource_version}
    annotations = _annotations(service, {})
    if annotations:
        metadata["annotations"] = annotations
    status: dict[str, Any] = {}
    others_entries = _not_ours(service)
    if len(others_entries) != len(service.ingress):
        status["loadBalancer"] = {"ingress": [_entry(i) for i in others_entries] or None}
    if any(c.type in OUR_CONDITIONS for c in service.conditions):
        status["conditions"] = _others(service) or None
    return {"metadata": metadata} | ({"status": status} if status else {})


def status_record(resource: Resource[Any]) -> StatusRecord | None:
    """Return the status of one of our resources, or None when there is none yet."""
    fields = dict(resource.status)
    fields.pop("conditions", None)
    fields.pop("speakers", None)  # of a BgpPeer: each replica's own, see session_entries.py
    generation = fields.pop("observedGeneration", 0)
    record = StatusRecord(
        conditions={c.type: _value_of(c) for c in resource.conditions},
        fields=fields,
        observed_generation=generation if isinstance(generation, int) else 0,
        has_finalizer=FINALIZER in resource.finalizers,
    )
    return None if record == StatusRecord() else record


def status_patch(
    resource: Resource[Any], record: StatusRecord, *, now: str
) -> dict[str, Any] | None:
    """Return the status part that makes *resource* say *record*, or None when it does."""
    observed = status_record(resource) or StatusRecord()
    status = merge_patch(observed.fields, record.fields)
    if observed.observed_generation != record.observed_generation:
        status["observedGeneration"] = record.observed_generation or None
    # `kubectl wait` believes a condition only when it carries the object's generation.
    behind = any(
        one.type in record.conditions and one.observed_generation != record.observed_generation
        for one in resource.conditions
    )
    if behind or observed.conditions != record.conditions:
        status["conditions"] = [
            {**entry, "observedGeneration": record.observed_generation}
            for entry in _conditions(resource.conditions, record.conditions, now=now)
        ] or None
    return status or None


def finalizers(resource: Resource[Any], *, has_finalizer: bool) -> list[str] | None:
    """Return the finalizers as they should be, or None when nothing can or need change.

    An object that is being deleted takes no new finalizer (the API server refuses one).
    """
    if has_finalizer == (FINALIZER in resource.finalizers) or (has_finalizer and resource.deleting):
        return None
    others = [name for name in resource.finalizers if name != FINALIZER]
    return [*others, FINALIZER] if has_finalizer else others


def _annotations(service: Service, planned: Mapping[str, str]) -> dict[str, str | None]:
    """Return what changes among our annotations; None takes one away."""
    has = {key: service.annotations.get(key) for key in sorted(OUR_ANNOTATIONS)}
    return {key: planned.get(key) for key, value in has.items() if value != planned.get(key)}


def _conditions(
    before: Iterable[Condition], planned: Mapping[str, ConditionValue], *, now: str
) -> list[dict[str, Any]]:
    """Return *planned* as entries; the time of one moves only when its status turns.

    And when it turns to say that the Service leaves a shared address soon, whatever refusal
    stood there before: how soon is counted from that.
    """
    known = {c.type: c for c in before}
    since = {name: _since(known.get(name), condition) for name, condition in planned.items()}
    return condition_entries(planned, since, now=now)


def _since(known: Condition | None, condition: ConditionValue) -> str:
    if known is None or known.status != condition.status:
        return ""
    begins = says_it_leaves(condition.reason, condition.message)
    if begins and not says_it_leaves(known.reason, known.message):
        return ""
    return known.last_transition_time


def _others(service: Service) -> list[dict[str, Any]]:
    return [_raw(c) for c in service.conditions if c.type not in OUR_CONDITIONS]


def _raw(condition: Condition) -> dict[str, Any]:
    raw: dict[str, Any] = {
        "type": condition.type,
        "status": condition.status,
        "lastTransitionTime": condition.last_transition_time or None,
        "reason": condition.reason,
        "message": condition.message,
    }
    if condition.observed_generation is not None:
        raw["observedGeneration"] = condition.observed_generation
    return raw


def _value_of(condition: Condition) -> ConditionValue:
    return ConditionValue(condition.status, condition.reason, condition.message)


def _spelled(entry: Ingress) -> str:
    """Return an entry as a record spells it; one that we would not write equals no address."""
    if entry.hostname or not entry.ip:
        return f"hostname {entry.hostname}"
    return entry.ip if entry.ip_mode in ("", VIP) else f"{entry.ip} ({entry.ip_mode})"


def _entry(entry: Ingress) -> dict[str, str]:
    raw = {"ip": entry.ip, "hostname": entry.hostname, "ipMode": entry.ip_mode}
    return {key: value for key, value in raw.items() if value}


def _not_ours(service: Service) -> list[Ingress]:
    ours = frozenset(own_record(service).addresses)
    return [entry for entry in service.ingress if entry.hostname or entry.address not in ours]
