"""One lab for the whole folder; what a test made is gone after it."""

from collections.abc import Callable, Iterator

import pytest

from lab.handle import Lab
from lab.options import Options
from tests.rows import cluster
from tests.rows.conftest import fresh_name, pytest_runtest_makereport, say
from tests.rows3 import words

__all__ = ["fresh_name", "lab", "pytest_runtest_makereport", "say", "whole"]


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
