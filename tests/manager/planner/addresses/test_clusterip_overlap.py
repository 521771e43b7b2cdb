"""An Eip that holds ClusterIPs."""

from ipaddress import ip_address
from typing import Any

import pytest

from tests.manager.planner.addresses.addressing import (
    cluster,
    eip,
    plan,
    service,
    usage_of,
)


@pytest.mark.parametrize(
    ("block", "warning"),
    [
        ("10.96.0.0/28", " Warning: 10.96.0.1 is the ClusterIP of Service default/kubernetes: "),
        ("10.96.0.2/31", " Warning: 10.96.0.3 is the ClusterIP of Service a/web: "),
        ("2001:db8:96::/64", " Warning: 2001:db8:96::3 is the ClusterIP of Service a/web: "),
        ("10.96.0.4-10.96.0.9", ""),
    ],
)
def test_an_eip_with_clusterips_is_ready_with_a_warning(block: str, warning: str) -> None:
    inner: dict[str, Any] = {"type": "ClusterIP"}
    first, *others = map(ip_address, ("10.96.0.1", "10.96.0.3", "2001:db8:96::3"))
    kubernetes = service("default/kubernetes", cluster_ips=(first,), created="1", **inner)
    web = service("a/web", cluster_ips=tuple(others), created="2", **inner)
    odd = eip("a", block, "192.0.2.0/28", "2001:db8:100::/124")
    ready = usage_of(plan(cluster(web, kubernetes, odd)), "a").ready
    assert ready.ok
    end = f"{warning}exclude the range of ClusterIPs." if warning else ""
    assert str(ready) == f"Eip 'a' gives out its addresses.{end}"
