from collections.abc import Callable, Iterator

import pytest

from e2e import labs
from lab.handle import Lab
from lab.options import Options

fresh_name = pytest.fixture(scope="session")(labs.names)


@pytest.fixture(scope="module")
def lab(fresh_name: Callable[[], str]) -> Iterator[Lab]:
    """Wires, FRR, pods, API and proxy; nothing of the product."""
    with Lab.up(Options(name=fresh_name(), without=("manager", "sidecar", "agents"))) as up:
        yield up
