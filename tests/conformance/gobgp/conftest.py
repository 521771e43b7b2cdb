"""The suite runs twice: on the fake, and on a real gobgpd in a namespace."""

import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.conformance.gobgp.bed import Bed, FakeBed
from tests.conformance.gobgp.real_bed import real_bed


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.lab)])
async def bed(
    request: pytest.FixtureRequest, parts: Mapping[str, Mapping[str, str]], tmp_path: Path
) -> AsyncIterator[Bed]:
    """A daemon that was just started, and a speaker on it."""
    if request.param == "fake":
        yield FakeBed()
        return
    assert os.geteuid() == 0, "the real daemon needs a network namespace: run this as root"
    async with real_bed(parts["gobgpd"]["path"], tmp_path) as made:
        yield made
