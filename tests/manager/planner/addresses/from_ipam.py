"""One Eip with an IPAM, one Service, and the plan by what the IPAM was read to hold."""

from ipaddress import IPv4Address
from typing import Any

from manager.planner.desired import Plan
from manager.planner.plan import plan
from manager.snapshot import Eip, EipName, Service, ServiceKey, Snapshot
from pointsman.api import EipSource
from pointsman.model.address import Address
from pointsman.model.ranges import read_union
from pointsman.model.reservation import (
    Reservation,
    ReservationKey,
    ReservationState,
    SourceReading,
)
from tests.manager.planner.addresses.addressing import V4, eip, service

NETBOX = EipSource.model_validate(
    {"netbox": {"url": "https://n", "tokenSecretRef": {"name": "n"}, "prefix": "42"}}
)
BLOCKS = read_union(("198.51.100.1-198.51.100.6",))
QUARANTINED = ReservationState.QUARANTINED
POOL = EipName("pool")


def at(last: int) -> Address:
    return IPv4Address(f"198.51.100.{last}")


def entry(last: int, uid: str, **more: Any) -> Reservation:
    return Reservation(f"{last}", at(last), ReservationKey(uid, V4), **more)


def pool(**spec: Any) -> Eip:
    return eip("pool", *spec.pop("addresses", ()), default=True, source=NETBOX, **spec)


def web(*held: str, **more: Any) -> Service:
    origin = {"allocated-from": f"pool/{held[0]}"} if held else {}
    notes = {**origin, **more.pop("notes", {})}
    return service("a/web", *held, notes=notes, uid="web", **more)


def planned(one: Eip, reading: SourceReading | None, *services: Service, **more: Any) -> Plan:
    return plan(
        Snapshot(
            services={each.key: each for each in services},
            eips={POOL: one},
            sources={} if reading is None else {POOL: reading},
            **more,
        )
    )


def given(found: Plan, key: str = "a/web") -> list[str]:
    return [grant.text for grant in found.allocations.services[ServiceKey(key)].grants]


def reason(found: Plan, key: str = "a/web") -> str:
    return found.allocations.services[ServiceKey(key)].verdict.reason
