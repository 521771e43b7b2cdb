"""What every test may use: the command line's switches, the unpacked parts, a place for figures."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
MEASURED = "measured"
Say = Callable[[str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite goldens instead of comparing")


def pytest_configure() -> None:
    """Let what tests start be ended by signals, wherever the run itself was started.

    A job that a script puts into the background ignores SIGINT and SIGQUIT, and what it
    executes inherits that: a test that sends Ctrl-C would wait for ever. A caught signal is
    not inherited (signal(7)), so it is caught here, and still without effect.
    """
    for number in (signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def pytest_report_header() -> list[str]:
    """Say what labs and the contract run on beside the stand-ins: it changes what is proved."""
    named = {name: os.environ.get(name) for name in ("KUBEBUILDER_ASSETS", "KUBE_PROXY")}
    return [f"{name}: {value}" for name, value in named.items() if value]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with real packets come first, then those with the most tests.

    `make test` runs files side by side. Those of the lab wait most of the time, so several
    share a processor well; those that compute keep it busy, and the small ones among them
    fill the gaps at the end.
    """
    waiting = {item.path for item in items if item.get_closest_marker("lab")}
    many = Counter(item.path for item in items)
    items.sort(key=lambda item: (0, 0) if item.path in waiting else (1, -many[item.path]))


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
