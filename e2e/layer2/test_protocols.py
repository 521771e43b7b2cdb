"""BGP and layer2 at once, and an Eip that goes from one to the other under traffic."""

from collections.abc import Callable

import pytest

from e2e import cluster
from e2e.bed import Bed
from e2e.layer2 import lan

pytestmark = pytest.mark.lab


def test_a_changed_protocol_is_made_before_it_is_broken(
    bed: Bed, say: Callable[[str], None]
) -> None:
    lab = bed
    cluster.make(lab, "far")
    far = cluster.settled(lab, "far")
    with lan.echoing(lab):
        addresses = {one: lan.serve(lab, f"near{one}", family=one) for one in lan.FAMILIES}
        with lan.flowing(lab, list(addresses.values())) as flows:
            change(lab, "bgp")
            for address in addresses.values():
                cluster.routed(lab, address, "123")
                lab.wait("no MAC for it any more", lambda: lan.macs(lab, address) == {})  # noqa: B023
            change(lab, "layer2")
            for address in addresses.values():
                lan.answered(lab, address)
                cluster.routed(lab, address, "")
                assert lan.macs(lab, address)
    assert cluster.gateways(lab, far) == cluster.hops(lab, "123")
    for family, address in addresses.items():
        flow = flows[address]
        say(f"IPv{family}: lost {flow.lost} of {flow.sent} datagrams from layer2 to bgp and back")
        assert cluster.addresses(lab, f"near{family}") == [address]
        assert flow.longest_s < 1.0


def change(lab: Bed, protocol: str) -> None:
    """Have the Eips of both families be of *protocol*."""
    for eip, _ in lan.EIPS.values():
        lab.api.merge(f"{cluster.CRS}/eips/{eip}", {"spec": {"protocol": protocol}})
