from ipaddress import IPv4Address, IPv4Interface, IPv6Interface
from typing import Any

import pytest

from pointsman.api import AnnouncerStatus, parse

KEY = "A" * 43 + "="


def test_a_report_is_read_into_values() -> None:
    status, sentence = parse(
        AnnouncerStatus,
        {
            "interfaces": [
                {
                    "name": "eth0",
                    "mac": "02:00:00:00:00:11",
                    "up": True,
                    "addresses": ["192.0.2.11/24", "fe80::11/64"],
                },
                {"name": "wg0", "up": False},
            ],
            "defaultRoute": {"ipv4": {"gateway": "192.0.2.1", "interface": "eth0"}},
            "proxy": {"healthy": False},
            "publicKey": KEY,
            "agentVersion": "0.1.0",
        },
        at="status",
    )
    assert sentence == ""
    assert status is not None
    eth0, wg0 = status.interfaces
    assert eth0.addresses == (IPv4Interface("192.0.2.11/24"), IPv6Interface("fe80::11/64"))
    assert (wg0.mac, wg0.up, wg0.addresses) == ("", False, ())
    assert status.default_route is not None
    assert status.default_route.ipv4 is not None
    assert status.default_route.ipv4.gateway == IPv4Address("192.0.2.1")
    assert status.default_route.ipv6 is None
    assert status.public_key == KEY
    assert status.proxy is not None
    assert status.proxy.healthy is False


def test_an_agent_that_has_said_nothing_yet() -> None:
    assert parse(AnnouncerStatus, None, at="status") == (AnnouncerStatus(), "")


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        pytest.param(
            {"interfaces": [{"name": "e", "up": True, "addresses": ["192.0.2.11"]}]},
            '"192.0.2.11" is no address with its prefix length: write one such as 192.0.2.11/24',
            id="an address without length",
        ),
        pytest.param(
            {"interfaces": [{"name": "e", "up": True, "addresses": ["::ffff:192.0.2.1/96"]}]},
            "is no address with its prefix length",
            id="IPv4-mapped",
        ),
        pytest.param(
            {"defaultRoute": {"ipv6": {"gateway": "fe80::1%eth0", "interface": "eth0"}}},
            '"fe80::1%eth0" is no address: write one such as 192.0.2.1',
            id="a gateway with a zone",
        ),
        pytest.param(
            {"interfaces": [{"name": f"e{n}", "up": True} for n in range(257)]},
            "must have at most 256 items",
            id="too many interfaces",
        ),
    ],
)
def test_what_is_refused(status: dict[str, Any], sentence: str) -> None:
    found, problems = parse(AnnouncerStatus, status, at="status")
    assert found is None
    assert sentence in problems
