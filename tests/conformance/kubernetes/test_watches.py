"""Watches tell every change after a version, once and in order."""

import pytest

from tests.conformance.kubernetes.client import Client
from tests.conformance.kubernetes.objects import pool, service


async def version(api: Client, path: str) -> str:
    found: str = (await api.get(path)).meta["resourceVersion"]
    return found


async def test_changes_after_a_list_are_told_in_order(api: Client, services: str) -> None:
    await api.make(services, service("old"))
    start = await version(api, services)
    await api.make(services, service("a"))
    async with api.watch(services, resourceVersion=start) as watch:
        assert await watch.named() == ("ADDED", "a")
        changed = await api.merge(f"{services}/a", {"metadata": {"labels": {"x": "y"}}})
        kind, obj = await watch.next()
        assert (kind, obj) == ("MODIFIED", changed.body)
        await api.delete(f"{services}/a")
        kind, obj = await watch.next()
        assert kind == "DELETED"
        assert int(obj["metadata"]["resourceVersion"]) > int(changed.meta["resourceVersion"])
        assert obj["kind"] == "Service"  # unlike in a list


@pytest.mark.parametrize("flag", ["1", "true", "True"])
async def test_the_flag_may_be_spelled_in_many_ways(api: Client, services: str, flag: str) -> None:
    await api.make(services, service("a"))
    async with api.watch(services, watch=flag) as watch:
        assert await watch.named() == ("ADDED", "a")


@pytest.mark.parametrize("start", [{}, {"resourceVersion": "0"}], ids=["no version", "version 0"])
async def test_without_a_version_it_begins_with_what_exists(
    api: Client, services: str, start: dict
) -> None:
    for name in ("a", "b"):
        await api.make(services, service(name))
    async with api.watch(services, **start) as watch:
        assert {await watch.named(), await watch.named()} == {("ADDED", "a"), ("ADDED", "b")}
        await api.make(services, service("c"))
        assert await watch.named() == ("ADDED", "c")


async def test_a_version_of_long_ago_is_gone(api: Client, services: str) -> None:
    if not api.endpoint.real:
        await api.post("/_faults", {"compact": True})
    await api.make(services, service("a"))
    async with api.watch(services, resourceVersion="1") as watch:
        kind, status = await watch.next()
    if api.endpoint.real and kind == "ADDED":
        return  # etcd is compacted every five minutes: a young server still has all of its past
    assert kind == "ERROR"
    assert (status["kind"], status["code"], status["reason"]) == ("Status", 410, "Expired")


async def test_a_version_of_the_future_is_believed_and_nothing_is_told(
    api: Client, services: str
) -> None:
    """What a client meets after a restored etcd: neither an error nor an event."""
    now = int(await version(api, services))
    query = {"allowWatchBookmarks": "true", "timeoutSeconds": 2}
    async with api.watch(services, resourceVersion=now + 1_000_000, **query) as watch:
        await api.make(services, service("a"))
        assert await watch.rest() == []


async def test_a_version_of_the_future_is_heard_from_when_it_has_come(
    api: Client, services: str
) -> None:
    now = int(await version(api, services))
    async with api.watch(services, resourceVersion=now + 50) as watch:
        made = [await api.make(services, service(f"s{n}")) for n in range(60)]
        late = [o for o in made if int(o["metadata"]["resourceVersion"]) > now + 50]
        assert [await watch.named() for _ in late] == [
            ("ADDED", o["metadata"]["name"]) for o in late
        ]


@pytest.mark.parametrize("text", ["abc", "-1", "1.5"])
async def test_a_version_that_is_no_number_is_refused(
    api: Client, services: str, text: str
) -> None:
    """A watch that asks so is told of an internal error without a reason: a client retries."""
    answer = await api.get(services, watch="1", resourceVersion=text)
    assert (answer.code, answer.body.get("reason")) == (500, None)
    assert f'parsing "{text}": invalid syntax' in answer.body["message"]
    answer = await api.get(services, resourceVersion=text)
    assert (answer.code, answer.body["reason"]) == (400, "BadRequest")


async def test_a_timeout_ends_it_cleanly(api: Client, services: str) -> None:
    start = await version(api, services)
    async with api.watch(services, resourceVersion=start, timeoutSeconds=1) as watch:
        assert await watch.rest() == []


async def test_bookmarks_carry_a_version_to_go_on_from(api: Client, services: str) -> None:
    start = await version(api, services)
    query = {"resourceVersion": start, "allowWatchBookmarks": "true", "timeoutSeconds": 5}
    async with api.watch(services, **query) as watch:
        made = await api.make(services, service("a"))
        events = await watch.rest()
    assert events[0][0] == "ADDED"
    marks = [obj for kind, obj in events if kind == "BOOKMARK"]
    assert marks
    assert all(m["kind"] == "Service" and "name" not in m["metadata"] for m in marks)
    last = marks[-1]["metadata"]["resourceVersion"]
    assert int(last) >= int(made["metadata"]["resourceVersion"])
    await api.make(services, service("b"))
    async with api.watch(services, resourceVersion=last) as watch:
        assert await watch.named() == ("ADDED", "b")  # and not a again


async def test_bookmarks_come_only_when_asked_for(api: Client, services: str) -> None:
    start = await version(api, services)
    async with api.watch(services, resourceVersion=start, timeoutSeconds=2) as watch:
        assert await watch.rest() == []


async def test_the_beginning_can_be_streamed_with_its_end_marked(
    api: Client, services: str
) -> None:
    await api.make(services, service("a"))
    query = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
    }
    async with api.watch(services, **query) as watch:
        assert await watch.named() == ("ADDED", "a")
        kind, mark = await watch.next()
    assert kind == "BOOKMARK"
    assert mark["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true"


async def test_a_selector_turns_changes_into_arrivals_and_departures(
    api: Client, services: str
) -> None:
    start = await version(api, services)
    one = f"{services}/a"
    query = {"resourceVersion": start, "labelSelector": "on=yes"}
    async with api.watch(services, **query) as watch:
        await api.make(services, service("a"))  # not told: no label
        await api.merge(one, {"metadata": {"labels": {"on": "yes"}}})
        assert await watch.named() == ("ADDED", "a")
        await api.merge(one, {"metadata": {"annotations": {"x": "y"}}})
        assert await watch.named() == ("MODIFIED", "a")
        left = await api.merge(one, {"metadata": {"labels": {"on": "no"}}})
        kind, obj = await watch.next()
        assert (kind, obj["metadata"]["name"]) == ("DELETED", "a")
        assert obj["metadata"]["resourceVersion"] == left.meta["resourceVersion"]
        assert obj["metadata"]["labels"] == {"on": "yes"}  # as it was last seen
        await api.delete(one)  # not told: it was gone already
        body = service("b")
        body["metadata"]["labels"] = {"on": "yes"}
        await api.make(services, body)
        assert await watch.named() == ("ADDED", "b")


async def test_one_object_is_watched_by_its_name(api: Client, services: str) -> None:
    start = await version(api, services)
    query = {"resourceVersion": start, "fieldSelector": "metadata.name=b"}
    async with api.watch(services, **query) as watch:
        await api.make(services, service("a"))
        await api.make(services, service("b"))
        assert await watch.named() == ("ADDED", "b")


async def test_a_namespace_is_not_told_of_another(api: Client, services: str) -> None:
    start = await version(api, services)
    async with api.watch(services, resourceVersion=start) as watch:
        elsewhere = "/api/v1/namespaces/default/services"
        other = service(f"x{start}")
        await api.make(elsewhere, other)
        await api.delete(f"{elsewhere}/x{start}")
        await api.make(services, service("here"))
        assert await watch.named() == ("ADDED", "here")


async def test_custom_objects_are_watched_alike(api: Client, pools: str) -> None:
    start = await version(api, pools)
    async with api.watch(pools, resourceVersion=start) as watch:
        await api.make(pools, pool(pools, "a"))
        assert await watch.named() == ("ADDED", "a")
        await api.merge(f"{pools}/a/status", {"status": {"used": 1}})
        kind, obj = await watch.next()
        assert (kind, obj["status"]) == ("MODIFIED", {"used": 1})


async def test_a_held_deletion_is_a_change_then_a_departure(api: Client, pools: str) -> None:
    body = pool(pools, "a")
    body["metadata"]["finalizers"] = ["example.org/hold"]
    await api.make(pools, body)
    start = await version(api, pools)
    async with api.watch(pools, resourceVersion=start) as watch:
        await api.delete(f"{pools}/a")
        kind, obj = await watch.next()
        assert kind == "MODIFIED"
        assert obj["metadata"]["deletionTimestamp"]
        await api.merge(f"{pools}/a", {"metadata": {"finalizers": []}})
        kind, obj = await watch.next()
        assert kind == "DELETED"


async def test_a_write_that_changes_nothing_is_not_told(api: Client, services: str) -> None:
    made = await api.make(services, service("a"))
    start = await version(api, services)
    async with api.watch(services, resourceVersion=start) as watch:
        await api.put(f"{services}/a", made)
        await api.make(services, service("b"))
        assert await watch.named() == ("ADDED", "b")
