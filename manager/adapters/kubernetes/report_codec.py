"""What a node's agent reported, read entry by entry. Pure.

Anybody with the right to write a status may have written it, and an older CRD took anything. An
entry that cannot be read is left out and named, and only it: refused as a whole, a report would
leave the one before in force, and next hops would depend on what was known earlier.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from manager.adapters.kubernetes.withheld_codec import Run
from manager.snapshot import Conflict, Interface
from pointsman.api import parse
from pointsman.api.announcer import KEY
from pointsman.api.announcerstatus import (
    ArrivingReport,
    ConflictReport,
    GatewayReport,
    InterfaceReport,
    ProxyReport,
    WithheldReport,
)
from pointsman.api.base import ApiModel
from pointsman.api.dialect import is_cidr
from pointsman.model.address import Address, Family
from pointsman.model.assignment import MOST_ARRIVING, Arriving
from pointsman.model.names import ADDRESSES_CONTESTED, HEARTBEATS
from pointsman.model.printable import clipped, sentence
from pointsman.model.report import MOST_CONFLICTS, MOST_WITHHELD

CONTESTED: Final = (ADDRESSES_CONTESTED, "True")
UNHEARD: Final = (HEARTBEATS, "False")
FAMILIES: Final = {"ipv4": Family.IPV4, "ipv6": Family.IPV6}
MOST_OF_A_REASON: Final = 256
NAMED: Final = 4  # entries that cannot be read; more help nobody
Model = TypeVar("Model", bound=ApiModel)


@dataclass(slots=True)
class Reading:
    """What could be read of a report, and a clause for each entry that could not."""

    interfaces: list[Interface] = field(default_factory=list)
    gateways: list[Address] = field(default_factory=list)
    default_interfaces: list[tuple[Family, str]] = field(default_factory=list)
    proxy_healthy: bool | None = None
    withheld: dict[Address, str] = field(default_factory=dict)
    withheld_runs: list[Run] = field(default_factory=list)  # more of them
    conflicts: dict[Address, Conflict] = field(default_factory=dict)
    net_admin: bool | None = None
    arriving: dict[Address, Arriving] = field(default_factory=dict)
    arriving_unmeasured: str = ""
    strict_arp: bool | None = None
    executes: int = 0
    public_key: str = ""
    contested: str = ""  # the sentence of the condition Contested while it is True
    unheard: str = ""  # the sentence of the condition HeartbeatsHeard while it is False
    faults: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """Return what was left out, as clauses; "" for nothing."""
        named = self.faults[:NAMED]
        if len(self.faults) > NAMED:
            named.append("and more")
        return "; ".join(named)


def reading(raw: object) -> Reading:
    """Return what the status *raw* of an Announcer says."""
    found = Reading()
    status = _mapping(raw, "status", found)
    for index, entry in enumerate(_entries(status.get("interfaces"), "status.interfaces", found)):
        _interface(entry, f"status.interfaces[{index}]", found)
    routes = _mapping(status.get("defaultRoute"), "status.defaultRoute", found)
    for name, family in FAMILIES.items():
        route = _parsed(GatewayReport, routes.get(name), f"status.defaultRoute.{name}", found)
        if route is not None:
            found.default_interfaces.append((family, route.interface))
            if route.gateway is not None:
                found.gateways.append(route.gateway)
    proxy = _parsed(ProxyReport, status.get("proxy"), "status.proxy", found)
    found.proxy_healthy = None if proxy is None else proxy.healthy
    _answers(status, found)
    if (key := status.get("publicKey")) is not None:
        if isinstance(key, str) and KEY.fullmatch(key):
            found.public_key = key
        else:
            found.faults.append(f"status.publicKey is '{clipped(str(key))}', no X25519 public key")
    for entry in _entries(status.get("conditions"), "status.conditions", found):
        stated = (entry.get("type"), entry.get("status")) if isinstance(entry, Mapping) else None
        if stated == CONTESTED:
            found.contested = sentence(str(entry.get("message")))
        elif stated == UNHEARD:
            found.unheard = sentence(str(entry.get("message")))
    return found


def _interface(raw: object, at: str, found: Reading) -> None:
    """Take an interface, without those of its addresses that cannot be read."""
    good: list[str] = []
    entry = _mapping(raw, at, found)
    for index, text in enumerate(_entries(entry.get("addresses"), f"{at}.addresses", found)):
        if isinstance(text, str) and is_cidr(text):
            good.append(text)
        else:
            found.faults.append(
                f"{at}.addresses[{index}] is '{clipped(str(text))}', no address with its prefix "
                "length"
            )
    one = _parsed(InterfaceReport, {**entry, "addresses": good} if entry else None, at, found)
    if one is not None and all(one.name != other.name for other in found.interfaces):
        found.interfaces.append(Interface(one.name, one.mac, one.up, one.addresses))


def _answers(status: Mapping[str, Any], found: Reading) -> None:
    """Take what the agent says of the addresses that it was asked to answer for."""
    withheld = _entries(status.get("withheld"), "status.withheld", found)
    for index, entry in enumerate(withheld[:MOST_WITHHELD]):
        held = _parsed(WithheldReport, entry, f"status.withheld[{index}]", found)
        if held is None:
            continue
        reason = clipped(held.reason, MOST_OF_A_REASON)
        if held.through is None:
            found.withheld.setdefault(held.address, reason)
        else:
            found.withheld_runs.append(Run(held.address, held.through, reason))
    conflicts = _entries(status.get("conflicts"), "status.conflicts", found)
    for index, entry in enumerate(conflicts[:MOST_CONFLICTS]):
        one = _parsed(ConflictReport, entry, f"status.conflicts[{index}]", found)
        if one is not None:
            heard = Conflict(clipped(one.interface), clipped(one.mac))
            found.conflicts.setdefault(one.address, heard)
    found.strict_arp = _truth(status, "strictARP", found)
    found.net_admin = _truth(status, "netAdmin", found)
    _arriving(status, found)
    generation = status.get("observedGeneration")
    if type(generation) is int and generation > 0:
        found.executes = generation
    elif generation is not None:
        found.faults.append("status.observedGeneration is no number of a generation")


def _arriving(status: Mapping[str, Any], found: Reading) -> None:
    """Take which flows still begin at a node that drains."""
    arriving = _entries(status.get("arriving"), "status.arriving", found)
    for index, entry in enumerate(arriving[:MOST_ARRIVING]):
        one = _parsed(ArrivingReport, entry, f"status.arriving[{index}]", found)
        if one is not None:
            seen = Arriving(one.address, one.source, clipped(one.last))
            found.arriving.setdefault(one.address, seen)
    why = status.get("arrivingUnmeasured")
    if isinstance(why, str):
        found.arriving_unmeasured = clipped(why, MOST_OF_A_REASON)
    elif why is not None:
        found.faults.append("status.arrivingUnmeasured is no text")


def _truth(status: Mapping[str, Any], key: str, found: Reading) -> bool | None:
    value = status.get(key)
    if value is None or isinstance(value, bool):
        return value
    found.faults.append(f"status.{key} is no boolean")
    return None


def _parsed(model: type[Model], raw: object, at: str, found: Reading) -> Model | None:
    if raw is None:
        return None
    value, fault = parse(model, raw, at=at)
    if value is None:
        found.faults.append(fault)
    return value


def _mapping(raw: object, at: str, found: Reading) -> Mapping[str, Any]:
    if isinstance(raw, Mapping):
        return raw
    if raw is not None:
        found.faults.append(f"{at} is no object")
    return {}


def _entries(raw: object, at: str, found: Reading) -> list[Any]:
    if isinstance(raw, list):
        return raw
    if raw is not None:
        found.faults.append(f"{at} is no list")
    return []
