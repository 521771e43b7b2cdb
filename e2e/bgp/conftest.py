"""One lab for the whole folder: FRR, and a BIRD beside it."""

import itertools
import os
from collections.abc import Iterator

import pytest

from e2e import cluster
from lab.handle import Lab
from lab.options import Options
from lab.supervision import lifecycle

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def whole() -> Iterator[Lab]:
    name = f"r4-{os.getpid()}-{next(NUMBERS)}"
    try:
        with Lab.up(Options(name=name, routers=2, pods=4), attached=True) as up:
            cluster.prepare(up)
            yield up
    finally:
        if lifecycle.traces(name):
            lifecycle.down(name)


@pytest.fixture
def lab(whole: Lab) -> Iterator[Lab]:
    """The lab as `prepare` left it, before the test and after it."""
    yield whole
    cluster.tidy(whole)
