"""Kubernetes' CEL functions against the addresses people write."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standin.crds import cel_functions as cel


@pytest.mark.parametrize(
    ("text", "good"),
    [
        pytest.param("192.0.2.1", True, id="IPv4"),
        pytest.param("2001:db8::1", True, id="IPv6"),
        pytest.param("192.0.2.01", False, id="leading zero"),
        pytest.param("::ffff:192.0.2.1", False, id="IPv4-mapped"),
        pytest.param("fe80::1%eth0", False, id="zone"),
        pytest.param("192.0.2", False, id="three parts"),
        pytest.param("192.0.2.1 ", False, id="space"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_is_ip_takes_what_kubernetes_takes(text: str, good: bool) -> None:
    assert cel.FUNCTIONS["isIP"](text) is good


@pytest.mark.parametrize(
    ("text", "good"),
    [
        pytest.param("192.0.2.0/24", True, id="a network"),
        pytest.param("198.51.100.7/24", True, id="host bits may be set"),
        pytest.param("2001:db8::/0", True, id="length 0"),
        pytest.param("192.0.2.0/255.255.255.0", False, id="a mask"),
        pytest.param("192.0.2.0/024", False, id="length with a zero before"),
        pytest.param("192.0.2.0/33", False, id="too long"),
        pytest.param("::ffff:192.0.2.0/120", False, id="IPv4-mapped"),
        pytest.param("192.0.2.0", False, id="no length"),
    ],
)
def test_is_cidr_takes_what_kubernetes_takes(text: str, good: bool) -> None:
    assert cel.FUNCTIONS["isCIDR"](text) is good


@given(st.ip_addresses(), st.integers(0, 32))
def test_a_network_contains_itself_and_its_masked_self(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, length: int
) -> None:
    if getattr(address, "ipv4_mapped", None):
        return
    network = cel.cidr(f"{address}/{length}")
    assert cel.contains_cidr(network, network)
    assert cel.contains_cidr(network, cel.masked(network))
    assert cel.contains_ip(network, cel.ip(str(address)))
    assert cel.FUNCTIONS["prefixLength"](network) == length


@pytest.mark.parametrize("value", [5, None, ["a"], {"a": 1}], ids=str)
@pytest.mark.parametrize("name", sorted({"isIP", "ip", "cidr", "family", "split", "masked"}))
def test_what_a_function_is_not_defined_for_is_an_error(name: str, value: object) -> None:
    arguments = (value, "-") if name == "split" else (value,)
    with pytest.raises(TypeError):
        cel.FUNCTIONS[name](*arguments)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        pytest.param(("a-b-c", "-"), ["a", "b", "c"], id="all"),
        pytest.param(("a-b-c", "-", 2), ["a", "b-c"], id="at most two"),
        pytest.param(("a-b-c", "-", 1), ["a-b-c"], id="at most one"),
        pytest.param(("a-b-c", "-", 0), [], id="none"),
        pytest.param(("abc", ""), ["a", "b", "c"], id="characters"),
    ],
)
def test_split_splits_as_cel_does(arguments: tuple, parts: list[str]) -> None:
    assert cel.split(*arguments) == parts
