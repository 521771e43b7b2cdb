"""What a thousand kubelets cost that renew their Nodes' status every ten seconds. Figures.

Method: a lab of ten nodes and 990 Nodes without machines, which are kept out of every route. All
thousand have a heartbeat time written into a condition, one after the other, evenly over ten
seconds, six times; the manager's CPU time meanwhile, less what it takes at rest. Their Leases live
in another namespace, which the manager does not watch. The stand-in sends each Node with the
fifty images that a kubelet lists.
"""

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from e2e import cluster
from lab.handle import Lab
from lab.options import Options
from pointsman.model.names import EXCLUDE_LABEL
from tests.bench.many_services import at_rest, cpu_s, grow, memory, settled

pytestmark = pytest.mark.bench

COUNT = int(os.environ.get("KUBELETS", "1000"))
ROUNDS, EVERY_S = 6, 10.0
SERVICES = 1000
IMAGES = [{"names": [f"example.com/image{n}:v1"], "sizeBytes": 1 << 20} for n in range(50)]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    options = Options(
        name=f"kubelets{os.getpid()}",
        nodes=10,
        without=("proxy", "pods"),
        agent_args=("--proxy-health=off",),
    )
    with Lab.up(options, attached=True) as up:
        cluster.prepare(up)
        block = {"addresses": ["198.18.0.0/15"]}
        up.api.create(f"{cluster.CRS}/eips", cluster.custom("Eip", "bulk", block))
        yield up


def test_a_thousand_kubelets_renew_their_status(lab: Lab) -> None:
    names = [f"far{n:04}" for n in range(COUNT - 10)]
    cluster.each(names, lambda name: lab.api.create("/api/v1/nodes", _node(name)))
    grow(lab, SERVICES)
    idle = at_rest(lab)
    settled(lab)
    before, began = cpu_s(lab), time.monotonic()
    for number in range(ROUNDS * len(names)):
        pause_s = began + number * EVERY_S / len(names) - time.monotonic()
        if pause_s > 0:
            time.sleep(pause_s)
        _beat(lab, names[number % len(names)], number)
    took_s = time.monotonic() - began
    share = (cpu_s(lab) - before) / took_s - idle
    print(
        f"\n    {COUNT} Nodes, {SERVICES} Services: {ROUNDS * len(names)} renewals "
        f"in {took_s:.0f} s take "
        f"{100 * share:.2f} % of a core more than at rest ({100 * idle:.2f} %); {memory(lab)}"
    )


def _node(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {EXCLUDE_LABEL: ""}},
        "status": {"images": IMAGES, "conditions": [_ready(0)]},
    }


def _beat(lab: Lab, name: str, number: int) -> None:
    lab.api.merge(f"/api/v1/nodes/{name}/status", {"status": {"conditions": [_ready(number)]}})


def _ready(number: int) -> dict[str, str]:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_800_000_000 + number))
    return {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": at}
