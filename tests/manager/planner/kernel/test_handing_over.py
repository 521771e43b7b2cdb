"""An Eip's protocol is changed live: the old one goes on until every node has the address."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from manager.planner.desired import Plan
from manager.planner.plan import plan
from manager.planner.whatif import applied
from manager.snapshot import Eip, EipName, NodeName, Snapshot
from pointsman.model.address import address_order
from pointsman.model.assignment import KERNEL
from pointsman.model.names import ANNOUNCED
from tests.manager.planner.addresses.addressing import eip
from tests.manager.planner.kernel.pool import (
    AGGREGATED,
    EVERY,
    FOUR,
    announced,
    by,
    cluster,
    planned,
    routes,
    settled,
    steps,
)
from tests.manager.planner.scene import hops

AGGREGATE = "203.0.113.0/28"
WAYS: dict[str, dict[str, Any]] = {
    "bgp": {"protocol": "bgp"},
    "bgp aggregate": {"protocol": "bgp", "bgp": AGGREGATED},
    "layer2": {"protocol": "layer2", "layer2": {"interface": "eth0"}},
    "kernel": {"protocol": "kernel"},
    "kernel aggregate": {"protocol": "kernel", "bgp": AGGREGATED},
}


def turned(way: str) -> dict[EipName, Eip]:
    return {EipName("pool"): eip("pool", "203.0.113.0/28", default=True, **WAYS[way])}


def at(way: str) -> Snapshot:
    """The cluster settled with that protocol; there is a router, too."""
    return settled(replace(cluster(), eips=turned(way)))[0]


def leading(snapshot: Snapshot) -> set[str]:
    """By what anybody leads to the address now."""
    found = {"bgp" for key in snapshot.routes if str(key.prefix) == f"{FOUR}/32"}
    found |= {"bgp aggregate" for key in snapshot.routes if str(key.prefix) == AGGREGATE}
    for one in snapshot.announcers.values():
        for entry in one.assignments:
            if address_order(entry.addresses[0]):
                found.add("kernel" if entry.responder == KERNEL else "layer2")
        found |= {"kernel aggregate" for route in one.unreachable if route.redistribute}
    return found


@pytest.mark.parametrize(("old", "new"), list(permutations(WAYS, 2)))
def test_at_every_step_somebody_leads_to_the_address(old: str, new: str) -> None:
    rounds = list(steps(replace(at(old), eips=turned(new))))
    assert all(leading(seen) for seen, _ in rounds)
    assert all(announced(decided).startswith("True Announced") for _, decided in rounds)
    seen, decided = rounds[-1]
    assert leading(seen) == {new}
    assert (by(decided) in ("bgp", "kernel")) is (new not in ("layer2", "kernel"))


def behind(snapshot: Snapshot, decided: Plan, *names: str) -> Snapshot:
    """What comes of a plan while the agents of these nodes have not taken up their specs."""
    after = applied(snapshot, decided)
    found = {
        name: replace(one, generation=9, executes=8 if name in names else 9)
        for name, one in after.announcers.items()
    }
    return replace(after, announcers=found)


def test_paths_stay_until_the_agents_of_all_nodes_have_the_address() -> None:
    before = at("bgp")
    seen = replace(before, eips=turned("kernel"))
    for _ in range(3):
        seen = behind(seen, plan(seen), "node2")
    decided = plan(seen)
    assert (planned(decided)[FOUR], hops(decided)) == (EVERY, hops(plan(before)))
    assert announced(decided).startswith("True Announced")
    _, decided = settled(behind(seen, decided))
    assert (planned(decided)[FOUR], len(hops(decided))) == (EVERY, 0)


def test_addresses_stay_until_the_speaker_has_the_paths() -> None:
    before = at("kernel")
    seen = replace(before, eips=turned("bgp"))
    for _ in range(3):  # the speaker takes none
        seen = replace(applied(seen, plan(seen)), speakers=before.speakers)
    assert planned(plan(seen))[FOUR] == EVERY
    _, decided = settled(seen)
    assert planned(decided) == {}


def test_an_aggregate_stays_until_the_speaker_has_it() -> None:
    before = at("kernel aggregate")
    seen = replace(before, eips=turned("bgp aggregate"))
    for _ in range(3):
        seen = replace(applied(seen, plan(seen)), speakers=before.speakers)
    assert routes(plan(seen)) == {AGGREGATE: ["node1", "node2", "node3"]}
    _, decided = settled(seen)
    assert routes(decided) == {}
    assert routes(decided, redistribute=False) == {AGGREGATE: ["node1", "node2", "node3"]}


def test_one_that_nobody_announces_lets_go_at_once() -> None:
    seen = replace(
        at("kernel"), eips={EipName("pool"): eip("pool", "203.0.113.0/28", protocol="none")}
    )
    assert planned(plan(seen)) == {}


def test_it_is_announced_once_an_agent_has_done_it() -> None:
    seen = cluster()
    for _ in range(3):
        seen = behind(seen, plan(seen), "node1", "node2", "node3")
    decided = plan(seen)
    assert planned(decided)[FOUR] == EVERY
    assert ANNOUNCED not in next(iter(decided.services.values())).conditions
    seen = behind(seen, decided, "node1", "node3")
    assert announced(plan(seen)).startswith("True Announced")


def test_a_spec_written_for_another_service_makes_no_announced_one_unannounced() -> None:
    seen, _ = settled(cluster())
    seen = behind(seen, plan(seen), "node1", "node2", "node3")
    assert announced(plan(seen)).startswith("True Announced")


def test_what_agents_withhold_is_said() -> None:
    seen, _ = settled(cluster())
    address = seen.announcers[NodeName("node2")].assignments[0].addresses[0]
    why = {address: "the kernel refuses it"}

    def withheld(*names: str) -> Snapshot:
        return replace(
            seen,
            announcers={
                name: replace(one, withheld=why if name in names else {})
                for name, one in seen.announcers.items()
            },
        )

    decided = plan(withheld("node2"))
    assert f"node2 does not have {FOUR} now: the kernel refuses it." in announced(decided)
    assert by(decided) == f"{EVERY[0]},{EVERY[2]}"
    decided = plan(withheld("node1", "node2", "node3"))
    assert announced(decided).startswith(
        f"False NotAnnounced: Service a/web is not announced: "
        f"{FOUR} is on no node: node1 does not have it"
    )
