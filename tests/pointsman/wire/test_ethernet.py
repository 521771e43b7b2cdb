"""Hardware addresses: which can be a station's, and where a group's frames go."""

from ipaddress import IPv6Address

import pytest

from pointsman.wire.ethernet import BROADCAST, NOBODY, is_station, multicast_mac


@pytest.mark.parametrize(
    ("mac", "can_be"),
    [
        pytest.param("020000000001", True, id="given by somebody local"),
        pytest.param("00005e000101", True, id="of a virtual router"),
        pytest.param("333300000001", False, id="a group"),
        pytest.param("010000000001", False, id="a group of the vendor's"),
        pytest.param(BROADCAST.hex(), False, id="everybody"),
        pytest.param(NOBODY.hex(), False, id="nobody"),
    ],
)
def test_a_station_is_one(mac: str, can_be: bool) -> None:
    assert is_station(bytes.fromhex(mac)) is can_be


def test_a_groups_frames_go_to_its_low_32_bits() -> None:
    assert multicast_mac(IPv6Address("ff02::1:ff28:9c5a")).hex() == "3333ff289c5a"
