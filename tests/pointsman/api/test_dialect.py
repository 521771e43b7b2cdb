"""The dialect is the API server's: Go's netip.ParseAddr and ParsePrefix, less zones and 4in6."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.api import dialect


@pytest.mark.parametrize(
    ("text", "is_ip", "is_cidr"),
    [
        pytest.param("192.0.2.1", True, False, id="IPv4"),
        pytest.param("2001:DB8::1", True, False, id="IPv6, capitals"),
        pytest.param("::192.0.2.1", True, False, id="IPv6 with a dotted tail"),
        pytest.param("::", True, False, id="all zeros"),
        pytest.param("1:2:3:4:5:6:7::", True, False, id="a double colon for one group"),
        pytest.param("1:2:3:4:5:6:7:8::", False, False, id="a double colon for none"),
        pytest.param("::ffff:192.0.2.1", False, False, id="IPv4-mapped"),
        pytest.param("::ffff:c000:201", False, False, id="IPv4-mapped in hexadecimal"),
        pytest.param("fe80::1%1", False, False, id="zone"),
        pytest.param("192.0.2.01", False, False, id="leading zero"),
        pytest.param("192.0.2", False, False, id="three octets"),
        pytest.param("3221225985", False, False, id="a number"),
        pytest.param("192.0.2.1 ", False, False, id="a space"),
        pytest.param("", False, False, id="empty"),
        pytest.param("192.0.2.7/24", False, True, id="host bits set"),
        pytest.param("192.0.2.7/0", False, True, id="length 0"),
        pytest.param("192.0.2.7/32", False, True, id="length 32"),
        pytest.param("192.0.2.7/33", False, False, id="length 33"),
        pytest.param("2001:db8::/128", False, True, id="length 128"),
        pytest.param("2001:db8::/129", False, False, id="length 129"),
        pytest.param("192.0.2.0/+8", False, False, id="signed length"),
        pytest.param("192.0.2.0/08", False, False, id="length with a leading zero"),
        pytest.param("192.0.2.0/٨", False, False, id="length in other digits"),
        pytest.param("192.0.2.0/8/8", False, False, id="two lengths"),
        pytest.param("192.0.2.0/255.0.0.0", False, False, id="dotted mask"),
        pytest.param("::ffff:192.0.2.0/120", False, False, id="IPv4-mapped network"),
    ],
)
def test_addresses_and_networks_are_those_that_cel_takes(
    text: str, is_ip: bool, is_cidr: bool
) -> None:
    assert (dialect.is_ip(text), dialect.is_cidr(text)) == (is_ip, is_cidr)


@given(st.ip_addresses())
def test_what_python_prints_is_read_back(address: IPv4Address | IPv6Address) -> None:
    mapped = isinstance(address, IPv6Address) and address.ipv4_mapped is not None
    assert dialect.read_ip(str(address)) == (None if mapped else address)


@given(st.text(alphabet="0123456789abf.:/%- ", max_size=20))
def test_any_text_is_an_answer(text: str) -> None:
    if dialect.is_ip(text):
        assert ip_address(text) == dialect.read_ip(text)
    assert not (dialect.is_ip(text) and dialect.is_cidr(text))
    assert dialect.range_ends(text) is None or "-" in text
