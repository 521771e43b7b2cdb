from ipaddress import IPv4Address, IPv6Address

import pytest
from pydantic import ValidationError

from pointsman.api import BgpPeerSpec, Timers


@pytest.mark.parametrize(
    ("hold", "keepalive", "effective"),
    [
        pytest.param(9, 3, 3, id="the defaults"),
        pytest.param(90, 3, 3, id="more often than needed is allowed"),
        pytest.param(3, 3, 1, id="never less often than three times per hold time"),
        pytest.param(10, 9, 3, id="a third, rounded down"),
        pytest.param(0, 3, 0, id="no hold time, no keepalives (RFC 4271 section 4.4)"),
    ],
)
def test_keepalive_is_at_most_a_third_of_the_hold_time(
    hold: int, keepalive: int, effective: int
) -> None:
    timers = Timers(hold_seconds=hold, keepalive_seconds=keepalive)
    assert timers.effective_keepalive_seconds == effective


@pytest.mark.parametrize("address", [IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1")])
def test_the_address_is_a_value_here_and_text_in_yaml(address: IPv4Address | IPv6Address) -> None:
    spec = BgpPeerSpec(address=address, asn=64500)
    assert spec.address == address
    assert spec.model_dump(mode="json")["address"] == str(address)
    assert spec == BgpPeerSpec.model_validate({"address": str(address), "as": 64500})


def test_a_spec_does_not_change() -> None:
    spec = BgpPeerSpec(address=IPv4Address("192.0.2.1"), asn=64500)
    with pytest.raises(ValidationError, match="frozen"):
        spec.port = 1179
