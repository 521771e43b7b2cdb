"""A speaker that is killed or stopped, with graceful restart, in a lab of its own.

Nothing has moved here before; addresses with a past are in e2e/services/test_restarts.py.
"""

import json
import signal
from collections.abc import Iterator
from functools import partial

import pytest

from conftest import Say
from e2e import cluster, labs
from e2e.bed import Bed
from e2e.bgp import routers
from e2e.bgp.routers import SECOND
from e2e.witness import Witness
from lab.options import Options

pytestmark = pytest.mark.lab

BOTH = ("router", "router2")


@pytest.fixture
def lab() -> Iterator[Bed]:
    with labs.standing(Options(name=labs.fresh(), routers=2)) as up:
        cluster.prepare(up)
        yield up


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_restarted_sidecar_costs_no_route_event(
    lab: Bed, ending: signal.Signals, say: Say
) -> None:
    routers.peer(lab, "tor-2", SECOND, 64502)
    routers.up(lab, "tor-2")
    block = {"addresses": ["2001:db8:100::/120"]}
    lab.api.create(f"{cluster.CRS}/eips", cluster.custom("Eip", "six", block))
    for name in ("one", "two"):
        cluster.make(lab, name)
    cluster.make(lab, "three", notes={"eip": "public,six"}, ipFamilyPolicy="RequireDualStack")
    addresses = [cluster.settled(lab, name) for name in ("one", "two")]
    addresses += cluster.held(lab, "three", 2)
    for address in addresses:
        cluster.routed(lab, address, "123")
        lab.wait("BIRD's route", partial(at_second, lab, address))
    cluster.judged(lab)
    for name in ("tor-1", "tor-2"):
        lab.wait("graceful restart", partial(restarts_gracefully, lab, name))
    since = routers.session(lab, "tor-1").get("establishedSince")
    before = {machine: hops_everywhere(lab, machine, addresses) for machine in BOTH}
    ids = [path_ids(lab, address) for address in addresses]
    with Witness(lab) as events, Witness(lab, machine="router2") as second_events:
        pid = lab.process("sidecar")["pid"]
        lab.kill("sidecar", ending)
        lab.wait("another sidecar", lambda: lab.process("sidecar")["pid"] not in (None, pid))
        lab.wait(
            "another session",
            lambda: routers.session(lab, "tor-1").get("establishedSince", since) != since,
        )
        routers.up(lab, "tor-1")
        routers.up(lab, "tor-2")
        cluster.judged(lab)
    assert {machine: hops_everywhere(lab, machine, addresses) for machine in BOTH} == before
    for heard in (events, second_events):
        for address in addresses:
            assert heard.kernel(host(address)) == heard.withdrawn(host(address)) == []
    ids_after = [path_ids(lab, address) for address in addresses]
    say(f"FRR's path ids of each address: {ids}, after the restart {ids_after}")
    for name in ("one", "two", "three"):
        cluster.delete(lab, name)
    for address in addresses:
        cluster.routed(lab, address, "")
        lab.wait("nothing at BIRD", partial(gone_at_second, lab, address))


def path_ids(lab: Bed, address: str) -> list[int]:
    """Return the ADD-PATH identifiers of the paths that FRR holds."""
    family = "ipv6" if ":" in address else "ipv4"
    found = json.loads(routers.vtysh(lab, f"show bgp {family} unicast {host(address)} json"))
    return sorted(path.get("addpathRxId", 0) for path in found.get("paths", ()))


def restarts_gracefully(lab: Bed, name: str) -> bool:
    return routers.session(lab, name).get("gracefulRestartNegotiated") is True


def gone_at_second(lab: Bed, address: str) -> bool:
    return not lab.gateways(host(address), machine="router2")


def host(address: str) -> str:
    return f"{address}/{128 if ':' in address else 32}"


def at_second(lab: Bed, address: str) -> bool:
    wanted = cluster.hops(lab, "123", 6 if ":" in address else 4)
    return lab.gateways(host(address), machine="router2") == wanted


def hops_everywhere(lab: Bed, machine: str, addresses: list[str]) -> list[set[str]]:
    return [lab.gateways(host(address), machine=machine) for address in addresses]
