"""What is told of a write: one Event per transition, of what stood there and what stands now.

Pure. A transition is a condition whose status or reason is another; a Service that has other
addresses than before is told so, too, and one whose record somebody had changed, when it is
as planned again.
"""

from collections.abc import Iterator
from typing import Final

from manager.planner.records import stated
from manager.snapshot import Service
from pointsman.model.names import SHARED_AS, TROUBLES
from pointsman.model.record import Notice, ResourceKey, ServiceRecord, Stated, StatusRecord
from pointsman.model.verdicts.announcement import Repaired

# What a user did on purpose is no warning; parallel sessions are there instead of ADD-PATH.
ASKED_FOR: Final = frozenset({"Disabled", "ParallelSessions"})
PARTLY: Final = frozenset({"PartlyEstablished", "TooFewSpeakers"})  # one, though it is True
# Beside each of these stands the condition that says why: one trouble, one warning.
CONSEQUENCES: Final = frozenset({"NoAddress"})


def service_notices(
    service: Service,
    before: ServiceRecord | None,
    after: ServiceRecord,
    *,
    planned: ServiceRecord,
) -> Iterator[Notice]:
    """Yield what a write made of *service*, that said *before* and says *after*."""
    old = before or ServiceRecord()
    done = after == planned  # else somebody else changed it, just now
    repaired = _repaired(service, after, old) if done else None
    if repaired is not None:
        yield about(service, stated(repaired))
        return
    moved = done and after.ingress != old.ingress
    for name, said in sorted(after.conditions.items()):
        turned = _turned(old.conditions.get(name), said) and said.reason not in CONSEQUENCES
        if turned or (moved and said.reason == "Allocated"):
            yield about(service, said)


def status_notices(
    key: ResourceKey, uid: str, before: StatusRecord | None, after: StatusRecord
) -> Iterator[Notice]:
    """Yield what a write made of one of our own resources."""
    old = before or StatusRecord()
    for name, said in sorted(after.conditions.items()):
        if _turned(old.conditions.get(name), said):
            yield Notice(
                kind=key.kind,
                namespace="",
                name=key.name,
                uid=uid,
                reason=said.reason,
                message=said.message,
                warning=_warns(name, said),
            )


def about(service: Service, said: Stated) -> Notice:
    """Return the Event that tells *said* of *service*."""
    return Notice(
        kind="Service",
        namespace=service.namespace,
        name=service.name,
        uid=service.uid,
        reason=said.reason,
        message=said.message,
        warning=said.status == "False",
    )


def _repaired(service: Service, record: ServiceRecord, old: ServiceRecord) -> Repaired | None:
    """Return what somebody had changed behind our back, or None.

    Whatever we decide anew shows in a condition's words, but for the terms of sharing.
    """
    if record.conditions != old.conditions:
        return None
    changed = [
        f"annotation {name}"
        for name in sorted(record.annotations.keys() | old.annotations.keys())
        if name != SHARED_AS and record.annotations.get(name) != old.annotations.get(name)
    ]
    if record.ingress != old.ingress:
        changed.insert(0, "status.loadBalancer")
    return Repaired(service.key, tuple(changed)) if changed else None


def _warns(name: str, said: Stated) -> bool:
    """Whether somebody should look at condition *name*."""
    amiss = "True" if name in TROUBLES else "False"
    bad = said.status in (amiss, "Unknown")
    return said.reason in PARTLY or (bad and said.reason not in ASKED_FOR)


def _turned(before: Stated | None, after: Stated) -> bool:
    return before is None or (before.status, before.reason) != (after.status, after.reason)
