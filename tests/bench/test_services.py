"""2,000 Services at once in the lab: real gobgpd, FRR and kernel routes.

Method: the lab's stand-in API, router and pods share the machine with what is measured.
Forwarding rules of the nodes are left out (`--without proxy`), as they would be measured
with it; `make test` does the same with 200 Services and with packets. Times are wall
clock from the first POST; 198.18.0.0/15, no node ports, one endpoint per node.
"""

import os

import pytest

from e2e import cluster, fleet
from lab.handle import Lab
from lab.options import Options

pytestmark = pytest.mark.bench


def test_two_thousand_services() -> None:
    options = Options(
        name=f"bench{os.getpid()}", without=("proxy",), agent_args=("--proxy-health=off",)
    )
    with Lab.up(options, attached=True) as lab:
        cluster.prepare(lab)
        measured = fleet.measure(lab, 2000, patience_s=600)
    print()
    for line in measured.lines():
        print(line)
    assert measured.most_patches <= 2
