"""From an event to the router, by how many Services there are; and a cold start. Figures.

Method: ten nodes, real gobgpd, FRR and kernel; every Service has an endpoint on each node
and ten next hops. An event begins when its request to the API is sent, so the stand-in's
own time is in it, and ends with the kernel's timestamp of the first UPDATE about its prefix
at the router's interface. Events come one at a time, each after all of the last is done, so
many of each kind that the 99th percentile is not the longest. Its CPU time is the manager's from
the request until it rests, less what it takes at rest: leases, watches, keepalives. What only
leads to an event, as the slice that a new Service needs, is not in it. A node that drains takes a
path of every Service with it; it ends with the last of these UPDATEs. No forwarding rules and no
Pods; the lab, its API and its router share the machine with what is measured. A cold start begins
when gobgpd and manager may start, and the router has nothing; netlink tells when the routes are in
its kernel, so that nothing polls them beside. Then a script does the same, messages made before.

SERVICES=1000 ROUNDS=5 make bench: fewer.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from e2e import cluster
from e2e.calls import Calls
from lab.handle import Lab
from lab.options import Options
from tests.bench.kernel_routes import KernelRoutes
from tests.bench.many_services import (
    NODES,
    PATIENCE_S,
    REST_S,
    SLICES,
    at_rest,
    complete,
    cpu_s,
    drain,
    grow,
    memory,
    piece,
    routes,
    serve,
    service,
    settled,
    written,
)
from tests.bench.path_script import PathScript
from tests.bench.updates import Updates

pytestmark = pytest.mark.bench

SIZES = sorted(map(int, os.environ.get("SERVICES", "1000,10000").split(",")))
ROUNDS = int(os.environ.get("ROUNDS", "300"))  # of four events each
TURNS = 5  # of one node that drains and comes back


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
    idle = at_rest(lab)
    print(f"\n    {count} Services x {NODES} nodes; {memory(lab)}")
    print(f"      at rest: {100 * idle:.2f} % of a core, over {REST_S:g} s")
    with Updates(lab) as updates:
        for kind, took in rounds(lab, updates, idle).items():
            print(f"      {kind:20} {took}")
    print(f"      afterwards {memory(lab)}")


@pytest.mark.parametrize("count", SIZES)
def test_a_node_drains(lab: Lab, count: int) -> None:
    grow(lab, count)
    idle = at_rest(lab)
    turns: dict[str, Took] = {"a node drains": Took(), "it is back": Took()}
    with Updates(lab) as updates:
        for _ in range(TURNS):
            for took, drained, verb in zip(turns.values(), (True, False), "-+", strict=True):
                updates.forget()
                before, began = cpu_s(lab), time.time_ns()
                drain(lab, lab.topology.nodes[0].name, drained=drained)
                took.ms.append((updates.nth(verb, count) - began) / 1e6)
                settled(lab)
                took.spent(cpu_s(lab) - before, idle * (time.time_ns() - began) / 1e9)
    print(f"\n    {count} Services x {NODES} nodes, until the last UPDATE:")
    for kind, took in turns.items():
        print(f"      {kind:20} {took}")


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
                writes = [f"{n} {which}" for which, n in sorted(asked.items()) if written(which)]
                if turn == "to count":
                    called = calls.count - before
                    print(f"\n    {what}: {called} gRPC calls; {', '.join(writes)}")


def test_cold_start(lab: Lab) -> None:
    count = SIZES[-1]
    grow(lab, count)
    lab.fail("manager")
    lab.fail("sidecar")
    lab.wait("an empty router", lambda: routes(lab) == 0, timeout_s=PATIENCE_S)
    with KernelRoutes(lab, count, hops=NODES) as kernel:
        began = time.time_ns()
        lab.heal("sidecar")
        lab.heal("manager")
        first, last = kernel.times_ns()
    complete(lab, count)
    took_s = (last - began) / 1e9
    print(
        f"\n    cold start of manager and gobgpd, {count} Services x {NODES} nodes: first route "
        f"after {(first - began) / 1e9:.1f} s, all in the router's kernel after "
        f"{took_s:.1f} s; the manager's CPU time by then {cpu_s(lab):.1f} s"
    )
    print(f"      {memory(lab)}")
    settled(lab)
    alone_s = _script(lab, count)
    times = took_s / alone_s
    print(f"      a script puts the same paths in {alone_s:.1f} s: {times:.1f} times that")


def _script(lab: Lab, count: int) -> float:
    """Return the seconds in which a script that knows all paths has them in the router."""
    socket = lab.folder("sidecar") / "gobgp.sock"
    script = PathScript.of(socket)
    lab.fail("manager")
    lab.fail("sidecar")
    try:
        lab.wait("an empty router", lambda: routes(lab) == 0, timeout_s=PATIENCE_S)
        with KernelRoutes(lab, count, hops=NODES) as kernel:
            began = time.time_ns()
            lab.heal("sidecar")
            script.play(socket)
            _, last = kernel.times_ns()
        complete(lab, count)
    finally:
        lab.heal("manager")
    return (last - began) / 1e9


@dataclass
class Took:
    """What the events of one kind took: milliseconds to the router, and of CPU time."""

    ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def spent(self, cpu: float, idle: float) -> None:
        self.cpu_ms.append(1000 * (cpu - idle))

    def __str__(self) -> str:
        ordered = sorted(self.ms)
        p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
        return (
            f"{len(ordered):4} times: p50 {statistics.median(ordered):6.0f} ms, p99 {p99:6.0f}, "
            f"longest {ordered[-1]:6.0f}; CPU {statistics.mean(self.cpu_ms):6.1f} ms each"
        )


def rounds(lab: Lab, updates: Updates, idle: float) -> dict[str, Took]:
    """Return what events took, by their kind; *idle*: CPU seconds of a second at rest."""
    found: dict[str, Took] = {}
    api = lab.api

    def event(kind: str, verb: str, deed: Callable[[], Any], prefix: str) -> None:
        before, began = cpu_s(lab), time.time_ns()
        deed()
        took = found.setdefault(kind, Took())
        took.ms.append((updates.first(verb, prefix, since_ns=began) - began) / 1e6)
        settled(lab)
        took.spent(cpu_s(lab) - before, idle * (time.time_ns() - began) / 1e9)

    for number in range(-1, ROUNDS):
        name, address = (
            f"event-{number}",
            f"198.19.{250 + (number + 1) // 250}.{(number + 1) % 250}",
        )
        api.create(SLICES, piece(lab, name, serving=True))
        settled(lab)
        updates.forget()
        body, prefix = service(name, addresses=address), f"{address}/32"
        event("new Service", "+", partial(api.create, cluster.SERVICES, body), prefix)
        event("endpoints go", "-", partial(serve, lab, api, name, serving=False), prefix)
        event("endpoints come", "+", partial(serve, lab, api, name, serving=True), prefix)
        event("Service deleted", "-", partial(cluster.delete, lab, name), prefix)
        api.delete(f"{SLICES}/{name}")
        settled(lab)
        if number < 0:
            found.clear()  # that was to warm up
    return found
