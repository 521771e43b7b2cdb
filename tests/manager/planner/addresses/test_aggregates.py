"""In which chunks the addresses of an Eip are advertised, whatever the protocol.

What comes of single addresses is in `tests/manager/planner/bgp/test_advertisement.py`.
"""

from ipaddress import ip_network

import pytest

from manager.planner.addresses.aggregates import aggregation
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
