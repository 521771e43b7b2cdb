"""The one port through which the outside world is converged."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from pointsman.model.delta import Delta

K = TypeVar("K")
V = TypeVar("V")


class Unavailable(Exception):
    """The other side did not answer: retry later, conclude nothing about its state."""


class Target(Protocol[K, V]):
    """A system we converge: GoBGP's table, a node's kernel, Service statuses.

    Raises Unavailable for trouble that time may heal; anything else is a bug.
    """

    async def observe(self) -> Mapping[K, V]:
        """Read what is there now, from the system itself, never from memory."""
        ...

    async def apply(self, work: Delta[K, V]) -> None:
        """Put, then drop: what moves is never gone. A crash midway is cured by a second run."""
        ...
