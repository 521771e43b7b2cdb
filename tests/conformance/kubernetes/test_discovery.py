"""Discovery, OpenAPI and tables, as raw documents; kubectl is tried beside."""

import pytest

from tests.conformance.kubernetes.client import DOCUMENTED_S, Client, until
from tests.conformance.kubernetes.objects import pool, service


async def test_the_core_group_lists_its_resources(api: Client) -> None:
    assert (await api.get("/api")).body["versions"] == ["v1"]
    listed = (await api.get("/api/v1")).body
    by_name = {r["name"]: r for r in listed["resources"]}
    services = by_name["services"]
    assert (services["kind"], services["namespaced"]) == ("Service", True)
    assert "svc" in services["shortNames"]
    assert {"create", "delete", "get", "list", "patch", "update", "watch"} <= set(services["verbs"])
    assert "services/status" in by_name
    assert by_name["nodes"]["namespaced"] is False


async def test_groups_are_listed_with_their_versions(api: Client, pools: str) -> None:
    group = pools.split("/")[2]
    found = {g["name"]: g for g in (await api.get("/apis")).body["groups"]}
    assert found[group]["preferredVersion"]["groupVersion"] == f"{group}/v1"
    assert {"discovery.k8s.io", "coordination.k8s.io", "apiextensions.k8s.io"} <= found.keys()
    assert (await api.get(f"/apis/{group}")).body["name"] == group
    resources = (await api.get(f"/apis/{group}/v1")).body["resources"]
    by_name = {r["name"]: r for r in resources}
    assert by_name["pools"]["kind"] == "Pool"
    assert by_name["pools"]["categories"] == ["contract"]
    assert "pools/status" in by_name


@pytest.mark.parametrize("path", ["/api/v2", "/apis/nobody.example.org/v1", "/nowhere"])
async def test_what_is_not_there_is_not_found(api: Client, path: str) -> None:
    assert (await api.get(path)).code == 404


async def test_openapi_says_which_writes_can_be_validated(api: Client, pools: str) -> None:
    group = pools.split("/")[2]

    async def indexed() -> str:  # a real server adds a new CRD some seconds after it serves it
        paths = (await api.get("/openapi/v3")).body["paths"]
        return str(paths.get(f"apis/{group}/v1", {}).get("serverRelativeURL", ""))

    document = (await api.get(await until(indexed, "its document", patience_s=DOCUMENTED_S))).body
    patch = document["paths"][f"{pools}/{{name}}"]["patch"]
    names = {p["name"] for p in patch["parameters"]}
    assert {"fieldValidation", "dryRun", "fieldManager"} <= names
    gvk = {"group": group, "version": "v1", "kind": "Pool"}
    assert patch["x-kubernetes-group-version-kind"] == gvk
    schemas = document["components"]["schemas"]
    own = [s for s in schemas.values() if gvk in s.get("x-kubernetes-group-version-kind", [])]
    assert own[0]["description"] == "Addresses to give away."
    assert "addresses" in own[0]["properties"]["spec"]["properties"]


async def test_a_table_has_the_columns_of_the_crd(api: Client, pools: str) -> None:
    await api.make(pools, pool(pools, "a"))
    ready = {"type": "Ready", "status": "True"}
    await api.merge(f"{pools}/a/status", {"status": {"used": 3, "conditions": [ready]}})
    table = await api.table(pools)
    assert table["kind"] == "Table"
    names = [c["name"] for c in table["columnDefinitions"]]
    assert names == ["Name", "Mode", "Addresses", "Used", "Ready", "Age"]
    assert [c["priority"] for c in table["columnDefinitions"]] == [0, 0, 0, 1, 0, 0]
    cells = table["rows"][0]["cells"]
    assert cells[:5] == ["a", "bgp", '["192.0.2.1"]', 3, "True"]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    assert table["rows"][0]["object"]["metadata"]["name"] == "a"


async def test_a_table_of_services_shows_where_they_are_reached(api: Client, services: str) -> None:
    await api.make(services, service("web", ports=[{"port": 80}]))
    table = await api.table(services)
    names = [c["name"] for c in table["columnDefinitions"]]
    assert names == ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector"]
    assert table["rows"][0]["cells"][3:5] == ["<pending>", "80/TCP"]
    ingress = {"status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.7"}]}}}
    await api.merge(f"{services}/web/status", ingress)
    table = await api.table(f"{services}/web")
    assert table["rows"][0]["cells"][3] == "198.51.100.7"
