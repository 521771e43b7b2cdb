"""Exactly one owner, the same one as long as it may be, and evenly many for each."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manager.planner.nodes.election import (
    Contenders,
    Place,
    by_preference,
    elect,
    grouped,
)
from manager.snapshot import NodeName

NAMES = [NodeName(f"node{n}") for n in range(1, 9)]
ADDRESSES = [(4, 3221225984 + n) for n in range(64)] + [
    (6, (0x20010DB8 << 96) + n) for n in range(8)
]


def contenders(names: frozenset[NodeName], *preferred: NodeName) -> Contenders:
    return Contenders(
        grouped(names, frozenset(preferred)), dict.fromkeys(sorted(names), ("eth0",)), {}
    )


def owners(
    now: Contenders, before: dict[tuple[int, int], Place | None]
) -> dict[tuple[int, int], Place | None]:
    return {number: elect(number, now, before.get(number)) for number in ADDRESSES}


nodes = st.frozensets(st.sampled_from(NAMES))


@given(life=st.lists(nodes, min_size=2, max_size=6))
def test_only_what_must_move_moves(life: list[frozenset[NodeName]]) -> None:
    held: dict[tuple[int, int], Place | None] = {}
    for names in life:
        now = owners(contenders(names), held)
        for number, place in now.items():
            assert (place is None) == (not names)
            before = held.get(number)
            if before is not None and before.node in names:
                assert place == before  # whoever came meanwhile
        held = now


@given(names=nodes, gone=st.sampled_from(NAMES))
def test_without_a_node_the_others_are_elected_as_they_were(
    names: frozenset[NodeName], gone: NodeName
) -> None:
    """Also by somebody who knows of no holder: a dead node's addresses alone come to others."""
    all_of_them = owners(contenders(names), {})
    without = owners(contenders(names - {gone}), {})
    moved = {number for number in ADDRESSES if all_of_them[number] != without[number]}
    assert moved == {n for n, place in all_of_them.items() if place and place.node == gone}


def test_addresses_are_spread_evenly_and_a_dead_nodes_are_too() -> None:
    many = [(4, 0x0A000000 + n) for n in range(3000)]
    three = contenders(frozenset(NAMES[:3]))
    found = {number: elect(number, three, None) for number in many}
    counts = Counter(place.node for place in found.values() if place)
    assert all(900 < counts[name] < 1100 for name in NAMES[:3])
    two = contenders(frozenset(NAMES[:2]))
    after = Counter(
        place.node
        for number, before in found.items()
        if before and before.node == NAMES[2] and (place := elect(number, two, None))
    )
    assert all(400 < after[name] < 600 for name in NAMES[:2])


def test_the_better_group_is_elected_from_and_takes_nothing_back() -> None:
    names = frozenset(NAMES)
    assert elect(ADDRESSES[0], contenders(names, NAMES[4]), None) == Place(NAMES[4], "eth0")
    stays = Place(NAMES[0], "eth0")
    assert elect(ADDRESSES[0], contenders(names, NAMES[4]), stays) == stays


@pytest.mark.parametrize(
    ("held", "at", "place"),
    [
        ("eth1", ("eth0", "eth1"), "eth1"),
        ("eth9", ("eth0", "eth1"), "eth0"),
    ],
)
def test_an_interface_is_retained_while_it_may_be(
    held: str, at: tuple[str, ...], place: str
) -> None:
    now = Contenders(((NAMES[0], NAMES[1]),), {NAMES[0]: at, NAMES[1]: ("eth0",)}, {})
    assert elect(ADDRESSES[0], now, Place(NAMES[0], held)) == Place(NAMES[0], place)


def test_who_only_lasts_is_never_elected_and_yields_to_whoever_is() -> None:
    lasts = {NAMES[0]: ()}
    nobody = Contenders((), {}, lasts)
    holder = Place(NAMES[0], "eth7")
    assert elect(ADDRESSES[0], nobody, None) is None
    assert elect(ADDRESSES[0], nobody, holder) == holder
    other = Contenders(((NAMES[1],),), {NAMES[1]: ("eth0",)}, lasts)
    assert elect(ADDRESSES[0], other, holder) == Place(NAMES[1], "eth0")


def test_groups_go_from_the_best_to_the_worst() -> None:
    one, two, three, four = NAMES[:4]
    well, preferred = frozenset({one, two}), frozenset({two, three})
    assert grouped((four, three, two, one), well, preferred) == ((two,), (one,), (three,), (four,))


def test_the_first_by_preference_is_who_is_elected() -> None:
    now = contenders(frozenset(NAMES), NAMES[3], NAMES[4])
    for number in ADDRESSES:
        first, *others = by_preference(number, now)
        assert first == elect(number, now, None)
        assert {first.node, *(one.node for one in others)} == set(NAMES)
        assert others[0].node in NAMES[3:5]
