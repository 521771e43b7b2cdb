"""Where kernels answer ARP for Service addresses, nothing new is announced beside them."""

from dataclasses import replace

import pytest

from manager.planner.plan import plan
from manager.snapshot import NodeName
from pointsman.model.address import Family
from pointsman.model.liveness import Liveness
from tests.manager.planner.addresses.addressing import eip, service
from tests.manager.planner.layer2.lan import (
    FIRST,
    agent,
    agents,
    announced,
    lan,
    owners,
    planned,
    served,
    settled,
)
from tests.manager.planner.scene import endpoints, nic

LOOSE = agents(*(replace(agent(f"node{n}"), strict_arp=False) for n in (1, 3)))


def test_nobody_is_elected_and_the_condition_names_the_nodes() -> None:
    _, decided = settled(lan(announcers=LOOSE))
    assert not planned(decided)
    assert announced(decided).startswith(
        "False StrictARPRequired: Service a/web is not announced: node1 and node3 have"
    )


@pytest.mark.parametrize("strict", [True, None])
def test_a_strict_kernel_or_one_with_nothing_to_say_is_none(strict: bool | None) -> None:
    every = agents(*(replace(agent(f"node{n}"), strict_arp=strict) for n in (1, 2, 3)))
    _, decided = settled(lan(announcers=every))
    assert announced(decided).startswith("True ")


def test_ipv6_is_announced() -> None:
    web = service("a/web", families=(Family.IPV6,))
    there = endpoints("a/web", "node1", family=Family.IPV6)
    _, decided = settled(lan(web, there, announcers=LOOSE))
    assert announced(decided).startswith("True ")


def test_a_node_on_another_network_answers_nobody_here() -> None:
    far = replace(agent("node1"), strict_arp=False, interfaces=(nic("eth0", "198.51.100.1/24"),))
    _, decided = settled(lan(announcers=agents(far)))
    assert announced(decided).startswith("True ")


def test_one_node_alone_is_one_that_answers() -> None:
    pool = eip("far", "198.51.100.0/28", default=True, protocol="layer2")
    alone = replace(agent("node1", nic("eth1", "198.51.100.1/24")), strict_arp=False)
    _, decided = settled(lan(*served(service("a/web")), pool, announcers=agents(alone)))
    assert announced(decided).startswith("True ")


def test_what_was_announced_goes_on_and_moves_and_says_so() -> None:
    seen, _ = settled(lan())
    ((before,),) = owners(seen).values()
    loose = {name: replace(one, strict_arp=False) for name, one in seen.announcers.items()}
    turned, decided = settled(replace(seen, announcers=loose))
    assert owners(turned) == {FIRST: [before]}
    assert announced(decided).startswith("True ")
    assert "The kernels of node1, node2 and node3 answer ARP for it, too" in announced(decided)
    gone = {NodeName(before.partition("/")[0]): Liveness.Dead}
    _, decided = settled(replace(turned, liveness=gone))
    assert planned(decided).keys() == {FIRST}
    assert planned(decided)[FIRST] != [before]


def test_when_they_are_strict_it_is_announced() -> None:
    seen, _ = settled(lan(announcers=LOOSE))
    strict = {name: replace(one, strict_arp=True) for name, one in seen.announcers.items()}
    assert planned(plan(replace(seen, announcers=strict))).keys() == {FIRST}


def test_the_other_family_is_announced_and_that_is_no_announcement_of_this_one() -> None:
    web = service("a/web", families=(Family.IPV4, Family.IPV6), family_policy="PreferDualStack")
    both = [endpoints("a/web", "node1", family=family) for family in Family]
    seen, decided = settled(lan(web, *both, announcers=LOOSE))
    assert list(owners(seen)) == ["2001:db8:2::40"]
    assert announced(decided).startswith("False StrictARPRequired: 192.0.2.64 of Service a/web")
