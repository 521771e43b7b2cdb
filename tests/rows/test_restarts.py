"""Managers and speakers that die: what was settled stays as it was, or comes back so."""

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from lab.handle import Lab
from lab.topology import Broken
from lab.watching import RouteEvents, session
from tests.rows import cluster
from tests.rows.cluster import CRS, MANAGER
from tests.rows.conftest import Say

pytestmark = pytest.mark.lab

DEATHS = 10
YOUNG_S = 2.5  # old enough to have settled; the moments lie anywhere before
SEED = 20261122
KINDS = {
    "services": "/api/v1/services",
    "endpointslices": "/apis/discovery.k8s.io/v1/endpointslices",
    "eips": "/apis/pointsman.dev/v1alpha1/eips",
}
OUTAGE_S = 20.0  # of a killed gobgpd; 3 s, measured


def test_ten_deaths_of_the_manager_change_nothing(lab: Lab) -> None:
    names = cluster.many(lab, 50)
    for name in names:
        cluster.settled(lab, name)
    cluster.judged(lab)
    before, since = cluster.versions(lab), session(lab, MANAGER)
    chance = random.Random(SEED)
    with RouteEvents(lab) as events:
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
def test_a_kind_that_cannot_be_listed_is_not_empty(lab: Lab, kind: str) -> None:
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    cluster.judged(lab)
    version = cluster.version(lab, "web")
    with RouteEvents(lab) as events:
        lab.api.request(
            "POST", "/_faults", {"code": 503, "verb": "GET", "path": KINDS[kind], "count": 4}
        )
        die(lab, signal.SIGKILL)
        lab.wait("the faults", lambda: not lab.api.get("/_faults")["pending"], timeout_s=60)
        cluster.judged(lab)
    assert events.about(f"{address}/32") == []
    assert cluster.version(lab, "web") == version


def die(lab: Lab, number: signal.Signals) -> None:
    """Send the manager a signal, and return when another one runs."""
    pid = lab.process("manager")["pid"]
    lab.kill("manager", number)
    lab.wait("another manager", lambda: lab.process("manager")["pid"] not in (None, pid))


@pytest.fixture
def without_graceful_restart(lab: Lab) -> Iterator[None]:
    """FRR 8.4 keeps stale ADD-PATH paths for ever after one: see docs/routers/frr.md."""
    first = session(lab, MANAGER)
    conf = f"{CRS}/bgpconfs/default"
    lab.api.merge(conf, {"spec": {"gracefulRestart": {"enabled": "Never"}}})
    lab.wait("a session without", lambda: session(lab, MANAGER) != first, timeout_s=60)
    yield
    lab.api.merge(conf, {"spec": {"gracefulRestart": None}})


@pytest.mark.usefixtures("without_graceful_restart")
def test_a_killed_gobgpd_comes_back_with_every_route(lab: Lab, say: Say) -> None:
    for name in cluster.many(lab, 20):
        cluster.settled(lab, name)
    cluster.judged(lab)
    before, versions = table(lab), cluster.versions(lab)
    since, pid = session(lab, MANAGER), lab.process("manager")["pid"]

    os.kill(cluster.gobgpd(lab), signal.SIGKILL)
    began = time.monotonic()
    less: list[float] = []  # when the table was not what it had been

    def back() -> bool:
        if table(lab) != before:
            less.append(time.monotonic())
            raise Broken("the router has other routes than before")
        return session(lab, MANAGER) != since

    lab.wait("every route", back, timeout_s=60)
    outage_s = less[-1] - less[0] if less else 0.0
    assert outage_s < OUTAGE_S
    cluster.judged(lab)
    assert table(lab) == before
    assert cluster.versions(lab) == versions
    assert lab.process("manager")["pid"] == pid
    all_s = time.monotonic() - began
    say(f"gobgpd killed: 20 routes away for {outage_s:.1f} s; a new Service {all_s:.1f} s after")


def table(lab: Lab) -> list[Any]:
    """Return `ip -j route` of both families, without the kernel's own numbering of groups."""
    found = []
    for family in ("-4", "-6"):
        for route in json.loads(lab.exec("router", "ip", "-j", family, "route")):
            route.pop("nhid", None)
            route["nexthops"] = sorted(route.get("nexthops") or [], key=str)
            found.append(route)
    return sorted(found, key=str)
