"""One lab for the whole folder; what a test made is gone after it."""

from collections.abc import Iterator

import pytest

from e2e import cluster, labs
from e2e.addresses import words
from e2e.bed import Bed
from lab.options import Options


@pytest.fixture(scope="package")
def whole() -> Iterator[Bed]:
    """Everything runs; Eip 198.51.100.0/28 is the only default; the session is up."""
    with labs.standing(Options(name=labs.fresh())) as up:
        cluster.prepare(up)
        # They come once, a moment after the session: not in the middle of a test.
        up.wait("the session's Events", lambda: cluster.events(up, "tor-1"))
        yield up


@pytest.fixture
def lab(whole: Bed) -> Iterator[Bed]:
    """The folder's lab, as `prepare` left it, before the test and after it."""
    yield whole
    words.tidy(whole)
