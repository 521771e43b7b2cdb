"""One lab for all rows: FRR, and a BIRD beside it."""

import itertools
import os
from collections.abc import Iterator

import pytest

from lab.handle import Lab
from lab.network.topology import Broken, Misuse
from lab.options import Options
from lab.supervision import lifecycle
from tests.rows import cluster
from tests.rows.conftest import say

__all__ = ["say"]

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """A row that fails shows the end of the logs: that is where one looks first."""
    report = yield
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.failed and isinstance(lab, Lab):
        for program in ("manager", "sidecar"):
            try:
                text = lab.log(program)
            except (Broken, Misuse):
                continue
            report.sections.append((f"{program} log", text[-4000:]))
    return report
