"""Create, patch and delete: what is kept, what is refused, and what it costs in versions."""

from typing import Any

import pytest

from manager.adapters.kubernetes.client import (
    ANNOUNCERS,
    EIPS,
    LEASES,
    SERVICES,
    Kind,
    Refused,
)
from manager.adapters.kubernetes.fields import Json
from tests.conformance.apiclient.objects import announcer, condition, eip, lease, service
from tests.conformance.apiclient.worlds import Client, World

FINALIZER = "pointsman.dev/in-use"


async def listed(client: Client, kind: Kind) -> list[Json]:
    found: list[Json] = list((await client.list_page(kind, {}))["items"])
    return found


async def one(client: Client, kind: Kind) -> Json:
    (found,) = await listed(client, kind)
    return found


def version(thing: Json) -> int:
    return int(thing["metadata"]["resourceVersion"])


def code(refused: pytest.ExceptionInfo[Refused]) -> tuple[int, str]:
    return refused.value.code, refused.value.reason


# --- create ---


async def test_what_is_created_has_what_a_server_adds(client: Client) -> None:
    made = await client.create(ANNOUNCERS, "", announcer("node1"))
    assert {"uid", "resourceVersion", "creationTimestamp"} <= made["metadata"].keys()
    assert made["metadata"]["generation"] == 1
    assert await one(client, ANNOUNCERS) == made


async def test_what_exists_is_not_created_again(client: Client) -> None:
    made = await client.create(LEASES, "blue", lease("a"))
    with pytest.raises(Refused, match='"a" already exists') as refused:
        await client.create(LEASES, "blue", lease("a"))
    assert code(refused) == (409, "AlreadyExists")
    assert await client.get(LEASES, "blue", "a") == made
    assert (await client.create(LEASES, "red", lease("a")))["metadata"]["namespace"] == "red"


async def test_a_name_that_was_deleted_is_another_object(client: Client) -> None:
    uids = []
    for _ in range(2):
        made = await client.create(LEASES, "blue", lease("a"))
        uids.append(made["metadata"]["uid"])
        await client.delete(LEASES, "blue", "a", body={})
    assert uids[0] != uids[1]


async def test_a_status_is_not_created_with_its_object(client: Client) -> None:
    body = {**announcer("node1"), "status": {"agentVersion": "1"}}
    assert "status" not in await client.create(ANNOUNCERS, "", body)


# --- patch ---


async def test_a_patch_is_merged(world: World) -> None:
    notes = {"annotations": {"example.com/a": "1", "example.com/b": "2"}}
    await world.put(EIPS, eip("one", **notes))
    before = await one(world.client, EIPS)
    body: dict[str, Any] = {
        "metadata": {"annotations": {"example.com/a": None, "example.com/c": "3"}},
        "spec": {"addresses": ["203.0.113.0/28"]},
    }
    after = await world.client.patch(EIPS, "", "one", body=body)
    assert after["metadata"]["annotations"] == {"example.com/b": "2", "example.com/c": "3"}
    assert after["spec"]["addresses"] == ["203.0.113.0/28"]
    assert version(after) > version(before)
    assert await one(world.client, EIPS) == after


async def test_only_another_spec_is_another_generation(world: World) -> None:
    await world.put(EIPS, eip("one"))
    client = world.client
    assert (await one(client, EIPS))["metadata"]["generation"] == 1
    labelled = await client.patch(EIPS, "", "one", body={"metadata": {"labels": {"a": "b"}}})
    assert labelled["metadata"]["generation"] == 1
    status = {"status": {"conditions": [condition()]}}
    patched = await client.patch(EIPS, "", "one", body=status, sub="status")
    assert patched["metadata"]["generation"] == 1
    moved = await client.patch(EIPS, "", "one", body={"spec": {"addresses": ["203.0.113.0/28"]}})
    assert moved["metadata"]["generation"] == 2
    await world.put(EIPS, eip("one"))
    assert (await one(client, EIPS))["metadata"]["generation"] == 3


async def test_a_patch_that_changes_nothing_costs_no_version(world: World) -> None:
    await world.put(EIPS, eip("one", labels={"a": "b"}))
    before = await one(world.client, EIPS)
    same = await world.client.patch(EIPS, "", "one", body={"metadata": {"labels": {"a": "b"}}})
    assert same == before
    page = await world.client.list_page(EIPS, {})
    assert page["items"] == [before]


@pytest.mark.parametrize("sub", ["", "status"])
async def test_a_patch_from_an_older_version_is_a_conflict(world: World, sub: str) -> None:
    await world.put(EIPS, eip("one"))
    client = world.client
    seen = (await one(client, EIPS))["metadata"]["resourceVersion"]
    await client.patch(EIPS, "", "one", body={"metadata": {"labels": {"a": "b"}}})
    now = await one(client, EIPS)
    status = {"status": {"conditions": [condition()]}, "spec": {"priority": 7}}
    body = {"metadata": {"resourceVersion": seen}, **status}
    with pytest.raises(Refused) as refused:
        await client.patch(EIPS, "", "one", body=body, sub=sub)
    assert code(refused) == (409, "Conflict")
    assert await one(client, EIPS) == now
    body = {"metadata": {"resourceVersion": now["metadata"]["resourceVersion"]}, **status}
    assert version(await client.patch(EIPS, "", "one", body=body, sub=sub)) > version(now)


async def test_a_patch_of_what_is_not_there_is_not_found(client: Client) -> None:
    for kind, namespace, sub in ((EIPS, "", ""), (SERVICES, "blue", "status")):
        with pytest.raises(Refused, match='"none" not found') as refused:
            await client.patch(kind, namespace, "none", body={"status": {}}, sub=sub)
        assert code(refused) == (404, "NotFound")


# --- the status apart from the rest ---


async def test_a_patch_of_the_object_leaves_its_status(world: World) -> None:
    status = {"conditions": [condition("Ready")]}
    await world.put(EIPS, {**eip("one"), "status": status})
    body = {"spec": {"priority": 7}, "status": {"conditions": []}}
    after = await world.client.patch(EIPS, "", "one", body=body)
    assert (after["spec"]["priority"], after["status"]) == (7, status)


async def test_a_patch_of_the_status_leaves_the_object(world: World) -> None:
    await world.put(EIPS, eip("one", labels={"a": "b"}))
    body = {
        "metadata": {"labels": {"a": "c"}, "annotations": {"example.com/a": "1"}},
        "spec": {"priority": 7},
        "status": {"conditions": [condition()]},
    }
    after = await world.client.patch(EIPS, "", "one", body=body, sub="status")
    assert after["status"]["conditions"] == [condition()]
    assert after["spec"].get("priority") != 7
    assert after["metadata"]["labels"] == {"a": "b"}
    assert "annotations" not in after["metadata"]


async def test_a_service_takes_annotations_with_its_status(world: World) -> None:
    await world.put(SERVICES, service("web", annotations={"example.com/mine": "yes"}))
    body = {
        "metadata": {"annotations": {"pointsman.dev/status": "fine"}},
        "spec": {"type": "ClusterIP"},
        "status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.1", "ipMode": "VIP"}]}},
    }
    after = await world.client.patch(SERVICES, "blue", "web", body=body, sub="status")
    notes = {"example.com/mine": "yes", "pointsman.dev/status": "fine"}
    assert after["metadata"]["annotations"] == notes
    assert after["spec"]["type"] == "LoadBalancer"
    assert after["status"]["loadBalancer"]["ingress"][0]["ip"] == "198.51.100.1"


# --- delete ---


async def test_what_was_deleted_is_not_found(client: Client) -> None:
    await client.create(LEASES, "blue", lease("a"))
    await client.delete(LEASES, "blue", "a", body={})
    with pytest.raises(Refused) as refused:
        await client.get(LEASES, "blue", "a")
    assert code(refused) == (404, "NotFound")
    with pytest.raises(Refused) as refused:
        await client.delete(LEASES, "blue", "a", body={})
    assert code(refused) == (404, "NotFound")


@pytest.mark.parametrize("which", ["uid", "resourceVersion"])
async def test_another_object_than_was_meant_is_not_deleted(client: Client, which: str) -> None:
    made = await client.create(LEASES, "blue", lease("a"))
    wrong = {"preconditions": {which: "1"}}
    with pytest.raises(Refused) as refused:
        await client.delete(LEASES, "blue", "a", body=wrong)
    assert code(refused) == (409, "Conflict")
    assert await client.get(LEASES, "blue", "a") == made
    right = {"preconditions": {which: made["metadata"][which]}}
    await client.delete(LEASES, "blue", "a", body=right)
    assert await listed(client, LEASES) == []


async def test_a_finalizer_keeps_what_was_deleted_until_it_is_taken(client: Client) -> None:
    await client.create(ANNOUNCERS, "", announcer("node1", finalizers=[FINALIZER]))
    for _ in range(2):  # again: nothing more happens
        await client.delete(ANNOUNCERS, "", "node1", body={})
        going = await one(client, ANNOUNCERS)
        assert going["metadata"]["deletionTimestamp"]
        assert going["metadata"]["finalizers"] == [FINALIZER]
    left = await client.patch(ANNOUNCERS, "", "node1", body={"metadata": {"finalizers": None}})
    assert left["metadata"]["name"] == "node1"
    assert await listed(client, ANNOUNCERS) == []
