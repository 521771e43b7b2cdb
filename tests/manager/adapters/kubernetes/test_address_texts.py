"""Addresses are read quickly, and are what Python takes for them."""

from ipaddress import ip_address, ip_network
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from manager.adapters.kubernetes.address_texts import address, network, node_address, spelled

TEXTS = (
    st.ip_addresses().map(str)
    | st.ip_addresses(v=6).map(lambda one: one.exploded.upper())
    | st.text(alphabet="0123456789abcdef:.%/x-\0 ", max_size=20)
    | st.text(max_size=8)
)


@given(TEXTS)
@example("10.0.0.01")
@example("10.0.0.1 ")
@example("::ffff:192.0.2.1")
@example("fe80::1%eth0")
@example("1::2::3")
@example("00001::")
@example("\ud800")
@example("\u0661.2.3.4")
@example("1.2.3")
@example("1.2.3.4/32")
def test_an_address_is_what_python_takes_for_one(text: str) -> None:
    try:
        expected = ip_address(text)
    except ValueError:
        expected = None
    assert address(text) == expected
    assert node_address(text) == expected
    name = spelled(text)
    assert (name is None) is (expected is None)
    assert name is None or ip_address(name) == expected


@given(st.ip_addresses(v=6))
def test_an_address_has_one_spelling(one: Any) -> None:
    assert len({spelled(str(one)), spelled(one.exploded), spelled(str(one).upper())}) == 1


def test_a_network_may_name_a_host_and_what_is_none_is_left_out() -> None:
    assert network("203.0.113.7/28") == ip_network("203.0.113.0/28")
    assert network("no network") is None
