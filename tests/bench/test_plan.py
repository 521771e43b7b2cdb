"""How long a whole plan takes, by Services and nodes: figures, never a verdict.

Every Service is settled: it has its address, its paths are observed, so the plan is the
one that an idle manager makes. Run with `make bench`; the figures go into
docs/performance.md.
"""

import gc
from ipaddress import IPv4Address

import pytest

from manager.main import GC_THRESHOLDS
from manager.planner.plan import plan
from manager.planner.whatif import settle
from manager.snapshot import (
    EipName,
    Endpoint,
    EndpointSlice,
    Node,
    NodeName,
    Resource,
    Service,
    ServiceKey,
    ServicePort,
    Snapshot,
)
from manager.work import speaker_work
from pointsman.api import BgpConfSpec, BgpPeerSpec, EipSpec
from pointsman.model.address import Family
from pointsman.model.route import PeerName
from tests.bench.test_allocate import seconds

pytestmark = pytest.mark.bench


def cluster(services: int, nodes: int) -> Snapshot:
    names = [NodeName(f"node{n}") for n in range(nodes)]
    first = IPv4Address("192.0.2.11")
    pods = [[Endpoint(names[(s + n) % nodes], ready=True) for n in range(3)] for s in range(nodes)]
    return Snapshot(
        services={
            ServiceKey(f"d/s{n}"): Service(
                "d", f"s{n}", created=f"{n:09}", ports=(ServicePort("TCP", 80),)
            )
            for n in range(services)
        },
        endpoint_slices={
            ("d", f"s{n}-4"): EndpointSlice(
                "d", f"s{n}-4", f"s{n}", Family.IPV4, tuple(pods[n % nodes])
            )
            for n in range(services)
        },
        nodes={name: Node(name, internal_ips=(first + n,)) for n, name in enumerate(names)},
        namespaces={"d": {}},
        eips={EipName("p"): Resource("p", EipSpec(addresses=("198.18.0.0/15",), default=True))},
        bgp_confs={"default": Resource("default", BgpConfSpec(asn=64501))},
        bgp_peers={
            PeerName("tor-1"): Resource(
                "tor-1", BgpPeerSpec(address=IPv4Address("192.0.2.1"), asn=64500)
            )
        },
    )


@pytest.mark.parametrize(("services", "nodes"), [(1, 3), (1_000, 3), (2_000, 3), (10_000, 10)])
def test_a_plan_of_a_settled_cluster(services: int, nodes: int) -> None:
    before = gc.get_threshold()
    gc.set_threshold(*GC_THRESHOLDS)  # as the manager runs
    try:
        calm, decided = settle(cluster(services, nodes))
        took_s = seconds(lambda: plan(calm))
    finally:
        gc.set_threshold(*before)
    assert not speaker_work(decided.speakers[0], calm.speakers[0])
    paths = len(decided.speakers[0].routes)
    print(f"\n    {services} Services x {nodes} nodes, {paths} paths: {took_s * 1000:.0f} ms CPU")
