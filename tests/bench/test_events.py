"""From an event to the router, by how many Services there are; and a cold start. Figures.

Method: ten nodes, real gobgpd, FRR and kernel; every Service has an endpoint on each node
and ten next hops. An event begins when its request to the API is sent, so the stand-in's
own time is in it, and ends with the kernel's timestamp of the first UPDATE about its prefix
at the router's interface. Events come one at a time, each after all of the last is done. No
forwarding rules and no Pods; the lab, its API and its router share the machine with what is
measured. A cold start begins when gobgpd and manager may start, and the router has nothing.

SERVICES=1000 ROUNDS=5 make bench: fewer.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from e2e import cluster, fleet
from e2e.calls import Calls
from lab.cluster import endpoints
from lab.cluster.client import ApiClient, Json
from lab.errors import Broken
from lab.handle import Lab
from lab.options import Options
from tests.bench.updates import Updates

pytestmark = pytest.mark.bench

NODES = 10
SIZES = sorted(map(int, os.environ.get("SERVICES", "1,1000,10000").split(",")))
ROUNDS = int(os.environ.get("ROUNDS", "25"))  # of four events each
SLICES = endpoints.SLICES.format(namespace="default")
PATIENCE_S = 900
IDLE_S = 0.05  # of CPU time in half a second: leases and watches, no plan


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    options = Options(
        name=f"events{os.getpid()}",
        nodes=NODES,
        without=("proxy", "pods"),
        agent_args=("--proxy-health=off",),
    )
    with Lab.up(options, attached=True) as up:
        cluster.prepare(up)
        block = {"addresses": ["198.18.0.0/15"]}
        up.api.create(f"{cluster.CRS}/eips", cluster.custom("Eip", "bulk", block))
        yield up


@pytest.mark.parametrize("count", SIZES)
def test_events(lab: Lab, count: int) -> None:
    grow(lab, count)
    with Updates(lab) as updates:
        before = cpu_s(lab)
        took = rounds(lab, updates)
        spent_s = cpu_s(lab) - before
    every = sorted(ms for kind in took.values() for ms in kind)
    print(f"\n    {count} Services x {NODES} nodes, milliseconds to the first UPDATE:")
    for kind, ms in took.items():
        print(f"      {kind:15} p50 {statistics.median(ms):6.0f}, longest {max(ms):6.0f}")
    p99 = every[round(0.99 * (len(every) - 1))]
    print(f"      all {len(every)}: p50 {statistics.median(every):6.0f}, p99 {p99:6.0f}")
    print(
        f"      manager: {1000 * spent_s / (4 * (ROUNDS + 1)):.0f} ms CPU for each; {memory(lab)}"
    )


def test_calls_of_one_change(lab: Lab) -> None:
    cluster.standin_only(lab)
    count = SIZES[-1]
    grow(lab, count)
    api, name = lab.api, "counted"
    api.create(SLICES, piece(lab, name, serving=True))
    deeds: dict[str, tuple[Callable[[], Any], int]] = {
        "a new Service": (partial(api.create, cluster.SERVICES, service(name)), count + 1),
        "its endpoints go": (partial(serve, lab, api, name, serving=False), count),
        "they come back": (partial(serve, lab, api, name, serving=True), count + 1),
        "it is deleted": (partial(cluster.delete, lab, name), count),
    }
    with Calls(lab) as calls:
        for turn in ("to warm up", "to count"):
            for what, (deed, left) in deeds.items():
                api.request("DELETE", "/_stats")
                before = calls.count
                deed()
                lab.wait("its route", partial(complete, lab, left), timeout_s=PATIENCE_S)
                settled(lab)
                asked = api.get("/_stats")["requests"]
                writes = [f"{n} {which}" for which, n in sorted(asked.items()) if _written(which)]
                if turn == "to count":
                    called = calls.count - before
                    print(f"\n    {what}: {called} gRPC calls; {', '.join(writes)}")


def test_cold_start(lab: Lab) -> None:
    count = SIZES[-1]
    grow(lab, count)
    lab.fail("manager")
    lab.fail("sidecar")
    lab.wait("an empty router", lambda: routes(lab) == 0, timeout_s=PATIENCE_S)
    began = time.monotonic()
    lab.heal("sidecar")
    lab.heal("manager")
    lab.wait("a route", lambda: routes(lab) > 0, timeout_s=PATIENCE_S)
    first_s = time.monotonic() - began
    lab.wait("all routes", partial(complete, lab, count), timeout_s=PATIENCE_S)
    print(
        f"\n    cold start of manager and gobgpd, {count} Services x {NODES} nodes: first route "
        f"after {first_s:.1f} s, all in the router's kernel after {time.monotonic() - began:.1f} s"
    )
    print(f"      {memory(lab)}")


def rounds(lab: Lab, updates: Updates) -> dict[str, list[float]]:
    """Return milliseconds to the first UPDATE, by kind of event."""
    took: dict[str, list[float]] = {}
    api = lab.api

    def event(kind: str, verb: str, deed: Callable[[], Any], prefix: str) -> None:
        began = time.time_ns()
        deed()
        at = updates.first(verb, prefix, since_ns=began)
        took.setdefault(kind, []).append((at - began) / 1e6)
        settled(lab)

    for number in range(-1, ROUNDS):
        name, address = f"event-{number}", f"198.19.255.{number + 1}"
        api.create(SLICES, piece(lab, name, serving=True))
        settled(lab)
        body, prefix = service(name, addresses=address), f"{address}/32"
        event("new Service", "+", partial(api.create, cluster.SERVICES, body), prefix)
        event("endpoints go", "-", partial(serve, lab, api, name, serving=False), prefix)
        event("endpoints come", "+", partial(serve, lab, api, name, serving=True), prefix)
        event("Service deleted", "-", partial(cluster.delete, lab, name), prefix)
        api.delete(f"{SLICES}/{name}")
        if number < 0:
            took.clear()  # that was to warm up
    return took


# --- the cluster ---


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


def _written(what: str) -> bool:
    return what.startswith(("patch", "create")) and not what.endswith(("leases", "slices"))


def cpu_s(lab: Lab) -> float:
    """Return the CPU time that the manager has taken: other work cannot stretch it."""
    pid = lab.process("manager")["pid"]
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # proc(5): 14 and 15


def memory(lab: Lab) -> str:
    now = fleet.memory(lab)
    return "resident: " + ", ".join(f"{name} {mib:.0f} MiB" for name, mib in now.items())
