"""Words for tests of commands against a live cluster."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import yaml

from manager.adapters.kubernetes.client import (
    BGP_CONFS,
    BGP_PEERS,
    EIPS,
    ENDPOINT_SLICES,
    NODES,
    SERVICES,
    Kind,
)

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (SERVICES, ENDPOINT_SLICES, NODES, EIPS, BGP_CONFS, BGP_PEERS)
}
Ask = Callable[..., Awaitable[tuple[int, str, str]]]


def config(path: Path, url: str) -> str:
    cluster = {"name": "c", "cluster": {"server": url}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    document = {
        "apiVersion": "v1", "kind": "Config", "current-context": "c", "clusters": [cluster],
        "users": [{"name": "u", "user": {}}], "contexts": [context],
    }  # fmt: skip
    path.write_text(yaml.safe_dump(document))
    return str(path)
