"""The next hop of a node towards a peer: docs/bgp.md, "Paths and next hops"."""

from ipaddress import ip_address, ip_network

import pytest

from manager.planner.bgp.next_hop import Hop, next_hop
from manager.snapshot import Announcer, Interface, NodeName
from pointsman.model.address import Address, Family, Prefix
from tests.manager.planner.scene import announcer, nic, node

V4, V6 = Family.IPV4, Family.IPV6
ROUTER, ROUTER6 = ip_address("192.0.2.1"), ip_address("2001:db8:2::1")
NEAR = nic("eth1", "192.0.2.21/24", "2001:db8:2::21/64")
FAR = nic("eth0", "10.0.0.11/24", "2001:db8:a::11/64")
INTERNAL, INTERNAL6 = "192.0.2.11", "2001:db8:2::11"


def hop(
    *interfaces: Interface,
    peer: Address = ROUTER,
    family: Family = V4,
    vips: frozenset[Address] = frozenset(),
) -> tuple[str, bool] | None:
    found = next_hop(
        node("node1"), announcer("node1", *interfaces), peer=peer, family=family, vips=vips
    )
    return None if found is None else (str(found.address), found.shared)


@pytest.mark.parametrize(
    ("interfaces", "peer", "family", "expected"),
    [
        pytest.param([FAR, NEAR], ROUTER, V4, ("192.0.2.21", True), id="on the shared network"),
        pytest.param(
            [NEAR], ROUTER, V6, ("2001:db8:2::21", True), id="of the prefix's family, same link"
        ),
        pytest.param([NEAR], ROUTER6, V4, ("192.0.2.21", True), id="IPv4 over an IPv6 session"),
        pytest.param([FAR], ROUTER, V4, (INTERNAL, False), id="no shared network: InternalIP"),
        pytest.param([FAR], ROUTER, V6, (INTERNAL6, False), id="InternalIP of the same family"),
        pytest.param([], ROUTER, V4, (INTERNAL, False), id="nothing reported: InternalIP"),
        pytest.param(
            [nic("eth1", "192.0.2.21/24", up=False)],
            ROUTER,
            V4,
            (INTERNAL, False),
            id="an interface that is down shares nothing",
        ),
        pytest.param(
            [nic("eth1", "192.0.2.21/24")],
            ROUTER,
            V6,
            (INTERNAL6, False),
            id="a shared link without the family: InternalIP",
        ),
        pytest.param(
            [nic("eth1", "192.0.2.21/24", "192.0.2.11/24")],
            ROUTER,
            V4,
            (INTERNAL, True),
            id="of several, the one that is the InternalIP",
        ),
        pytest.param(
            [nic("eth1", "192.0.2.31/24", "192.0.2.21/24")],
            ROUTER,
            V4,
            ("192.0.2.21", True),
            id="else the lowest",
        ),
        pytest.param(
            [nic("eth1", "10.0.0.11/24", "192.0.2.21/24")],
            ROUTER,
            V4,
            ("192.0.2.21", True),
            id="of several networks on a link, the peer's own",
        ),
        pytest.param(
            [nic("lo1", "192.0.2.1/24")],
            ROUTER,
            V4,
            (INTERNAL, False),
            id="who has the peer's own address is not on its network",
        ),
        pytest.param(
            [nic("eth1", "192.0.2.21/24", "fe80::21/64")],
            ROUTER,
            V6,
            (INTERNAL6, False),
            id="link-local does not say on which link: InternalIP",
        ),
        pytest.param(
            [nic("lo", "127.0.0.1/8")],
            ip_address("127.0.0.9"),
            V4,
            (INTERNAL, False),
            id="loopback is nobody else's way to the node",
        ),
    ],
)
def test_next_hop(
    interfaces: list[Interface], peer: Address, family: Family, expected: tuple[str, bool]
) -> None:
    assert hop(*interfaces, peer=peer, family=family) == expected


FIRST, SECOND, THIRD = "10.0.0.11", "192.0.2.21", "198.51.100.11"
FIRST6, SECOND6 = "2001:db8:a::11", "2001:db8:2::21"
OWN, OWN6 = ip_network("192.0.2.0/24"), ip_network("2001:db8:2::/64")
BESIDE = ip_network("198.51.100.0/24")  # on the same link


@pytest.mark.parametrize(
    ("interfaces", "near", "family", "vips", "expected"),
    [
        pytest.param(None, [OWN], V4, "", SECOND, id="a silent agent"),
        pytest.param(None, [OWN, OWN6], V6, "", SECOND6, id="a silent agent, IPv6"),
        pytest.param(None, [OWN6], V4, "", FIRST, id="near in the other family only: the first"),
        pytest.param(None, [], V4, "", FIRST, id="nobody knows the peer's network: the first"),
        pytest.param(None, [BESIDE], V4, "", THIRD, id="on a network of the peer's link"),
        pytest.param(None, [BESIDE, OWN], V4, "", SECOND, id="the peer's own network before that"),
        pytest.param(None, [OWN], V4, SECOND, FIRST, id="a Service's address is none"),
        pytest.param([nic("lo", "127.0.0.1/8")], [OWN], V4, "", SECOND, id="not in the report"),
        pytest.param([nic("e", f"{SECOND}/32")], [OWN], V4, "", SECOND, id="reported as a host's"),
        pytest.param(
            [nic("e", f"{SECOND}/24", up=False)], [OWN], V4, "", FIRST, id="on a link that is down"
        ),
    ],
)
def test_of_several_internal_ips_the_one_where_others_find_the_peer(
    interfaces: list[Interface] | None,
    near: list[Prefix],
    family: Family,
    vips: str,
    expected: str,
) -> None:
    ips = tuple(map(ip_address, (FIRST, FIRST6, THIRD, SECOND, SECOND6)))
    silent = (None, Announcer(NodeName("node1")))
    for agent in (announcer("node1", *interfaces),) if interfaces else silent:
        found = next_hop(
            node("node1", internal_ips=ips),
            agent,
            peer=ROUTER,
            family=family,
            vips=frozenset(map(ip_address, vips.split())),
            near=near,
        )
        assert found == Hop(ip_address(expected), shared=False)


def test_an_address_of_a_service_is_never_a_next_hop() -> None:
    link = nic("eth1", "192.0.2.20/24", "192.0.2.21/24")
    assert hop(link, vips=frozenset({ip_address("192.0.2.20")})) == ("192.0.2.21", True)
    only = nic("eth1", "192.0.2.20/24")
    assert hop(only, vips=frozenset({ip_address("192.0.2.20")})) == (INTERNAL, False)
    assert hop(vips=frozenset({ip_address(INTERNAL)})) is None


@pytest.mark.parametrize("address", ["fe80::1", "fe80::1%eth0", "::1", "127.0.0.1", "224.0.0.1"])
def test_an_internal_ip_that_no_router_reaches_is_no_next_hop(address: str) -> None:
    lost = node("node1", internal_ips=(ip_address(address),))
    for family in Family:
        assert next_hop(lost, None, peer=ROUTER, family=family, vips=frozenset()) is None


def test_the_order_of_interfaces_decides_nothing() -> None:
    one, other = nic("eth1", "192.0.2.31/24"), nic("eth2", "192.0.2.21/24")
    assert hop(one, other) == hop(other, one) == ("192.0.2.31", True)
    internal = nic("eth9", "192.0.2.11/24")
    assert hop(one, internal) == hop(internal, one) == (INTERNAL, True)


def test_an_agent_that_has_not_spoken_leaves_the_internal_ip() -> None:
    found = next_hop(node("node1"), None, peer=ROUTER, family=V4, vips=frozenset())
    assert found == Hop(ip_address(INTERNAL), shared=False)


def test_a_node_without_the_family_has_no_next_hop() -> None:
    single = node("node1", internal_ips=(ip_address(INTERNAL),))
    assert next_hop(single, None, peer=ROUTER, family=V6, vips=frozenset()) is None
