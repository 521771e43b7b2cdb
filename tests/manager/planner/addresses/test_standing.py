"""What stands by itself is what the whole way would come to; what is in doubt does not stand."""

import random
from collections import Counter
from dataclasses import replace
from ipaddress import ip_address
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manager.planner.addresses.allocation_memo import AllocationMemo
from manager.planner.addresses.claims import Claim, Share, read_claim
from manager.planner.addresses.pools import read_pools
from manager.planner.addresses.sharing import Holders, agree
from manager.planner.addresses.standing import homes_of
from manager.planner.desired import Allocations, Counts
from manager.snapshot import (
    Eip,
    Ingress,
    Node,
    NodeName,
    Service,
    ServiceKey,
    ServicePort,
    Snapshot,
)
from tests.manager.planner.addresses.addressing import (
    BOTH,
    DUAL,
    V4,
    V6,
    Unsettled,
    apply,
    cluster,
    eip,
    in_order,
    ours,
    plan,
    service,
    settled,
    stranger,
)

POOL = eip("public", "192.0.2.0/28", "2001:db8::/124", default=True)
PORTS = tuple(ServicePort("TCP", port) for port in (80, 443))
SHARE: dict[str, Any] = {"share-key": "k"}

HALF_WIPED = replace(
    service("a/1", "192.0.2.1", "192.0.2.2", hints_are_ours=True),
    annotations={"pointsman.dev/allocated-from": "public/192.0.2.1,public/192.0.2.2"},
    ingress=(Ingress(ip="192.0.2.1"),),
)


def restless(*objects: Any, **more: Any) -> set[str]:
    """Who does not stand in a cluster of *objects*; what all come to is checked beside."""
    snapshot = cluster(*objects, **more)
    allocations = plan(snapshot)
    assert in_order(plan(snapshot, Unsettled())) == in_order(allocations)
    return set(AllocationMemo().facts(snapshot, ours(snapshot), read_pools(snapshot)).restless)


@pytest.mark.parametrize(
    ("one", "stands"),
    [
        pytest.param(service("a/1", "192.0.2.1"), True, id="holds what it wants"),
        pytest.param(service("a/1"), False, id="has none yet"),
        pytest.param(stranger("a/1", "192.0.2.1"), False, id="takes over"),
        pytest.param(service("a/1", "203.0.113.1"), False, id="in no Eip"),
        pytest.param(service("a/1", "192.0.2.1", deleting=True), False, id="is being deleted"),
        pytest.param(service("a/1", "192.0.2.1", "192.0.2.2"), True, id="two of a family"),
        pytest.param(service("a/1", "192.0.2.1", "2001:db8::1"), False, id="one too many"),
        pytest.param(service("a/1", "192.0.2.1", "2001:db8::1", **DUAL), True, id="both"),
        pytest.param(service("a/1", "192.0.2.1", **DUAL), False, id="prefers both"),
        pytest.param(service("a/1", "192.0.2.1", **BOTH), False, id="needs both"),
        pytest.param(service("a/1", "2001:db8::1", families=(V6,)), True, id="IPv6"),
        pytest.param(HALF_WIPED, False, id="one of two was taken out of its status"),
    ],
)
def test_who_holds_exactly_what_it_wants_stands(one: Service, stands: bool) -> None:
    assert restless(one, POOL) == (set() if stands else {"a/1"})


@pytest.mark.parametrize(
    ("notes", "stands"),
    [
        pytest.param({"addresses": "192.0.2.1"}, True, id="the very address"),
        pytest.param({"addresses": "192.0.2.2"}, False, id="another address"),
        pytest.param({"addresses": "192.0.2.1,192.0.2.2"}, False, id="one more"),
        pytest.param({"eip": "public"}, True, id="its Eip"),
        pytest.param({"eip": "other"}, False, id="another Eip"),
        pytest.param({"eip": ","}, False, id="nonsense"),
        pytest.param({"eip": "other", "addresses": "192.0.2.1"}, True, id="address before Eip"),
        pytest.param(
            {"eip": "other", "addresses": "192.0.2.1", "allocated-from": "other/192.0.2.1"},
            False,
            id="and that gave it, which stays recorded",
        ),
        pytest.param(SHARE, True, id="would share"),
        pytest.param({"allocated-from": "old/192.0.2.9"}, True, id="a hint that others wrote"),
    ],
)
def test_what_is_asked_for(notes: dict[str, str], stands: bool) -> None:
    one = service("a/1", "192.0.2.1", notes=notes)
    assert restless(one, POOL) == (set() if stands else {"a/1"})


V4_ONLY = eip("low", "192.0.2.0/28", default=True)
V6_TOO = ("2001:db8::/127",)


@pytest.mark.parametrize(
    ("eips", "more", "stands"),
    [
        pytest.param([V4_ONLY], {}, True, id="no Eip has it"),
        pytest.param([V4_ONLY], {"notes": {"eip": "low,gone"}}, True, id="none of those it names"),
        pytest.param([V4_ONLY], {"notes": SHARE}, False, id="others may share one"),
        pytest.param(
            [V4_ONLY], {"notes": {"allocated-from": "gone/2001:db8::1"}}, False, id="it had one"
        ),
        pytest.param([V4_ONLY], {"family_policy": "RequireDualStack"}, False, id="it needs both"),
        pytest.param([V4_ONLY, eip("six", *V6_TOO)], {}, True, id="an Eip that is no default"),
        pytest.param(
            [V4_ONLY, eip("six", *V6_TOO, default=True, disabled=True)], {}, True, id="disabled"
        ),
        pytest.param([V4_ONLY, eip("six", *V6_TOO, default=True)], {}, False, id="an Eip has it"),
        pytest.param(
            [eip("low", "192.0.2.0/28", default=True, namespaces=("b",))],
            {},
            False,
            id="an Eip that is choosy",
        ),
    ],
)
def test_who_does_without_a_family_that_nobody_gives(
    eips: list[Eip], more: dict[str, Any], stands: bool
) -> None:
    one = service("a/1", "192.0.2.1", **{**DUAL, **more})
    assert restless(one, *eips) == (set() if stands else {"a/1"})


def test_who_comes_near_an_address_unsettles_its_holder() -> None:
    holder = service("a/1", "192.0.2.1")
    address = ip_address("192.0.2.1")
    foreign = stranger("b/1", "192.0.2.1", load_balancer_class="other.example/lb")
    external = service("b/2", type="ClusterIP", external_ips=(address,))
    node = Node(NodeName("n"), internal_ips=(address,))
    assert restless(holder, foreign, POOL) == {"a/1"}
    assert restless(holder, external, POOL) == {"a/1"}
    assert restless(holder, POOL, nodes={node.name: node}) == {"a/1"}
    assert restless(holder, POOL, pending={"b/9": (address,)}) == {"a/1"}
    assert restless(holder, POOL, pending={"a/1": (address,)}) == set()
    assert restless(holder, service("b/3", "192.0.2.1"), POOL) == {"a/1", "b/3"}
    assert restless(holder, eip("more", "192.0.2.1"), POOL) == {"a/1"}


def test_those_who_share_stand_together_or_none_does() -> None:
    first = service("a/1", "192.0.2.1", notes=SHARE, ports=PORTS[:1])
    second = service("a/2", "192.0.2.1", "192.0.2.2", notes=SHARE, ports=PORTS[1:])
    third = service("a/3", "192.0.2.2", notes=SHARE, ports=PORTS[:1])
    assert restless(first, second, third, POOL) == set()
    moving = replace(third, annotations={**third.annotations, "pointsman.dev/eip": "other"})
    assert restless(first, second, moving, POOL) == {"a/1", "a/2", "a/3"}
    assert restless(first, second, replace(third, ports=PORTS[1:]), POOL) == {"a/1", "a/2", "a/3"}


def test_of_those_who_share_the_oldest_is_named_first() -> None:
    old = service("a/2", "192.0.2.1", notes=SHARE, ports=PORTS[:1], created="1")
    young = service("a/1", "192.0.2.1", notes=SHARE, ports=PORTS[1:], created="2")
    other = service("b/1", notes={"addresses": "192.0.2.1"}, created="3")
    assert restless(old, young, other, POOL) == {"b/1"}
    verdict = plan(cluster(old, young, other, POOL)).services[other.key].verdict
    assert "Service a/2 holds it" in str(verdict)


SHARES = st.lists(
    st.builds(
        Share,
        key=st.sampled_from("kkkl"),
        namespace=st.sampled_from("ab"),
        namespaces=st.sampled_from(
            [frozenset(), frozenset("a"), frozenset("b"), frozenset("ab"), frozenset("*")]
        ),
        policy=st.sampled_from(["Cluster", "Cluster", "Local"]),
        selector=st.sampled_from([(), (("app", "1"),), (("app", "1"),), (("app", "2"),)]),
        ports=st.sampled_from([frozenset({("TCP", port)}) for port in range(5)]),
    ),
    min_size=2,
    max_size=4,
)


@given(SHARES)
def test_shares_agree_where_each_may_join_the_others(shares: list[Share]) -> None:
    empty = read_claim(service("a/1"))
    claims = [
        replace(empty, key=ServiceKey(f"x/{n}"), share=share) for n, share in enumerate(shares)
    ]
    assert {_all_join(order) for order in permutations(claims)} == {agree(shares)}


def _all_join(claims: tuple[Claim, ...]) -> bool:
    holders = Holders()
    for claim in claims:
        if holders.obstacle(claim) is not None:
            return False
        holders.add(claim)
    return True


def test_a_home_is_the_one_live_eip_of_an_address() -> None:
    snapshot = cluster(
        eip("a", "192.0.2.0/29", exclude=("192.0.2.3",), created="1"),
        eip("b", "192.0.2.6-192.0.2.9", "2001:db8::5", created="2"),
        eip("c", "192.0.2.12/31", deleting=True),
        eip("d", "192.0.2.14/31", disabled=True),
    )
    homes = homes_of(read_pools(snapshot))
    found = {n: homes.of(ip_address(f"192.0.2.{n}")) for n in range(17)}
    assert {n: name for n, name in found.items() if name} == {
        **dict.fromkeys((0, 1, 2, 4, 5), "a"),
        **dict.fromkeys((8, 9), "b"),
        **dict.fromkeys((14, 15), "d"),
    }
    assert [homes.of(ip_address(f"2001:db8::{n}")) for n in (4, 5, 6)] == [None, "b", None]


def walked(snapshot: Snapshot, allocations: Allocations) -> dict[str, tuple[object, ...]]:
    """Allocated addresses, available ones and Services of each Eip, counted one by one."""
    pools = read_pools(snapshot)
    grants = [(k, g) for k, a in allocations.services.items() for g in a.grants]
    recorded = {a for s in snapshot.services.values() for a in s.status_addresses}
    found: dict[str, tuple[object, ...]] = {}
    for name, pool in pools.by_name.items():
        addresses = {g.address for _, g in grants if g.eip == name}
        taken = recorded | {g.address for _, g in grants}
        busy = Counter(a.version for a in taken if a in pool.declared and not pool.withholds(a))
        left = Counts(pool.capacity(V4) - busy[4], pool.capacity(V6) - busy[6])
        allocated = Counter(a.version for a in addresses)
        holders = {key for key, g in grants if g.eip == name}
        found[name] = Counts(allocated[4], allocated[6]), left, len(holders), bool(holders)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_usages_are_those_of_a_walk_over_everything(seed: int) -> None:
    luck, memo = random.Random(seed), AllocationMemo()
    eips = (
        eip("a", "192.0.2.0/28", "2001:db8::/126", default=True, created="1"),
        eip("b", "192.0.2.8/28", created="2"),
        eip("c", "198.51.100.0/30", avoid_buggy_ips=True, priority=0, default=True),
    )
    snapshot = cluster(*eips)
    for step in range(12):
        notes = luck.choice([{}, {}, SHARE, {"eip": "c"}, {"addresses": "192.0.2.9"}])
        ports = (ServicePort("TCP", step),)
        new = service(f"a/{step}", notes=notes, ports=ports, **luck.choice([{}, DUAL]))
        gone = luck.choice([None, *snapshot.services])
        services = {k: one for k, one in snapshot.services.items() if k != gone}
        there = f"192.0.2.{luck.randrange(20)}"
        foreign = stranger(f"z/{step % 3}", there, load_balancer_class="other.example/lb")
        services |= {new.key: new, foreign.key: foreign}
        snapshot, allocations = settled(replace(snapshot, services=services))
        assert plan(snapshot, memo) == allocations
        assert walked(snapshot, allocations) == {
            name: (one.allocated, one.available, one.services, one.in_use)
            for name, one in plan(snapshot, memo).eips.items()
        }


def test_what_did_not_change_stays_the_same_object() -> None:
    memo, holders = AllocationMemo(), [service(f"a/{n}", f"192.0.2.{n}") for n in range(1, 4)]
    before = plan(cluster(*holders, POOL), memo)
    touched = replace(holders[1], resource_version="2")
    after = plan(cluster(holders[0], touched, holders[2], POOL), memo)
    assert after.services is before.services
    assert after.eips is before.eips
    new = apply(cluster(*holders, POOL), after)
    young = service("a/9")
    again = plan(replace(new, services={**new.services, young.key: young}), memo)
    assert [again.services[key] is one for key, one in before.services.items()] == [True] * 3
    assert again.services.turned == {"a/9"}  # type: ignore[attr-defined]
