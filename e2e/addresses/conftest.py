"""One lab for the whole folder; what a test made is gone after it."""

from collections.abc import Callable, Iterator

import pytest

from e2e import cluster
from e2e.addresses import words
from lab.handle import Lab
from lab.options import Options


@pytest.fixture(scope="package")
def whole(fresh_name: Callable[[], str]) -> Iterator[Lab]:
    """Everything runs; Eip 198.51.100.0/28 is the only default; the session is up."""
    with Lab.up(Options(name=fresh_name()), attached=True) as up:
        cluster.prepare(up)
        yield up


@pytest.fixture
def lab(whole: Lab) -> Iterator[Lab]:
    """The folder's lab, as `prepare` left it, before the test and after it."""
    yield whole
    words.tidy(whole)
