"""From duties and a network to the interfaces that answer: a table of networks."""

from ipaddress import IPv6Address, ip_address, ip_interface

import pytest

from agent.snapshot import DefaultRoute, Duty, Link, LinkAddress, LinkIndex, Network
from agent.stations import Stations, stations
from pointsman.model.address import Address, Family
from pointsman.responder.terms import DutyTerms

FOUR, OTHER, SIX = (ip_address(text) for text in ("192.0.2.100", "192.0.2.101", "2001:db8:2::100"))


def link(index: int, name: str, *, kind: str = "", master: int = 0, mac: str = "") -> Link:
    above = LinkIndex(master) if master else None
    return Link(LinkIndex(index), name, kind, mac or f"02:00:00:00:00:{index:02x}", master=above)


def duty(interface: str, *addresses: Address, responder: str = "Node") -> Duty:
    return Duty(interface, responder, frozenset(addresses))


def found(network: Network, *duties: Duty, before: dict[str, LinkIndex] | None = None) -> Stations:
    return stations(duties, network, found=before or {})


def placed(stations: Stations) -> dict[str, set[Address]]:
    return {one.link.name: set(one.terms) for one in stations.by_index.values()}


@pytest.mark.parametrize(
    ("links", "where"),
    [
        pytest.param([link(2, "eth0")], "eth0", id="itself"),
        pytest.param(
            [link(2, "eth0", master=3), link(3, "br0", kind="bridge")], "br0", id="a bridge"
        ),
        pytest.param(
            [
                link(2, "eth0", master=3),
                link(3, "bond0", kind="bond", master=4),
                link(4, "br0", kind="bridge"),
            ],
            "br0",
            id="a bond that is a bridge's port",
        ),
        pytest.param(
            [link(2, "eth0", master=3), link(3, "team0", kind="team")], "team0", id="team"
        ),
        pytest.param([link(2, "eth0", master=3), link(3, "red", kind="vrf")], "eth0", id="no VRF"),
        pytest.param([link(2, "eth0", master=9)], "eth0", id="a master of another namespace"),
        pytest.param(
            [link(2, "eth0", kind="bridge", master=3), link(3, "br0", kind="bridge", master=2)],
            "br0",
            id="no ring is followed for ever",
        ),
    ],
)
def test_the_device_on_top_answers(links: list[Link], where: str) -> None:
    assert set(placed(found(Network(tuple(links)), duty("eth0", FOUR)))) == {where}


def test_duties_of_a_port_and_of_what_is_above_it_are_one_station() -> None:
    network = Network((link(2, "eth0", master=3), link(3, "br0", kind="bridge")))
    made = found(network, duty("eth0", FOUR), duty("br0", SIX))
    assert placed(made) == {"br0": {FOUR, SIX}}


def test_terms_say_what_is_probed_and_how_fast_and_not_who_else_answers() -> None:
    asked = Duty("eth0", "Node", frozenset({FOUR, SIX}), frozenset({FOUR}), announce_rate=10)
    network = Network((link(2, "eth0"),))
    made = stations([asked, duty("eth0", OTHER, responder="Central")], network, found={})
    terms = made.by_index[LinkIndex(2)].terms
    assert terms[FOUR] == DutyTerms(probe=True, announce_rate=10)
    assert terms[SIX] == DutyTerms(announce_rate=10)
    assert terms[OTHER] == DutyTerms()


def test_what_nobody_confirmed_is_probed_all_of_it() -> None:
    made = stations([duty("eth0", FOUR)], Network((link(2, "eth0"),)), found={}, probe_all=True)
    assert made.by_index[LinkIndex(2)].terms[FOUR].probe


@pytest.mark.parametrize(
    ("network", "words"),
    [
        pytest.param(Network(), "has no interface eth0", id="none of that name"),
        pytest.param(
            Network((Link(LinkIndex(2), "eth0", "wireguard"),)),
            "no hardware address",
            id="a tunnel",
        ),
        pytest.param(
            Network((Link(LinkIndex(1), "eth0", mac="00:00:00:00:00:00", loopback=True),)),
            "no hardware address",
            id="the loopback",
        ),
    ],
)
def test_where_nobody_can_answer_it_is_said(network: Network, words: str) -> None:
    made = found(network, duty("eth0", FOUR, SIX))
    assert made.by_index == {}
    assert set(made.withheld) == {FOUR, SIX}
    assert all(words in reason for reason in made.withheld.values())


def test_a_name_that_moved_on_stays_with_its_interface() -> None:
    before = found(Network((link(2, "eth0"),)), duty("eth0", FOUR)).names
    renamed = Network((link(2, "lan0"),))
    assert placed(found(renamed, duty("eth0", FOUR), before=dict(before))) == {"lan0": {FOUR}}
    taken = Network((link(2, "lan0"), link(3, "eth0")))
    assert placed(found(taken, duty("eth0", FOUR), before=dict(before))) == {"eth0": {FOUR}}


def test_a_station_knows_its_mac_and_its_link_local_address() -> None:
    def address(text: str, **what: bool) -> LinkAddress:
        return LinkAddress(LinkIndex(2), ip_interface(text), **what)

    network = Network(
        (link(2, "eth0"),),
        (
            address("2001:db8:2::11/64"),
            address("fe80::9/64", tentative=True),
            address("fe80::1/64"),
        ),
    )
    station = found(network, duty("eth0", SIX)).by_index[LinkIndex(2)]
    assert station.mac == bytes.fromhex("020000000002")
    assert station.link_local == IPv6Address("fe80::1")


def test_a_station_has_the_gateways_of_the_default_routes_that_leave_by_it() -> None:
    routes = tuple(
        DefaultRoute(family, LinkIndex(index), ip_address(gateway) if gateway else None, metric)
        for family, index, gateway, metric in (
            (Family.IPV4, 2, "192.0.2.2", 0),
            (Family.IPV4, 2, "192.0.2.1", 0),
            (Family.IPV4, 2, "192.0.2.1", 100),
            (Family.IPV6, 2, "fe80::1", 0),
            (Family.IPV4, 2, None, 0),
            (Family.IPV4, 3, "198.51.100.1", 0),
        )
    )
    network = Network((link(2, "eth0"), link(3, "eth1")), default_routes=routes)
    made = found(network, duty("eth0", FOUR))
    gateways = made.by_index[LinkIndex(2)].gateways
    assert [str(one) for one in gateways] == ["192.0.2.1", "192.0.2.2", "fe80::1"]
