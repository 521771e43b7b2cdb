"""Which node owns an address that exactly one may have: the same one as long as it may.

Rendezvous hashing: every node has a number for every address, and the highest is elected. So a
node that goes moves only what it had, evenly over the others. Whoever has an address keeps it
while it may: a node that returns, or begins to be preferred, takes nothing back.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

from manager.snapshot import NodeName

Number = tuple[int, int]  # an address by its IP version and number: that hashes faster, and sorts
WORD: Final = (1 << 64) - 1
# splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): a sha256
# of each pair would take seconds for 10,000 addresses on 100 nodes.
MIX: Final = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


class Place(NamedTuple):
    """A node, and the one of its interfaces at which it has an address."""

    node: NodeName
    interface: str


@dataclass(frozen=True, slots=True)
class Contenders:
    """The nodes that may own an address; one value for all addresses that are placed alike.

    Of each node the interfaces at which it could, the first is as good as any.
    """

    # Groups from the best to the worst: somebody new is elected from the first that has a node.
    groups: tuple[tuple[NodeName, ...], ...]
    interfaces: Mapping[NodeName, tuple[str, ...]]  # of every node in a group
    # Nobody is elected from these, but one that has the address keeps it where no other may have
    # it. No interfaces: whichever it has it at.
    lasting: Mapping[NodeName, tuple[str, ...]]
    # Nor from these: one keeps an address that has moved so often that it had better not again.
    able: Mapping[NodeName, tuple[str, ...]] = field(default_factory=dict)

    @property
    def staying(self) -> Mapping[NodeName, tuple[str, ...]]:
        """Return who keeps the address that it has, however often that moved."""
        return self.interfaces or self.lasting


def elect(
    number: Number, contenders: Contenders, holder: Place | None, *, damped: bool = False
) -> Place | None:
    """Return who owns the address; *holder*: who has it now. None: nobody may.

    *damped*: it stays with its holder for as long as that could be.
    """
    if holder is not None:
        among = contenders.staying
        if damped:
            among = {**contenders.able, **among}
        if (at := among.get(holder.node)) is not None:
            stays = not at or holder.interface in at
            return holder if stays else Place(holder.node, at[0])
    for group in contenders.groups:  # the first has a node
        best = max(group, key=lambda node: _score(number, node))
        return Place(best, contenders.interfaces[best][0])
    return None


def by_preference(number: Number, contenders: Contenders) -> Iterator[Place]:
    """Yield who may be elected, the best first."""
    for group in contenders.groups:
        for node in sorted(group, key=lambda node: _score(number, node), reverse=True):
            yield Place(node, contenders.interfaces[node][0])


def grouped(
    names: Iterable[NodeName], *sides: frozenset[NodeName]
) -> tuple[tuple[NodeName, ...], ...]:
    """Return *names* in groups: those in the first of *sides* before others, then the second."""
    groups = [sorted(names)]
    for side in sides:
        groups = [
            [name for name in group if (name in side) is inside]
            for group in groups
            for inside in (True, False)
        ]
    return tuple(tuple(group) for group in groups if group)


def _score(number: Number, node: NodeName) -> tuple[int, NodeName]:
    found = (_address_hash(number) ^ _node_hash(node)) & WORD
    found = ((found ^ found >> 30) * MIX[0]) & WORD
    found = ((found ^ found >> 27) * MIX[1]) & WORD
    return found ^ found >> 31, node


@lru_cache(maxsize=1 << 14)
def _address_hash(number: Number) -> int:
    return _hash(f"{number[0]} {number[1]}")


@lru_cache(maxsize=1 << 14)
def _node_hash(node: NodeName) -> int:
    return _hash(node)


def _hash(text: str) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:8])
