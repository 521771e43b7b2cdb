"""To whom agents send heartbeats: which replicas, and which of their addresses."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from manager.planner.nodes.manager_endpoints import Managers, heartbeat_spec
from manager.planner.plan import plan
from manager.snapshot import ManagerReplica, NodeName
from pointsman.api import AnnouncerSpec
from pointsman.model.heartbeats import MOST_MANAGERS
from tests.manager.planner.scene import announcer, nic, node, scene

KEY = "A" * 43 + "="
OLD = {"name": "old", "address": "192.0.2.9", "port": 7470, "publicKey": KEY}
HERE = announcer("node1", nic("eth0", "192.0.2.11/24", "2001:db8:2::11/64"))


def replica(name: str = "a", *addresses: str) -> ManagerReplica:
    given = addresses or ("192.0.2.10",)
    return ManagerReplica(name, tuple(ip_address(one) for one in given), 7470, KEY)


def spec(*managers: ManagerReplica, known: bool = True, standing: Any = None) -> list[Any]:
    there = replace(HERE, spec={} if standing is None else {"managers": standing})
    found = heartbeat_spec(Managers(managers, known), node("node1"), there).get("managers", [])
    AnnouncerSpec.model_validate({"managers": found})
    return list(found)


def addresses(*managers: ManagerReplica) -> list[str]:
    return [one["address"] for one in spec(*managers)]


def test_every_replica_is_named_in_order() -> None:
    found = spec(replica("b"), replica("a"))
    assert [one["name"] for one in found] == ["a", "b"]
    assert found[0] == {"name": "a", "address": "192.0.2.10", "port": 7470, "publicKey": KEY}


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        pytest.param(("198.51.100.9", "192.0.2.10"), "192.0.2.10", id="on a network of the node"),
        pytest.param(("198.51.100.9", "2001:db8:2::9"), "2001:db8:2::9", id="of either family"),
        pytest.param(("198.51.100.9", "203.0.113.9"), "198.51.100.9", id="else the first"),
        pytest.param(("2001:db8:9::9",), "2001:db8:9::9", id="of the one family that it has"),
    ],
)
def test_the_nearest_address_is_chosen(given: tuple[str, ...], chosen: str) -> None:
    assert addresses(replica("a", *given)) == [chosen]


def test_without_a_report_the_family_of_the_node_is_chosen() -> None:
    far = replica("a", "198.51.100.9", "2001:db8:9::9")
    six = replace(node("node1"), internal_ips=(ip_address("2001:db8:2::11"),))
    found = heartbeat_spec(Managers((far,), known=True), six, None)
    assert found["managers"][0]["address"] == "2001:db8:9::9"


def test_one_that_stands_there_stays_until_all_are_known() -> None:
    assert [one["name"] for one in spec(replica(), known=False, standing=[OLD])] == ["a", "old"]
    assert [one["name"] for one in spec(replica(), standing=[OLD])] == ["a"]
    assert spec(known=False, standing=[OLD]) == [OLD]
    assert spec(standing=[OLD]) == []


def test_what_is_known_of_a_replica_wins_over_what_stands_there() -> None:
    stands = OLD | {"name": "a", "address": "203.0.113.1"}
    assert addresses(replica()) == ["192.0.2.10"]
    (found,) = spec(replica(), known=False, standing=[stands])
    assert found["address"] == "192.0.2.10"


@pytest.mark.parametrize("standing", ["text", {}, [7], [None, OLD]])
def test_what_cannot_be_read_there_is_passed_over(standing: Any) -> None:
    assert len(spec(replica(), known=False, standing=standing)) <= 2


def test_no_more_are_named_than_the_api_takes() -> None:
    many = [replica(f"m{n:02}") for n in range(MOST_MANAGERS + 2)]
    assert len(spec(*many)) == MOST_MANAGERS


def test_the_plan_asks_it_of_every_announcer() -> None:
    decided = plan(replace(scene(), managers=(replica(),), managers_known=True))
    named = {name: one.spec.get("managers") for name, one in decided.announcers.items()}
    assert named == {NodeName(f"node{n}"): spec(replica()) for n in (1, 2, 3)}
    assert all(one.spec == {} for one in plan(scene()).announcers.values())
