"""Kinds and verbs; versions, uids, stamps, generations, finalizers."""

import asyncio

import pytest

from tests.conformance.kubernetes.client import Client, until
from tests.conformance.kubernetes.objects import pool, service

NOW = "2024-01-02T03:04:05.000006Z"


def node(name: str) -> tuple[str, dict]:
    return "/api/v1/nodes", {"metadata": {"name": name}, "spec": {"podCIDR": "10.244.1.0/24"}}


def event(name: str, namespace: str) -> tuple[str, dict]:
    return f"/api/v1/namespaces/{namespace}/events", {
        "metadata": {"name": name},
        "involvedObject": {"kind": "Service", "namespace": namespace, "name": "web"},
        "reason": "Seen",
        "type": "Normal",
    }


def kinds(namespace: str) -> list[tuple[str, dict]]:
    name = f"x-{namespace}"
    return [
        ("/api/v1/namespaces", {"metadata": {"name": name}}),
        node(name),
        (f"/api/v1/namespaces/{namespace}/services", service(name)),
        event(name, namespace),
        (f"/api/v1/namespaces/{namespace}/secrets", {"metadata": {"name": name}}),
        (
            f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices",
            {
                "metadata": {"name": name},
                "addressType": "IPv4",
                "endpoints": [{"addresses": ["192.0.2.7"]}],
                "ports": [{"port": 80}],
            },
        ),
        (
            f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases",
            {"metadata": {"name": name}, "spec": {"holderIdentity": "a", "renewTime": NOW}},
        ),
    ]


async def test_every_kind_takes_every_verb(api: Client, namespace: str) -> None:
    for path, body in kinds(namespace):
        made = await api.make(path, body)
        one = f"{path}/{made['metadata']['name']}"
        assert made["kind"], path
        assert made["metadata"]["uid"], path
        assert made["metadata"]["creationTimestamp"].endswith("Z"), path
        read = await api.get(one)
        assert (read.code, read.body) == (200, made), path
        listed = await api.get(path)
        assert made["metadata"]["uid"] in [i["metadata"]["uid"] for i in listed.body["items"]]
        read.meta["labels"] = (read.meta.get("labels") or {}) | {"put": "yes"}
        put = await api.put(one, read.body)
        assert put.code == 200, put.body
        assert int(put.meta["resourceVersion"]) > int(made["metadata"]["resourceVersion"]), path
        patched = await api.merge(one, {"metadata": {"labels": {"put": None, "patch": "yes"}}})
        assert patched.code == 200, patched.body
        assert patched.meta["labels"]["patch"] == "yes", path
        assert "put" not in patched.meta["labels"], path
        gone = await api.delete(one)
        assert gone.code == 200, gone.body
        if not path.endswith("namespaces"):
            assert (await api.get(one)).code == 404, path


async def test_a_list_item_of_a_builtin_kind_does_not_repeat_its_kind(
    api: Client, services: str
) -> None:
    await api.make(services, service("web"))
    listed = (await api.get(services)).body
    assert (listed["kind"], listed["apiVersion"]) == ("ServiceList", "v1")
    assert "kind" not in listed["items"][0]
    assert "apiVersion" not in listed["items"][0]


async def test_a_list_item_of_a_custom_kind_does(api: Client, pools: str) -> None:
    await api.make(pools, pool(pools, "a"))
    item = (await api.get(pools)).body["items"][0]
    assert item["kind"] == "Pool"


async def test_one_sequence_of_versions_runs_through_all_kinds(
    api: Client, services: str, namespace: str
) -> None:
    first = await api.make(services, service("a"))
    other = await api.make(*event("e", namespace))
    last = await api.make(services, service("b"))
    versions = [int(o["metadata"]["resourceVersion"]) for o in (first, other, last)]
    assert versions == sorted(set(versions))


async def test_a_write_that_changes_nothing_writes_nothing(api: Client, services: str) -> None:
    made = await api.make(services, service("web"))
    again = await api.put(f"{services}/web", made)
    assert again.meta["resourceVersion"] == made["metadata"]["resourceVersion"]
    patched = await api.merge(f"{services}/web", {"spec": {"type": "LoadBalancer"}})
    assert patched.body == made


async def test_what_only_the_server_sets_cannot_be_chosen_or_changed(
    api: Client, services: str
) -> None:
    body = service("web")
    body["metadata"] |= {"uid": "mine", "creationTimestamp": "2001-01-01T00:00:00Z"}
    made = await api.make(services, body)
    assert made["metadata"]["uid"] != "mine"
    assert not made["metadata"]["creationTimestamp"].startswith("2001")
    patch = {"metadata": {"creationTimestamp": "2001-01-01T00:00:00Z"}}
    patched = await api.merge(f"{services}/web", patch)
    assert patched.meta["creationTimestamp"] == made["metadata"]["creationTimestamp"]


async def test_services_have_no_generation(api: Client, services: str) -> None:
    made = await api.make(services, service("web"))
    assert "generation" not in made["metadata"]


async def test_a_custom_object_counts_changes_of_its_spec_only(api: Client, pools: str) -> None:
    made = await api.make(pools, pool(pools, "a"))
    assert made["metadata"]["generation"] == 1
    one = f"{pools}/a"
    labelled = await api.merge(one, {"metadata": {"labels": {"a": "b"}}})
    assert labelled.meta["generation"] == 1
    status = await api.merge(f"{one}/status", {"status": {"used": 3}})
    assert status.meta["generation"] == 1
    changed = await api.merge(one, {"spec": {"as": 64500}})
    assert changed.meta["generation"] == 2


async def test_generate_name_makes_distinct_names(api: Client, services: str) -> None:
    body = service("ignored")
    body["metadata"] = {"generateName": "web-"}
    names = {(await api.make(services, body))["metadata"]["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("web-") and len(name) == len("web-") + 5 for name in names)


async def test_a_finalizer_holds_an_object_until_it_is_removed(api: Client, pools: str) -> None:
    body = pool(pools, "held")
    body["metadata"]["finalizers"] = ["example.org/hold"]
    await api.make(pools, body)
    one = f"{pools}/held"
    going = await api.delete(one)
    assert going.code == 200
    assert going.meta["deletionTimestamp"]
    seen = await api.get(one)
    assert seen.meta["deletionTimestamp"] == going.meta["deletionTimestamp"]
    more = await api.merge(one, {"metadata": {"finalizers": ["example.org/hold", "example.org/b"]}})
    assert more.code == 422
    assert set(more.causes) == {"metadata.finalizers"}  # a real server may say it twice
    other = await api.merge(one, {"spec": {"as": 64500}})  # an object on its way out can change
    assert other.code == 200
    freed = await api.merge(one, {"metadata": {"finalizers": None}})
    assert freed.code == 200
    assert (await api.get(one)).code == 404


async def test_a_recreated_object_has_another_uid(api: Client, services: str) -> None:
    first = await api.make(services, service("web"))
    await api.delete(f"{services}/web")
    second = await api.make(services, service("web"))
    assert first["metadata"]["uid"] != second["metadata"]["uid"]


@pytest.mark.parametrize(
    "precondition",
    [
        pytest.param({"uid": "00000000-0000-0000-0000-000000000000"}, id="of another uid"),
        pytest.param({"resourceVersion": "1"}, id="of another version"),
    ],
)
async def test_a_delete_can_be_meant_for_one_incarnation(
    api: Client, services: str, precondition: dict
) -> None:
    made = await api.make(services, service("web"))
    one = f"{services}/web"
    refused = await api.delete(one, {"preconditions": precondition})
    assert (refused.code, refused.body["reason"]) == (409, "Conflict")
    right = {k: made["metadata"][k] for k in precondition}
    assert (await api.delete(one, {"preconditions": right})).code == 200


async def test_a_service_is_returned_by_its_deletion_a_lease_is_not(
    api: Client, services: str, namespace: str
) -> None:
    await api.make(services, service("web"))
    assert (await api.delete(f"{services}/web")).body["kind"] == "Service"
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    await api.make(leases, {"metadata": {"name": "l"}})
    gone = (await api.delete(f"{leases}/l")).body
    assert (gone["kind"], gone["status"]) == ("Status", "Success")
    assert gone["details"]["name"] == "l"


async def test_dry_run_tells_what_would_be_and_keeps_nothing(api: Client, services: str) -> None:
    tried = await api.post(services, service("web"), dryRun="All")
    assert tried.code == 201
    assert (await api.get(f"{services}/web")).code == 404
    await api.make(services, service("web"))
    changed = await api.merge(f"{services}/web", {"spec": {"type": "ClusterIP"}}, dryRun="All")
    assert changed.body["spec"]["type"] == "ClusterIP"
    assert (await api.get(f"{services}/web")).body["spec"]["type"] == "LoadBalancer"


async def test_a_namespace_goes_with_what_lives_in_it(api: Client, services: str) -> None:
    if api.endpoint.real:
        return  # the namespace controller's work; a bare kube-apiserver has none
    await api.make(services, service("web"))
    home = services.rsplit("/", 1)[0]
    await api.delete(home)

    async def gone() -> bool:
        return (await api.get(home)).code == 404

    await until(gone, "the namespace is gone")
    assert (await api.get(f"{services}/web")).code == 404


async def test_many_clients_at_once_lose_no_update(api: Client, services: str) -> None:
    await api.make(services, service("web"))
    one = f"{services}/web"

    async def count(n: int) -> None:
        patch = {"metadata": {"annotations": {f"example.org/{n}": "x"}}}
        assert (await api.merge(one, patch)).code == 200

    await asyncio.gather(*(count(n) for n in range(20)))
    assert len((await api.get(one)).meta["annotations"]) == 20


async def test_managed_fields_name_the_writer_and_stay_when_nothing_is_written(
    api: Client, services: str
) -> None:
    made = (await api.post(services, service("web"), fieldManager="maker")).body
    assert [e["manager"] for e in made["metadata"]["managedFields"]] == ["maker"]
    same = await api.merge(f"{services}/web", {"spec": {"type": "LoadBalancer"}}, fieldManager="x")
    assert same.meta["managedFields"] == made["metadata"]["managedFields"]
    patch = {"metadata": {"annotations": {"a.example.org/b": "c"}}}
    other = await api.merge(f"{services}/web/status", patch, fieldManager="status-writer")
    entry = next(e for e in other.meta["managedFields"] if e["manager"] == "status-writer")
    assert (entry["operation"], entry["subresource"]) == ("Update", "status")
    assert "f:annotations" in entry["fieldsV1"]["f:metadata"]


async def test_a_field_belongs_to_who_wrote_it_last(api: Client, services: str) -> None:
    body = service("web")
    body["metadata"]["labels"] = {"a": "1", "b": "1"}
    await api.post(services, body, fieldManager="first")
    patch = {"metadata": {"labels": {"a": "2"}}}
    taken = await api.merge(f"{services}/web", patch, fieldManager="second")
    labels = {
        e["manager"]: {k for k in e["fieldsV1"]["f:metadata"]["f:labels"] if k != "."}
        for e in taken.meta["managedFields"]
    }
    assert labels == {"first": {"f:b"}, "second": {"f:a"}}
