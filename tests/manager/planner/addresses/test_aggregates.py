"""In which chunks the addresses of an Eip are advertised, whatever the protocol.

What comes of single addresses is in `tests/manager/planner/bgp/test_advertisement.py`.
"""

from ipaddress import ip_address, ip_network

import pytest

from manager.planner.addresses.aggregates import aggregation, inside, occupied
from manager.snapshot import EipName
from pointsman.api import EipSpec


def spec(*addresses: str, **lengths: int) -> EipSpec:
    return EipSpec.model_validate({"addresses": addresses, "bgp": lengths})


@pytest.mark.parametrize(
    ("prefix", "held"),
    [
        ("198.51.100.0/28", True),
        ("198.51.100.0/24", True),
        ("198.51.100.0/23", False),
        ("2001:db8::/64", True),
        ("2001:db8:0:1::/64", False),
    ],
)
def test_an_aggregate_lies_wholly_in_its_eip(prefix: str, held: bool) -> None:
    found = aggregation(
        spec("198.51.100.0/24", "2001:db8::/64", aggregationLength=24, aggregationLengthV6=64),
        overlaps=False,
    )
    assert found.holds(ip_network(prefix)) is held
    assert found.torn == ()


def test_without_lengths_nothing_is_an_aggregate() -> None:
    found = aggregation(spec("198.51.100.0/24"), overlaps=True)
    assert not found.holds(ip_network("198.51.100.0/28"))
    assert found.torn == ()


def test_an_eip_that_lost_addresses_has_none() -> None:
    found = aggregation(spec("198.51.100.0/24", aggregationLength=24), overlaps=True)
    assert not found.holds(ip_network("198.51.100.0/24"))
    assert "older Eip overlaps" in found.torn[0]


@pytest.mark.parametrize(
    ("addresses", "lengths", "found"),
    [
        pytest.param(("198.51.100.0/24",), {}, {}, id="host routes"),
        pytest.param(
            ("198.51.100.0/24",),
            {"aggregationLength": 28},
            {"198.51.100.16/28": "198.51.100.17 (Node node1)"},
            id="that chunk and no other, and the first of two machines",
        ),
        pytest.param(
            ("198.51.100.0-198.51.100.20",), {"aggregationLength": 28}, {}, id="none in any case"
        ),
        pytest.param(
            ("2001:db8::/64", "2001:db8:0:1::/64"),
            {"aggregationLength": 28, "aggregationLengthV6": 64},
            {"2001:db8:0:1::/64": "2001:db8:0:1::1 (Node node1)"},
            id="IPv6",
        ),
        pytest.param(
            ("198.51.100.16/28", "198.51.100.17"), {"aggregationLength": 28}, {}, id="overlapping"
        ),
    ],
)
def test_aggregates_with_somebodys_address_are_none(
    addresses: tuple[str, ...], lengths: dict[str, int], found: dict[str, str]
) -> None:
    texts = ("198.51.100.17", "198.51.100.18", "203.0.113.1", "2001:db8:0:1::1")
    owned = tuple((ip_address(text), "Node node1") for text in texts)
    what = spec(*addresses, **lengths)
    barred = occupied(what, owned)
    assert {str(prefix): whose for prefix, whose in barred.items()} == found
    near = inside(owned, {EipName("other"): spec("192.0.2.0/24"), EipName("public"): what})
    assert occupied(what, near) == barred
    assert owned[2] not in near
    left = aggregation(what, overlaps=False, barred=barred)
    for prefix, whose in barred.items():
        assert not left.holds(prefix)
        assert any(str(prefix) in clause and whose in clause for clause in left.torn)
    if "198.51.100.16/28" in found:
        assert left.holds(ip_network("198.51.100.0/28"))
        assert left.holds(ip_network("198.51.100.32/28"))
