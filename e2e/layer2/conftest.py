"""Two Eips on the nodes' own LAN; what its neighbors know is forgotten between tests."""

from collections.abc import Iterator

import pytest

from e2e.bed import Bed
from e2e.layer2 import lan


@pytest.fixture
def bed(lab: Bed) -> Iterator[Bed]:
    """The module's lab, with addresses on its LAN."""
    lan.prepare(lab)
    yield lab
    lan.tidy(lab)
