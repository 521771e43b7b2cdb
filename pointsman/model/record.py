"""What we write into API objects: the part of an object that is ours, as a value.

A record compares equal when nothing needs writing. Times are left out on purpose: the
adapter stamps ``lastTransitionTime`` when a condition's status changes, so an idle
cluster never sees a write.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Entry = Mapping[str, object]  # an item of a BgpPeer's status.speakers, as JSON
Entries = tuple[Entry, ...]  # of one replica, by name


@dataclass(frozen=True, slots=True)
class ConditionValue:
    """A condition without its times: status, reason, message."""

    status: str  # "True", "False", "Unknown"
    reason: str
    message: str


def condition_entries(
    conditions: Mapping[str, ConditionValue], since: Mapping[str, str], *, now: str
) -> list[dict[str, Any]]:
    """Return *conditions*, by type, as the API has them: sorted, each with its time.

    *since* has the times of those whose status didn't turn; where it has none, it is *now*.
    """
    return [
        {
            "type": kind,
            "status": one.status,
            "reason": one.reason,
            "message": one.message,
            "lastTransitionTime": since.get(kind) or now,
        }
        for kind, one in sorted(conditions.items())
    ]


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """Our part of a Service: addresses in status, our annotations, our conditions."""

    ingress: tuple[str, ...] = ()  # IP addresses, in order; written with ipMode VIP
    annotations: Mapping[str, str] = field(default_factory=dict)  # only keys we set ourselves
    conditions: Mapping[str, ConditionValue] = field(default_factory=dict)  # by condition type


@dataclass(frozen=True, slots=True, order=True)
class ResourceKey:
    """One of our own resources: its kind (`Eip`, `BgpConf`, `BgpPeer`) and name."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class StatusRecord:
    """Our status of one of our own resources, and whether our finalizer holds it."""

    conditions: Mapping[str, ConditionValue] = field(default_factory=dict)
    fields: Mapping[str, object] = field(default_factory=dict)  # the rest of status, JSON values
    observed_generation: int = 0
    has_finalizer: bool = False  # ours: an address of it is in use


@dataclass(frozen=True, slots=True)
class AnnouncerRecord:
    """Our part of an Announcer: whose it is, and what the node's agent is asked to do."""

    owner: str  # uid of the Node; "": nobody's
    spec: Mapping[str, object] = field(default_factory=dict)  # JSON values


@dataclass(frozen=True, slots=True)
class EventRecord:
    """A Kubernetes Event about a transition (core/v1 Event, type Normal or Warning)."""

    kind: str  # "Service", "Eip", ...
    namespace: str  # "" for cluster-scoped objects
    name: str
    uid: str
    reason: str
    message: str
    warning: bool
