"""Who still comes, in words: each once, and never more lines than anybody reads."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest

from cli.output.arriving import MOST_SHOWN, Comers
from manager.inspect.quiet import Comer
from manager.planner.desired import Allocation, Allocations, Grant
from manager.snapshot import EipName, ServiceKey
from pointsman.model.verdicts.address import Allocated

AT = datetime(2026, 11, 23, 9, 0, 20, 250_000, tzinfo=UTC)
VIP = ip_address("198.51.100.1")


def comers(*services: str) -> Comers:
    grant = Grant(VIP, EipName("public"))
    held = {
        ServiceKey(key): Allocation((grant,), Allocated(key, (("198.51.100.1", "public"),)))
        for key in services
    }
    return Comers(Allocations(held, {}))


def comer(address: str = "198.51.100.1", source: str = "203.0.113.10") -> Comer:
    return Comer(ip_address(address), ip_address(source), AT)


def test_each_is_said_once_with_the_services_of_its_address(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = comers("a/dns-tcp", "a/dns-udp")
    made.seen([comer(), comer("198.51.100.2")])
    later = Comer(VIP, comer().source, AT + timedelta(seconds=5))
    made.seen([later, comer(source="2001:db8:3::10")])
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "203.0.113.10 still comes to 198.51.100.1 (a/dns-tcp, a/dns-udp), last at 09:00:20Z.",
        "203.0.113.10 still comes to 198.51.100.2 (of no Service), last at 09:00:20Z.",
        "2001:db8:3::10 still comes to 198.51.100.1 (a/dns-tcp, a/dns-udp), last at 09:00:20Z.",
    ]


def test_a_scan_of_all_addresses_fills_no_screen(capsys: pytest.CaptureFixture[str]) -> None:
    made = comers("a/web")
    made.seen(comer(f"198.51.100.{n}") for n in range(64))
    assert len(capsys.readouterr().err.splitlines()) == MOST_SHOWN


def test_for_programs() -> None:
    assert comers("a/web").shape([comer()]) == [
        {
            "address": "198.51.100.1",
            "services": ["a/web"],
            "source": "203.0.113.10",
            "last": "2026-11-23T09:00:20.250000Z",
        }
    ]
