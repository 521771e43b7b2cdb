"""Labs whose agents may change their nodes' kernels; leases are short, so that ends are seen."""

from collections.abc import Iterator

import pytest

from e2e import labs
from e2e.bed import Bed
from lab.options import Options

LEASE_S = 9


@pytest.fixture(scope="module")
def agents_alone() -> Iterator[Bed]:
    """Agents without a manager: a test says what each node is to hold."""
    options = Options(
        name=labs.fresh(),
        nodes=2,
        kernel=True,
        agent_args=(f"--kernel-lease={LEASE_S}",),
        without=("manager", "sidecar"),
    )
    with labs.standing(options) as up:
        yield up
