"""What a snapshot's values know of themselves."""

from ipaddress import ip_address

import pytest

from manager.snapshot import Ingress
from tests.manager.planner.addresses.addressing import stranger


@pytest.mark.parametrize(
    ("ip", "address"),
    [
        pytest.param("198.51.100.1", ip_address("198.51.100.1"), id="as we write it"),
        pytest.param("2001:DB8:0::1", ip_address("2001:db8::1"), id="in another spelling"),
        pytest.param("", None, id="an entry with a hostname alone"),
        pytest.param("lb.example.net", None, id="no address"),
        pytest.param("198.51.100.01", None, id="leading zeros, which Kubernetes refuses"),
        pytest.param("fe80::1%eth0", None, id="with a zone"),
    ],
)
def test_an_entry_of_a_status_is_read_once_and_stays_as_it_is_spelled(ip, address) -> None:
    entry = Ingress(ip=ip)
    assert (entry.ip, entry.address) == (ip, address)


def test_the_addresses_of_a_status_are_each_named_once_in_its_order() -> None:
    web = stranger("a/web", "198.51.100.2", "2001:db8::1", "not.one", "198.51.100.1", "2001:DB8::1")
    assert list(map(str, web.status_addresses)) == ["198.51.100.2", "2001:db8::1", "198.51.100.1"]
