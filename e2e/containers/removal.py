"""The end of a bed's containers and networks, whatever else asks Docker for it meanwhile.

Found by their label, not by what was started: a container that Docker made and could not start is
one, too. What Docker says of one that is gone, or that somebody else is removing (404, 409), is no
failure; what it refuses for a while (a network in use) is asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import docker

from lab import patience
from lab.errors import Broken

LABEL: Final = "pointsman-bed"
# OSError: Docker itself is away (requests' errors are such).
TROUBLE: Final = (docker.errors.DockerException, OSError)


def clear(client: Any, name: str = "", *, timeout_s: float = patience.PATIENCE_S) -> list[str]:
    """Remove what the bed *name* ("": any bed) has; return a sentence for what Docker keeps."""
    mine = {"label": f"{LABEL}={name}" if name else LABEL}
    left = []
    for what, listed, removed in (
        # The newest is first: programs, then their machine, whose network they have.
        (
            "containers",
            lambda: client.containers.list(all=True, filters=mine, ignore_removed=True),
            lambda one: one.remove(force=True, v=True),
        ),
        ("networks", lambda: client.networks.list(filters=mine), lambda one: one.remove()),
    ):
        look = _look(listed, removed)
        try:
            patience.wait(f"the end of the bed's {what}", look, timeout_s=timeout_s)
        except Broken as error:
            left.append(str(error))
    return left


def _look(listed: Callable[[], Iterable[Any]], remove: Callable[[Any], None]) -> Callable[[], bool]:
    """Return what removes all that is listed, and returns whether nothing is any more."""

    def look() -> bool:
        troubles = []
        try:
            for one in listed():
                try:
                    remove(one)
                except docker.errors.NotFound:
                    continue
                except TROUBLE as error:
                    troubles.append(f"{one.name}: {error}")
            still = [one.name for one in listed()]
        except TROUBLE as error:
            raise Broken(f"Docker does not list them: {error}") from error
        if still:
            raise Broken("; ".join(troubles) or f"still there: {', '.join(still)}")
        return True

    return look
