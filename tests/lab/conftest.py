import itertools
import os
from collections.abc import Callable, Iterator

import pytest

from lab.handle import Lab
from lab.options import Options
from lab.supervision import lifecycle

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def fresh_name() -> Iterator[Callable[[], str]]:
    """Names that no other run uses; whatever is up under them goes at the end."""
    given: list[str] = []

    def name() -> str:
        given.append(f"t{os.getpid()}-{next(NUMBERS)}")
        return given[-1]

    yield name
    for one in given:
        if lifecycle.traces(one):
            lifecycle.down(one)


@pytest.fixture(scope="module")
def lab(fresh_name: Callable[[], str]) -> Iterator[Lab]:
    """Wires, FRR, pods, API and proxy; nothing of the product."""
    with Lab.up(Options(name=fresh_name(), without=("manager", "sidecar", "agents"))) as up:
        yield up
