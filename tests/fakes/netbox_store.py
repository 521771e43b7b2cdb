"""What a NetBox holds, and what it refuses: the objects that addresses need, as it validates them.

Written after NetBox 4.6's behaviour, and as strict. What the manager never asks for is not here.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Interface, IPv6Interface, ip_interface, ip_network
from typing import Any, Final

Json = dict[str, Any]
STATUSES: Final = ("active", "reserved", "deprecated", "dhcp", "slaac")
ROLES: Final = ("loopback", "secondary", "anycast", "vip", "vrrp", "hsrp", "glbp", "carp")
NONUNIQUE: Final = frozenset({"anycast", "vip", "vrrp", "hsrp", "glbp", "carp"})
DNS_NAME: Final = re.compile(r"^([0-9A-Za-z_-]+|\*)(\.[0-9A-Za-z_-]+)*\.?$")
KINDS: Final = ("vrfs", "prefixes", "ip-ranges", "tenants", "tags", "custom-fields")
EPOCH: Final = datetime(2026, 11, 29, 12, tzinfo=UTC)


class Invalid(Exception):
    """400: the body is refused; by field."""

    def __init__(self, **errors: Any) -> None:
        super().__init__(str(errors))
        self.errors = errors


class Full(Exception):
    """409: not so many addresses are free."""


@dataclass(slots=True)
class Row:
    """An IP address."""

    id: int
    address: IPv4Interface | IPv6Interface
    vrf: int | None
    status: str
    role: str
    tenant: int | None
    dns_name: str
    description: str
    tags: tuple[int, ...]
    custom: dict[str, Any]
    created: datetime
    last_updated: datetime

    @property
    def etag(self) -> str:
        return f'W/"{self.last_updated.isoformat()}"'


Guard = Callable[[Row], None]  # raises for an address that may not be written so


@dataclass(slots=True)
class Store:
    """All of it. *now* is the server's clock; it never stands still between two changes."""

    enforce_global_unique: bool = True
    rows: dict[int, Row] = field(default_factory=dict)
    others: dict[str, dict[int, Json]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _ticks: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    now: Callable[[], datetime] | None = None

    def stamp(self) -> datetime:
        base = EPOCH if self.now is None else self.now()
        return base + timedelta(microseconds=next(self._ticks))

    def add(self, kind: str, body: Json) -> Json:
        """Create an object of another kind; what it says is believed."""
        number = next(self._numbers)
        made = {"id": number, "display": body.get("name", f"{kind} {number}"), **body}
        if kind == "prefixes":
            made["prefix"] = str(ip_network(body["prefix"], strict=True))
            made["display"] = made["prefix"]
        if kind in ("prefixes", "ip-ranges"):
            made["vrf"] = self._nested("vrfs", body.get("vrf"))
        self.others[kind][number] = made
        return made

    def create(self, body: Mapping[str, Any], guard: "Guard" = lambda _row: None) -> Row:
        if "address" not in body:
            raise Invalid(address=["This field is required."])
        stamp = self.stamp()
        row = Row(
            id=next(self._numbers), address=_interface(body["address"]), vrf=None, status="active",
            role="", tenant=None, dns_name="", description="", tags=(), custom=self._no_values(),
            created=stamp, last_updated=stamp,
        )  # fmt: skip
        self._fill(row, body)
        self._check(row)
        for one in self._populated(row.vrf):
            if _inside(row.address.ip, one):
                text = f"Cannot create IP address {row.address} inside range {one['display']}."
                raise Invalid(address=[text])
        guard(row)
        self.rows[row.id] = row
        return row

    def change(self, row: Row, body: Mapping[str, Any], guard: "Guard" = lambda _row: None) -> Row:
        changed = Row(**{name: getattr(row, name) for name in Row.__slots__})
        self._fill(changed, body)
        self._check(changed)
        guard(changed)
        changed.last_updated = self.stamp()
        self.rows[row.id] = changed
        return changed

    def take(self, kind: str, number: int, body: Mapping[str, Any], guard: "Guard") -> Row:
        """Create the next address that is free in a prefix or range."""
        parent = self.others[kind][number]
        for address in self.free(kind, parent):
            mask = _mask(kind, parent)
            vrf = parent["vrf"]["id"] if parent["vrf"] else None
            return self.create({**body, "address": f"{address}/{mask}", "vrf": vrf}, guard)
        raise Full

    def free(self, kind: str, parent: Json) -> Iterator[Any]:
        vrf = parent["vrf"]["id"] if parent["vrf"] else None
        taken = {row.address.ip for row in self.rows.values() if row.vrf == vrf}
        populated = self._populated(vrf)
        first, last = _usable(kind, parent)
        number, last_number, make = int(first), int(last), type(first)
        while number <= last_number:
            address = make(number)
            if address not in taken and not any(_inside(address, one) for one in populated):
                yield address
            number += 1

    def _fill(self, row: Row, body: Mapping[str, Any]) -> None:
        if "address" in body:
            row.address = _interface(body["address"])
        row.status = _choice("status", body.get("status", row.status), STATUSES)
        role = body.get("role", row.role)
        row.role = "" if role in ("", None) else _choice("role", role, ROLES)
        row.dns_name = _text("dns_name", body.get("dns_name", row.dns_name), 255).lower()
        if row.dns_name and not DNS_NAME.match(row.dns_name):
            raise Invalid(dns_name=["Only alphanumeric characters, asterisks, ... are allowed"])
        row.description = _text("description", body.get("description", row.description), 200)
        if "vrf" in body:
            row.vrf = self._reference("vrfs", "vrf", body["vrf"])
        if "tenant" in body:
            row.tenant = self._reference("tenants", "tenant", body["tenant"])
        if "tags" in body:
            found = [self._reference("tags", "tags", tag) for tag in body["tags"]]
            row.tags = tuple(tag for tag in found if tag is not None)
        if "custom_fields" in body:
            known = self._no_values()
            for name in sorted(set(body["custom_fields"]) - set(known)):
                text = f"Custom field '{name}' does not exist for this object type."
                raise Invalid(custom_fields={name: text})
            row.custom = {**row.custom, **body["custom_fields"]}

    def _check(self, row: Row) -> None:
        vrf = self.others["vrfs"].get(row.vrf) if row.vrf is not None else None
        unique = vrf.get("enforce_unique", True) if vrf else self.enforce_global_unique
        twins = [
            one
            for one in self.rows.values()
            if one.id != row.id and one.vrf == row.vrf and one.address.ip == row.address.ip
        ]
        alone = row.role not in NONUNIQUE or any(one.role not in NONUNIQUE for one in twins)
        if unique and twins and alone:
            table = f"VRF {vrf['name']}" if vrf else "global table"
            text = f"Duplicate IP address found in {table}: {twins[0].address}"
            raise Invalid(address=[text])

    def _reference(self, kind: str, name: str, value: Any) -> int | None:
        if value is None:
            return None
        there = self.others[kind]
        by_id = isinstance(value, int)
        found = [there[value]] if by_id and value in there else []
        found = found if by_id else self._matching(kind, name, value)
        if len(found) != 1:
            text = f"Related object not found using the provided attributes: {value}"
            raise Invalid(**{name: [text]})
        number: int = found[0]["id"]
        return number

    def _matching(self, kind: str, name: str, value: Any) -> list[Json]:
        if not isinstance(value, dict):
            text = "Related objects must be referenced by numeric ID or by dictionary of attributes"
            raise Invalid(**{name: [text]})
        wanted = value.items()
        return [one for one in self.others[kind].values() if wanted <= one.items()]

    def _nested(self, kind: str, number: int | None) -> Json | None:
        if number is None:
            return None
        found = self.others[kind][number]
        return {"id": number, "display": found["display"], "name": found.get("name", "")}

    def _populated(self, vrf: int | None) -> list[Json]:
        """Return the ranges of *vrf* of which NetBox takes every address for used."""
        ranges = self.others["ip-ranges"].values()
        there = [one for one in ranges if one.get("mark_populated")]
        return [one for one in there if (one["vrf"]["id"] if one["vrf"] else None) == vrf]

    def _no_values(self) -> dict[str, Any]:
        return {one["name"]: None for one in self.others["custom-fields"].values()}

    def shown(self, row: Row) -> Json:
        """Return *row* as NetBox serializes it."""
        return {
            "id": row.id,
            "display": str(row.address),
            "family": {"value": row.address.version, "label": f"IPv{row.address.version}"},
            "address": str(row.address),
            "vrf": self._nested("vrfs", row.vrf),
            "tenant": self._nested("tenants", row.tenant),
            "status": {"value": row.status, "label": row.status.capitalize()},
            "role": {"value": row.role, "label": row.role.upper()} if row.role else None,
            "assigned_object": None,
            "dns_name": row.dns_name,
            "description": row.description,
            "comments": "",
            "tags": [self._nested("tags", tag) for tag in row.tags],
            "custom_fields": {**self._no_values(), **row.custom},
            "created": _time(row.created),
            "last_updated": _time(row.last_updated),
        }


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _interface(value: Any) -> IPv4Interface | IPv6Interface:
    try:
        read = ip_interface(value)
    except ValueError:
        raise Invalid(address=[f"Invalid IP address format: {value}"]) from None
    if read.network.prefixlen == 0:
        raise Invalid(address=["Cannot create IP address with /0 mask."])
    return read


def _choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise Invalid(**{name: [f"{value} is not a valid choice."]})
    text: str = value
    return text


def _text(name: str, value: Any, longest: int) -> str:
    if not isinstance(value, str):
        raise Invalid(**{name: ["Not a valid string."]})
    if len(value) > longest:
        raise Invalid(**{name: [f"Ensure this field has no more than {longest} characters."]})
    return value


def _mask(kind: str, parent: Json) -> int:
    text = parent["prefix"] if kind == "prefixes" else parent["start_address"]
    return ip_interface(text).network.prefixlen


def _inside(address: Any, one: Json) -> bool:
    first, last = ip_interface(one["start_address"]).ip, ip_interface(one["end_address"]).ip
    return bool(first.version == address.version and first <= address <= last)


def _usable(kind: str, parent: Json) -> tuple[Any, Any]:
    if kind == "ip-ranges":
        return ip_interface(parent["start_address"]).ip, ip_interface(parent["end_address"]).ip
    network = ip_network(parent["prefix"])
    first, last = network.network_address, network.broadcast_address
    if parent.get("is_pool") or network.num_addresses <= 2:
        return first, last
    return first + 1, last - 1 if network.version == 4 else last
