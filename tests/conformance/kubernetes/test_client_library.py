"""The same contract through kubernetes_asyncio, whose idea of the API isn't ours."""

import json
from pathlib import Path

import pytest
from kubernetes_asyncio import client, config, watch

from standin.kubeconfig import kubeconfig
from tests.conformance.kubernetes.client import Client
from tests.conformance.kubernetes.objects import pool, service


@pytest.fixture
async def library(api: Client, tmp_path):
    path = Path(api.endpoint.kubeconfig or tmp_path / "kubeconfig")
    if not api.endpoint.kubeconfig:
        path.write_text(kubeconfig(api.endpoint.url))
    async with await config.new_client_from_config(config_file=str(path)) as found:
        yield found


async def test_services_as_models(library, namespace: str) -> None:
    core = client.CoreV1Api(library)
    await core.create_namespaced_service(namespace, service("web"))
    read = await core.read_namespaced_service("web", namespace)
    assert read.spec.type == "LoadBalancer"
    patch = {"status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.7"}]}}}
    written = await core.patch_namespaced_service_status(
        "web", namespace, patch, _content_type="application/merge-patch+json"
    )
    assert written.status.load_balancer.ingress[0].ip_mode == "VIP"
    listed = await core.list_namespaced_service(namespace, limit=1)
    assert [s.metadata.name for s in listed.items] == ["web"]
    with pytest.raises(client.ApiException) as refused:
        await core.read_namespaced_service("nobody", namespace)
    assert refused.value.status == 404


async def test_raw_lists_and_watches(library, namespace: str) -> None:
    core = client.CoreV1Api(library)
    await core.create_namespaced_service(namespace, service("web"))
    raw = await core.list_namespaced_service(namespace, _preload_content=False)
    version = json.loads(await raw.read())["metadata"]["resourceVersion"]
    await core.delete_namespaced_service("web", namespace)
    async with watch.Watch() as stream:
        async for event in stream.stream(
            core.list_namespaced_service, namespace, resource_version=version, timeout_seconds=5
        ):
            assert event["type"] == "DELETED"
            assert event["object"].metadata.name == "web"
            break


async def test_the_library_makes_and_reads_custom_objects(library, pools: str) -> None:
    custom = client.CustomObjectsApi(library)
    group = pools.split("/")[2]
    await custom.create_cluster_custom_object(group, "v1", "pools", pool(pools, "a"))
    found = await custom.get_cluster_custom_object(group, "v1", "pools", "a")
    assert found["spec"]["mode"] == "bgp"
    body = {"status": {"used": 1}}
    written = await custom.patch_cluster_custom_object_status(
        group, "v1", "pools", "a", body, _content_type="application/merge-patch+json"
    )
    assert written["status"] == {"used": 1}
