"""A real API server takes every manifest, strictly: no field unknown, every rule of CEL compiled.

The stand-in serves no Deployments, roles or policies, so this needs KUBEBUILDER_ASSETS or a
cluster. `tests/deploy` judges the same objects by Kubernetes' schemas.
"""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.conformance.kubernetes.real import real_server, wanted
from tests.conformance.kubernetes.test_mark_dead_nodes import Api
from tests.deploy.judging import objects
from tests.deploy.test_manifests import DEPLOY, ROOT

pytestmark = pytest.mark.skipif(not wanted(), reason="no real API server: set KUBEBUILDER_ASSETS")

FILES = [*DEPLOY.glob("*.yaml"), *DEPLOY.glob("options/*.yaml"), *ROOT.glob("crds/*.yaml")]
STRICT = {"dryRun": "All", "fieldValidation": "Strict"}
Json = dict[str, Any]


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    with real_server(tmp_path) as endpoint:
        async with aiohttp.ClientSession() as session:
            yield Api(session, endpoint)


async def collection(api: Api, one: Json, known: dict[str, Json]) -> str:
    """Return the path below which objects like *one* are created."""
    group = one["apiVersion"]
    root = f"/apis/{group}" if "/" in group else f"/api/{group}"
    if root not in known:
        known[root] = await api.call("GET", root)
    (kind,) = [
        found
        for found in known[root]["resources"]
        if found["kind"] == one["kind"] and "/" not in found["name"]
    ]
    where = f"/namespaces/{one['metadata']['namespace']}" if kind["namespaced"] else ""
    return f"{root}{where}/{kind['name']}"


async def test_it_takes_every_manifest(api: Api) -> None:
    found = [one for path in sorted(FILES) for one in objects(path.read_text()).values()]
    known: dict[str, Json] = {}
    (namespace,) = [one for one in found if one["kind"] == "Namespace"]
    await api.call("POST", "/api/v1/namespaces", namespace)
    for one in found:
        if one is not namespace:
            path = await collection(api, one, known)
            made: Mapping[str, Any] = await api.call("POST", path, one, query=STRICT)
            assert made["metadata"]["name"] == one["metadata"]["name"]
