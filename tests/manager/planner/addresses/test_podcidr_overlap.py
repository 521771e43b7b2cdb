"""An Eip that holds addresses of Pods."""

from ipaddress import ip_network

import pytest

from manager.snapshot import (
    Node,
    NodeName,
)
from tests.manager.planner.addresses.addressing import (
    cluster,
    eip,
    plan,
    reasons,
    service,
    usage_of,
)


@pytest.mark.parametrize(
    ("eips", "warning"),
    [
        (
            ["10.244.1.128-10.244.2.3"],
            " Warning: 10.244.1.128-10.244.1.255 also belongs to Pods of Node node1 "
            "(10.244.1.0/24): exclude it, or Services there may not be reached.",
        ),
        (
            ["192.0.2.0/28", "2001:db8:244:1::7"],
            " Warning: 2001:db8:244:1::7 also belongs to Pods of Node node1 "
            "(2001:db8:244:1::/64): exclude it, or Services there may not be reached.",
        ),
        (["10.244.0.0-10.244.0.255", "10.244.2.0/24"], ""),
    ],
)
def test_an_eip_with_addresses_of_pods_is_ready_with_a_warning(eips, warning) -> None:
    node = NodeName("node1")
    pods = (ip_network("10.244.1.0/24"), ip_network("2001:db8:244:1::/64"))
    odd = eip("a", *eips, default=True)
    allocations = plan(cluster(service("a/web"), odd, nodes={node: Node(node, pod_cidrs=pods)}))
    assert str(usage_of(allocations, "a").ready) == f"Eip 'a' gives out its addresses.{warning}"
    assert usage_of(allocations, "a").ready.ok
    assert reasons(allocations) == {"a/web": "Allocated"}


def test_an_eip_that_excludes_the_addresses_of_pods_hears_no_warning() -> None:
    node = NodeName("node1")
    pods = (ip_network("10.244.1.0/24"),)
    wide = eip("a", "10.244.0.0/16", exclude=("10.244.1.0/24",))
    allocations = plan(cluster(wide, nodes={node: Node(node, pod_cidrs=pods)}))
    assert str(usage_of(allocations, "a").ready) == "Eip 'a' gives out its addresses."
