"""One lab for the whole folder: FRR, and a BIRD beside it."""

from collections.abc import Iterator

import pytest

from e2e import cluster, labs
from e2e.bed import Bed
from lab.options import Options


@pytest.fixture(scope="session")
def whole() -> Iterator[Bed]:
    with labs.standing(Options(name=labs.fresh(), routers=2, pods=4)) as up:
        cluster.prepare(up)
        yield up
