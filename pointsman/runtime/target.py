"""The one port through which the outside world is converged."""

from collections.abc import Mapping
from typing import Final, Protocol, TypeVar

from pointsman.model.delta import Delta
from pointsman.model.printable import sentence

K = TypeVar("K")
V = TypeVar("V")

ERROR_MAX: Final = 1024  # characters of what another program says went wrong


class Unavailable(Exception):
    """The other side did not answer: retry later, conclude nothing about its state.

    Its text may repeat what the other side said, so it is made one printable line.
    *retry_after_s*: how long it asked to be left alone (HTTP Retry-After); 0 when it didn't.
    """

    def __init__(self, message: str = "", retry_after_s: float = 0.0) -> None:
        super().__init__(sentence(message, ERROR_MAX))
        self.retry_after_s = retry_after_s


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
