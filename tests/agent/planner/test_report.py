"""What of a node is reported, and what is left out."""

from dataclasses import replace
from ipaddress import ip_address, ip_interface
from random import Random

import pytest

from agent.planner.report import plan, report, usable
from agent.snapshot import (
    Assignment,
    DefaultRoute,
    Link,
    LinkAddress,
    LinkIndex,
    Network,
    NodeName,
    ProxyHealth,
    Settings,
    Snapshot,
)
from pointsman.model.address import Family
from pointsman.model.assignment import KERNEL_INTERFACE
from pointsman.model.heartbeats import ManagerEndpoint

NODE = NodeName("node1")
URL = "http://127.0.0.1:10256/healthz"
SETTINGS = Settings(node=NODE, version="1.2.3", proxy_url=URL)


def link(index: int, name: str, **facts: object) -> Link:
    return replace(
        Link(LinkIndex(index), name, mac=f"02:00:00:00:00:{index:02x}"),
        **facts,  # type: ignore[arg-type]
    )


def on(index: int, text: str, **facts: bool) -> LinkAddress:
    return LinkAddress(LinkIndex(index), ip_interface(text), **facts)


def route(index: int, gateway: str | None, metric: int = 0, family: str = "IPv4") -> DefaultRoute:
    far = ip_address(gateway) if gateway else None
    return DefaultRoute(Family(family), LinkIndex(index), far, metric)


def snapshot(*parts: Link | LinkAddress | DefaultRoute) -> Snapshot:
    return Snapshot(
        settings=SETTINGS,
        network=Network(
            links=tuple(part for part in parts if isinstance(part, Link)),
            addresses=tuple(part for part in parts if isinstance(part, LinkAddress)),
            default_routes=tuple(part for part in parts if isinstance(part, DefaultRoute)),
        ),
        proxy=ProxyHealth.HEALTHY,
        assignment=Assignment(),
    )


@pytest.mark.parametrize(
    ("address", "is_usable"),
    [
        pytest.param(on(2, "192.0.2.11/24"), True, id="an IPv4 address"),
        pytest.param(on(2, "2001:db8::11/64"), True, id="a global IPv6 address"),
        pytest.param(on(2, "fd00::11/64"), True, id="a unique local one: private, but reachable"),
        pytest.param(on(2, "fe80::11/64"), False, id="IPv6 link-local: no next hop of ours"),
        pytest.param(on(2, "169.254.20.10/32"), False, id="IPv4 link-local, as a node's DNS cache"),
        pytest.param(on(2, "127.0.0.2/8"), False, id="a loopback address on another interface"),
        pytest.param(on(2, "::ffff:192.0.2.11/96"), False, id="IPv4-mapped: no API takes it"),
        pytest.param(on(2, "192.0.2.11/24", host_scope=True), False, id="scope host"),
        pytest.param(on(2, "2001:db8::11/64", tentative=True), False, id="still being checked"),
        pytest.param(on(2, "2001:db8::11/64", duplicate=True), False, id="someone else has it"),
        pytest.param(on(2, "2001:db8::11/64", temporary=True), False, id="replaces itself daily"),
    ],
)
def test_only_addresses_that_can_be_used_are_reported(
    address: LinkAddress, is_usable: bool
) -> None:
    assert usable(address) is is_usable


@pytest.mark.parametrize(
    ("parts", "names"),
    [
        pytest.param((link(2, "eth0"), on(2, "192.0.2.11/24")), ["eth0"], id="a node's interface"),
        pytest.param((link(2, "eth0"),), [], id="without an address it says nothing"),
        pytest.param(
            (link(2, "eth0"), on(2, "fe80::1/64")), [], id="with nothing but link-local neither"
        ),
        pytest.param(
            (link(2, "eth0", up=False), on(2, "192.0.2.11/24")), ["eth0"], id="down is reported"
        ),
        pytest.param(
            (link(1, "lo", loopback=True), on(1, "192.0.2.11/32")), [], id="loopback never"
        ),
        pytest.param(
            (link(5, "kube-ipvs0", kind="dummy"), on(5, "198.51.100.7/32")),
            [],
            id="kube-ipvs0 holds Services' addresses, not the node's",
        ),
        pytest.param((link(6, KERNEL_INTERFACE), on(6, "192.0.2.7/32")), [], id="Services', too"),
        pytest.param(
            (link(7, "veth1a2b", kind="veth"), on(7, "10.244.1.1/32")),
            [],
            id="a veth with a host address is one pod's gateway",
        ),
        pytest.param(
            (link(7, "eth0", kind="veth"), on(7, "192.0.2.11/24")),
            ["eth0"],
            id="a veth on a subnet may be a nested node's interface",
        ),
        pytest.param(
            (link(7, "wan0"), on(7, "192.0.2.11/32")),
            ["wan0"],
            id="hardware with a host address is a routed node",
        ),
        pytest.param(
            (link(3, "eth1"), on(3, "203.0.113.1/24"), link(2, "eth0"), on(2, "192.0.2.11/24")),
            ["eth0", "eth1"],
            id="sorted by name",
        ),
        pytest.param((on(9, "192.0.2.11/24"),), [], id="an address whose link is gone already"),
    ],
)
def test_which_interfaces_are_reported(
    parts: tuple[Link | LinkAddress, ...], names: list[str]
) -> None:
    assert [one.name for one in report(snapshot(*parts)).interfaces] == names


def test_an_interface_is_reported_whole_and_its_addresses_sorted() -> None:
    (found,) = report(
        snapshot(
            link(2, "eth0"),
            on(2, "2001:db8::11/64"),
            on(2, "192.0.2.111/24"),
            on(2, "192.0.2.11/24"),
            on(2, "fe80::11/64"),
        )
    ).interfaces
    assert (found.name, found.mac, found.up) == ("eth0", "02:00:00:00:00:02", True)
    assert [str(a) for a in found.addresses] == [
        "192.0.2.11/24",
        "192.0.2.111/24",
        "2001:db8::11/64",
    ]


ETH0, ETH1 = link(2, "eth0"), link(3, "eth1")


@pytest.mark.parametrize(
    ("parts", "routes"),
    [
        pytest.param((), [], id="none"),
        pytest.param((route(2, "192.0.2.1"),), ["IPv4 eth0 192.0.2.1"], id="one"),
        pytest.param((route(2, None),), ["IPv4 eth0 None"], id="a link that leads everywhere"),
        pytest.param(
            (route(2, "192.0.2.9", 100), route(3, "203.0.113.9", 50)),
            ["IPv4 eth1 203.0.113.9"],
            id="the smallest metric wins",
        ),
        pytest.param(
            (route(3, "203.0.113.9"), route(2, "192.0.2.9")),
            ["IPv4 eth0 192.0.2.9"],
            id="of equal next hops the lowest gateway, in any order",
        ),
        pytest.param(
            (route(2, "fe80::1", 1024, "IPv6"), route(2, "192.0.2.1", 100)),
            ["IPv4 eth0 192.0.2.1", "IPv6 eth0 fe80::1"],
            id="each family its own; a link-local gateway is one",
        ),
        pytest.param(
            (route(2, "fe80::1", 100, "IPv4"),), ["IPv4 eth0 fe80::1"], id="IPv4 over IPv6"
        ),
        pytest.param((route(9, "192.0.2.1"),), [], id="through a link that is gone already"),
    ],
)
def test_one_default_route_of_each_family_is_reported(
    parts: tuple[DefaultRoute, ...], routes: list[str]
) -> None:
    found = report(snapshot(ETH0, ETH1, *parts)).default_routes
    assert [f"{one.family} {one.interface} {one.gateway}" for one in found] == routes


@pytest.mark.parametrize(
    ("proxy", "addresses", "stated"),
    [
        pytest.param(
            ProxyHealth.HEALTHY,
            ("192.0.2.11/24",),
            {"Ready": ("True", "Reporting"), "ProxyHealthy": ("True", "ProxyHealthy")},
            id="all is well",
        ),
        pytest.param(
            ProxyHealth.OFF,
            ("192.0.2.11/24",),
            {"Ready": ("True", "Reporting")},
            id="no word about a proxy that isn't asked",
        ),
        pytest.param(
            ProxyHealth.UNHEALTHY,
            ("192.0.2.11/24",),
            {"Ready": ("True", "Reporting"), "ProxyHealthy": ("False", "ProxyUnhealthy")},
            id="an unhealthy proxy has a condition of its own: the report itself is good",
        ),
        pytest.param(
            ProxyHealth.OFF, (), {"Ready": ("False", "NoAddress")}, id="nothing to be reached at"
        ),
    ],
)
def test_the_conditions_say_what_the_node_lacks(
    proxy: ProxyHealth, addresses: tuple[str, ...], stated: dict[str, tuple[str, str]]
) -> None:
    given = replace(snapshot(ETH0, *(on(2, text) for text in addresses)), proxy=proxy)
    found = report(given).conditions
    heartbeats = {"HeartbeatsHeard": ("False", "NoManagerListens")}
    shown = {kind: (one.status, one.reason) for kind, one in found.items()}
    assert shown == stated | heartbeats


MANAGERS = tuple(
    ManagerEndpoint(name, ip_address("192.0.2.10"), 7470, bytes(32)) for name in ("a", "b")
)


@pytest.mark.parametrize(
    ("managers", "unanswered", "stated"),
    [
        pytest.param((), (), ("False", "NoManagerListens"), id="nobody to send to"),
        pytest.param(MANAGERS, (), ("True", "HeartbeatsAcknowledged"), id="all answer"),
        pytest.param(MANAGERS, ("b",), ("False", "HeartbeatsUnanswered"), id="one is silent"),
        pytest.param(
            MANAGERS[:1], ("b",), ("True", "HeartbeatsAcknowledged"), id="one that is named no more"
        ),
    ],
)
def test_it_is_said_who_does_not_hear_the_heartbeats(
    managers: tuple[ManagerEndpoint, ...], unanswered: tuple[str, ...], stated: tuple[str, str]
) -> None:
    given = replace(
        snapshot(ETH0, on(2, "192.0.2.11/24")),
        assignment=Assignment(3, managers),
        unanswered=unanswered,
    )
    condition = report(given).conditions["HeartbeatsHeard"]
    assert (condition.status, condition.reason) == stated
    assert ("by b:" in condition.message) is bool(unanswered and stated[0] == "False")


def test_what_an_announcer_does_not_take_is_left_out_and_said() -> None:
    """Beyond its bounds the API server refuses the whole report."""
    many = [on(2, f"198.51.{n // 256}.{n % 256}/32") for n in range(257)]
    links = [link(n, f"eth{n:03}") for n in range(2, 259)]
    others = [on(n, "192.0.2.7/24") for n in range(3, 259)]
    found = report(snapshot(*links, *many, *others))
    assert (len(found.interfaces), len(found.interfaces[0].addresses)) == (256, 256)
    ready = found.conditions["Ready"]
    assert (ready.status, "leaves some out" in ready.message) == ("True", True)


def test_a_rival_is_said_beside_the_report() -> None:
    given = replace(snapshot(ETH0, on(2, "192.0.2.11/24")), rival="")
    conditions = report(given).conditions
    assert (conditions["Ready"].status, conditions["Contested"].reason) == ("True", "AnotherAgent")


def test_sentences_name_the_node_and_what_to_do() -> None:
    given = replace(snapshot(ETH0), proxy=ProxyHealth.UNHEALTHY)
    conditions = report(given).conditions
    assert conditions["Ready"].message.startswith("Node node1 has no interface")
    assert "ip address" in conditions["Ready"].message
    assert URL in conditions["ProxyHealthy"].message
    assert "--proxy-health off" in conditions["ProxyHealthy"].message


def test_no_announcer_no_report() -> None:
    assert plan(replace(snapshot(ETH0), assignment=None)).reports == {}
    assert set(plan(snapshot(ETH0)).reports) == {NODE}


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_the_kernels_reply_never_leaks(seed: int) -> None:
    parts: list[Link | LinkAddress | DefaultRoute] = [
        ETH0,
        ETH1,
        on(2, "192.0.2.11/24"),
        on(2, "192.0.2.12/24"),
        on(2, "192.0.2.12/25"),
        on(3, "2001:db8::3/64"),
        on(3, "203.0.113.3/24"),
        route(2, "192.0.2.1"),
        route(2, "192.0.2.2"),
        route(3, "2001:db8::1", 1024, "IPv6"),
        route(3, "2001:db8::2", 1024, "IPv6"),
    ]
    shuffled = Random(seed).sample(parts, len(parts))
    assert report(snapshot(*shuffled)) == report(snapshot(*parts))
