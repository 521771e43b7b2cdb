"""Which nodes carry traffic: labels, readiness, drains, and kubelets that fall silent.

By Kubernetes' word alone: what heartbeats say besides is in `test_heartbeats.py`.
"""

import time
from collections.abc import Callable
from functools import partial

import pytest

from e2e import cluster
from e2e.bed import Bed
from e2e.cluster import MANAGER
from e2e.route_events import RouteEvents, session
from e2e.witness import Witness
from lab.options import Options

pytestmark = pytest.mark.lab

EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers"
TAINT = {
    "key": "node.kubernetes.io/out-of-service",
    "value": "nodeshutdown",
    "effect": "NoExecute",
}
Deed = Callable[[Bed, str], None]


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(manager_args=("--heartbeat=off",))


def merge(lab: Bed, node: str, *, body: dict) -> None:
    lab.api.merge(f"/api/v1/nodes/{node}", body)


def ready(lab: Bed, node: str, *, status: str) -> None:
    cluster.ready(lab, node, status)


label = partial(merge, body={"metadata": {"labels": {EXCLUDE: ""}}})
unlabel = partial(merge, body={"metadata": {"labels": {EXCLUDE: None}}})
drain = partial(merge, body={"metadata": {"annotations": {"pointsman.dev/drain": "true"}}})
undrain = partial(merge, body={"metadata": {"annotations": {"pointsman.dev/drain": None}}})
taint = partial(merge, body={"spec": {"taints": [TAINT]}})
untaint = partial(merge, body={"spec": {"taints": None}})


@pytest.mark.parametrize(
    ("leave", "come_back"),
    [
        pytest.param(label, unlabel, id="the exclude label"),
        pytest.param(
            partial(ready, status="False"), partial(ready, status="True"), id="Ready False"
        ),
        pytest.param(drain, undrain, id="the drain annotation"),
        pytest.param(taint, untaint, id="the out-of-service taint"),
    ],
)
def test_exactly_that_gateway_goes_and_returns(lab: Bed, leave: Deed, come_back: Deed) -> None:
    cluster.make(lab, "web")
    cluster.make(lab, "local", "node2:1", "node3:1", externalTrafficPolicy="Local")
    web, local = cluster.settled(lab, "web"), cluster.settled(lab, "local", "23")
    since = session(lab, MANAGER)
    with RouteEvents(lab) as events:
        leave(lab, "node2")
        cluster.routed(lab, web, "13")
        cluster.routed(lab, local, "3")
        come_back(lab, "node2")
        cluster.routed(lab, web, "123")
        cluster.routed(lab, local, "23")
    heard = events.about("198.51.100.0/24")
    assert heard
    assert [line for line in heard if line.startswith("Deleted")] == []
    assert session(lab, MANAGER) == since


def test_a_cordon_is_no_drain(lab: Bed) -> None:
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    with Witness(lab) as events:
        merge(lab, "node2", body={"spec": {"unschedulable": True}})
        cluster.judged(lab)
        merge(lab, "node2", body={"spec": {"unschedulable": None}})
    assert events.about(f"{address}/32") == []


def test_when_all_drain_the_last_ones_stay_and_it_is_said(lab: Bed) -> None:
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    with RouteEvents(lab) as events:
        for node in ("node1", "node2", "node3"):
            drain(lab, node)
        cluster.reported(lab, "web", "Announced", "True", "Announced", "drain", "node1", "node3")
        cluster.routed(lab, address, "123")
    assert [line for line in events.about(f"{address}/32") if line.startswith("Deleted")] == []
    lab.wait("an answer", lambda: lab.get(address))


def test_when_all_are_out_of_service_it_is_withdrawn(lab: Bed) -> None:
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    for node in ("node1", "node2", "node3"):
        taint(lab, node)
    cluster.routed(lab, address, "")
    # Endpoints on dead nodes don't serve, so either of the two is true.
    message = lab.wait("why", lambda: why(lab))
    assert "out-of-service" in message
    assert cluster.addresses(lab, "web") == [address]
    for node in ("node1", "node2", "node3"):
        untaint(lab, node)
    assert cluster.settled(lab, "web") == address


def why(lab: Bed) -> str:
    status, reason, message = cluster.verdicts(cluster.get(lab, "web"))["Announced"]
    assert (status, reason) in {("False", "NoEligibleNode"), ("False", "NoServingEndpoint")}
    return message


@pytest.mark.parametrize("gap_s", [0, 0.3])
def test_kubelets_that_all_turn_unknown_are_not_believed(lab: Bed, gap_s: float) -> None:
    cluster.make(lab, "web")
    cluster.make(lab, "local", "node1:1", "node2:1", externalTrafficPolicy="Local")
    addresses = cluster.settled(lab, "web"), cluster.settled(lab, "local", "12")
    since = session(lab, MANAGER)
    with Witness(lab) as events:
        for node in ("node1", "node2", "node3"):
            cluster.ready(lab, node, "Unknown")
            time.sleep(gap_s)  # the node controller takes its time, or does not
        for name in ("web", "local"):
            cluster.reported(lab, name, "Announced", "True", "Announced", "Ready")
        cluster.judged(lab)
    for address in addresses:
        assert events.about(f"{address}/32") == []
        lab.wait("an answer", partial(lab.get, address))
    assert session(lab, MANAGER) == since


def test_one_silent_kubelet_is_believed(lab: Bed) -> None:
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    cluster.ready(lab, "node2", "Unknown")
    cluster.routed(lab, address, "13")
    cluster.ready(lab, "node2", "True")
    cluster.routed(lab, address, "123")
