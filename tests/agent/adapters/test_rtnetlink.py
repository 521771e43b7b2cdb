"""The rtnetlink codec: crafted messages, and any bytes at all."""

import socket
import struct
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters import rtnetlink as nl
from pointsman.model.address import Family


def attribute(kind: int, value: bytes) -> bytes:
    padding = b"\0" * (-len(value) % 4)
    return struct.pack("=HH", 4 + len(value), kind) + value + padding


def packed(text: str) -> bytes:
    return ip_address(text).packed


def u32(number: int) -> bytes:
    return struct.pack("=I", number)


def link_body(flags: int, *attributes: bytes) -> bytes:
    return struct.pack("=BxHiII", 0, 1, 7, flags, 0) + b"".join(attributes)


def address_body(
    family: int, length: int, *attributes: bytes, flags: int = 0, scope: int = 0
) -> bytes:
    return struct.pack("=BBBBI", family, length, flags, scope, 7) + b"".join(attributes)


def route_body(
    family: int, *attributes: bytes, dst: int = 0, table: int = 254, kind: int = 1
) -> bytes:
    return struct.pack("=BBBBBBBBI", family, dst, 0, 0, table, 4, 0, kind, 0) + b"".join(attributes)


UP = nl.IFF_UP | nl.IFF_RUNNING | nl.IFF_LOWER_UP


@pytest.mark.parametrize(
    ("flags", "up"),
    [
        pytest.param(UP, True, id="up, running, with a carrier"),
        pytest.param(nl.IFF_UP | nl.IFF_LOWER_UP, False, id="dormant: not operational"),
        pytest.param(nl.IFF_UP, False, id="no carrier"),
        pytest.param(nl.IFF_RUNNING | nl.IFF_LOWER_UP, False, id="administratively down"),
    ],
)
def test_a_link_is_up_when_everything_says_so(flags: int, up: bool) -> None:
    assert nl.link(link_body(flags)).up is up


def test_a_link_in_full() -> None:
    info = attribute(1, b"veth\0") + attribute(2, b"\1\2\3\4")
    body = link_body(
        UP | nl.IFF_LOOPBACK,
        attribute(3, b"eth0\0"),
        attribute(1, bytes.fromhex("02000000000a")),
        attribute(10, u32(4)),
        attribute(18 | 0x8000, info),
        attribute(4, u32(1500)),
    )
    found = nl.link(body)
    assert (found.index, found.name, found.kind) == (7, "eth0", "veth")
    assert (found.mac, found.master, found.loopback) == ("02:00:00:00:00:0a", 4, True)


def test_what_changes_without_a_trace_is_read_too() -> None:
    bond = attribute(1, b"bond\0") + attribute(2, attribute(1, b"\1") + attribute(2, u32(3)))
    found = nl.link(link_body(UP, attribute(18 | 0x8000, bond), attribute(35, u32(6))))
    assert (found.active_port, found.carrier_changes) == (3, 6)
    bridge = attribute(1, b"bridge\0") + attribute(2, attribute(2, u32(3)))
    assert nl.link(link_body(UP, attribute(18, bridge))).active_port is None, "another's 2"
    bare = attribute(18, attribute(1, b"bond\0"))
    assert nl.link(link_body(UP, bare)).active_port is None


def test_a_tunnel_has_no_mac_and_a_strange_name_is_text() -> None:
    found = nl.link(link_body(UP, attribute(1, packed("192.0.2.1")), attribute(3, b"t\xff\0")))
    assert (found.mac, found.name) == ("", "t\\xff")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            address_body(
                2, 24, attribute(1, packed("192.0.2.11")), attribute(2, packed("192.0.2.11"))
            ),
            "192.0.2.11/24",
            id="IPv4 on a subnet",
        ),
        pytest.param(
            address_body(10, 64, attribute(1, packed("2001:db8::11"))),
            "2001:db8::11/64",
            id="IPv6 names itself in IFA_ADDRESS alone",
        ),
        pytest.param(
            address_body(
                2, 32, attribute(1, packed("192.0.2.1")), attribute(2, packed("192.0.2.11"))
            ),
            "192.0.2.11/32",
            id="the near end of a point-to-point link is ours",
        ),
        pytest.param(
            address_body(
                2, 24, attribute(1, packed("203.0.113.1")), attribute(2, packed("192.0.2.11"))
            ),
            "192.0.2.11/32",
            id="the far end's prefix doesn't hold us: a host address",
        ),
        pytest.param(
            address_body(
                2, 30, attribute(1, packed("192.0.2.10")), attribute(2, packed("192.0.2.9"))
            ),
            "192.0.2.9/30",
            id="the far end's prefix holds us too",
        ),
    ],
)
def test_an_address_is_read_from_its_message(body: bytes, expected: str) -> None:
    found = nl.address(body)
    assert found is not None
    assert found.interface == ip_interface(expected)


@pytest.mark.parametrize(
    ("flags", "tentative", "duplicate", "temporary"),
    [
        pytest.param(0x80, False, False, False, id="permanent"),
        pytest.param(0x40, True, False, False, id="tentative"),
        pytest.param(0x44, False, False, False, id="optimistic: may be used already"),
        pytest.param(0x48, True, True, False, id="duplicate"),
        pytest.param(0x20, False, False, False, id="deprecated is still ours"),
        pytest.param(0x01, False, False, True, id="temporary"),
        pytest.param(0x100, False, False, False, id="managed: beyond the header's 8 bits"),
    ],
)
def test_flags_of_an_ipv6_address(
    flags: int, tentative: bool, duplicate: bool, temporary: bool
) -> None:
    found = nl.address(
        address_body(10, 64, attribute(1, packed("2001:db8::1")), attribute(8, u32(flags)))
    )
    assert found is not None
    assert (found.tentative, found.duplicate, found.temporary) == (tentative, duplicate, temporary)


def test_a_secondary_ipv4_address_is_not_a_temporary_one() -> None:
    found = nl.address(address_body(2, 24, attribute(2, packed("192.0.2.12")), flags=0x01))
    assert found is not None
    assert not found.temporary


def test_an_address_of_another_family_is_passed_over() -> None:
    assert nl.address(address_body(7, 0, attribute(1, b"\0\1"))) is None


VIA = attribute(5, packed("192.0.2.1")) + attribute(4, u32(7))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(route_body(2, VIA), [(Family.IPV4, 7, "192.0.2.1", 0)], id="plain"),
        pytest.param(
            route_body(
                10, attribute(5, packed("fe80::1")), attribute(4, u32(7)), attribute(6, u32(1024))
            ),
            [(Family.IPV6, 7, "fe80::1", 1024)],
            id="IPv6 with a metric",
        ),
        pytest.param(route_body(2, attribute(4, u32(7))), [(Family.IPV4, 7, None, 0)], id="a link"),
        pytest.param(
            route_body(
                2, attribute(18, struct.pack("=H", 10) + packed("fe80::1")), attribute(4, u32(7))
            ),
            [(Family.IPV4, 7, "fe80::1", 0)],
            id="IPv4 via IPv6",
        ),
        pytest.param(
            route_body(
                2,
                attribute(
                    9,
                    struct.pack("=HBBi", 16, 0, 0, 7)
                    + attribute(5, packed("192.0.2.1"))
                    + struct.pack("=HBBi", 16, 0, 0, 8)
                    + attribute(5, packed("192.0.2.2")),
                ),
            ),
            [(Family.IPV4, 7, "192.0.2.1", 0), (Family.IPV4, 8, "192.0.2.2", 0)],
            id="multipath",
        ),
        pytest.param(route_body(2, VIA, dst=24), [], id="not a default route"),
        pytest.param(route_body(2, VIA, table=100), [], id="another table"),
        pytest.param(
            route_body(2, VIA, attribute(15, u32(1000)), table=252), [], id="a table above 255"
        ),
        pytest.param(route_body(2, VIA, kind=7), [], id="unreachable"),
        pytest.param(route_body(2), [], id="blackhole by a next hop object: no link"),
        pytest.param(route_body(128, VIA), [], id="a multicast route"),
    ],
)
def test_default_routes_are_read_from_their_message(
    body: bytes, expected: list[tuple[Family, int, str | None, int]]
) -> None:
    found = nl.default_routes(body)
    assert [
        (one.family, one.link, str(one.gateway) if one.gateway else None, one.metric)
        for one in found
    ] == expected


def test_a_datagram_of_several_messages_comes_apart() -> None:
    one = nl.dump_request(nl.RTM_GETADDR, 5)
    two = nl.dump_request(nl.RTM_GETROUTE, 6, family=socket.AF_INET6)
    found = list(nl.messages(one + two))
    assert [(m.type, m.flags, m.sequence) for m in found] == [(22, 0x301, 5), (26, 0x301, 6)]
    assert found[1].body[0] == socket.AF_INET6


def test_an_error_carries_its_number() -> None:
    message = nl.Message(nl.NLMSG_ERROR, 0, 1, struct.pack("=i", -22) + bytes(16))
    assert message.errno == 22


@given(st.binary(max_size=200))
def test_any_bytes_are_values_or_malformed(noise: bytes) -> None:
    for read in (nl.link, nl.address, nl.default_routes, lambda body: list(nl.messages(body))):
        try:
            read(noise)
        except nl.Malformed:
            continue


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6), st.integers(0, 128))
def test_any_address_survives(ip: IPv4Address | IPv6Address, length: int) -> None:
    length = min(length, ip.max_prefixlen)
    family = 2 if ip.version == 4 else 10
    found = nl.address(address_body(family, length, attribute(2, ip.packed)))
    assert found is not None
    assert found.interface == ip_interface((ip, length))
