"""A lab with the whole product for each module; what a test made is gone after it."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from e2e import cluster, labs
from e2e.bed import Bed, Broken, Misuse
from lab.network import neighbor_tables
from lab.options import Options

fresh_name = pytest.fixture(scope="session")(labs.names)


@pytest.fixture(scope="module")
def options() -> Options:
    """How the module's lab differs from the usual one; overridden there."""
    return Options()


@pytest.fixture(scope="module")
def whole(options: Options) -> Iterator[Bed]:
    """Everything runs; Eip 198.51.100.0/28, BgpConf and BgpPeer exist; the session is up."""
    with labs.standing(replace(options, name=labs.fresh())) as up:
        cluster.prepare(up)
        yield up


@pytest.fixture
def lab(whole: Bed) -> Iterator[Bed]:
    """The module's lab, as `prepare` left it, before the test and after it."""
    yield whole
    cluster.tidy(whole)


def pytest_itemcollected(item: pytest.Item) -> None:
    """On the Docker bed, what needs real packets needs Docker, and no root."""
    if os.environ[labs.KIND] == labs.DOCKER and item.get_closest_marker("lab"):
        item.add_marker("docker")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """A row that fails shows the ends of the logs in which one looks first.

    And whether there were more neighbors than the kernel has room for, which nobody logs.
    """
    report = yield
    lab: Bed | None = getattr(item, "funcargs", {}).get("lab")
    if report.failed and lab is not None:
        for program in ("manager", "sidecar", "proxy"):
            try:
                text = lab.log(program)
            except (Broken, Misuse, OSError):  # no such program, or the lab is gone already
                continue
            report.sections.append((f"{program} log", text[-4000:]))
        report.sections.append(("tables of neighbors, all labs'", neighbor_tables.state()))
    return report
