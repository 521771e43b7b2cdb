"""Preconditions and the three patches."""

import copy

import pytest

from tests.conformance.kubernetes.client import Client
from tests.conformance.kubernetes.objects import CONDITION, pool, service

TWO_PORTS = [
    {"name": "http", "port": 80, "targetPort": 8080},
    {"name": "https", "port": 443, "targetPort": 8443},
]


@pytest.fixture
async def web(api: Client, services: str) -> str:
    await api.make(services, service("web", ports=TWO_PORTS))
    return f"{services}/web"


def ports(answer) -> list[tuple[str, int, object]]:
    return [(p["name"], p["port"], p["targetPort"]) for p in answer.body["spec"]["ports"]]


async def test_a_put_with_an_old_version_conflicts(api: Client, web: str) -> None:
    old = (await api.get(web)).body
    await api.merge(web, {"metadata": {"labels": {"a": "b"}}})
    old["metadata"]["annotations"] = {"c": "d"}
    refused = await api.put(web, old)
    assert (refused.code, refused.body["reason"]) == (409, "Conflict")
    assert "the object has been modified" in refused.body["message"]
    assert "annotations" not in (await api.get(web)).meta


@pytest.mark.parametrize("where", ["", "/status"], ids=["main resource", "status"])
async def test_a_patch_can_demand_a_version(api: Client, web: str, where: str) -> None:
    old = (await api.get(web)).meta["resourceVersion"]
    patch = {"metadata": {"resourceVersion": old, "annotations": {"a": "1"}}}
    first = await api.merge(web + where, patch)
    assert first.code == 200
    patch["metadata"]["annotations"] = {"a": "2"}
    second = await api.merge(web + where, patch)
    assert (second.code, second.body["reason"]) == (409, "Conflict")


async def test_a_put_without_a_version_overwrites_a_service(api: Client, web: str) -> None:
    body = (await api.get(web)).body
    del body["metadata"]["resourceVersion"]
    body["metadata"]["labels"] = {"a": "b"}
    assert (await api.put(web, body)).code == 200


async def test_a_put_without_a_version_is_refused_for_custom_objects_and_leases(
    api: Client, pools: str, namespace: str
) -> None:
    made = await api.make(pools, pool(pools, "a"))
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    lease = await api.make(leases, {"metadata": {"name": "l"}})
    for path, body in ((f"{pools}/a", made), (f"{leases}/l", lease)):
        del body["metadata"]["resourceVersion"]
        refused = await api.put(path, body)
        assert refused.code == 422
        assert refused.causes == ["metadata.resourceVersion"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"name": "other"}, 400, id="another name"),
        pytest.param({"namespace": "default"}, 400, id="another namespace"),
        pytest.param({"uid": "0"}, 409, id="another uid"),
    ],
)
async def test_a_put_must_mean_the_object_of_its_path(
    api: Client, web: str, change: dict, code: int
) -> None:
    body = (await api.get(web)).body
    body["metadata"] |= change
    assert (await api.put(web, body)).code == code


async def test_a_merge_patch_replaces_lists_and_null_removes(api: Client, web: str) -> None:
    patched = await api.merge(
        web,
        {
            "metadata": {"labels": {"a": "1", "b": None}},
            "spec": {"ports": [{"name": "only", "port": 53, "targetPort": 53}]},
        },
    )
    assert ports(patched) == [("only", 53, 53)]
    assert patched.meta["labels"] == {"a": "1"}
    removed = await api.merge(web, {"metadata": {"labels": None}})
    assert "labels" not in removed.meta


async def test_a_json_patch_is_all_or_nothing(api: Client, web: str) -> None:
    good = await api.json_patch(
        web,
        {"op": "test", "path": "/spec/ports/0/port", "value": 80},
        {"op": "replace", "path": "/spec/ports/0/targetPort", "value": 9090},
        {"op": "add", "path": "/metadata/labels", "value": {"a/b": "c"}},
        {"op": "remove", "path": "/spec/ports/1"},
    )
    assert good.code == 200, good.body
    assert ports(good) == [("http", 80, 9090)]
    bad = await api.json_patch(
        web,
        {"op": "remove", "path": "/metadata/labels/a~1b"},
        {"op": "test", "path": "/spec/ports/0/port", "value": 81},
    )
    assert (bad.code, bad.body["reason"]) == (422, "Invalid")
    assert (await api.get(web)).meta["labels"] == {"a/b": "c"}


async def test_strategic_merge_joins_ports_by_their_number(api: Client, web: str) -> None:
    changed = await api.strategic(web, {"spec": {"ports": [{"port": 443, "targetPort": 1}]}})
    assert ports(changed) == [("http", 80, 8080), ("https", 443, 1)]
    added = await api.strategic(
        web,
        {
            "spec": {
                "$setElementOrder/ports": [{"port": 53}, {"port": 80}, {"port": 443}],
                "ports": [{"name": "dns", "port": 53, "targetPort": 53}],
            }
        },
    )
    assert [p[0] for p in ports(added)] == ["dns", "http", "https"]
    removed = await api.strategic(web, {"spec": {"ports": [{"$patch": "delete", "port": 80}]}})
    assert [p[0] for p in ports(removed)] == ["dns", "https"]
    replaced = await api.strategic(
        web,
        {"spec": {"ports": [{"$patch": "replace"}, {"name": "a", "port": 1, "targetPort": 1}]}},
    )
    assert ports(replaced) == [("a", 1, 1)]


async def test_strategic_merge_joins_conditions_by_their_type(api: Client, web: str) -> None:
    other = CONDITION | {"type": "example.org/Other"}
    await api.merge(f"{web}/status", {"status": {"conditions": [CONDITION, other]}})
    patch = {"status": {"conditions": [{"type": other["type"], "status": "False"}]}}
    patched = await api.strategic(f"{web}/status", patch)
    found = {c["type"]: c["status"] for c in patched.body["status"]["conditions"]}
    assert found == {CONDITION["type"]: "True", other["type"]: "False"}


async def test_strategic_merge_replaces_taints(api: Client, namespace: str) -> None:
    path = f"/api/v1/nodes/{namespace}"
    await api.make("/api/v1/nodes", {"metadata": {"name": namespace}})
    one, two = ({"key": k, "effect": "NoSchedule"} for k in ("one", "two"))
    try:
        await api.strategic(path, {"spec": {"taints": [one, two]}})
        left = await api.strategic(path, {"spec": {"taints": [two]}})
        assert left.body["spec"]["taints"] == [two]
    finally:
        await api.delete(path)


async def test_strategic_merge_keeps_only_the_keys_it_is_told_to(api: Client, web: str) -> None:
    await api.merge(web, {"spec": {"selector": {"a": "1", "b": "2"}}})
    patch = {"spec": {"selector": {"$retainKeys": ["a", "c"], "c": "3"}}}
    patched = await api.strategic(web, patch)
    assert patched.body["spec"]["selector"] == {"a": "1", "c": "3"}


async def test_strategic_merge_treats_finalizers_as_a_set(api: Client, web: str) -> None:
    first, second = "example.org/a", "example.org/b"
    await api.strategic(web, {"metadata": {"finalizers": [first]}})
    both = await api.strategic(web, {"metadata": {"finalizers": [second]}})
    assert sorted(both.meta["finalizers"]) == [first, second]
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": [first]}}
    left = await api.strategic(web, patch)
    assert left.meta["finalizers"] == [second]
    await api.merge(web, {"metadata": {"finalizers": None}})


async def test_a_custom_object_takes_no_strategic_merge(api: Client, pools: str) -> None:
    await api.make(pools, pool(pools, "a"))
    refused = await api.strategic(f"{pools}/a", {"spec": {"as": 1}})
    assert (refused.code, refused.body["reason"]) == (415, "UnsupportedMediaType")


async def test_an_unknown_media_type_is_refused(api: Client, web: str) -> None:
    refused = await api.call("PATCH", web, {}, kind="application/fancy-patch+json")
    assert refused.code == 415


async def test_a_patch_of_nothing_is_not_found(api: Client, services: str) -> None:
    refused = await api.merge(f"{services}/nobody", {"metadata": {"labels": {"a": "b"}}})
    assert (refused.code, refused.body["reason"]) == (404, "NotFound")


async def test_an_invalid_patch_leaves_the_object_alone(api: Client, web: str) -> None:
    before = (await api.get(web)).body
    refused = await api.merge(web, {"spec": {"type": "Sideways"}})
    assert refused.code == 422
    assert (await api.get(web)).body == copy.deepcopy(before)
