"""An address is answered on the interface whose subnet it is in."""

from ipaddress import IPv4Network, IPv6Network, ip_address

from manager.central.placement import by_interface
from manager.ports import HostInterface
from pointsman.model.address import Prefix

MAC = bytes(6)


def interface(index: int, *subnets: Prefix) -> HostInterface:
    return HostInterface(f"eth{index}", index, bytes((2, 0, 0, 0, 0, index)), subnets)


WIDE = interface(2, IPv4Network("192.0.0.0/16"), IPv6Network("2001:db8::/32"))
NARROW = interface(3, IPv4Network("192.0.2.0/24"), IPv6Network("2001:db8:1::/64"))


def test_the_longest_subnet_has_it() -> None:
    answers = {
        ip_address(text): MAC
        for text in ("192.0.2.9", "192.0.3.9", "2001:db8:1::9", "2001:db8:2::9", "198.51.100.1")
    }
    placed = by_interface(answers, [WIDE, NARROW])
    assert {one.name: sorted(map(str, macs)) for one, macs in placed.items()} == {
        "eth3": ["192.0.2.9", "2001:db8:1::9"],
        "eth2": ["192.0.3.9", "2001:db8:2::9"],
    }


def test_of_two_in_one_subnet_one_answers() -> None:
    twin = interface(1, IPv4Network("192.0.2.0/24"))
    placed = by_interface({ip_address("192.0.2.9"): MAC}, [NARROW, twin])
    assert list(placed) == [twin]
