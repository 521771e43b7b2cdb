"""What a node's agent reported, read entry by entry. Pure.

Anybody with the right to write a status may have written it, and an older CRD took anything. An
entry that cannot be read is left out and named, and only it: refused as a whole, a report would
leave the one before in force, and next hops would depend on what was known earlier.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from manager.snapshot import Interface
from pointsman.api import parse
from pointsman.api.announcer import GatewayReport, InterfaceReport, ProxyReport
from pointsman.api.base import ApiModel
from pointsman.api.dialect import is_cidr
from pointsman.model.address import Address
from pointsman.model.names import ADDRESSES_CONTESTED
from pointsman.model.printable import clipped, sentence

CONTESTED: Final = (ADDRESSES_CONTESTED, "True")
FAMILIES: Final = ("ipv4", "ipv6")
NAMED: Final = 4  # entries that cannot be read; more help nobody
Model = TypeVar("Model", bound=ApiModel)


@dataclass(slots=True)
class Reading:
    """What could be read of a report, and a clause for each entry that could not."""

    interfaces: list[Interface] = field(default_factory=list)
    gateways: list[Address] = field(default_factory=list)
    proxy_healthy: bool | None = None
    contested: str = ""  # the sentence of the condition Contested while it is True
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
    for family in FAMILIES:
        route = _parsed(GatewayReport, routes.get(family), f"status.defaultRoute.{family}", found)
        if route is not None and route.gateway is not None:
            found.gateways.append(route.gateway)
    proxy = _parsed(ProxyReport, status.get("proxy"), "status.proxy", found)
    found.proxy_healthy = None if proxy is None else proxy.healthy
    for entry in _entries(status.get("conditions"), "status.conditions", found):
        if isinstance(entry, Mapping) and (entry.get("type"), entry.get("status")) == CONTESTED:
            found.contested = sentence(str(entry.get("message")))
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
