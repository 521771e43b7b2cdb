"""An agent's token and the Announcers, at a real API server: the policy and the rights of deploy/.

The stand-in has no admission policies, so this needs KUBEBUILDER_ASSETS or a cluster.
`tests/deploy` judges the same policy with evaluators that are not the API server's.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import yaml

from manager.adapters.kubernetes.client import MERGE_PATCH, Refused
from pointsman.api import crd
from pointsman.model.names import API_VERSION
from tests.conformance.kubernetes.real import real_server, wanted
from tests.conformance.kubernetes.test_mark_dead_nodes import BOUND_S, PATHS, Api
from tests.deploy.test_manifests import OBJECTS

pytestmark = pytest.mark.skipif(not wanted(), reason="no real API server: set KUBEBUILDER_ASSETS")

ANNOUNCERS = f"/apis/{API_VERSION}/announcers"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
AGENT = {"Impersonate-User": "system:serviceaccount:pointsman-system:pointsman-agent"}
NODE = "Impersonate-Extra-authentication.kubernetes.io%2fnode-name"
NAMES = ("pointsman-agent", "pointsman-own-announcer")


async def report(api: Api, name: str, **who: str) -> None:
    """Patch the status of an Announcer as an agent; nothing is written.

    Raises:
        Refused: the API server says no.
    """
    headers = {**AGENT, **who, "Content-Type": MERGE_PATCH}
    body = {"status": {"agentVersion": "0.1.0"}}
    path = f"{ANNOUNCERS}/{name}/status"
    await api.call("PATCH", path, body, query={"dryRun": "All"}, headers=headers)


async def refused(api: Api, name: str, **who: str) -> str:
    """Return in which words; a policy that was just written is not in force at once."""
    async with asyncio.timeout(BOUND_S):
        while True:
            try:
                await report(api, name, **who)
            except Refused as error:
                return str(error)
            await asyncio.sleep(0.2)


async def made(api: Api, name: str) -> None:
    """Create an Announcer; the kind is served a moment after its CRD was written."""
    spec = {"apiVersion": API_VERSION, "kind": "Announcer", "metadata": {"name": name}}
    async with asyncio.timeout(BOUND_S):
        while True:
            try:
                await api.call("POST", ANNOUNCERS, {**spec, "spec": {}})
                return
            except (Refused, aiohttp.ContentTypeError):  # 404 in plain text
                await asyncio.sleep(0.2)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    with real_server(tmp_path) as endpoint:
        async with aiohttp.ClientSession() as session:
            found = Api(session, endpoint)
            await found.call("POST", DEFINITIONS, yaml.safe_load(crd.files()["announcer.yaml"]))
            for one in OBJECTS:
                if one["kind"] in PATHS and one["metadata"]["name"] in NAMES:
                    await found.call("POST", PATHS[one["kind"]], one)
            for name in ("node1", "node2"):
                await made(found, name)
            yield found


async def test_it_writes_that_of_the_node_its_token_names_and_no_other(api: Api) -> None:
    words = await refused(api, "node2", **{NODE: "node1"})
    assert "the agent on node node1 may write the Announcer of that node alone" in words
    await report(api, "node1", **{NODE: "node1"})
    await report(api, "node2", **{NODE: "node2"})
    assert "names no node" in await refused(api, "node1")
