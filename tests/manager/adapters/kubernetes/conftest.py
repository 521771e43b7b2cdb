"""Fixtures of the Kubernetes adapter's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from standin.server import Api
from tests.manager.adapters.kubernetes.standin_cluster import (
    Cluster,
    cluster_on,
)


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with cluster_on(Api(bookmark_s=0.2), tmp_path) as made:
        yield made
