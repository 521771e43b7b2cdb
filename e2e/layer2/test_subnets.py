"""Two LANs: only nodes of the right one answer, and where there is none, it is said."""

import pytest

from e2e import cluster
from e2e.bed import Bed
from e2e.layer2 import lan
from lab.options import Options

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(subnets=2)


SECOND = {4: "10.0.2.200-10.0.2.220", 6: "2001:db8:202::200-2001:db8:202::220"}
THIRD = {4: "203.0.113.100-203.0.113.110", 6: "2001:db8:3::200-2001:db8:3::210"}


def test_each_lans_addresses_are_its_own_nodes(bed: Bed) -> None:
    lan.eip(bed, "second", *SECOND.values())
    for family in lan.FAMILIES:
        first = lan.serve(bed, f"near{family}", family=family)
        second = lan.serve(bed, f"far{family}", eip="second", family=family)
        assert lan.owner(bed, first) in ("node1", "node3")
        assert lan.neighbor(bed, second) == lan.mac_of(bed, "node2")


def test_a_third_networks_address_is_nobodys(bed: Bed) -> None:
    lan.eip(bed, "third", *THIRD.values())
    for family in lan.FAMILIES:
        families = {"ipFamilies": [f"IPv{family}"], "ipFamilyPolicy": "SingleStack"}
        cluster.make(bed, f"web{family}", notes={"eip": "third"}, **families)
    for family in lan.FAMILIES:
        why = ("Announced", "False", "NoNodeOnSubnet", *names(bed))
        cluster.reported(bed, f"web{family}", *why)
        (address,) = cluster.addresses(bed, f"web{family}")
        assert lan.macs(bed, address) == {}


def names(bed: Bed) -> list[str]:
    """Return the nodes: of each it is said what it lacks."""
    return [node.name for node in bed.topology.nodes]
