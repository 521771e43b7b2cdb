"""A lab of many Services without Pods: made, changed, and watched until it rests."""

import os
import time
from functools import partial
from pathlib import Path

from e2e import cluster, fleet
from lab.cluster import endpoints
from lab.cluster.client import ApiClient, Json
from lab.errors import Broken
from lab.handle import Lab

NODES = 10
SLICES = endpoints.SLICES.format(namespace="default")
PATIENCE_S = 900
IDLE_S = 0.05  # of CPU time in half a second: leases and watches, no plan
REST_S = float(os.environ.get("REST_S", "60"))  # for which an idle manager is watched


def grow(lab: Lab, count: int) -> None:
    """Return when there are *count* Services, all routed to all nodes and all told."""
    api = lab.api
    there = {item["metadata"]["name"] for item in api.get(cluster.SERVICES)["items"]}
    missing = [name for n in range(count) if (name := f"many-{n:05}") not in there]

    def make(name: str) -> None:
        api.create(SLICES, piece(lab, name, serving=True))
        api.create(cluster.SERVICES, service(name))

    began = time.monotonic()
    cluster.each(missing, make)
    made_s = time.monotonic() - began
    lab.wait("all routes", partial(complete, lab, count), timeout_s=PATIENCE_S)
    routed_s = time.monotonic() - began
    settled(lab)
    if missing:
        written_s = time.monotonic() - began
        print(
            f"\n    {len(missing)} Services made in {made_s:.1f} s; all {count} routed after "
            f"{routed_s:.1f} s, all written after {written_s:.1f} s"
        )


def service(name: str, **notes: str) -> Json:
    annotations = {
        f"{cluster.PREFIX}{key}": value for key, value in {"eip": "bulk", **notes}.items()
    }
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {
            "type": "LoadBalancer",
            "ports": [{"port": 80}],
            "allocateLoadBalancerNodePorts": False,
        },
    }


def piece(lab: Lab, name: str, *, serving: bool) -> Json:
    """Return the EndpointSlice of a Service: one endpoint on each node, or none."""
    found = [
        {
            "addresses": [f"10.244.{node.number}.10"],
            "nodeName": node.name,
            "conditions": {"ready": True, "serving": True, "terminating": False},
        }
        for node in lab.topology.nodes
    ]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "endpoints": found if serving else [],
        "ports": [{"port": 8080, "protocol": "TCP"}],
    }


def serve(lab: Lab, api: ApiClient, name: str, *, serving: bool) -> None:
    api.merge(f"{SLICES}/{name}", {"endpoints": piece(lab, name, serving=serving)["endpoints"]})


# --- looking ---


def settled(lab: Lab) -> None:
    """Return when nobody writes and the manager rests: what the last event caused is over."""
    lab.wait("silence", lambda: _idle(lab), timeout_s=PATIENCE_S)


def _idle(lab: Lab) -> bool:
    before = cpu_s(lab)
    return fleet.quiet(lab) and cpu_s(lab) - before < IDLE_S


def routes(lab: Lab) -> int:
    """Return how many routes of 198.18.0.0/15 the router's kernel has."""
    return len(_routes(lab).splitlines())


def complete(lab: Lab, count: int) -> bool:
    """Return whether *count* routes are there, each to all nodes."""
    lines = _routes(lab).splitlines()
    full = sum(line.count("nexthop via") == NODES for line in lines)
    if full != count or len(lines) != count:
        raise Broken(f"{len(lines)} routes, {full} of {count} to all nodes")
    return True


def _routes(lab: Lab) -> str:
    command = ("ip", "-o", "-4", "route", "show", "root", "198.18.0.0/15")
    return lab.exec("router", *command, timeout_s=60)


def written(what: str) -> bool:
    return what.startswith(("patch", "create")) and not what.endswith(("leases", "slices"))


def cpu_s(lab: Lab) -> float:
    """Return the CPU time that the manager has taken: other work cannot stretch it."""
    pid = lab.process("manager")["pid"]
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # proc(5): 14 and 15


def memory(lab: Lab) -> str:
    now = fleet.memory(lab)
    return "resident: " + ", ".join(f"{name} {mib:.0f} MiB" for name, mib in now.items())


def at_rest(lab: Lab) -> float:
    """Return the CPU seconds that the manager takes in a second without any event."""
    settled(lab)
    before, began = cpu_s(lab), time.monotonic()
    time.sleep(REST_S)
    return (cpu_s(lab) - before) / (time.monotonic() - began)


def drain(lab: Lab, node: str, *, drained: bool) -> None:
    notes = {f"{cluster.PREFIX}drain": "true" if drained else None}
    lab.api.merge(f"/api/v1/nodes/{node}", {"metadata": {"annotations": notes}})
