"""Words for what a node's kernel holds, and for what its agent is told and says."""

import json
from typing import Any

from e2e.bed import Bed, Broken
from e2e.cluster import CRS
from lab.cluster.client import Json
from pointsman.model.assignment import KERNEL, KERNEL_INTERFACE

ANNOUNCERS = f"{CRS}/announcers"


def assign(lab: Bed, node: str, *addresses: str, unreachable: dict[str, bool] | None = None) -> int:
    """Write what *node* is to hold, as a manager does; return the generation."""
    entry = {"interface": KERNEL_INTERFACE, "responder": KERNEL, "addresses": list(addresses)}
    routes = [{"prefix": one, "redistribute": too} for one, too in (unreachable or {}).items()]
    spec: Json = {"assignments": [entry] if addresses else [], "unreachable": routes}
    if lab.api.find(f"{ANNOUNCERS}/{node}") is None:
        body = {"apiVersion": "pointsman.dev/v1alpha1", "kind": "Announcer", "spec": spec}
        made = lab.api.create(ANNOUNCERS, {**body, "metadata": {"name": node}})
    else:
        made = lab.api.merge(f"{ANNOUNCERS}/{node}", {"spec": spec})
    return int(made["metadata"]["generation"])


def status(lab: Bed, node: str) -> dict[str, Any]:
    return dict(lab.api.get(f"{ANNOUNCERS}/{node}").get("status") or {})


def executed(lab: Bed, node: str, generation: int) -> dict[str, Any]:
    """Wait until the agent of *node* says that it does what it was told; return its status."""

    def look() -> dict[str, Any]:
        found = status(lab, node)
        if found.get("observedGeneration", 0) < generation:
            raise Broken(f"it executes {found.get('observedGeneration')}, not {generation}")
        return found

    return lab.wait(f"generation {generation} at {node}", look)


def held(lab: Bed, node: str) -> set[str]:
    """Return the host addresses on our interface; none: it isn't there."""
    words = ("ip", "-j", "address", "show", "dev", KERNEL_INTERFACE)
    links = json.loads(lab.exec(node, *words, check=False) or "[]")
    return {one["local"] for link in links for one in link.get("addr_info", ())}


def routes(lab: Bed, node: str, protocol: int) -> set[str]:
    """Return the prefixes of all tables that have routing protocol number *protocol*."""
    found: set[str] = set()
    for family in ("-4", "-6"):
        words = ("ip", "-j", family, "route", "show", "table", "all", "proto", str(protocol))
        found |= {one["dst"] for one in json.loads(lab.exec(node, *words) or "[]")}
    return found


def holds(lab: Bed, node: str, addresses: set[str], *, routes_of: dict[int, set[str]]) -> None:
    """Wait until *node* holds exactly these addresses, and routes of these protocol numbers."""

    def look() -> bool:
        found = held(lab, node), {number: routes(lab, node, number) for number in routes_of}
        if found != (addresses, routes_of):
            raise Broken(f"it holds {found}")
        return True

    lab.wait(f"what {node} holds", look)


def everything(lab: Bed, node: str) -> str:
    """Return all interfaces, addresses, routes and rules of *node*."""
    commands: list[tuple[str, ...]] = [("ip", "-o", "address", "show")]
    for family in ("-4", "-6"):
        commands += [("ip", family, "route", "show", "table", "all"), ("ip", family, "rule")]
    return "\n".join(lab.exec(node, *command) for command in commands)
