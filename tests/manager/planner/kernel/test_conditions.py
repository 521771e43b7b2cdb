"""What an Eip of protocol `kernel` says of aggregates that are not used."""

import pytest

from manager.planner.plan import plan
from pointsman.model.names import AGGREGATES_REFUSED
from pointsman.model.record import ResourceKey
from tests.manager.planner.kernel.pool import AGGREGATED, WEB, agents, cluster, pool
from tests.manager.planner.layer2.lan import agent
from tests.manager.planner.scene import endpoints, nic


def sentence(*interfaces: str, **more: object) -> str:
    """The sentence of Eip `pool`; node2 has these networks besides. "": none."""
    near = agent("node2", *(nic(f"e{n}", one) for n, one in enumerate(interfaces, 1)))
    objects = (WEB, endpoints(WEB.key, "node1"), pool(**more))  # type: ignore[arg-type]
    decided = plan(cluster(*objects, announcers=agents(near)))
    found = decided.statuses[ResourceKey("Eip", "pool")].conditions.get(AGGREGATES_REFUSED)
    assert found is None or found.status == "True"
    return "" if found is None else found.message


@pytest.mark.parametrize(
    ("own", "clause"),
    [
        ("203.0.113.200/24", "node2 is itself on 203.0.113.0/24 (e1)"),
        ("203.0.113.9/30", "node2 is itself on 203.0.113.8/30 (e1)"),
        ("2001:db8:113::9/120", "node2 is itself on 2001:db8:113::/120 (e1)"),
        ("203.0.113.9/32", "203.0.113.9 is among its addresses (e1 of Node node2)"),
    ],
)
def test_what_is_the_nodes_own_is_named(own: str, clause: str) -> None:
    assert clause in sentence(own, bgp=AGGREGATED)


def test_aggregates_that_reach_over_the_edge_are_named() -> None:
    assert "does not fill its /27s" in sentence(bgp={"aggregationLength": 27})


def test_nothing_is_said_where_all_are_used_or_none_is_wanted() -> None:
    assert sentence(bgp=AGGREGATED) == ""
    assert sentence("198.51.100.9/24", bgp=AGGREGATED) == ""
    assert sentence("203.0.113.200/24") == ""
    assert sentence("203.0.113.200/24", bgp=AGGREGATED, protocol="none") == ""
