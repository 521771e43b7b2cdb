"""When a node's kernel would answer ARP for Service addresses, and on which interfaces."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from agent.planner.report import report
from agent.planner.strict_arp import Strictness, strictness
from agent.snapshot import ArpRules, Assignment, Duty, Link, Snapshot
from tests.agent.planner.test_report import link, on, route, snapshot

LOOSE, STRICT = ArpRules(0, 0), ArpRules(1, 2)
LO = Link(link(1, "lo").index, "lo", loopback=True)
ETH0, LAN = link(2, "eth0"), on(2, "192.0.2.11/24")
ETH1, OTHER = link(3, "eth1"), on(3, "198.51.100.11/24")
IPVS = link(9, "kube-ipvs0", kind="dummy", up=False)
DUMMY = link(8, "dummy0", kind="dummy")
DEFAULT = route(2, "192.0.2.1")
BASE = (LO, on(1, "127.0.0.1/8", host_scope=True), ETH0, LAN, ETH1, OTHER, IPVS, DUMMY, DEFAULT)


def node(*more: object, eth0: ArpRules = LOOSE, eth1: ArpRules = STRICT) -> Snapshot:
    made = snapshot(*BASE, *more)  # type: ignore[arg-type]
    rules = {"eth0": eth0, "eth1": eth1}
    return replace(made, network=replace(made.network, arp=rules))


@pytest.mark.parametrize(
    ("address", "found"),
    [
        pytest.param(None, Strictness(), id="nothing of the kind"),
        pytest.param(
            on(9, "10.96.0.1/32"), Strictness(("kube-ipvs0",), ("eth0",)), id="IPVS, to the world"
        ),
        pytest.param(on(9, "198.51.100.7/32"), Strictness(("kube-ipvs0",), ("eth0",)), id="IPVS"),
        pytest.param(on(1, "192.0.2.100/32"), Strictness(("lo",), ("eth0",)), id="on lo"),
        pytest.param(on(8, "192.0.2.100/32"), Strictness(("dummy0",), ("eth0",)), id="on a dummy"),
        pytest.param(on(1, "198.51.100.7/32"), Strictness(("lo",)), id="on a strict network"),
        pytest.param(on(1, "203.0.113.1/32"), Strictness(), id="a router's loopback address"),
        pytest.param(on(1, "2001:db8:2::7/128"), Strictness(), id="IPv6 is not answered for"),
        pytest.param(on(2, "192.0.2.100/32"), Strictness(), id="on the network's own interface"),
    ],
)
def test_whose_addresses_the_kernel_would_answer_for(address: object, found: Strictness) -> None:
    assert strictness(node(*([address] if address else []))) == found


@pytest.mark.parametrize(
    ("rules", "strict"),
    [
        (ArpRules(0, 0), False),
        (ArpRules(1, 2), True),
        (ArpRules(2, 2), True),
        (ArpRules(8, 2), True),
        pytest.param(ArpRules(3, 2), False, id="scopes alone: addresses of lo have the widest"),
        pytest.param(ArpRules(1, 0), False, id="it asks with the address, and rewrites entries"),
        pytest.param(ArpRules(1, 1), False, id="... wherever the subnet is the same"),
        pytest.param(ArpRules(0, 2), False, id="it answers"),
    ],
)
def test_which_settings_are_strict(rules: ArpRules, strict: bool) -> None:
    assert strictness(node(on(9, "192.0.2.100/32"), eth0=rules)).strict is strict


def test_nothing_is_said_of_a_node_without_such_addresses() -> None:
    quiet = report(node())
    assert quiet.strict_arp is None
    assert "StrictARPRequired" not in quiet.conditions


def test_an_address_that_this_node_is_asked_to_answer_for_counts_wherever_it_is() -> None:
    far = ip_address("203.0.113.1")
    duty = Duty("eth0", "Node", frozenset({far}))
    made = replace(node(on(1, "203.0.113.1/32")), assignment=Assignment(duties=(duty,)))
    assert strictness(made) == Strictness(("lo",), ("eth0",))


def test_a_link_that_is_down_answers_nobody() -> None:
    made = snapshot(LO, link(2, "eth0", up=False), LAN, on(1, "192.0.2.100/32"))
    assert strictness(made) == Strictness()


def test_the_report_names_the_interfaces_and_the_remedy() -> None:
    found = report(node(on(9, "192.0.2.100/32")))
    assert found.strict_arp is False
    condition = found.conditions["StrictARPRequired"]
    assert (condition.status, condition.reason) == ("True", "KernelAnswersToo")
    assert "on kube-ipvs0, and its kernel answers ARP for them on eth0" in condition.message
    assert "arp_ignore=1" in condition.message
    strict = report(node(on(9, "192.0.2.100/32"), eth0=STRICT))
    assert strict.strict_arp is True
    assert "StrictARPRequired" not in strict.conditions


def test_a_kernel_whose_settings_cannot_be_read_is_not_blamed() -> None:
    made = node(on(9, "192.0.2.100/32"))
    unread = replace(made, network=replace(made.network, arp={}))
    assert strictness(unread) == Strictness(("kube-ipvs0",))
