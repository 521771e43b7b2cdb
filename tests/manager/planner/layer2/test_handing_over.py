"""An Eip's protocol is changed live: the old one goes on until the new one has the address."""

from dataclasses import replace
from typing import Any

import pytest

from manager.planner.desired import Plan
from manager.planner.plan import plan
from manager.planner.whatif import applied
from manager.snapshot import Eip, EipName, NodeName, Snapshot
from pointsman.model.liveness import Liveness
from tests.manager.planner.layer2.lan import (
    FIRST,
    announced,
    by,
    lan,
    owners,
    planned,
    settled,
    steps,
)
from tests.manager.planner.scene import eip, hops, nodes


def turned(protocol: str, **more: Any) -> dict[EipName, Eip]:
    return {EipName("lan"): eip("lan", "192.0.2.64/26", default=True, protocol=protocol, **more)}


def at(protocol: str) -> Snapshot:
    """The cluster settled with that protocol; there is a router, too."""
    return settled(replace(lan(), eips=turned(protocol)))[0]


def reachable(snapshot: Snapshot) -> bool:
    """Whether anybody leads to the address now: a path at the speaker, or a spec that has it."""
    return bool(owners(snapshot)) or any(
        str(key.prefix) == f"{FIRST}/32" for key in snapshot.routes
    )


def without_speakers(snapshot: Snapshot, decided: Plan) -> Snapshot:
    """What comes of a plan while the speaker is not reached."""
    return replace(applied(snapshot, decided), speakers=snapshot.speakers)


def without_agents(snapshot: Snapshot, decided: Plan) -> Snapshot:
    """What comes of a plan while no Announcer can be written."""
    return replace(applied(snapshot, decided), announcers=snapshot.announcers)


@pytest.mark.parametrize(("old", "new"), [("bgp", "layer2"), ("layer2", "bgp")])
def test_at_every_step_somebody_leads_to_the_address(old: str, new: str) -> None:
    rounds = list(steps(replace(at(old), eips=turned(new))))
    assert all(reachable(seen) for seen, _ in rounds)
    assert all(announced(decided).startswith("True Announced") for _, decided in rounds)
    seen, decided = rounds[-1]
    assert bool(owners(seen)) == (new == "layer2")
    assert bool(hops(decided)) == (new == "bgp")
    assert by(decided) == (owners(seen)[FIRST][0] if new == "layer2" else "bgp")


def test_paths_stay_until_the_assignment_stands_and_follow_the_nodes_meanwhile() -> None:
    before = at("bgp")
    seen = replace(before, eips=turned("layer2"))
    for _ in range(3):  # the API server takes no writes
        decided = plan(seen)
        assert len(planned(decided)[FIRST]) == 1
        assert hops(decided) == hops(plan(before))
        seen = without_agents(seen, decided)
    dead = replace(seen, liveness={NodeName("node2"): Liveness.Dead})
    assert hops(plan(dead)) == {"tor-1": ["192.0.2.11", "192.0.2.13"]}
    after, decided = settled(seen)
    assert (len(owners(after)[FIRST]), hops(decided)) == (1, {})


def test_the_assignment_stays_until_the_paths_stand_and_follows_the_nodes_meanwhile() -> None:
    seen = replace(at("layer2"), eips=turned("bgp"))
    (place,) = owners(seen)[FIRST]
    for _ in range(3):  # the speaker does not take them
        decided = plan(seen)
        assert planned(decided) == {FIRST: [place]}
        assert len(hops(decided)["tor-1"]) == 3
        seen = without_speakers(seen, decided)
    drained = replace(seen, nodes=nodes(f"{place.partition('/')[0]} drained"))
    assert not planned(plan(drained))  # nothing new is put where the Eip does not say so
    after, decided = settled(seen)
    assert (owners(after), len(hops(decided)["tor-1"])) == ({}, 3)


def test_without_a_router_the_old_protocol_goes_on() -> None:
    seen = replace(at("layer2"), eips=turned("bgp"), bgp_peers={})
    after, decided = settled(seen)
    assert owners(after) == owners(seen)
    assert announced(decided).startswith("False NoPeer")


def test_without_a_node_on_the_subnet_the_old_protocol_goes_on() -> None:
    far = turned("layer2", layer2={"interface": "eth9"})
    after, decided = settled(replace(at("bgp"), eips=far))
    assert (owners(after), len(hops(decided)["tor-1"])) == ({}, 3)
    assert announced(decided).startswith("False NoNodeOnSubnet")


@pytest.mark.parametrize("old", ["bgp", "layer2"])
def test_nobody_serves_any_more_and_the_old_one_lets_go_as_well(old: str) -> None:
    seen = replace(at(old), eips=turned("bgp" if old == "layer2" else "layer2"), endpoint_slices={})
    after, _ = settled(seen)
    assert not reachable(after)


@pytest.mark.parametrize("old", ["bgp", "layer2"])
def test_what_is_left_to_others_is_given_up_at_once(old: str) -> None:
    decided = plan(replace(at(old), eips=turned("none")))
    assert (planned(decided), hops(decided)) == ({}, {})


def test_who_never_was_announced_over_bgp_gets_no_path() -> None:
    rounds = list(steps(lan()))
    assert not any(decided.speakers[0].routes for _, decided in rounds)
