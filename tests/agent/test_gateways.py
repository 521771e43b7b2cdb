"""Which gateways are asked, and when an interface counts as down."""

from ipaddress import ip_address, ip_interface

import pytest

from agent.gateways import SILENT_ASKS, Gateways, gateways
from agent.snapshot import DefaultRoute, Link, LinkAddress, LinkIndex, Network
from pointsman.model.address import Family

ETH0, ETH1 = LinkIndex(2), LinkIndex(3)
FOUR, SIX = ip_address("192.0.2.1"), ip_address("fe80::1")


def network(*routes: tuple[LinkIndex, str | None], mac: str = "02:00:00:00:00:11") -> Network:
    return Network(
        links=(Link(ETH0, "eth0", mac=mac), Link(ETH1, "eth1", mac="02:00:00:00:00:12")),
        addresses=(
            LinkAddress(ETH0, ip_interface("192.0.2.11/24")),
            LinkAddress(ETH0, ip_interface("2001:db8:2::11/64")),
            LinkAddress(ETH1, ip_interface("198.51.100.11/24")),
        ),
        default_routes=tuple(
            DefaultRoute(Family.IPV4, link, ip_address(gateway) if gateway else None)
            for link, gateway in routes
        ),
    )


def shown(given: Network) -> list[tuple[str, str, str]]:
    return [(one.interface, str(one.address), str(one.source)) for one in gateways(given)]


@pytest.mark.parametrize(
    ("routes", "asked"),
    [
        pytest.param([], [], id="no default route"),
        pytest.param([(ETH0, None)], [], id="one without a gateway"),
        pytest.param([(ETH0, "192.0.2.1")], [("eth0", "192.0.2.1", "192.0.2.11")], id="one"),
        pytest.param([(ETH0, "203.0.113.1")], [], id="on none of our networks"),
        pytest.param([(ETH0, "fe80::1")], [("eth0", "fe80::1", "None")], id="a link-local one"),
        pytest.param(
            [(ETH1, "198.51.100.1"), (ETH0, "fe80::1"), (ETH0, "192.0.2.1"), (ETH0, "192.0.2.1")],
            [
                ("eth0", "192.0.2.1", "192.0.2.11"),
                ("eth0", "fe80::1", "None"),
                ("eth1", "198.51.100.1", "198.51.100.11"),
            ],
            id="several, each once, in order",
        ),
    ],
)
def test_the_gateways_of_default_routes_are_asked(
    routes: list[tuple[LinkIndex, str | None]], asked: list[tuple[str, str, str]]
) -> None:
    assert shown(network(*routes)) == asked


def test_a_link_without_a_hardware_address_is_not_asked_on() -> None:
    assert shown(network((ETH0, "192.0.2.1"), mac="")) == []


def following(*routes: tuple[LinkIndex, str | None]) -> Gateways:
    made = Gateways()
    made.follow(network(*routes))
    return made


def down(made: Gateways) -> list[str]:
    return list(made.down)


def ask(made: Gateways, times: int) -> None:
    for _ in range(times):
        for one in made.all:
            made.asked(one)


def test_one_that_never_answered_says_nothing() -> None:
    made = following((ETH0, "192.0.2.1"))
    ask(made, 1000)
    assert down(made) == []


def test_one_that_falls_silent_takes_its_interface_down_and_brings_it_back() -> None:
    made = following((ETH0, "192.0.2.1"), (ETH1, "198.51.100.1"))
    made.answered("eth0", FOUR)
    ask(made, SILENT_ASKS)
    made.answered("eth1", ip_address("198.51.100.1"))
    assert down(made) == []
    ask(made, 1)
    assert down(made) == ["eth0"]
    made.answered("eth0", FOUR)
    assert down(made) == []


def test_one_of_two_that_answers_is_enough() -> None:
    made = following((ETH0, "192.0.2.1"), (ETH0, "fe80::1"))
    made.answered("eth0", FOUR)
    ask(made, 9)
    made.answered("eth0", SIX)
    assert down(made) == []
    ask(made, SILENT_ASKS + 1)
    assert down(made) == ["eth0"]


def test_an_answer_of_somebody_else_or_elsewhere_counts_for_nothing() -> None:
    made = following((ETH0, "192.0.2.1"))
    made.answered("eth0", FOUR)
    ask(made, SILENT_ASKS + 1)
    made.answered("eth0", ip_address("192.0.2.2"))
    made.answered("eth1", FOUR)
    assert down(made) == ["eth0"]


def test_a_route_that_goes_is_forgotten() -> None:
    made = following((ETH0, "192.0.2.1"))
    made.answered("eth0", FOUR)
    ask(made, 9)
    made.follow(network())
    assert down(made) == []
    made.follow(network((ETH0, "192.0.2.1")))
    ask(made, 9)
    assert down(made) == []  # it must answer once more before its silence counts
