"""Exactly one owner, moves in two writes, and what the specs say of each address."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from manager.planner.plan import plan
from manager.snapshot import Conflict, NodeName, ServicePort
from pointsman.model.liveness import Liveness
from tests.manager.planner.addresses.addressing import service
from tests.manager.planner.layer2.lan import (
    FIRST,
    WEB,
    agent,
    agents,
    announced,
    by,
    entries,
    lan,
    lan_eip,
    owners,
    planned,
    served,
    settled,
    standing_at,
    steps,
)
from tests.manager.planner.scene import endpoints, nodes


def test_the_record_comes_first_and_the_condition_last() -> None:
    rounds = list(steps(lan()))
    assert not planned(rounds[0][1])  # the address is not in the status
    assert rounds[1][0].services[WEB.key].status_addresses
    assert len(planned(rounds[1][1])[FIRST]) == 1
    assert "pointsman.dev/Announced" not in rounds[1][1].services[WEB.key].conditions
    assert announced(rounds[2][1]).startswith("True Announced: ")


def test_a_move_is_two_writes_and_the_second_waits_for_the_first() -> None:
    seen, _ = settled(lan())
    (at,) = owners(seen)[FIRST]
    node = at.partition("/")[0]
    moving = replace(seen, nodes=nodes(f"{node} drained"))
    first, second, *_ = steps(moving)
    assert planned(first[1]) == {}  # taken away, and given to nobody yet
    assert owners(second[0]) == {}
    (to,) = planned(second[1])[FIRST]
    assert to != at
    # And what is announced stays as it was until the other one has it.
    assert announced(first[1]) == announced(second[1]) != announced(settled(moving)[1])


def test_an_address_that_a_write_may_have_brought_to_a_node_is_given_to_nobody_else() -> None:
    """A request was sent, and its answer is not known: the spec may have it by now."""
    rounds = list(steps(lan()))
    seen, decided = rounds[1]
    (place,) = planned(decided)[FIRST]
    node = NodeName(place.partition("/")[0])
    sent = replace(seen, assigning={node: frozenset({ip_address(FIRST)})})
    assert planned(plan(sent)) == {FIRST: [place]}
    for word in ("drained", "unready"):
        assert planned(plan(replace(sent, nodes=nodes(f"{node} {word}")))) == {}
    (other,) = planned(plan(replace(sent, liveness={node: Liveness.Dead})))[FIRST]
    assert other != place
    unknown = {**sent.announcers, node: replace(agent(node), reported=False, interfaces=())}
    assert planned(plan(replace(sent, announcers=unknown))) == {}


def test_nobody_waits_for_a_dead_node_to_give_up_an_address() -> None:
    seen, _ = settled(lan())
    (at,) = owners(seen)[FIRST]
    dead = NodeName(at.partition("/")[0])
    decided = plan(replace(seen, liveness={dead: Liveness.Dead}))
    (to,) = planned(decided)[FIRST]
    assert to != at


def test_a_node_that_returns_takes_nothing_back() -> None:
    many = [service(f"a/web-{n}") for n in range(12)]
    before, _ = settled(lan(*served(*many)))
    without, _ = settled(replace(before, liveness={NodeName("node1"): Liveness.Dead}))
    assert not [at for at in owners(without).values() if at == ["node1/eth0"]]
    stayed = {ip: at for ip, at in owners(before).items() if at != ["node1/eth0"]}
    assert stayed.items() <= owners(without).items()
    assert owners(settled(replace(without, liveness={}))[0]) == owners(without)


def test_what_was_never_announced_is_to_be_probed_for() -> None:
    rounds = list(steps(lan()))
    assert [e["probe"] for e in entries(rounds[1][1])] == [[FIRST]]
    assert [e.get("probe") for e in entries(rounds[-1][1])] == [None]
    unchecked = list(steps(lan(*served(WEB), lan_eip(conflictCheck=False))))
    assert [e.get("probe") for e in entries(unchecked[1][1])] == [None]


@pytest.mark.parametrize("about", [{}, {"withheld"}, {"conflicts"}])
def test_it_is_probed_for_until_the_agent_took_that_up_and_found_nobody(about: Any) -> None:
    seen, _ = settled(lan())
    (at,) = owners(seen)[FIRST]
    node, address = NodeName(at.partition("/")[0]), ip_address(FIRST)
    there = replace(seen.announcers[node].assignments[0], probe=(address,))
    texts: dict[str, Any] = {
        "withheld": {address: "in use"},
        "conflicts": {address: Conflict("eth0", "02:00:00:00:00:99")},
    }
    more = {key: texts[key] for key in about}
    for executes, probed in ((1, True), (2, bool(about))):
        one = replace(
            seen.announcers[node], assignments=(there,), generation=2, executes=executes, **more
        )
        decided = plan(replace(seen, announcers={**seen.announcers, node: one}))
        assert [e.get("probe") for e in entries(decided)] == [[FIRST] if probed else None]


def test_a_network_that_inspects_is_announced_to_slowly() -> None:
    _, decided = settled(lan(*served(WEB), lan_eip(inspection="strict")))
    assert [e["announceRate"] for e in entries(decided)] == [10]
    assert "announceRate" not in entries(settled(lan())[1])[0]


def test_sharers_have_one_owner_where_all_are_served() -> None:
    both = [
        service(f"a/{name}", notes={"share-key": "k"}, ports=(ServicePort("TCP", port),))
        for name, port in (("web", 80), ("mail", 25))
    ]
    seen, decided = settled(lan(*served(*both)))
    assert {ip: len(at) for ip, at in owners(seen).items()} == {FIRST: 1}
    assert by(decided, both[0].key) == by(decided, both[1].key) != ""
    # One of them is not served any more: nothing moves for the other.
    ends = lan(both[0], endpoints("a/web", "node1:unready"), *served(both[1])).endpoint_slices
    after, decided = settled(replace(seen, endpoint_slices=ends))
    assert owners(after) == owners(seen)
    assert announced(decided, both[0].key).startswith("False NoServingEndpoint")
    assert announced(decided, both[1].key).startswith("True Announced")


def test_two_specs_with_one_address_become_one_and_the_record_decides() -> None:
    """As after a node that was thought dead, and wasn't."""
    seen, _ = settled(lan())
    (at,) = owners(seen)[FIRST]
    for other in {"node1", "node2", "node3"} - {at.partition("/")[0]}:
        twice = {**seen.announcers, NodeName(other): standing_at(other, FIRST)}
        assert planned(plan(replace(seen, announcers=twice))) == {FIRST: [at]}


def test_what_stands_and_nobody_wants_is_taken_away() -> None:
    there = agents(standing_at("node2", "192.0.2.99"))
    assert planned(plan(lan(announcers=there))) == {}


def test_how_many_a_node_answers_for_is_said_for_those_who_only_look() -> None:
    many = [service(f"a/web-{n}") for n in range(5)]
    _, decided = settled(lan(*served(*many)))
    counts = [one.spec["announcing"] for one in decided.announcers.values() if one.spec]
    assert counts == [len(one["addresses"]) for one in entries(decided)]
    assert sum(len(one["addresses"]) for one in entries(decided)) == 5
