"""What a node's kernel is to hold, and what of it is withheld: tables."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_interface, ip_network

import pytest

from agent.kernel import (
    ANCHOR,
    Bound,
    Discarded,
    Held,
    HostAddress,
    KernelKey,
    Redistributed,
    kernel_plan,
    kernel_work,
    lease_for,
)
from agent.snapshot import ArpRules, Assignment, Link, LinkAddress, LinkIndex, Network
from pointsman.model.assignment import Unreachable
from pointsman.model.report import LONGEST_REASON
from tests.fakes.kernel import discarded, host_address, passed_on, redistributed

LAN = ("192.0.2.11/24", "2001:db8:2::b/64")
LOOSE, STRICT = ArpRules(ignore=0, announce=0), ArpRules(ignore=1, announce=2)
FOUR, SIX = host_address("198.51.100.7"), host_address("2001:db8:100::7")
WIDE_4, WIDE_6 = "198.51.100.0/24", "2001:db8:100::/64"
LEASE_S = 90


def network(
    more: Mapping[str, tuple[str, ...]] | None = None,
    *,
    arp: ArpRules = LOOSE,
    kinds: Mapping[str, str] | None = None,
) -> Network:
    """Return a node with eth0 on the LAN, and *more* interfaces with their addresses."""
    interfaces = {"lo": ("127.0.0.1/8",), "eth0": LAN, **(more or {})}
    index = {name: LinkIndex(number) for number, name in enumerate(interfaces, 1)}
    return Network(
        links=tuple(
            Link(index[name], name, (kinds or {}).get(name, ""), loopback=name == "lo")
            for name in interfaces
        ),
        addresses=tuple(
            LinkAddress(index[name], ip_interface(text))
            for name, texts in interfaces.items()
            for text in texts
        ),
        arp={"eth0": arp},
    )


def assignment(*addresses: str, routes: Mapping[str, bool] | None = None) -> Assignment:
    return Assignment(
        kernel=frozenset(ip_address(one) for one in addresses),
        unreachable=tuple(
            Unreachable(ip_network(prefix), again) for prefix, again in (routes or {}).items()
        ),
    )


def test_addresses_and_routes_of_both_families_are_wanted() -> None:
    wanted = assignment("198.51.100.7", "2001:db8:100::7", routes={WIDE_4: True, WIDE_6: True})
    plan = kernel_plan(wanted, network())
    assert plan.withheld == {}
    assert plan.desired == {
        FOUR: None,
        SIX: None,
        discarded(WIDE_4): None,
        discarded(WIDE_6): None,
        HostAddress(ANCHOR): None,
        passed_on(WIDE_4): None,
        redistributed(WIDE_4): ANCHOR,
        redistributed(WIDE_6): None,
    }


def test_an_aggregate_of_bgp_is_discarded_and_not_for_the_nodes_router() -> None:
    plan = kernel_plan(assignment(routes={WIDE_4: False}), network())
    assert plan.desired == {discarded(WIDE_4): None}


@pytest.mark.parametrize(
    ("address", "seen", "words"),
    [
        pytest.param("192.0.2.77", network(), "192.0.2.0/24, the network of", id="two MACs"),
        pytest.param("192.0.2.77", network(arp=STRICT), "", id="nobody answers for it"),
        pytest.param("2001:db8:2::77", network(), "", id="nor in IPv6, ever"),
        pytest.param(
            "198.51.100.7",
            network({"eth1": ("198.51.100.7/32",)}),
            "on interface eth1 of this node already",
            id="somebody else's address",
        ),
        pytest.param(
            "2001:db8:100::7",
            network({"eth1": ("2001:db8:100::7/128",)}),
            "on interface eth1 of this node already",
            id="somebody else's address, IPv6",
        ),
        pytest.param(
            "198.51.100.7",
            network({"kube-ipvs0": ("198.51.100.7/32",)}),
            "",
            id="a service proxy has it on every node",
        ),
        pytest.param(
            "192.0.2.77",
            network({"kube-ipvs0": ("192.0.2.77/32",)}),
            "every node that has it would answer ARP",
            id="IPVS, and a kernel that answers for it",
        ),
        pytest.param(
            "198.51.100.7",
            network({"x0": ("198.51.100.7/32",)}, kinds={"x0": "dummy"}),
            "",
            id="on a dummy",
        ),
        pytest.param("198.51.100.7", network({"lo": ("198.51.100.7/32",)}), "", id="on lo"),
        pytest.param(
            "198.51.100.7",
            network({"dummy-pointsman": ("198.51.100.7/32",)}),
            "",
            id="it is there already",
        ),
        pytest.param(
            "198.51.100.7",
            network({"dummy-pointsman": ("198.51.100.0/24",)}),
            "",
            id="our own interface is no network",
        ),
    ],
)
def test_an_address_that_would_be_answered_for_twice_is_withheld(
    address: str, seen: Network, words: str
) -> None:
    plan = kernel_plan(assignment(address), seen)
    if words:
        assert not plan.desired
        assert words in plan.withheld[ip_address(address)]
    else:
        assert (set(plan.desired), plan.withheld) == ({host_address(address)}, {})


@pytest.mark.parametrize(
    ("prefix", "fits"),
    [
        pytest.param("192.0.2.0/24", False, id="the LAN"),
        pytest.param("192.0.2.128/25", False, id="a part of it"),
        pytest.param("192.0.0.0/16", False, id="more than it"),
        pytest.param("2001:db8:2::/64", False, id="the LAN, IPv6"),
        pytest.param("198.51.100.0/24", True, id="elsewhere"),
    ],
)
def test_a_route_never_cuts_the_node_off(prefix: str, fits: bool) -> None:
    plan = kernel_plan(assignment(routes={prefix: False}), network())
    assert bool(plan.desired) is fits
    assert bool(plan.withheld) is not fits


@pytest.mark.parametrize(
    ("key", "bound", "held", "put"),
    [
        pytest.param(FOUR, None, None, True, id="not there"),
        pytest.param(FOUR, None, Held(left_s=61), True, id="a third of the lease is over"),
        pytest.param(FOUR, None, Held(left_s=62), False, id="not yet"),
        pytest.param(FOUR, None, Held(), True, id="somebody gave it for good"),
        pytest.param(redistributed(WIDE_6), None, Held(left_s=30), True, id="an IPv6 route"),
        pytest.param(redistributed(WIDE_6), None, Held(left_s=-5), True, id="that has ended"),
        pytest.param(redistributed(WIDE_6), None, Held(left_s=80), False, id="or not"),
        pytest.param(redistributed(WIDE_4), ANCHOR, Held(ANCHOR), False, id="IPv4: bound"),
        pytest.param(
            redistributed(WIDE_4),
            ANCHOR,
            Held(IPv4Address("198.51.100.9")),
            True,
            id="IPv4: to another address",
        ),
        pytest.param(redistributed(WIDE_4), ANCHOR, Held(), True, id="IPv4: to none"),
        pytest.param(discarded(WIDE_4), None, Held(), False, id="a discard has no lease"),
        pytest.param(discarded(WIDE_4), None, Held(whole=False), True, id="it lost its rule"),
    ],
)
def test_what_is_put_or_put_again(
    key: KernelKey, bound: Bound, held: Held | None, put: bool
) -> None:
    observed = {} if held is None else {key: held}
    work = kernel_work({key: bound}, observed, lease_s=LEASE_S)
    assert (key in work.put, work.drop) == (put, frozenset())


def test_what_is_ours_and_not_wanted_is_dropped() -> None:
    observed: dict[KernelKey, Held] = {
        HostAddress(FOUR.address): Held(left_s=90),
        Discarded(ip_network(WIDE_4)): Held(),
        Redistributed(ip_network(WIDE_4)): Held(),
    }
    assert kernel_work({}, observed, lease_s=LEASE_S).drop == frozenset(observed)


def test_every_reason_fits_into_an_announcer() -> None:
    """A longer one would have the whole report refused."""
    long_4, long_6 = "255.255.255.240/28", "2001:db8:ffff:ffff:ffff:ffff:ffff:0/112"
    name = "an-interface-15"
    seen = network({name: (long_4, long_6, "2001:db8:ffff:ffff:ffff:fffe:ffff:ffff/128")})
    seen = replace(seen, arp={name: LOOSE})
    wanted = assignment(
        "255.255.255.241",
        "2001:db8:ffff:ffff:ffff:fffe:ffff:ffff",
        routes={long_4: True, long_6: True},
    )
    plan = kernel_plan(wanted, seen)
    assert (len(plan.withheld), plan.desired) == (4, {})
    assert all(len(reason) <= LONGEST_REASON for reason in plan.withheld.values())


@pytest.mark.parametrize(
    ("count", "lease_s"), [(0, 90), (1, 90), (1_000, 90), (1_001, 180), (12_000, 1_080)]
)
def test_many_addresses_have_a_longer_lease(count: int, lease_s: int) -> None:
    many: dict[KernelKey, Bound] = {
        HostAddress(ip_address("198.18.0.0") + number): None for number in range(count)
    }
    assert lease_for(many, LEASE_S) == lease_s
