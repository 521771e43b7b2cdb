"""Beds made of network namespaces on this machine: labs. The one place where tests build them."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from e2e.bed import Bed
from lab.handle import Lab
from lab.options import Options
from lab.supervision import lifecycle

NUMBERS = itertools.count(1)


def fresh() -> str:
    """Return a name that no other run uses, and none of this one."""
    return f"r{os.getpid()}-{next(NUMBERS)}"


def names() -> Iterator[Callable[[], str]]:
    """Yield `fresh`; whatever is up under a name that it gave goes afterwards. For a fixture."""
    given: list[str] = []

    def name() -> str:
        given.append(fresh())
        return given[-1]

    yield name
    for one in given:
        clear(one)


@contextmanager
def standing(options: Options) -> Iterator[Bed]:
    """Yield the bed that *options* describe; nothing of it is left afterwards."""
    try:
        with Lab.up(options, attached=True) as lab:
            bed: Bed = lab  # here the type checker proves that a lab has every verb of a bed
            yield bed
    finally:
        clear(options.name)


def clear(name: str) -> None:
    """Remove whatever is up under *name*; nothing is fine."""
    if lifecycle.traces(name):
        lifecycle.down(name)
