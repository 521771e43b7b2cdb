"""Routers without ADD-PATH: parallel sessions, and speakers of their own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from e2e import cluster, labs
from e2e.bed import Bed, Broken
from e2e.bgp import routers
from e2e.bgp.routers import PEERS, SECOND
from lab.options import Options
from lab.parts import CHECKOUT
from pointsman.model.names import NAMESPACE

pytestmark = pytest.mark.lab

SOURCES = ("192.0.2.101", "192.0.2.102", "192.0.2.103")
PARALLEL = {"parallelSessions": {"sourceAddresses": list(SOURCES)}}
ALONE = {"addPath": {"enabled": False}}
NEVER = {"gracefulRestart": {"enabled": "Never"}}
FAR = "203.0.113.10"  # the client's machine, behind the first router
FAR_BIRD = f"""
log stderr all;
router id {FAR};
protocol device {{ }}
protocol bgp manager {{
  local {FAR} as 64505;
  neighbor 192.0.2.10 as 64501;
  multihop 3;
  connect retry time 1; connect delay time 1; error wait time 1, 5;
  ipv4 {{ import all; export none; add paths rx; }};
}}
"""


@contextmanager
def built(speakers: int) -> Iterator[Bed]:
    options = Options(name=labs.fresh(), routers=2, speakers=speakers)
    with labs.standing(options) as up:
        cluster.prepare(up)
        yield up


@contextmanager
def without_add_path(lab: Bed, *neighbors: str) -> Iterator[None]:
    """Have both routers keep one path of a prefix for each session."""
    for family in ("ipv4", "ipv6"):
        lines = (f"neighbor {one} disable-addpath-rx" for one in neighbors)
        routers.frr(lab, f"address-family {family} unicast", *lines)
    text = routers.plain(lab)
    assert " add paths rx;" in text
    with routers.configured(lab, text.replace(" add paths rx;", "")):
        yield


def kernel(lab: Bed, address: str, nodes: str, machine: str = "router") -> None:
    """Wait until exactly those nodes are the next hops of *address* at a router."""
    wanted = cluster.hops(lab, nodes, 6 if ":" in address else 4)
    prefix = f"{address}/{128 if ':' in address else 32}"

    def look() -> bool:
        found = lab.gateways(prefix, machine=machine)
        if found != wanted:
            raise Broken(f"{machine} has {sorted(found)}, not {sorted(wanted)}")
        return True

    lab.wait(f"{nodes} at {machine}", look)


def both(lab: Bed, address: str, nodes: str) -> None:
    for machine in ("router", "router2"):
        kernel(lab, address, nodes, machine)


def sessions(lab: Bed, name: str) -> dict[str, tuple[str, str]]:
    """Return by speaker where a session of BgpPeer *name* comes from, and since when."""
    entries = lab.api.get(f"{PEERS}/{name}")["status"].get("speakers") or []
    return {
        one["name"]: (one.get("sourceAddress", ""), one.get("establishedSince", ""))
        for one in entries
    }


def reason(lab: Bed, name: str, kind: str, wanted: str) -> str:
    """Wait for that reason of a condition; return its message."""

    def look() -> str:
        found = routers.condition(lab, name, kind)
        if found is None or found[1] != wanted:
            raise Broken(f"{kind} is {found}")
        return found[2]

    return lab.wait(f"{kind} {wanted} of {name}", look)


def from_each(lab: Bed, address: str) -> dict[str, str]:
    """Return by source address the next hop that FRR was told from there."""
    text = routers.vtysh(lab, f"show bgp ipv4 unicast {address}/32 json")
    paths: list[dict[str, Any]] = json.loads(text)["paths"]
    return {path["peer"]["peerId"]: path["nexthops"][0]["ip"] for path in paths}


def as_it_was(lab: Bed, address: str, advertised: dict[str, str]) -> None:
    """Wait until FRR is told by each session what it was: nothing depends on the past."""

    def look() -> bool:
        if (found := from_each(lab, address)) != advertised:
            raise Broken(f"it was {advertised}, and is {found}")
        return True

    lab.wait("the same from each session", look)


def heard_far(lab: Bed, control: Path, address: str) -> int:
    """Return by how many paths the router with ADD-PATH was told *address*."""
    text = routers.asked(lab, control, "show", "route", "for", address, "all")
    return text.count("BGP.next_hop:")


@contextmanager
def add_path_router(lab: Bed) -> Iterator[Path]:
    """Run a router with ADD-PATH, two hops away, so that the first speaker has a session."""
    with routers.running(lab, "client", FAR_BIRD) as control:
        further = {"ebgpMultihop": {"ttl": 3}, "nextHops": {"scope": "All"}}
        routers.peer(lab, "far", FAR, 64505, families=["ipv4-unicast"], **further, **NEVER)
        routers.up(lab, "far")
        yield control


def drain(lab: Bed, node: str, *, on: bool) -> None:
    notes = {"pointsman.dev/drain": "true" if on else None}
    lab.api.merge(f"/api/v1/nodes/{node}", {"metadata": {"annotations": notes}})


def test_parallel_sessions_give_as_many_next_hops_as_there_are() -> None:
    with built(4) as lab, without_add_path(lab, *SOURCES), add_path_router(lab) as far:
        routers.change(lab, "tor-1", **PARALLEL, **NEVER)
        routers.peer(lab, "tor-2", SECOND, 64502, **PARALLEL, **NEVER)
        cluster.make(lab, "web")
        address = cluster.held(lab, "web")[0]
        both(lab, address, "123")
        block = {"addresses": ["2001:db8:100::/120"]}
        lab.api.create(f"{cluster.CRS}/eips", cluster.custom("Eip", "six", block))
        dual = {"ipFamilyPolicy": "RequireDualStack"}
        cluster.make(lab, "dual", notes={"eip": "public,six"}, **dual)
        for one in cluster.held(lab, "dual", 2):
            both(lab, one, "123")
        advertised = from_each(lab, address)
        assert set(advertised) == set(SOURCES)
        assert set(advertised.values()) == cluster.hops(lab, "123")
        lab.wait("3 paths far away", lambda: heard_far(lab, far, address) == 3)
        assert lab.wait("an answer", lambda: lab.get(address))

        for name in ("tor-1", "tor-2"):
            reason(lab, name, "Established", "Established")
            assert "3 next hops" in reason(lab, name, "AddPathNegotiated", "ParallelSessions")
        peers = ("tor-1", "tor-2", "far")
        before = {name: sessions(lab, name) for name in peers}
        assert [source for source, _ in before["tor-1"].values()] == list(SOURCES)
        assert list(before["tor-1"]) == ["manager/1", "manager/2", "manager/3"]
        assert list(before["far"]) == ["manager"]

        drain(lab, "node1", on=True)
        both(lab, address, "23")
        drain(lab, "node1", on=False)
        both(lab, address, "123")
        as_it_was(lab, address, advertised)
        assert {name: sessions(lab, name) for name in peers} == before

        a_speaker_that_dies_costs_its_next_hop(lab, address, advertised)
        assert sessions(lab, "far") == before["far"]

        def one_began_anew() -> bool:
            for name in ("tor-1", "tor-2"):
                after = sessions(lab, name)
                same = {key for key in after if after[key] == before[name].get(key)}
                if same != {"manager/1", "manager/3"} or len(after) != 3:
                    raise Broken(f"{name}: {before[name]}, then {after}")
            return True

        lab.wait("one session of each that is another", one_began_anew)


def a_speaker_that_dies_costs_its_next_hop(
    lab: Bed, address: str, advertised: dict[str, str]
) -> None:
    """Kill the second further gobgpd twice: once it comes back by itself, once it is kept away."""
    left = cluster.hops(lab, "123") - {advertised[SOURCES[1]]}
    os.kill(cluster.gobgpd(lab, "sidecar:2"), signal.SIGKILL)
    for machine in ("router", "router2"):
        hops = partial(lab.gateways, f"{address}/32", machine=machine)
        lab.wait(f"one next hop less at {machine}", partial(_is, hops, left))
    both(lab, address, "123")
    for name in ("tor-1", "tor-2"):
        reason(lab, name, "Established", "Established")
    lab.fail("sidecar:2")
    for name in ("tor-1", "tor-2"):
        found = reason(lab, name, "Established", "PartlyEstablished")
        assert "2 of 3 sessions" in found
        assert SOURCES[1] in found
    lab.wait("the others' next hops", lambda: lab.gateways(f"{address}/32") == left)
    lab.wait("an answer", lambda: lab.get(address))
    # The others go on being told.
    node = next(
        one for one in lab.topology.nodes if str(one.addresses[0].ip) == advertised[SOURCES[0]]
    )
    drain(lab, node.name, on=True)
    lab.wait(
        "its next hop gone", lambda: advertised[SOURCES[0]] not in lab.gateways(f"{address}/32")
    )
    drain(lab, node.name, on=False)
    lab.heal("sidecar:2")
    both(lab, address, "123")
    as_it_was(lab, address, advertised)
    for name in ("tor-1", "tor-2"):
        reason(lab, name, "Established", "Established")


def _is(look: Callable[[], object], wanted: object) -> bool:
    return look() == wanted


@contextmanager
def manager_with_one_socket(lab: Bed) -> Iterator[None]:
    """Have a manager run that knows the first speaker only."""
    lab.fail("manager")
    words = [sys.executable, "-m", "manager", "--kubeconfig", str(lab.kubeconfig)]
    words += ["--name", "manager", "--namespace", NAMESPACE]
    words += ["--gobgp-socket", str(lab.folder("sidecar") / "gobgp.sock")]
    with (lab.folder("other-manager") / "manager.log").open("wb") as log:
        process = subprocess.Popen(
            lab.command("manager", words),
            cwd=CHECKOUT,
            stdout=log,
            stderr=log,
            env=lab.environment(),
        )
    try:
        yield
    finally:
        process.kill()
        process.wait()
        lab.heal("manager")


def test_a_router_that_may_be_sent_other_nodes_needs_a_speaker_and_gets_it() -> None:
    with built(2) as lab, without_add_path(lab, "192.0.2.10"):
        for number in (1, 2):
            rack = {"metadata": {"labels": {"rack": str(number)}}}
            lab.api.merge(f"/api/v1/nodes/node{number}", rack)
        cluster.make(lab, "web")
        address = cluster.held(lab, "web")[0]
        with manager_with_one_socket(lab):
            for name in ("tor-1", "tor-2"):
                hops = {"nodeSelector": {"matchLabels": {"rack": name[-1]}}}
                if name == "tor-1":
                    routers.change(lab, name, nextHops=hops, **ALONE)
                else:
                    routers.peer(lab, name, SECOND, 64502, nextHops=hops, **ALONE)
            assert "--gobgp-socket" in reason(lab, "tor-2", "Ready", "NeedsOwnSpeaker")
            routers.up(lab, "tor-2")
            kernel(lab, address, "1")
            assert not lab.gateways(f"{address}/32", machine="router2")
        reason(lab, "tor-2", "Ready", "Ready")
        kernel(lab, address, "1")
        kernel(lab, address, "2", "router2")
