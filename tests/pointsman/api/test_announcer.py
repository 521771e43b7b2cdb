from ipaddress import IPv4Address, IPv4Interface, IPv6Interface

from pointsman.api import AnnouncerStatus, parse


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
    assert status.proxy is not None
    assert status.proxy.healthy is False


def test_an_agent_that_has_said_nothing_yet() -> None:
    assert parse(AnnouncerStatus, None, at="status") == (AnnouncerStatus(), "")
