"""Builders for allocation tests, and a cluster that applies what a plan says.

`Cluster.apply` writes what the shell would write: nothing is remembered outside the
objects, so planning again is restarting the manager.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from manager.adapters.kubernetes import codec
from manager.planner.addresses.allocate import allocate
from manager.planner.addresses.allocation_memo import AllocationMemo
from manager.planner.addresses.claims import Claim
from manager.planner.addresses.pools import read_pools
from manager.planner.addresses.standing import PoolView
from manager.planner.desired import Allocation, Allocations, EipUsage
from manager.planner.records import origins
from manager.snapshot import (
    Condition,
    Eip,
    EipName,
    Ingress,
    Resource,
    Service,
    ServiceKey,
    Snapshot,
)
from pointsman.api import EipSpec, LabelSelector
from pointsman.model.address import Family
from pointsman.model.memo import Each

V4, V6 = Family.IPV4, Family.IPV6
DUAL: dict[str, Any] = {"families": (V4, V6), "family_policy": "PreferDualStack"}
BOTH: dict[str, Any] = {"families": (V4, V6), "family_policy": "RequireDualStack"}
PREFIX = "pointsman.dev/"
ZERO = "2026-01-01T00:00:00Z"  # when every condition turned to what it says


def eip(name: str, *addresses: str, **more: Any) -> Eip:
    """An Eip; keywords of Resource go there, all others into the spec."""
    meta = {k: more.pop(k) for k in ("created", "deleting", "invalid", "uid") if k in more}
    return Resource(name=name, spec=EipSpec(addresses=addresses, **more), **meta)


def unreadable(name: str, *, default: bool = False) -> Eip:
    """An Eip with one wrong field, that seems to hold 192.0.2.0/24."""
    spec = {"addresses": ["192.0.2.0/24", "192.0.2.300", 7], "default": default}
    return codec.eip({"metadata": {"name": name}, "kind": "Eip", "spec": spec})


def labels(**wanted: str) -> LabelSelector:
    return LabelSelector(match_labels=wanted)


def service(key: str, *held: str, notes: Mapping[str, str] | None = None, **more: Any) -> Service:
    """A Service that holds *held* by our record; *notes* are annotations without our prefix."""
    if held:
        sentence = f"Service {key} has {' and '.join(held)}."
        record = Condition(PREFIX + "Allocated", "True", "Allocated", sentence)
        more.setdefault("conditions", (record,))
    return stranger(key, *held, notes=notes, **more)


def stranger(
    key: str, *in_status: str, notes: Mapping[str, str] | None = None, **more: Any
) -> Service:
    """A Service in whose status somebody else wrote *in_status*: nothing of ours says so."""
    namespace, name = key.split("/")
    annotations = {PREFIX + note: text for note, text in (notes or {}).items() if text}
    ingress = tuple(Ingress(ip=ip, ip_mode="VIP") for ip in in_status)
    return Service(namespace, name, annotations=annotations, ingress=ingress, **more)


def cluster(*objects: Service | Eip, **more: Any) -> Snapshot:
    services = {o.key: o for o in objects if isinstance(o, Service)}
    eips = {EipName(o.name): o for o in objects if not isinstance(o, Service)}
    return Snapshot(services=services, eips=eips, **more)


def ours(snapshot: Snapshot) -> Mapping[ServiceKey, Service]:
    """The Services of ours among those of a test: LoadBalancers without a foreign class."""
    return {
        key: one
        for key, one in snapshot.services.items()
        if one.type == "LoadBalancer" and one.load_balancer_class in (None, "pointsman.dev/lb")
    }


def plan(snapshot: Snapshot, memo: AllocationMemo | None = None) -> Allocations:
    return allocate(snapshot, ours(snapshot), pools=read_pools(snapshot), memo=memo)


def in_order(allocations: Allocations) -> tuple[object, ...]:
    """All that *allocations* say, with every mapping as its items in their order."""
    return (
        list(allocations.services.items()),
        list(allocations.eips.items()),
        [(subject, repr(error)) for subject, error in allocations.failures],
        allocations.again_s,
        allocations.common,
    )


class Unsettled(AllocationMemo):
    """A memo for which no claim stands: every Service goes the whole way, in every plan."""

    def __init__(self) -> None:
        super().__init__()
        self._standing = Each[ServiceKey, Allocation](_none)


def _none(eips: PoolView, claim: Claim) -> None:
    return None


def given(allocations: Allocations) -> dict[str, list[str]]:
    """Addresses by Service."""
    return {key: [str(g.address) for g in one.grants] for key, one in allocations.services.items()}


def reasons(allocations: Allocations) -> dict[str, str]:
    return {key: one.verdict.reason for key, one in allocations.services.items()}


def one(allocations: Allocations, key: str) -> Allocation:
    return allocations.services[ServiceKey(key)]


def usage_of(allocations: Allocations, name: str) -> EipUsage:
    return allocations.eips[EipName(name)]


def written(was: Service, now: Allocation) -> Service:
    """The Service after the shell's one PATCH."""
    notes = {k: v for k, v in was.annotations.items() if k != PREFIX + "shared-as"}
    before = was.annotations.get(PREFIX + "allocated-from", "")
    notes[PREFIX + "allocated-from"] = origins(now)
    if now.shared_as is not None:
        notes[PREFIX + "shared-as"] = now.shared_as
    verdict = now.verdict
    stated = Condition(PREFIX + "Allocated", verdict.status, verdict.reason, str(verdict), ZERO)
    announced = Condition(PREFIX + "Announced", "True" if now.grants else "False")
    announced = replace(announced, reason="Announced" if now.grants else "NoAddress")
    return replace(
        was,
        annotations={k: v for k, v in notes.items() if v},
        hints_are_ours=True if notes[PREFIX + "allocated-from"] != before else was.hints_are_ours,
        ingress=tuple(Ingress(ip=str(grant.address), ip_mode="VIP") for grant in now.grants),
        conditions=(stated, announced),
    )


def apply(
    snapshot: Snapshot, allocations: Allocations, only: Iterable[str] | None = None
) -> Snapshot:
    """The snapshot after the plan is written, or just its parts for the Services in *only*."""
    services = dict(snapshot.services)
    for key, allocation in allocations.services.items():
        if only is None or key in only:
            services[key] = written(services[key], allocation)
    gone = {
        name
        for name, e in snapshot.eips.items()
        if e.deleting and not allocations.eips[name].in_use
    }
    eips = {name: e for name, e in snapshot.eips.items() if name not in gone}
    return replace(snapshot, services=services, eips=eips)


def settled(snapshot: Snapshot) -> tuple[Snapshot, Allocations]:
    """Plan and apply until nothing changes; a chain of moves takes a round for each link."""
    for _ in range(2 * len(snapshot.services) + 3):
        allocations = plan(snapshot)
        after = apply(snapshot, allocations)
        if after == snapshot:
            return snapshot, allocations
        snapshot = after
    raise AssertionError("the plan never settles")
