"""Work that is done once for each object, or pair of objects, however often it is asked for.

Ten thousand prefixes share one mapping of next hops: it is known by its identity, which costs
less than comparing it. What was worked on is held as long as the results are, so that no other
object comes to have its `id()`. Refuses to outlive one comparison or change: nothing is ever
forgotten. Values that live from plan to plan are `pointsman.model.memo`'s.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
R = TypeVar("R")


def distinct(objects: Iterable[A]) -> list[A]:
    """Return *objects*, each once, in order; equal ones that are not the same are two."""
    return list({id(one): one for one in objects}.values())


def once_per_object(work: Callable[[A], R]) -> Callable[[A], R]:
    """Return *work*, done once for each object."""
    known: dict[int, tuple[R, A]] = {}

    def of(one: A) -> R:
        found = known.get(id(one))
        if found is None:
            found = known[id(one)] = work(one), one
        return found[0]

    return of


def once_per_pair(work: Callable[[A, B], R]) -> Callable[[A, B], R]:
    """Return *work*, done once for each two objects, in this order."""
    known: dict[tuple[int, int], tuple[R, A, B]] = {}

    def of(one: A, other: B) -> R:
        pair = id(one), id(other)
        found = known.get(pair)
        if found is None:
            found = known[pair] = work(one, other), one, other
        return found[0]

    return of


def once_per_three(work: Callable[[A, B, C], R]) -> Callable[[A, B, C], R]:
    """Return *work*, done once for each three objects, in this order."""
    known: dict[tuple[int, int, int], tuple[R, A, B, C]] = {}

    def of(one: A, other: B, third: C) -> R:
        three = id(one), id(other), id(third)
        found = known.get(three)
        if found is None:
            found = known[three] = work(one, other, third), one, other, third
        return found[0]

    return of
