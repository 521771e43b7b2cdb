"""A table is a mapping of routes like any other, and shares what is equal."""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.model.address import Prefix
from pointsman.model.delta import Delta, delta, like, patched
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey, route_order
from pointsman.model.table import Group, Table
from pointsman.model.version import Version, changed

Routes = dict[RouteKey, Route]

PREFIXES: list[Prefix] = [
    ip_network(text)
    for text in (
        "198.51.100.1/32",
        "198.51.100.0/24",
        "198.51.100.0/25",
        "203.0.113.7/32",
        "2001:db8::1/128",
        "2001:db8::/64",
    )
]
HOPS = [ip_address(text) for text in ("192.0.2.9", "192.0.2.10", "2001:db8:ffff::1")]


def route(med: int = 0, peers: str = "tor-1") -> Route:
    """Return a route that is equal to, and another object than, the next one made alike."""
    return Route(PathAttributes(med=med), frozenset(map(PeerName, peers.split())))


keys = st.builds(RouteKey, st.sampled_from(PREFIXES), st.sampled_from(HOPS), st.integers(0, 1))
routes = st.builds(route, st.integers(0, 1), st.sampled_from(["tor-1", "tor-1 tor-2", ""]))
tables = st.dictionaries(keys, routes, max_size=20)
works = st.builds(Delta, tables, st.frozensets(keys, max_size=8))


def groups_of(found: Table) -> list[tuple[Any, Prefix, Any]]:
    return [(order, group.prefix, group.hops) for order, group in found.groups.items()]


def assert_well_made(found: Table) -> None:
    """Assert that groups stand under their own order, sorted, and that none is empty."""
    assert list(found.groups) == sorted(found.groups)
    assert all(group and group.order == order for order, group in found.groups.items())


@given(tables)
def test_it_says_what_a_dictionary_of_the_same_routes_says(plain: Routes) -> None:
    found = Table.of(plain)
    in_order = sorted(plain, key=route_order)
    assert_well_made(found)
    assert list(found) == list(found.keys()) == in_order
    assert list(found.items()) == [(key, plain[key]) for key in in_order]
    assert list(found.values()) == [plain[key] for key in in_order]
    assert (len(found), bool(found)) == (len(plain), bool(plain))
    assert all(found[key] == found.get(key) == one for key, one in plain.items())
    assert found == plain
    assert plain == found
    assert found == Table.of(dict(reversed(plain.items())))
    assert list(found.prefixes()) == list(dict.fromkeys(key.prefix for key in in_order))


@given(tables, keys)
def test_what_it_has_not_it_has_not(plain: Routes, other: RouteKey) -> None:
    found = Table.of(plain)
    assert (other in found) == (other in plain)
    assert found.get(other) == plain.get(other)
    group = found.group(other.prefix)
    assert (group is not None) == any(key.prefix == other.prefix for key in plain)
    assert "198.51.100.1/32" not in found
    if other not in plain:
        with pytest.raises(KeyError):
            found[other]


@given(tables, tables)
def test_two_are_equal_when_their_routes_are(one: Routes, other: Routes) -> None:
    assert (Table.of(one) == Table.of(other)) == (one == other)
    assert (Table.of(one) == other) == (one == other)
    assert (one == Table.of(other)) == (one == other)
    assert Table.of(one) != 7


@given(tables, tables)
def test_what_it_lacks_is_what_dictionaries_lack(one: Routes, other: Routes) -> None:
    wanted, there = Table.of(one), Table.of(other)
    work = wanted.minus(there)
    assert work == delta(one, other)
    assert delta(wanted, there) == delta(wanted, other) == delta(one, there) == work
    assert list(work.put) == sorted(work.put, key=route_order)


@given(tables, works)
def test_work_leaves_it_as_it_leaves_a_dictionary(plain: Routes, work: Any) -> None:
    before = Table.of(plain)
    after = before.patched(work)
    expected = {k: v for k, v in {**plain, **work.put}.items() if k not in work.drop}
    assert after == expected
    assert patched(before, work) == patched(plain, work) == expected
    assert_well_made(after)
    assert before == plain
    assert_well_made(before)
    touched = {key.prefix for key in (*work.put, *work.drop)}
    for order, group in before.groups.items():
        assert group.prefix in touched or after.groups[order] is group


@given(tables, tables)
def test_its_work_done_there_it_is_what_was_wanted(one: Routes, other: Routes) -> None:
    wanted, there = Table.of(one), Table.of(other)
    after = there.patched(wanted.minus(there))
    assert after == wanted
    assert after.like(wanted) is wanted
    assert not wanted.minus(after)


@given(tables, tables)
def test_what_is_equal_is_taken_from_the_other(one: Routes, other: Routes) -> None:
    read, known = Table.of(one), Table.of(other)
    found = read.like(known)
    assert found == one
    assert_well_made(found)
    assert (found is known) == (one == other)
    assert like(read, known) == found
    for order, group in found.groups.items():
        assert (group is known.groups.get(order)) == (group == known.groups.get(order))


def flat(hosts: int, med: int = 0) -> Routes:
    return {
        RouteKey(ip_network(f"198.51.100.{host}/32"), hop): route(med)
        for host in range(hosts)
        for hop in HOPS
    }


def test_prefixes_that_say_the_same_share_their_hops() -> None:
    found = Table.of(flat(9))
    assert len({id(group.hops) for group in found.groups.values()}) == 1
    assert Table.of(found) is found


def test_work_on_many_prefixes_alike_leaves_them_sharing() -> None:
    before = Table.of(flat(9))
    first, *_, last = HOPS
    drained = {key: one for key, one in flat(9).items() if key.next_hop != first}
    changed = {key: route(5) for key in drained if key.next_hop == last}
    work = Delta(changed, frozenset(flat(9).keys() - drained.keys()))
    after = before.patched(work)
    assert len({id(group.hops) for group in after.groups.values()}) == 1
    put = after.minus(before).put
    assert isinstance(put, Table)
    assert len({id(group.hops) for group in put.groups.values()}) == 1


def test_a_new_prefix_is_put_and_held_as_it_was_planned() -> None:
    wanted, there = Table.of(flat(9)), Table.of(flat(4))
    work = wanted.minus(there)
    after = there.patched(work)
    for host in range(4, 9):
        prefix = ip_network(f"198.51.100.{host}/32")
        assert after.group(prefix) is wanted.group(prefix)


@given(tables, works)
def test_keys_that_go_are_held_by_prefix_too(plain: Routes, work: Any) -> None:
    keys = Table.of_keys(work.drop)
    assert keys.keys() == work.drop
    assert_well_made(keys)
    assert Table.of_keys(keys.keys()) is keys
    there = Table.of(plain)
    assert keys.within(there).keys() == work.drop & plain.keys()
    assert_well_made(keys.within(there))
    assert there.within(there).groups == there.groups
    gone: Delta[RouteKey, Route] = Delta({}, keys.keys())
    assert there.patched(gone) == {k: v for k, v in plain.items() if k not in work.drop}


def test_what_goes_from_many_prefixes_alike_is_shared() -> None:
    before, first = Table.of(flat(9)), HOPS[0]
    after = Table.of({key: one for key, one in flat(9).items() if key.next_hop != first})
    gone = Table.of_keys(after.minus(before).drop)
    assert len(gone) == 9
    assert len({id(group.hops) for group in gone.groups.values()}) == 1
    assert len({id(group.hops) for group in gone.within(before).groups.values()}) == 1
    assert (
        len({id(group.hops) for group in before.patched(after.minus(before)).groups.values()}) == 1
    )


class Touchy(Mapping[Any, Route]):
    """Next hops that nobody may look into."""

    def __getitem__(self, _: Any) -> Route:
        raise AssertionError("looked into")

    def __iter__(self) -> Any:
        raise AssertionError("looked into")

    def __len__(self) -> int:
        return 1

    def __eq__(self, _: object) -> bool:
        raise AssertionError("compared")

    __hash__ = None  # type: ignore[assignment]


def test_what_is_the_same_object_is_not_looked_into() -> None:
    prefix, other = PREFIXES[0], PREFIXES[1]
    group = Group(prefix, Touchy())
    one, same = Table({group.order: group}), Table({group.order: group})
    assert one == same
    assert not one.minus(same)
    assert one.like(same) is same
    assert group == Group(prefix, group.hops)
    key = RouteKey(other, HOPS[0])
    after = one.patched(Delta({key: route()}, frozenset()))
    assert after.groups[group.order] is group
    assert after.minus(one) == Delta({key: route()}, frozenset())


def test_it_knows_what_turned_since_the_one_before() -> None:
    before = Table.of(flat(9))
    key = RouteKey(PREFIXES[5], HOPS[0])
    after = before.patched(Delta({key: route()}, frozenset()))
    assert changed(after.groups, before.groups) == {key.order[:3]}
    assert isinstance(after.groups, Version)
    assert after.groups.follows(before.groups)
    read = Table.of({**flat(9), key: route(7)}).like(after)
    assert isinstance(read.groups, Version)
    assert (read.groups.follows(after.groups), read.groups.turned) == (True, {key.order[:3]})


@given(tables, works, works)
def test_successors_compare_as_strangers_do(plain: Routes, first: Any, second: Any) -> None:
    one = Table.of(plain)
    two = one.patched(first)
    three, sibling = two.patched(second), two.patched(first)
    pairs = ((two, one), (one, two), (three, two), (three, one), (one, three))
    for now, then in (*pairs, (three, sibling), (sibling, three), (sibling, two)):
        assert now.minus(then) == delta(dict(now), dict(then))
        assert (now == then) == (dict(now) == dict(then))


def test_a_group_is_what_is_said_of_one_prefix() -> None:
    hops = {(HOPS[2], 0): route(2), (HOPS[0], 1): route(1), (HOPS[0], 0): route(0)}
    group = Group(PREFIXES[0], hops)
    assert group.order == RouteKey(PREFIXES[0], HOPS[0]).order[:3]
    assert [one.attributes.med for _, one in group.routes()] == [0, 1, 2]
    assert group == Group(PREFIXES[0], dict(hops))
    assert group != Group(PREFIXES[1], hops)
    assert group != Group(PREFIXES[0], {(HOPS[0], 0): route()})
    assert not Group(PREFIXES[0], {})
    assert group != hops


def test_mappings_of_other_kinds_are_compared_whole() -> None:
    known = {"a": 1}
    assert like({"a": 1}, known) is known
    assert like({"a": 2}, known) == {"a": 2}
    assert patched(known, Delta({"b": 2}, frozenset({"a", "c"}))) == {"b": 2}
    assert known == {"a": 1}
