"""Whose each address of the cluster is."""

from ipaddress import ip_address

from manager.planner.nodes.address_owners import address_owners
from manager.snapshot import NodeName
from tests.manager.planner.scene import announcer, nic, scene

BRIDGE = "172.17.0.1/16"


def owners(*agents: tuple[str, str]) -> dict[str, str]:
    """Return the owner of each address, with nodes that report these ones beside their own."""
    reported = {NodeName(name): announcer(name, nic("eth0", text)) for name, text in agents}
    return {str(ip): name for ip, name in address_owners(scene(announcers=reported)).items()}


def test_internal_ips_and_what_agents_report_are_their_nodes() -> None:
    found = owners(("node2", "203.0.113.2/24"))
    own = {f"192.0.2.1{n}": f"node{n}" for n in (1, 2, 3)}
    own |= {f"2001:db8:2::1{n}": f"node{n}" for n in (1, 2, 3)}
    assert found == own | {"203.0.113.2": "node2"}


def test_an_internal_ip_is_its_nodes_whoever_else_reports_it() -> None:
    assert owners(("node1", "192.0.2.13/24"))["192.0.2.13"] == "node3"


def test_of_several_that_report_an_address_the_first_by_name_has_it() -> None:
    assert owners(("node3", BRIDGE), ("node2", BRIDGE))["172.17.0.1"] == "node2"


def test_an_address_that_nobody_reports_has_no_owner() -> None:
    assert ip_address("198.51.100.1") not in address_owners(scene())
