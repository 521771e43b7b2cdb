"""Marking the Pods of dead nodes at a real API server, with the rights and the policy of deploy/.

The stand-in has no Pods and no admission policies, so this needs KUBEBUILDER_ASSETS or a cluster.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from manager.adapters.kubernetes.client import MERGE_PATCH, Kind, Refused
from manager.adapters.kubernetes.dead_pods import DeadPods
from manager.snapshot import NodeName
from tests.conformance.kubernetes.client import Endpoint
from tests.conformance.kubernetes.real import real_server, wanted
from tests.manager.adapters.kubernetes.standin_cluster import CLOCK

pytestmark = pytest.mark.skipif(not wanted(), reason="no real API server: set KUBEBUILDER_ASSETS")

OPTION = Path(__file__).resolve().parents[3] / "deploy" / "options" / "mark-dead-nodes.yaml"
RBAC, ADMISSION = "/apis/rbac.authorization.k8s.io/v1", "/apis/admissionregistration.k8s.io/v1"
PATHS = {
    "ClusterRole": f"{RBAC}/clusterroles",
    "ClusterRoleBinding": f"{RBAC}/clusterrolebindings",
    "ValidatingAdmissionPolicy": f"{ADMISSION}/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": f"{ADMISSION}/validatingadmissionpolicybindings",
}
PODS = "/api/v1/namespaces/default/pods"
BOUND_S = 60.0
MANAGER = {"Impersonate-User": "system:serviceaccount:pointsman-system:pointsman-manager"}
Json = dict[str, Any]


class Api:
    """Raw requests, as the administrator or as the manager's service account."""

    def __init__(self, session: aiohttp.ClientSession, endpoint: Endpoint) -> None:
        self._session, self._endpoint = session, endpoint

    async def call(
        self,
        verb: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        async with self._session.request(
            verb,
            f"{self._endpoint.url}{path}",
            json=body,
            params=query,
            headers={**self._endpoint.headers, **(headers or {})},
            ssl=self._endpoint.tls or False,
        ) as answer:
            found: Json = await answer.json()
            if answer.status >= 400:
                raise Refused(answer.status, found["reason"], found["message"])
            return found

    async def list_page(
        self, kind: Kind, params: Mapping[str, str], *, limit: int, after: str
    ) -> Json:
        query = {**params, "limit": str(limit), "continue": after}
        return await self.call("GET", kind.path(), query=query, headers=MANAGER)

    async def patch(
        self, kind: Kind, namespace: str, name: str, *, body: object, sub: str = ""
    ) -> Json:
        headers = {**MANAGER, "Content-Type": MERGE_PATCH}
        path = kind.path(namespace, name, sub=sub)
        return await self.call("PATCH", path, body, headers=headers)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    with real_server(tmp_path) as endpoint:
        async with aiohttp.ClientSession() as session:
            made = Api(session, endpoint)
            for doc in yaml.safe_load_all(OPTION.read_text()):
                if doc is not None:
                    await made.call("POST", PATHS[doc["kind"]], doc)
            yield made


async def pod(api: Api, name: str, node: str = "node1") -> Json:
    container = {"name": "web", "image": "web"}
    spec = {"nodeName": node, "containers": [container], "automountServiceAccountToken": False}
    meta = {"name": name, "namespace": "default", "labels": {"app": "web"}}
    made = await api.call("POST", PODS, {"metadata": meta, "spec": spec})
    status = {
        "phase": "Running",
        "podIP": "10.244.1.10",
        "podIPs": [{"ip": "10.244.1.10"}],
        "conditions": [
            {"type": "Initialized", "status": "True"},
            {"type": "Ready", "status": "True"},
        ],
    }
    made["status"] = status
    return await api.call("PUT", f"{PODS}/{name}/status", made)


async def refused(api: Api, name: str, body: Json) -> str:
    """Return in which words the manager is refused to patch a Pod's status so.

    A policy that was just written is not in force at once.
    """
    headers = {**MANAGER, "Content-Type": MERGE_PATCH}
    async with asyncio.timeout(BOUND_S):
        while True:
            try:
                dry = {"dryRun": "All"}
                await api.call("PATCH", f"{PODS}/{name}/status", body, query=dry, headers=headers)
            except Refused as error:
                return str(error)
            await asyncio.sleep(0.2)


async def test_the_ready_pods_of_a_dead_node_are_marked_by_the_rights_of_the_option(
    api: Api,
) -> None:
    await pod(api, "web")
    await pod(api, "other", "node2")
    before = await refused(api, "web", {"status": {"phase": "Failed"}})  # the policy is in force
    assert "nothing of a Pod's status but the condition Ready" in before
    marking = asyncio.create_task(
        DeadPods(api, api, dead=lambda: {NodeName("node1")}, clock=CLOCK).run()
    )
    async with asyncio.timeout(BOUND_S):
        while True:
            found = await api.call("GET", f"{PODS}/web")
            if found["status"]["conditions"][1]["status"] == "False":
                break
            await asyncio.sleep(0.1)
    marking.cancel()
    one = found["status"]["conditions"][1]
    assert (one["reason"], found["status"]["podIP"]) == ("NodeDead", "10.244.1.10")
    other = await api.call("GET", f"{PODS}/other")
    assert other["status"]["conditions"][1]["status"] == "True"


async def test_the_policy_refuses_the_manager_everything_else(api: Api) -> None:
    found = await pod(api, "web")
    initialized, ready = found["status"]["conditions"]
    down = {**ready, "status": "False", "reason": "NodeDead"}
    attempts: list[tuple[str, Json]] = [
        ("no metadata", {"metadata": {"labels": {"app": "mine"}}}),
        ("one condition", {"status": {"conditions": [initialized, {**down, "reason": "Mine"}]}}),
        ("one condition", {"status": {"conditions": [{**initialized, "status": "False"}, ready]}}),
        ("one condition", {"status": {"conditions": [down]}}),
        ("nothing of a Pod's status", {"status": {"podIP": "192.0.2.1", "podIPs": None}}),
    ]
    for words, body in attempts:
        assert words in await refused(api, "web", body)
    marked = {"status": {"conditions": [initialized, down]}}
    headers = {"Content-Type": MERGE_PATCH}
    await api.call("PATCH", f"{PODS}/web/status", marked, headers=headers)
    back = {"status": {"conditions": [initialized, ready]}}
    assert "one condition" in await refused(api, "web", back)
    with pytest.raises(Refused, match="forbidden"):
        await api.call("PATCH", f"{PODS}/web", {}, headers={**MANAGER, **headers})
    # The policy speaks of the manager alone: a kubelet writes what it likes.
    await api.call("PATCH", f"{PODS}/web/status", back, headers=headers)
