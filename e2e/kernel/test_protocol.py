"""Eips of protocol kernel, whole: a BIRD on each node advertises what the manager decided."""

import contextlib
import json
from collections.abc import Callable, Iterator

import pytest

from e2e import cluster
from e2e.bed import Bed
from e2e.cluster import CRS, custom
from e2e.kernel import node_routers, packets
from e2e.kernel.conftest import LEASE_S
from e2e.kernel.test_routers import leading, leads
from e2e.layer2 import lan
from lab.options import Options

pytestmark = pytest.mark.lab

ADDRESSES = ["198.51.100.64/27", "2001:db8:100::40/123"]
ALL = {"node1", "node2", "node3"}
DUAL = {"ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "RequireDualStack"}
UNASSIGNED = 100  # of each family


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(kernel=True, agent_args=(f"--kernel-lease={LEASE_S}",))


@pytest.fixture(scope="module")
def routed(whole: Bed) -> Iterator[Bed]:
    """The module's lab with a BIRD on each node."""
    with contextlib.ExitStack() as running:
        for one in whole.topology.nodes:
            running.enter_context(node_routers.bird(whole, one))
        yield whole


@pytest.fixture
def bed(routed: Bed, lab: Bed) -> Bed:
    return routed


def eip(lab: Bed, name: str, addresses: list[str], **spec: object) -> None:
    lab.api.create(f"{CRS}/eips", custom("Eip", name, {"addresses": addresses, **spec}))


def test_local_is_led_to_the_nodes_with_endpoints_and_withdrawn_with_the_last(bed: Bed) -> None:
    eip(bed, "routed", ADDRESSES, protocol="kernel")
    terms = {**DUAL, "externalTrafficPolicy": "Local"}
    cluster.make(bed, "web", "node1:1", "node3:1", notes={"eip": "routed"}, **terms)
    four, six = cluster.held(bed, "web", 2)
    hosts = (f"{four}/32", f"{six}/128")
    for prefix in hosts:
        leads(bed, prefix, {"node1", "node3"})
    cluster.reported(bed, "web", "Announced", "True", "Announced")
    for address in (four, six):
        found = cluster.answered(bed, address, "node1", "node3")
        assert {client for *_, client in found} <= {"203.0.113.10", "2001:db8:3::10"}
    bed.endpoints("default/web", "node2:1")
    for prefix in hosts:
        leads(bed, prefix, {"node2"})
    bed.endpoints("default/web")
    for prefix in hosts:
        leads(bed, prefix, set())
    cluster.reported(bed, "web", "Announced", "False", "NoServingEndpoint")


def test_cluster_is_led_to_every_node_by_an_aggregate_and_what_nobody_has_ends_there(
    bed: Bed,
) -> None:
    wide = {"aggregationLength": 27, "aggregationLengthV6": 123}
    eip(bed, "routed", ADDRESSES, protocol="kernel", bgp=wide)
    cluster.make(bed, "web", notes={"eip": "routed"}, **DUAL)
    four, six = cluster.held(bed, "web", 2)
    for prefix in ADDRESSES:
        leads(bed, prefix, ALL)
    assert leading(bed, f"{four}/32") == set()
    for address in (four, six):
        cluster.answered(bed, address, *ALL)
        assert bed.get(address, machine="node1"), "the node's own programs reach it, too"
    with packets.counting(bed, *ADDRESSES) as counted:
        packets.refused(bed, *ADDRESSES, counted=counted, count=25)
    cluster.delete(bed, "web")
    for prefix in ADDRESSES:
        leads(bed, prefix, set())


def test_what_nobody_has_in_an_aggregate_of_bgp_ends_at_the_nodes(bed: Bed) -> None:
    aggregates = ["198.51.100.128/25", "2001:db8:100::100/120"]
    wide = {"aggregationLength": 25, "aggregationLengthV6": 120}
    eip(bed, "wide", aggregates, bgp=wide)
    cluster.make(bed, "web", notes={"eip": "wide"}, **DUAL)
    cluster.held(bed, "web", 2)
    for prefix in aggregates:
        leads(bed, prefix, ALL)
    with packets.counting(bed, *aggregates) as counted:
        packets.refused(bed, *aggregates, counted=counted, count=UNASSIGNED)


def test_a_changed_protocol_is_made_before_it_is_broken(
    bed: Bed, say: Callable[[str], None]
) -> None:
    eip(bed, "routed", ADDRESSES)
    with lan.echoing(bed):
        addresses = {
            one: lan.serve(bed, f"web{one}", eip="routed", family=one) for one in lan.FAMILIES
        }
        for address in addresses.values():
            cluster.routed(bed, address, "123")
        with lan.flowing(bed, list(addresses.values())) as flows:
            for protocol in ("kernel", "bgp"):
                change(bed, "routed", protocol)
                by = {"kernel": ["64510"], "bgp": ["64501"]}[protocol]
                for address in addresses.values():
                    bed.wait(f"paths by {protocol} alone", lambda: paths(bed, address) == by)  # noqa: B023
    for family, address in addresses.items():
        flow = flows[address]
        say(f"IPv{family}: lost {flow.lost} of {flow.sent} datagrams from bgp to kernel and back")
        assert flow.longest_s < 1.0


def test_addresses_of_the_nodes_own_network_stay_with_layer2(
    bed: Bed, say: Callable[[str], None]
) -> None:
    """Every node would answer for them: kernel takes none, and layer2 lets go of none."""
    lan.prepare(bed)
    try:
        with lan.echoing(bed):
            addresses = {one: lan.serve(bed, f"near{one}", family=one) for one in lan.FAMILIES}
            with lan.flowing(bed, list(addresses.values())) as flows:
                for protocol, verdict in (
                    ("kernel", ("False", "OnNodeNetwork")),
                    ("layer2", ("True", "Announced")),
                ):
                    for name, _ in lan.EIPS.values():
                        change(bed, name, protocol)
                    for family in addresses:
                        cluster.reported(bed, f"near{family}", "Announced", *verdict)
                    cluster.judged(bed)
                    assert all(lan.macs(bed, address) for address in addresses.values())
        for family, address in addresses.items():
            flow = flows[address]
            say(f"IPv{family}: lost {flow.lost} of {flow.sent} datagrams of an address of the LAN")
            assert flow.lost == 0
    finally:
        lan.tidy(bed)


def change(lab: Bed, name: str, protocol: str) -> None:
    lab.api.merge(f"{CRS}/eips/{name}", {"spec": {"protocol": protocol}})


def paths(lab: Bed, address: str) -> list[str]:
    """Return the AS paths by which the router has *address*, each once."""
    family = "ipv6" if ":" in address else "ipv4"
    text = lab.exec("router", "vtysh", "-c", f"show bgp {family} unicast {address} json")
    found = json.loads(text or "{}").get("paths", ())
    return sorted({one["aspath"]["string"] for one in found})
