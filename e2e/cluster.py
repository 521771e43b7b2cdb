"""Words for these tests: make a Service, look at it, look at its route; put all back.

Everything waits by looking; the only thing that proves that the manager has judged
what was done before is something done after it that came true (`judged`).
"""

import itertools
import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from e2e.bed import Bed, Broken
from e2e.route_events import session
from lab.cluster import endpoints
from lab.cluster.client import Json
from lab.demo import NETWORK

SERVICES = "/api/v1/namespaces/default/services"
EVENTS = "/api/v1/namespaces/default/events"
CRS = "/apis/pointsman.dev/v1alpha1"
STRATEGIC = "application/strategic-merge-patch+json"
PREFIX = "pointsman.dev/"
MANAGER = "192.0.2.10"
EVERYWHERE = ("node1:1", "node2:1", "node3:1")
OURS = ("198.51.100.0/24", "198.18.0.0/15", "2001:db8:100::/64")
SOON_S = 15.0  # for what takes a second or two, and half a minute if it waits for a resync
MARKERS = itertools.count(1)

Verdict = tuple[str, str, str]  # status, reason, message


# --- life of a module's lab ---


def prepare(lab: Bed) -> None:
    lab.kubectl("apply", "-f", "-", stdin=NETWORK)
    lab.wait("a session", lambda: session(lab, MANAGER))


def standin_only(lab: Bed) -> None:
    """Skip the test where the API is a real server: that one has no faults and counts to order."""
    if not lab.standin_api:
        pytest.skip(
            "needs the stand-in API's faults or counts, and this lab's API is a real server: "
            "unset KUBEBUILDER_ASSETS to run it"
        )


def tidy(lab: Bed) -> None:
    """Delete and undo whatever a test may have made; return when the router has forgotten it."""
    for fault in lab.status()["failed"]:
        lab.heal(fault)
    for collection, lasting in (
        (SERVICES, {"kubernetes"}),
        (endpoints.SLICES.format(namespace="default"), set()),
        (f"{CRS}/eips", {"public"}),
        (f"{CRS}/bgppeers", {"tor-1"}),
        (f"{CRS}/bgpconfs", {"default"}),
        (EVENTS, set()),
    ):
        names = {item["metadata"]["name"] for item in lab.api.get(collection)["items"]}
        each([f"{collection}/{name}" for name in names - lasting], lab.api.delete)
    for node in lab.topology.nodes:
        path = f"/api/v1/nodes/{node.name}"
        noted = {f"{PREFIX}drain": None}
        labels = {"node.kubernetes.io/exclude-from-external-load-balancers": None}
        lab.api.merge(path, {"metadata": {"labels": labels, "annotations": noted}})
        lab.api.merge(path, {"spec": {"taints": None}})
        ready(lab, node.name, "True")
    lab.wait("no routes of ours", lambda: forgotten(lab))
    eips = f"{CRS}/eips"  # a finalizer of ours holds them until their addresses are free
    lab.wait("one Eip", lambda: len(lab.api.get(eips)["items"]) == 1)


def forgotten(lab: Bed) -> bool:
    """Return whether the router has no BGP route any more."""
    if left := routes(lab):
        paths = lab.exec("router", "vtysh", "-c", f"show bgp ipv4 unicast {left[0]} json")
        raise Broken(f"the router still has {left}; of the first: {paths}")
    return True


def each(items: Iterable[Any], work: Any) -> None:
    """Do *work* to all *items*, eight at a time."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, items))


# --- doing ---


def make(
    lab: Bed,
    name: str,
    *pods: str,
    notes: dict[str, str] | None = None,
    **spec: Any,
) -> Json:
    """Create Service default/*name* with its endpoints (one pod on each node if none is named)."""
    annotations = {f"{PREFIX}{key}": value for key, value in (notes or {}).items()}
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "targetPort": 8080}], **spec},
    }
    made = lab.api.create(SERVICES, body)
    collection = endpoints.SLICES.format(namespace="default")
    for piece in endpoints.slices(made, endpoints.parse(pods or EVERYWHERE, lab.topology)):
        lab.api.create(collection, piece)
    return made


def many(lab: Bed, count: int, *, prefix: str = "many") -> list[str]:
    """Create *count* Services that take no node ports, in Eip `bulk`; return their names."""
    block = {"addresses": ["198.18.0.0/15"]}
    lab.api.create(f"{CRS}/eips", custom("Eip", "bulk", block))
    names = [f"{prefix}-{number:04}" for number in range(count)]
    plain = {"allocateLoadBalancerNodePorts": False}
    each(names, lambda name: make(lab, name, notes={"eip": "bulk"}, **plain))
    return names


def custom(kind: str, name: str, spec: Any) -> Json:
    return {
        "apiVersion": "pointsman.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }


def delete(lab: Bed, name: str) -> None:
    lab.api.delete(f"{SERVICES}/{name}")


def patch(lab: Bed, name: str, spec: Json) -> None:
    lab.api.merge(f"{SERVICES}/{name}", {"spec": spec})


def ready(lab: Bed, node: str, status: str) -> None:
    """Write the node's Ready condition, as its kubelet or the node controller would."""
    condition = {"type": "Ready", "status": status, "reason": "Test", "message": "by a test"}
    body = {"status": {"conditions": [condition]}}
    lab.api.request("PATCH", f"/api/v1/nodes/{node}/status", body, content_type=STRATEGIC)


# --- looking ---


def get(lab: Bed, name: str) -> Json:
    return lab.api.get(f"{SERVICES}/{name}")


def addresses(lab: Bed, name: str) -> list[str]:
    """Return the addresses in the status of *name*."""
    status = get(lab, name).get("status") or {}
    return [entry["ip"] for entry in status.get("loadBalancer", {}).get("ingress") or []]


def verdicts(thing: Json) -> dict[str, Verdict]:
    """Return the conditions of *thing*; ours of a Service without their prefix."""
    conditions = (thing.get("status") or {}).get("conditions") or []
    return {
        c["type"].removeprefix(PREFIX): (c["status"], c["reason"], c["message"]) for c in conditions
    }


def notes(service: Json) -> dict[str, str]:
    """Return the annotations of *service* that begin with our prefix, without it."""
    found = service["metadata"].get("annotations") or {}
    return {
        key.removeprefix(PREFIX): value for key, value in found.items() if key.startswith(PREFIX)
    }


def version(lab: Bed, name: str) -> str:
    return str(get(lab, name)["metadata"]["resourceVersion"])


def versions(lab: Bed) -> dict[str, str]:
    """Return the resourceVersion of every Service in default."""
    items = lab.api.get(SERVICES)["items"]
    return {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in items}


def hops(lab: Bed, nodes: str, family: int = 4) -> set[str]:
    """Return the addresses of node numbers, such as "13"."""
    pairs = [node.addresses for node in lab.topology.nodes if str(node.number) in nodes]
    return {str(address.ip) for pair in pairs for address in pair if address.version == family}


def gateways(lab: Bed, address: str) -> set[str]:
    return lab.gateways(f"{address}/{128 if ':' in address else 32}")


def routes(lab: Bed) -> list[str]:
    """Return every prefix of BGP in the router's kernel."""
    found = []
    for family in ("-4", "-6"):
        lines = lab.exec("router", "ip", family, "-o", "route", "show", "proto", "bgp")
        found += [line.split()[0] for line in lines.splitlines() if line]
    return found


def routed(lab: Bed, address: str, nodes: str) -> None:
    """Wait until exactly those nodes are the next hops of *address*; "": withdrawn."""
    wanted = hops(lab, nodes, 6 if ":" in address else 4)

    def look() -> bool:
        found = gateways(lab, address)
        if found != wanted:
            raise Broken(f"the next hops are {sorted(found)}, not {sorted(wanted)}")
        return True

    lab.wait(f"the route to {address}", look)


def held(lab: Bed, name: str, count: int = 1) -> list[str]:
    """Wait until the status of *name* holds *count* addresses, or more; return them."""

    def look() -> list[str] | None:
        found = addresses(lab, name)
        if len(found) < count:
            raise Broken(f"it holds {found}: {verdicts(get(lab, name))}")
        return found

    return lab.wait(f"{count} address(es) of {name}", look) or []


def settled(lab: Bed, name: str, nodes: str = "123") -> str:
    """Wait until *name* is settled: status written, route present, a round trip done.

    Returns its first address.
    """
    address = held(lab, name)[0]
    routed(lab, address, nodes)
    lab.wait(f"an answer of {name}", lambda: lab.get(address))
    reported(lab, name, "Announced", "True", "Announced")
    return address


def reported(lab: Bed, name: str, kind: str, status: str, reason: str, *words: str) -> str:
    """Wait for that condition of *name* with all *words* in its message, which is returned."""

    def look() -> str:
        found = verdicts(get(lab, name)).get(kind)
        if found is None or found[:2] != (status, reason) or any(w not in found[2] for w in words):
            raise Broken(f"{kind} is {found}")
        return found[2]

    return lab.wait(f"{kind}={status} ({reason}) {words} of {name}", look)


def answered(lab: Bed, address: str, *nodes: str, count: int = 30) -> list[tuple[str, ...]]:
    """Wait until *count* connections to *address* end at all *nodes* and no other.

    Returns what answered each. Each node's service proxy is as late as it likes: until the
    last one knows the address, packets that come there are lost.
    """

    def look() -> list[tuple[str, ...]]:
        found = [lab.get(address) for _ in range(count)]
        if {node for node, *_ in found} != set(nodes):
            raise Broken(f"these answered: {Counter(node for node, *_ in found)}")
        return found

    return lab.wait(f"answers from {nodes}", look)


def judged(lab: Bed) -> None:
    """Return when all done so far was judged: a Service made now is settled, and gone again."""
    name = f"marker-{next(MARKERS)}"
    make(lab, name)
    address = settled(lab, name)
    delete(lab, name)
    routed(lab, address, "")


def gobgpd(lab: Bed, sidecar: str = "sidecar") -> int:
    """Return the pid of the daemon below *sidecar*."""
    for pid in lab.pids(sidecar):
        if os.path.realpath(f"/proc/{pid}/exe").endswith("gobgpd"):
            return pid
    raise Broken(f"{sidecar} has no gobgpd.")


def events(lab: Bed, name: str) -> list[tuple[str, str, str]]:
    """Return (type, reason, message) of every Event about Service *name*."""
    items = lab.api.get(EVENTS)["items"]
    return [
        (item["type"], item["reason"], item.get("message") or item.get("note") or "")
        for item in items
        if (item.get("involvedObject") or item.get("regarding") or {}).get("name") == name
    ]
