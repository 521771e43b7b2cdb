"""An IP address of NetBox's as JSON, and what it says as our values.

An entry is ours by its custom field alone; status, role, description and DNS name are for people,
and an entry of ours in which they are not as we write them is to be written again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_interface
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from manager.adapters.ipam.calls import Json
from pointsman.api.eipsource import OnRelease
from pointsman.model.address import Address
from pointsman.model.printable import clipped
from pointsman.model.reservation import (
    Holder,
    Reservation,
    ReservationState,
    SourceOwner,
)

ACTIVE: Final = "active"
RESERVED: Final = "reserved"
DEPRECATED: Final = "deprecated"
HOLDER: Final = "Kubernetes: "  # what our descriptions begin with
# What is read of each entry; NetBox before 4.0 knows no `fields`, and answers with all.
READ: Final = "id,address,vrf,tenant,status,role,dns_name,description,custom_fields,last_updated"


@dataclass(frozen=True, slots=True)
class NetboxFields:
    """Where in NetBox addresses are taken from, and how an entry is written there.

    *prefix*, *ip_range*: an id, or what it covers; both "": nothing is taken, entries are only
    written. *vrf*: id, name or route distinguisher. *tenant*: id or slug. *tags*: slugs.
    """

    prefix: str = ""
    ip_range: str = ""
    vrf: str = ""
    tenant: str = ""
    role: str = "vip"
    tags: tuple[str, ...] = ()
    owner_field: str = "pointsman_owner"
    on_release: OnRelease = OnRelease.DELETE


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Choice(_Wire):
    value: str


class Ref(_Wire):
    """Another object of NetBox's, as it is nested in one."""

    id: int
    display: str = ""


class _WireAddress(_Wire):
    id: int
    address: str
    status: _Choice
    role: _Choice | None = None
    vrf: Ref | None = None
    tenant: Ref | None = None
    dns_name: str = ""
    description: str = ""
    custom_fields: Mapping[str, Any]
    last_updated: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One IP address in NetBox."""

    id: int
    address: Address
    vrf: int | None
    status: str
    role: str
    dns_name: str
    description: str
    owner: str  # of the custom field; "": empty
    tenant: str
    since: str

    @property
    def whose(self) -> str:
        """Return what its own people call it, for a sentence."""
        name = self.dns_name or self.description or self.tenant
        shown = f"'{clipped(name)}'" if name else "without a name"
        return f"{shown} ({self.status}, entry {self.id} of NetBox)"


def entry(value: object, owner_field: str) -> Entry:
    """Return the entry that NetBox answered with.

    Raises:
        ValueError: it is none.
    """
    wire = _WireAddress.model_validate(value)
    address = ip_interface(wire.address).ip
    owner = wire.custom_fields.get(owner_field)
    return Entry(
        id=wire.id,
        address=address,
        vrf=wire.vrf.id if wire.vrf else None,
        status=wire.status.value,
        role=wire.role.value if wire.role else "",
        dns_name=wire.dns_name,
        description=wire.description,
        owner=owner if isinstance(owner, str) else "",
        tenant=wire.tenant.display if wire.tenant else "",
        since=wire.last_updated or "",
    )


def is_set_aside(one: Entry, owner: SourceOwner) -> bool:
    """Whether *one* is reserved for this Eip, and for no Service yet: it may be taken."""
    return one.status == RESERVED and one.owner == owner.text


def reservation(
    one: Entry, owner: SourceOwner, fields: NetboxFields, vrf: int | None
) -> Reservation:
    """Return what an entry of ours says; *vrf*: where it belongs."""
    return Reservation(
        id=str(one.id),
        address=one.address,
        key=owner.key(one.owner),
        state=(ReservationState.QUARANTINED if one.status == DEPRECATED else ReservationState.HELD),
        holder=_holder(one, fields) if one.vrf == vrf else Holder(()),
        since=one.since,
    )


def _holder(one: Entry, fields: NetboxFields) -> Holder:
    as_written = one.status in (ACTIVE, DEPRECATED) and one.role == fields.role
    if not as_written or not one.description.startswith(HOLDER):
        return Holder(())
    services = one.description.removeprefix(HOLDER)
    return Holder(tuple(services.split(", ")) if services else (), one.dns_name)


def changes(owner: str, holder: Holder, status: str, fields: NetboxFields, vrf: int | None) -> Json:
    """Return the fields by which an entry says who has its address."""
    return {
        "vrf": vrf,
        "status": status,
        "role": fields.role,
        "description": HOLDER + ", ".join(holder.services),
        "dns_name": holder.dns_name,
        "custom_fields": {fields.owner_field: owner},
    }


def says(one: Entry, wanted: Json, fields: NetboxFields) -> bool:
    """Whether *one* has all that *wanted*, of :func:`changes`, would write."""
    return wanted == {
        "vrf": one.vrf,
        "status": one.status,
        "role": one.role,
        "description": one.description,
        "dns_name": one.dns_name,
        "custom_fields": {fields.owner_field: one.owner},
    }


def creation(owner: str, holder: Holder, fields: NetboxFields, vrf: int | None) -> Json:
    """Return the fields of a new entry, all but its address."""
    body = changes(owner, holder, ACTIVE, fields, vrf)
    if fields.tags:
        body["tags"] = [{"slug": tag} for tag in fields.tags]
    if fields.tenant:
        by_id = fields.tenant.isdecimal()
        body["tenant"] = int(fields.tenant) if by_id else {"slug": fields.tenant}
    return body
