"""Which nodes stand for many: at most so many next hops, spread over zones, and stable.

Rendezvous hashing: every node has a number for every prefix, and the order of numbers is
the order of preference. Zones take turns; within its turn a zone sends its best. So a
node that goes is replaced by one other, and one that was not chosen changes nothing.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

from manager.snapshot import NodeName
from pointsman.model.address import Prefix

GROUPS: Final = 64


def spread(
    prefix: Prefix | str, names: Iterable[NodeName], *, zones: Mapping[NodeName, str], limit: int
) -> frozenset[NodeName]:
    """Return at most *limit* of *names* for *prefix*; all of them when they are no more.

    *prefix* may be the name of a group of prefixes, which then choose alike: see `group_of`.
    """
    wanted = frozenset(names)
    if len(wanted) <= limit:
        return wanted
    by_zone: dict[str, list[NodeName]] = {}
    for name in sorted(wanted, key=lambda name: _score(prefix, name)):
        by_zone.setdefault(zones[name], []).append(name)
    turns = sorted(
        (turn, _score(prefix, zone), name)
        for zone, members in by_zone.items()
        for turn, name in enumerate(members)
    )
    return frozenset(name for _, _, name in turns[:limit])


def group_of(prefix: Prefix) -> str:
    """Return the group of prefixes that *prefix* belongs to.

    Where only a few of very many nodes are left out, prefixes of a group may leave out the
    same: to choose for each of 10,000 prefixes anew would take seconds of every plan.
    """
    return f"group {sha256(str(prefix).encode()).digest()[0] % GROUPS}"


def assign_speakers(
    prefix: Prefix, names: Iterable[NodeName], speakers: Iterable[int]
) -> tuple[tuple[NodeName, int], ...]:
    """Return a speaker of its own for each of *names*; what is left over gets none.

    Every pair has a number, and the lowest pair whose halves are both free is taken: when
    a node or a speaker goes, most of the others stay together.
    """
    pairs = sorted(
        (_score(prefix, f"{name} {speaker}"), name, speaker)
        for name in names
        for speaker in speakers
    )
    found: dict[NodeName, int] = {}
    for _, name, speaker in pairs:
        if name not in found and speaker not in found.values():
            found[name] = speaker
    return tuple(found.items())


def _score(prefix: Prefix | str, name: str) -> bytes:
    return sha256(f"{prefix} {name}".encode()).digest()
