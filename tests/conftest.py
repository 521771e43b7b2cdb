"""What every test may use: the command line's switches and the unpacked parts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite goldens instead of comparing")


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
