"""An API server for commands that do more than read it once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from manager.inspect.cluster import NoCluster
from pointsman.runtime.target import Unavailable

if TYPE_CHECKING:  # kubernetes_asyncio is slow to load, and files need none of it
    from manager.adapters.kubernetes.client import KubeApi

WRITER: Final = "pointsman-cli"  # as managedFields remember it


def away(error: Unavailable) -> NoCluster:
    """Return what to raise of a cluster that cannot be reached any more."""
    return NoCluster(f"The cluster cannot be reached: {error}.")


@asynccontextmanager
async def reached(kubeconfig: Path | None, *, context: str | None) -> AsyncIterator["KubeApi"]:
    """Give access to a cluster.

    Raises:
        NoCluster: the configuration cannot be used.
    """
    from manager.adapters.kubernetes import client

    try:
        async with client.connect(kubeconfig, context=context) as api:
            yield api
    except ValueError as error:
        raise NoCluster(str(error)) from error
