"""Watches: what is told, in which order, from when on, and how they end."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from manager.adapters.kubernetes.client import ANNOUNCERS, EIPS, SERVICES, Kind
from manager.adapters.kubernetes.fields import Json
from pointsman.runtime.target import Unavailable
from tests.conformance.apiclient.objects import announcer, eip, service
from tests.conformance.apiclient.worlds import Client, World

PATIENCE_S = 60.0
FINALIZER = "pointsman.dev/in-use"


async def now(client: Client, kind: Kind) -> str:
    return str((await client.list_page(kind, {}))["metadata"]["resourceVersion"])


async def received(events: AsyncIterator[Json], count: int) -> list[tuple[str, str]]:
    """Return type and name of the next *count* events; bookmarks tell of no object."""
    return [(one["type"], one["object"]["metadata"]["name"]) for one in await these(events, count)]


async def these(events: AsyncIterator[Json], count: int) -> list[Json]:
    found: list[Json] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(found) < count:
            event = await anext(events)
            if event["type"] != "BOOKMARK":
                found.append(event)
    return found


async def test_changes_are_told_in_order_under_rising_versions(world: World) -> None:
    await world.put(EIPS, eip("before"))
    version = await now(world.client, EIPS)
    async with world.client.watch(EIPS, {}, version=version, timeout_s=60) as events:
        await world.put(EIPS, eip("one"))
        await world.put(SERVICES, service("web"))  # another kind's
        await world.put(EIPS, eip("one", "203.0.113.0/28"))
        await world.remove(EIPS, "one")
        await world.put(EIPS, eip("last"))
        found = await these(events, 4)
    assert [(one["type"], one["object"]["metadata"]["name"]) for one in found] == [
        ("ADDED", "one"),
        ("MODIFIED", "one"),
        ("DELETED", "one"),
        ("ADDED", "last"),
    ]
    versions = [int(one["object"]["metadata"]["resourceVersion"]) for one in found]
    assert versions == sorted(set(versions))
    assert versions[0] > int(version)
    assert found[2]["object"]["spec"]["addresses"] == ["203.0.113.0/28"]


async def test_what_happened_since_that_version_is_told_first(world: World) -> None:
    version = await now(world.client, EIPS)
    await world.put(EIPS, eip("one"))
    await world.remove(EIPS, "one")
    async with world.client.watch(EIPS, {}, version=version, timeout_s=60) as events:
        assert await received(events, 2) == [("ADDED", "one"), ("DELETED", "one")]
    middle = await now(world.client, EIPS)
    await world.put(EIPS, eip("two"))
    async with world.client.watch(EIPS, {}, version=middle, timeout_s=60) as events:
        assert await received(events, 1) == [("ADDED", "two")]


async def test_everybody_who_watches_is_told(world: World) -> None:
    version = await now(world.client, EIPS)
    async with (
        world.client.watch(EIPS, {}, version=version, timeout_s=60) as first,
        world.client.watch(EIPS, {}, version=version, timeout_s=60) as second,
    ):
        await world.put(EIPS, eip("one"))
        assert await received(first, 1) == await received(second, 1) == [("ADDED", "one")]


async def test_our_own_writes_are_told_and_empty_ones_are_not(client: Client) -> None:
    version = await now(client, ANNOUNCERS)
    async with client.watch(ANNOUNCERS, {}, version=version, timeout_s=60) as events:
        made = await client.create(ANNOUNCERS, "", announcer("node1"))
        labels = {"metadata": {"labels": {"a": "b"}}}
        for _ in range(2):
            patched = await client.patch(ANNOUNCERS, "", "node1", body=labels)
        await client.delete(ANNOUNCERS, "", "node1", body={})
        found = await these(events, 3)
    assert [one["type"] for one in found] == ["ADDED", "MODIFIED", "DELETED"]
    assert [one["object"] for one in found[:2]] == [made, patched]


async def test_a_finalizer_makes_two_events_of_a_deletion(client: Client) -> None:
    await client.create(ANNOUNCERS, "", announcer("node1", finalizers=[FINALIZER]))
    version = await now(client, ANNOUNCERS)
    async with client.watch(ANNOUNCERS, {}, version=version, timeout_s=60) as events:
        await client.delete(ANNOUNCERS, "", "node1", body={})
        await client.patch(ANNOUNCERS, "", "node1", body={"metadata": {"finalizers": None}})
        assert await received(events, 2) == [("MODIFIED", "node1"), ("DELETED", "node1")]


async def test_a_selector_leaves_the_others_untold(world: World) -> None:
    version = await now(world.client, SERVICES)
    fields = {"fieldSelector": "metadata.name=web"}
    async with world.client.watch(SERVICES, fields, version=version, timeout_s=60) as events:
        await world.put(SERVICES, service("other"))
        await world.put(SERVICES, service("web"))
        await world.put(SERVICES, service("web", namespace="red"))
        assert await received(events, 2) == [("ADDED", "web"), ("ADDED", "web")]


async def test_a_watch_from_a_forgotten_version_is_told_so_and_nothing_else(world: World) -> None:
    version = await now(world.client, EIPS)
    await world.put(EIPS, eip("one"))
    await world.compact()
    async with world.client.watch(EIPS, {}, version=version, timeout_s=60) as events:
        found = [event async for event in events]
    assert [one["type"] for one in found] == ["ERROR"]
    assert (found[0]["object"]["code"], found[0]["object"]["reason"]) == (410, "Expired")
    current = await now(world.client, EIPS)
    async with world.client.watch(EIPS, {}, version=current, timeout_s=60) as events:
        await world.put(EIPS, eip("two"))
        assert await received(events, 1) == [("ADDED", "two")]


async def test_a_watch_ends_by_itself_when_its_time_is_over(client: Client) -> None:
    version = await now(client, EIPS)
    async with asyncio.timeout(PATIENCE_S):
        async with client.watch(EIPS, {}, version=version, timeout_s=1) as events:
            assert [one async for one in events if one["type"] != "BOOKMARK"] == []


async def test_a_watch_that_is_cut_off_ends_and_another_goes_on(world: World) -> None:
    version = await now(world.client, EIPS)
    async with world.client.watch(EIPS, {}, version=version, timeout_s=60) as events:
        await world.put(EIPS, eip("one"))
        assert await received(events, 1) == [("ADDED", "one")]
        await world.cut()
        with pytest.raises((StopAsyncIteration, Unavailable)):
            await received(events, 1)
    await world.put(EIPS, eip("two"))
    async with world.client.watch(EIPS, {}, version=version, timeout_s=60) as events:
        assert await received(events, 2) == [("ADDED", "one"), ("ADDED", "two")]
