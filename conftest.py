"""What every test may use: the command line's switches, the unpacked parts, a place for figures."""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent
MEASURED = "measured"
Say = Callable[[str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite goldens instead of comparing")
    parser.addoption(
        "--bed", default="lab", help="what end-to-end tests run on: lab, docker, or docs/e2e.md"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Let what tests start be ended by signals, wherever the run was started; no test has a clock.

    A job that a script puts into the background ignores SIGINT and SIGQUIT, and what it
    executes inherits that: a test that sends Ctrl-C would wait for ever. A caught signal is
    not inherited (signal(7)), so it is caught here, and still without effect.
    """
    os.environ["POINTSMAN_BED"] = config.getoption("--bed")  # e2e.labs
    for number in (signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    # Four files run side by side: how long an example takes is no verdict.
    hypothesis.settings.register_profile(
        "shared machine",
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile("shared machine")


def pytest_report_header() -> list[str]:
    """Say what labs and the contract run on beside the stand-ins: it changes what is proved."""
    names = ("KUBEBUILDER_ASSETS", "KUBE_PROXY", "POINTSMAN_NETBOX_URL")
    named = {name: os.environ.get(name) for name in names}
    return [f"{name}: {value}" for name, value in named.items() if value]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with real packets come first, then simulations, then those with the most tests.

    `make test` runs files side by side. Those of the lab wait most of the time, so several
    share a processor well; those that compute keep it busy, and the small ones among them
    fill the gaps at the end. A simulation takes seconds: the few files that have some are the
    longest, and one that began last would be waited for alone.
    """
    waiting = {item.path for item in items if item.get_closest_marker("lab")}
    long = {item.path for item in items if item.get_closest_marker("sim")}
    many = Counter(item.path for item in items)

    def place(item: pytest.Item) -> tuple[int, int]:
        if item.path in waiting:
            return 0, 0
        return (1 if item.path in long else 2), -many[item.path]

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Spare the collector what stays until the end: ten thousand tests, and what they imported.

    Half a million objects: a look at them takes a third of a second, every few hundred tests.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """Undo what a program's start did to the root logger: it writes where this test reads."""
    root = logging.getLogger()
    level = root.level
    yield
    for handler in root.handlers[:]:
        if type(handler) is logging.StreamHandler:  # pytest's own are of other classes
            root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> Say:
    """Record a measurement; the end of the run tells all of them."""
    return lambda text: record_property(MEASURED, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured: a worker's own output is not seen."""
    lines = [
        f"{report.nodeid.partition('::')[0]}: {text}"
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for kind, text in getattr(report, "user_properties", ())
        if kind == MEASURED
    ]
    if lines:
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def update(request: pytest.FixtureRequest) -> bool:
    """Whether goldens are to be rewritten: `make update`."""
    return bool(request.config.getoption("--update"))


@pytest.fixture(scope="session")
def parts() -> Mapping[str, Mapping[str, str]]:
    """What `make setup` unpacked (build/parts.json); paths are made absolute."""
    raw = json.loads((ROOT / "build" / "parts.json").read_text())
    return {
        name: {
            key: ":".join(str(ROOT / path) for path in value.split(":"))
            if key in {"root", "path", "libraries"}
            else value
            for key, value in part.items()
        }
        for name, part in raw.items()
    }
