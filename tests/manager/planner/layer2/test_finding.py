"""What a Service's record states of layer 2, and what its agents' words make of it."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from manager.planner.plan import plan
from manager.snapshot import Conflict, NodeName
from pointsman.model.address import Family
from tests.manager.planner.addresses.addressing import service
from tests.manager.planner.layer2.lan import (
    FIRST,
    WEB,
    announced,
    by,
    lan,
    owners,
    planned,
    settled,
)
from tests.manager.planner.scene import endpoints


def test_the_condition_and_the_annotation_name_the_node_and_its_interface() -> None:
    seen, decided = settled(lan())
    (at,) = owners(seen)[FIRST]
    node, interface = at.split("/")
    assert announced(decided) == (
        f"True Announced: Service a/web: {FIRST} is answered for by {node} at {interface}."
    )
    assert by(decided) == at


def test_both_families_have_an_owner_each() -> None:
    both = service("a/web", families=tuple(Family), family_policy="RequireDualStack")
    ends = [endpoints("a/web", "node1 node2 node3", family=one) for one in both.families]
    seen, decided = settled(lan(both, *ends))
    assert {ip: len(at) for ip, at in owners(seen).items()} == {FIRST: 1, "2001:db8:2::40": 1}
    assert sorted(by(decided).split(",")) == sorted(
        {at for found in owners(seen).values() for at in found}
    )


@pytest.mark.parametrize(
    ("marks", "ends", "reason"),
    [
        ("", "node1:unready", "NoServingEndpoint"),
        ("node1 labelled, node2 labelled, node3 labelled", "node1", "NoEligibleNode"),
    ],
)
def test_what_no_protocol_could_serve_is_said_alike(marks: str, ends: str, reason: str) -> None:
    seen, _ = settled(lan())
    after = lan(WEB, endpoints("a/web", ends), marks=marks)
    _, decided = settled(replace(seen, nodes=after.nodes, endpoint_slices=after.endpoint_slices))
    assert announced(decided).startswith(f"False {reason}: ")
    assert (planned(decided), by(decided)) == ({}, "")


def test_a_conflict_is_said_with_mac_and_interface_and_the_address_stays() -> None:
    seen, _ = settled(lan())
    (at,) = owners(seen)[FIRST]
    node = NodeName(at.partition("/")[0])
    heard = {ip_address(FIRST): Conflict("eth0", "02:00:00:00:00:99")}
    other = replace(seen.announcers[node], conflicts=heard, withheld={ip_address(FIRST): "in use"})
    decided = plan(replace(seen, announcers={**seen.announcers, node: other}))
    assert planned(decided) == {FIRST: [at]}
    assert by(decided) == at
    assert announced(decided) == (
        f"False AddressConflict: {FIRST} of Service a/web is in use by another host: "
        f"02:00:00:00:00:99 answers for it on the network of eth0 of {node}. Take the address away "
        "from that host, or ask for another one; it stays with the Service meanwhile."
    )


def test_what_an_agent_withholds_is_said_in_its_words() -> None:
    seen, _ = settled(lan())
    (at,) = owners(seen)[FIRST]
    node = NodeName(at.partition("/")[0])
    why = {ip_address(FIRST): "no frame of another host was heard since eth0 came up"}
    other = replace(seen.announcers[node], withheld=why)
    decided = plan(replace(seen, announcers={**seen.announcers, node: other}))
    assert announced(decided) == (
        f"True Announced: Service a/web: {FIRST} is answered for by {node} at eth0. {node} does "
        f"not answer for {FIRST} now: no frame of another host was heard since eth0 came up."
    )


def test_nothing_is_said_of_half_the_addresses_while_the_others_are_assigned() -> None:
    """Else the record would change and no condition: as if somebody else had written it."""
    both = service("a/web", families=tuple(Family), family_policy="RequireDualStack")
    ends = [endpoints("a/web", "node1 node2 node3", family=one) for one in both.families]
    seen, _ = settled(lan(both, *ends))
    web = seen.services[both.key]
    conditions = tuple(one for one in web.conditions if not one.type.endswith("Announced"))
    notes = {key: text for key, text in web.annotations.items() if not key.endswith("nounced-by")}
    ((four,), _six) = owners(seen).values()
    first = {name: one for name, one in seen.announcers.items() if name == four.split("/")[0]}
    half = replace(
        seen,
        services={both.key: replace(web, conditions=conditions, annotations=notes)},
        announcers={
            **seen.announcers,
            **{name: replace(one, assignments=()) for name, one in first.items()},
        },
    )
    decided = plan(half)
    assert by(decided, both.key) == ""
    assert "pointsman.dev/Announced" not in decided.services[both.key].conditions
