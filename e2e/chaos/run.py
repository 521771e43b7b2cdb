"""The chaos: faults drawn from a seed, one after another, under traffic, for a bounded time.

After each fault everything must come back by itself: both sessions, every next hop. At the end no
address has moved, and the router's table is the one that programs make which start afresh.
"""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from e2e import cluster
from e2e.bed import Bed, Broken
from e2e.chaos import faults
from e2e.chaos.faults import Fault
from e2e.chaos.outages import Cost, Trial, costs, read
from e2e.proxies import programmed
from e2e.route_events import RouteEvents, session
from lab.cluster.client import Json
from lab.network.topology import POD_PORT

SPEAKERS = ("192.0.2.10", "192.0.2.9")
LOCAL: Any = {"externalTrafficPolicy": "Local"}
APART = "apart"  # carried by node3 alone, which no fault hits
BGP_SOCKETS = "( sport = :179 or dport = :179 )"
CALM_S = 1.0  # of traffic after a fault is over, in which nothing may get lost any more
Table = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run."""

    costs: Sequence[Cost]
    rounds: int
    moved: Sequence[str]  # Services whose addresses are others than at the beginning
    before: Table  # of the router, at the beginning
    after: Table  # when all faults were over
    fresh: Table  # made by programs that were all started anew


@dataclass(frozen=True, slots=True)
class Scene:
    """The Services, and which of their addresses are asked."""

    addresses: Mapping[str, Sequence[str]]
    targets: Mapping[str, str]


def build(lab: Bed) -> Scene:
    """Create the Services and wait until all is quiet."""
    for speaker in SPEAKERS:
        lab.wait("a session", partial(session, lab, speaker))
    ports: list[Json] = [{"port": 80, "targetPort": POD_PORT, "protocol": "UDP"}]
    cluster.make(lab, "udp", **LOCAL, ports=ports)
    cluster.make(lab, "tcp", **LOCAL)
    cluster.make(lab, "anywhere")
    cluster.make(lab, APART, "node3:1", **LOCAL)
    names = ("tcp", "udp", "anywhere", APART)
    held = {name: tuple(cluster.held(lab, name)) for name in names}
    for name in names:
        cluster.routed(lab, held[name][0], "3" if name == APART else "123")
    # "udp" answers no request by which to know it: it was made first.
    programmed(lab, held["tcp"][0], *(node.name for node in lab.topology.nodes))
    programmed(lab, held[APART][0], "node3")
    return Scene(held, {"tcp": held["tcp"][0], "udp": held["udp"][0], "tcp-apart": held[APART][0]})


def run(lab: Bed, *, seed: int, seconds: float, folder: Path) -> Outcome:
    """Make faults for *seconds*, a whole round of them at least begun; return what it cost."""
    chance, scene = random.Random(seed), build(lab)
    before = table(lab)
    trials: list[Trial] = []
    until, rounds, out = time.monotonic() + seconds, 0, folder / "probes"
    with _echo(lab), _traffic(lab, scene, out):
        while time.monotonic() < until:
            rounds += 1
            for fault in faults.drawn(chance, lab):
                trials.append(_trial(lab, fault, scene))
                if time.monotonic() >= until:
                    break
    after = _like(lab, before)
    moved = [name for name in scene.addresses if _moved(lab, name, scene)]
    for program in [p["name"] for p in lab.status()["processes"] if _is_ours(p["name"])]:
        lab.kill(program, signal.SIGKILL)
    _settled(lab, scene)
    with out.open() as lines:
        probes = read(lines)
    return Outcome(costs(probes, trials), rounds, moved, before, after, _like(lab, before))


def table(lab: Bed) -> Table:
    """Return what the router's kernel has of ours: prefixes, and the next hops of each."""
    return {
        prefix: frozenset(lab.gateways(prefix if "/" in prefix else f"{prefix}/32"))
        for prefix in cluster.routes(lab)
    }


def _trial(lab: Bed, fault: Fault, scene: Scene) -> Trial:
    began = time.monotonic()
    with RouteEvents(lab) as events:
        fault.make(lab)
        time.sleep(fault.lasts_s)  # a fault lasts; nothing is concluded from it
        fault.undo(lab)
        _settled(lab, scene)
    time.sleep(CALM_S)
    if fault.node:
        apart = events.about(f"{scene.addresses[APART][0]}/32")
    else:
        apart = [line for prefix in cluster.OURS for line in events.about(prefix)]
    return Trial(fault.name, began, time.monotonic(), len(apart))


def _settled(lab: Bed, scene: Scene) -> None:
    """Wait until both replicas are there as before, each by itself: else faults would be double.

    The router's table shows neither: it is whole by one of two speakers alone.
    """
    machines = ("router", *(one.name for one in lab.topology.managers))
    lab.wait("what was lost on the way", lambda: all(_is_through(lab, one) for one in machines))
    for speaker in SPEAKERS:
        lab.wait("a session", partial(session, lab, speaker))
    for name, addresses in scene.addresses.items():
        nodes = "3" if name == APART else "123"
        cluster.routed(lab, addresses[0], nodes)
        for speaker in SPEAKERS:
            lab.wait(f"{speaker} on {name}", partial(_tells, lab, speaker, addresses[0], nodes))


def _tells(lab: Bed, speaker: str, address: str, nodes: str) -> bool:
    command = f"show bgp ipv4 unicast neighbors {speaker} routes json"
    paths = json.loads(lab.exec("router", "vtysh", "-c", command))["routes"]
    found = {
        hop["ip"] for path in paths.get(f"{address}/32", ()) for hop in path.get("nexthops", ())
    }
    if found != (wanted := cluster.hops(lab, nodes)):
        raise Broken(f"the next hops are {sorted(found)}, not {sorted(wanted)}")
    return True


def _is_through(lab: Bed, machine: str) -> bool:
    """Whether no session waits to send again what a cut has swallowed.

    TCP tries that after 1.6, 3 and 6 s, as long as a cut or longer. Until then the session stands
    and may still end with its hold time; the next fault would be a second one at the same time.
    """
    sockets = lab.exec(machine, "ss", "-Hnto", "state", "established", BGP_SOCKETS)
    # timer:(on,2.1sec,4): the last is how often it was sent again (ss(8)).
    return not re.search(r"timer:\(on,[^,]*,[1-9]", sockets)


def _like(lab: Bed, wanted: Table) -> Table:
    """Return the router's table once it is *wanted*, or as it is after a minute."""
    until = time.monotonic() + 60.0
    while (found := table(lab)) != wanted and time.monotonic() < until:
        time.sleep(0.2)
    return found


def _moved(lab: Bed, name: str, scene: Scene) -> bool:
    return tuple(cluster.addresses(lab, name)) != tuple(scene.addresses[name])


def _is_ours(program: str) -> bool:
    return program.startswith(("manager", "sidecar", "agent:"))


@contextmanager
def _echo(lab: Bed) -> Iterator[None]:
    words = [sys.executable, "-m", "e2e.chaos.traffic", "--echo", str(POD_PORT)]
    with ExitStack() as stack:
        for node in lab.topology.nodes:
            stack.enter_context(_running(lab, node.pods_machine, words))
        yield


@contextmanager
def _traffic(lab: Bed, scene: Scene, out: Path) -> Iterator[None]:
    targets = [f"{name}={address}" for name, address in scene.targets.items()]
    words = [sys.executable, "-m", "e2e.chaos.traffic", str(out), *targets]
    with _running(lab, "client", words):
        lab.wait("traffic", lambda: out.exists() and out.stat().st_size > 0)
        yield


@contextmanager
def _running(lab: Bed, machine: str, words: Sequence[str]) -> Iterator[None]:
    process = subprocess.Popen(lab.command(machine, words), env=lab.environment())
    try:
        yield
    finally:
        process.terminate()
        process.wait()
