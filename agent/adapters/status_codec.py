"""A report as an Announcer's status and back, and the patch between two statuses. Pure.

The schema is ``pointsman.api.AnnouncerStatus``; it is spelled out here because pydantic
costs every node 5 MiB, and a test holds the two together. Times of conditions exist in
the status only: a report is equal to what was read back while nothing happened.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from ipaddress import ip_address, ip_interface
from typing import Any

from agent.planner.desired import (
    AddressConflict,
    Report,
    ReportedInterface,
    ReportedRoute,
    Withheld,
)
from agent.snapshot import ProxyHealth
from pointsman.model.address import Family
from pointsman.model.assignment import Arriving, Quiet
from pointsman.model.merge_patch import merge_patch
from pointsman.model.record import ConditionValue, condition_entries
from pointsman.model.timestamps import format_time

Json = Mapping[str, Any]
FIELDS = (
    *("agentHost", "agentVersion", "arriving", "arrivingUnmeasured", "conditions", "conflicts"),
    *("defaultRoute", "interfaces", "netAdmin", "observedGeneration", "proxy", "publicKey"),
    *("quiet", "strictARP", "withheld"),
)


def to_status(report: Report, observed: Json, *, now: datetime) -> dict[str, Any]:
    """Return the whole status that says *report*.

    A condition keeps its lastTransitionTime from *observed* unless its status changed;
    then it is *now*.
    """
    status: dict[str, Any] = {
        "agentVersion": report.version,
        "interfaces": [_interface(interface) for interface in report.interfaces],
        "conditions": condition_entries(
            report.conditions,
            {kind: _since(kind, one, observed) for kind, one in report.conditions.items()},
            now=format_time(now),
        ),
    }
    if report.host:
        status["agentHost"] = report.host
    if report.public_key:
        status["publicKey"] = report.public_key
    if report.default_routes:
        status["defaultRoute"] = {
            route.family.value.lower(): _route(route) for route in report.default_routes
        }
    if report.proxy is not ProxyHealth.OFF:
        status["proxy"] = {"healthy": report.proxy is ProxyHealth.HEALTHY}
    return status | _answers(report)


def _answers(report: Report) -> dict[str, Any]:
    """Return what *report* says of the addresses that this node was asked to answer for."""
    found: dict[str, Any] = {}
    if report.generation:
        found["observedGeneration"] = report.generation
    if report.withheld:
        found["withheld"] = [_withheld(one) for one in report.withheld]
    if report.conflicts:
        found["conflicts"] = [
            {
                "address": str(one.address),
                "interface": one.interface,
                "mac": one.mac,
                "since": one.since,
            }
            for one in report.conflicts
        ]
    if report.strict_arp is not None:
        found["strictARP"] = report.strict_arp
    if report.net_admin is not None:
        found["netAdmin"] = report.net_admin
    if report.arriving:
        found["arriving"] = [
            {"address": str(one.address), "source": str(one.source), "last": one.last}
            for one in report.arriving
        ]
    if report.quiet is not None:
        found["quiet"] = {
            "observedGeneration": report.quiet.generation,
            "since": report.quiet.since,
            "until": report.quiet.until,
        }
    if report.arriving_unmeasured:
        found["arrivingUnmeasured"] = report.arriving_unmeasured
    return found


def from_status(status: object) -> Report | None:
    """Return the report that *status* says, or None if it isn't one an agent wrote.

    Fields we don't know are passed over: a newer CRD may default them.
    """
    if not isinstance(status, Mapping) or "agentVersion" not in status:
        return None
    try:
        conditions = {
            _text(entry["type"]): ConditionValue(
                _text(entry["status"]), _text(entry["reason"]), _text(entry["message"])
            )
            for entry in status["conditions"]
            if _text(entry["lastTransitionTime"])
        }
        if len(conditions) != len(status["conditions"]):
            return None
        return Report(
            version=_text(status["agentVersion"]),
            host=_text(status.get("agentHost", "")),
            public_key=_text(status.get("publicKey", "")),
            interfaces=tuple(_read_interface(entry) for entry in status["interfaces"]),
            default_routes=_read_routes(status.get("defaultRoute") or {}),
            proxy=_read_proxy(status.get("proxy")),
            conditions=conditions,
            generation=_number(status.get("observedGeneration", 0)),
            withheld=tuple(map(_read_withheld, status.get("withheld", ()))),
            conflicts=tuple(map(_read_conflict, status.get("conflicts", ()))),
            net_admin=_truth(status["netAdmin"]) if "netAdmin" in status else None,
            arriving=tuple(map(_read_arriving, status.get("arriving", ()))),
            quiet=_read_quiet(status.get("quiet")),
            arriving_unmeasured=_text(status.get("arrivingUnmeasured", "")),
            strict_arp=_truth(status["strictARP"]) if "strictARP" in status else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None  # any shape is possible: whoever may write the status may write anything


def status_patch(observed: Json, desired: Json) -> dict[str, Any]:
    """Return the merge patch from *observed* to *desired*, on the fields that we know."""
    known = {key: value for key, value in observed.items() if key in FIELDS}
    return merge_patch(known, desired)


def _interface(interface: ReportedInterface) -> dict[str, Any]:
    return {
        "name": interface.name,
        "mac": interface.mac,
        "up": interface.up,
        "addresses": [str(address) for address in interface.addresses],
    }


def _route(route: ReportedRoute) -> dict[str, str]:
    gateway = {"gateway": str(route.gateway)} if route.gateway else {}
    return gateway | {"interface": route.interface}


def _withheld(one: Withheld) -> dict[str, str]:
    last = {} if one.through is None else {"through": str(one.through)}
    return {"address": str(one.address), **last, "reason": one.reason}


def _since(kind: str, stated: ConditionValue, observed: Json) -> str:
    listed = observed.get("conditions")
    for entry in listed if isinstance(listed, Sequence) else ():
        if isinstance(entry, Mapping) and entry.get("type") == kind:
            same = entry.get("status") == stated.status
            return str(entry.get("lastTransitionTime") or "") if same else ""
    return ""


def _read_interface(entry: Json) -> ReportedInterface:
    return ReportedInterface(
        name=_text(entry["name"]),
        mac=_text(entry["mac"]),
        up=_truth(entry["up"]),
        addresses=tuple(ip_interface(_text(address)) for address in entry["addresses"]),
    )


def _read_routes(entry: Json) -> tuple[ReportedRoute, ...]:
    found = []
    for family in Family:
        if route := entry.get(family.value.lower()):
            gateway = route.get("gateway")
            found.append(
                ReportedRoute(
                    family=family,
                    interface=_text(route["interface"]),
                    gateway=ip_address(_text(gateway)) if gateway else None,
                )
            )
    return tuple(found)


def _read_proxy(entry: Json | None) -> ProxyHealth:
    if entry is None:
        return ProxyHealth.OFF
    return ProxyHealth.HEALTHY if _truth(entry["healthy"]) else ProxyHealth.UNHEALTHY


def _read_withheld(entry: Json) -> Withheld:
    through = ip_address(_text(entry["through"])) if "through" in entry else None
    return Withheld(ip_address(_text(entry["address"])), _text(entry["reason"]), through)


def _read_conflict(entry: Json) -> AddressConflict:
    return AddressConflict(
        address=ip_address(_text(entry["address"])),
        interface=_text(entry["interface"]),
        mac=_text(entry["mac"]),
        since=_text(entry["since"]),
    )


def _read_arriving(entry: Json) -> Arriving:
    return Arriving(
        address=ip_address(_text(entry["address"])),
        source=ip_address(_text(entry["source"])),
        last=_text(entry["last"]),
    )


def _read_quiet(entry: Json | None) -> Quiet | None:
    if entry is None:
        return None
    generation = _number(entry["observedGeneration"])
    return Quiet(generation, _text(entry["since"]), _text(entry["until"]))


def _number(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is no number")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is no boolean")
    return value
