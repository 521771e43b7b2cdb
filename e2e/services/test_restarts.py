"""Managers and speakers that die: what was settled stays as it was, or comes back so."""

import json
import os
import random
import signal
import time
from collections.abc import Iterable
from typing import Any

import pytest

from conftest import Say
from e2e import cluster
from e2e.bed import Bed
from e2e.cluster import MANAGER
from e2e.route_events import session
from e2e.witness import Witness

pytestmark = pytest.mark.lab

DEATHS = 10
YOUNG_S = 2.5  # old enough to have settled; the moments lie anywhere before
SEED = 20261122
KINDS = {
    "services": "/api/v1/services",
    "endpointslices": "/apis/discovery.k8s.io/v1/endpointslices",
    "eips": "/apis/pointsman.dev/v1alpha1/eips",
}


def test_ten_deaths_of_the_manager_change_nothing(lab: Bed) -> None:
    names = cluster.many(lab, 50)
    for name in names:
        cluster.settled(lab, name)
    cluster.judged(lab)
    before, since = cluster.versions(lab), session(lab, MANAGER)
    chance = random.Random(SEED)
    with Witness(lab) as events:
        for number in range(DEATHS):
            time.sleep(chance.uniform(0, YOUNG_S))  # the moment of death, not a proof
            die(lab, signal.SIGTERM if number % 2 else signal.SIGKILL)
        cluster.judged(lab)
    assert events.about("198.18.0.0/15") == []
    assert cluster.versions(lab) == before
    assert session(lab, MANAGER) == since
    for name in names[::10]:
        cluster.settled(lab, name)


@pytest.mark.parametrize("kind", ["services", "endpointslices", "eips"])
def test_a_kind_that_cannot_be_listed_is_not_empty(lab: Bed, kind: str) -> None:
    cluster.standin_only(lab)
    fault = {"code": 503, "verb": "GET", "path": KINDS[kind], "count": 4}
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    cluster.judged(lab)
    version = cluster.version(lab, "web")
    with Witness(lab) as events:
        lab.api.request("POST", "/_faults", fault)
        die(lab, signal.SIGKILL)
        lab.wait("the faults", lambda: not lab.api.get("/_faults")["pending"])
        cluster.judged(lab)
    assert events.about(f"{address}/32") == []
    assert cluster.version(lab, "web") == version


def die(lab: Bed, number: signal.Signals) -> None:
    """Send the manager a signal, and return when another one runs."""
    pid = lab.process("manager")["pid"]
    lab.kill("manager", number)
    lab.wait("another manager", lambda: lab.process("manager")["pid"] not in (None, pid))


def test_a_killed_gobgpd_comes_back_with_every_route(lab: Bed, say: Say) -> None:
    """Graceful restart is on, and FRR 8.4 forgets too little: what counts is the numbers."""
    addresses = {name: cluster.settled(lab, name) for name in cluster.many(lab, 20)}
    for name in list(addresses)[:5]:  # a past: their addresses are withdrawn and given again
        cluster.delete(lab, name)
        cluster.routed(lab, addresses[name], "")
    for number in range(5):
        cluster.make(lab, f"again-{number}", notes={"eip": "bulk"})
        cluster.settled(lab, f"again-{number}")
    cluster.judged(lab)
    held = sorted(addresses.values())
    before, versions, heard = table(lab), cluster.versions(lab), numbers(lab, held)
    assert min(heard[0]) > 3  # the past shows
    since, pid = session(lab, MANAGER), lab.process("manager")["pid"]

    with Witness(lab) as events:
        os.kill(cluster.gobgpd(lab), signal.SIGKILL)
        began = time.monotonic()
        lab.wait("another session", lambda: session(lab, MANAGER) != since)
        lab.wait("the stale are forgotten", lambda: numbers(lab, held) == heard)
        cluster.judged(lab)
    assert events.kernel("198.18.0.0/15") == events.withdrawn("198.18.0.0/15") == []
    assert table(lab) == before
    assert cluster.versions(lab) == versions
    assert lab.process("manager")["pid"] == pid
    all_s = time.monotonic() - began
    say(f"gobgpd killed: no route event; 20 routes, told again, {all_s:.1f} s after")


def numbers(lab: Bed, addresses: Iterable[str]) -> list[list[int]]:
    """Return the ADD-PATH identifiers of the paths FRR holds, of each; a stale one is -1."""
    words = [w for one in addresses for w in ("-c", f"show bgp ipv4 unicast {one}/32 json")]
    rest = lab.exec("router", "vtysh", *words).strip()
    found: list[list[int]] = []
    while rest:  # one document after another
        document, end = json.JSONDecoder().raw_decode(rest)
        rest = rest[end:].strip()
        found.append(
            sorted(-1 if path.get("stale") else path["addpathRxId"] for path in document["paths"])
        )
    return found


def table(lab: Bed) -> list[Any]:
    """Return `ip -j route` of both families, without the kernel's own numbering of groups."""
    found = []
    for family in ("-4", "-6"):
        for route in json.loads(lab.exec("router", "ip", "-j", family, "route")):
            route.pop("nhid", None)
            route["nexthops"] = sorted(route.get("nexthops") or [], key=str)
            found.append(route)
    return sorted(found, key=str)
