"""Lists, page by page, and single objects."""

import pytest

from manager.adapters.kubernetes.client import (
    EIPS,
    LEASES,
    SERVICES,
    Kind,
    Refused,
)
from manager.adapters.kubernetes.fields import Json
from tests.conformance.apiclient.objects import eip, service
from tests.conformance.apiclient.worlds import Client, World


def names(page: Json) -> list[str]:
    return [one["metadata"]["name"] for one in page["items"]]


async def whole(client: Client, kind: Kind, **params: str) -> Json:
    return await client.list_page(kind, params)


async def test_a_list_of_nothing_has_a_version_to_watch_from(client: Client) -> None:
    page = await whole(client, EIPS)
    assert page["items"] == []
    assert int(page["metadata"]["resourceVersion"]) > 0
    assert not page["metadata"].get("continue")


async def test_a_list_is_in_the_order_of_namespaces_and_names(world: World) -> None:
    for namespace, name in (("red", "a"), ("blue", "z"), ("blue", "b"), ("red", "c")):
        await world.put(SERVICES, service(name, namespace=namespace))
    assert names(await whole(world.client, SERVICES)) == ["b", "z", "a", "c"]


async def test_a_change_is_in_the_next_list_under_a_later_version(world: World) -> None:
    await world.put(EIPS, eip("one"))
    before = await whole(world.client, EIPS)
    await world.put(EIPS, eip("one", "203.0.113.0/28"))
    after = await whole(world.client, EIPS)
    assert after["items"][0]["spec"]["addresses"] == ["203.0.113.0/28"]
    assert int(after["metadata"]["resourceVersion"]) > int(before["metadata"]["resourceVersion"])
    assert after["items"][0]["metadata"]["uid"] == before["items"][0]["metadata"]["uid"]


async def test_what_was_listed_is_the_callers(world: World) -> None:
    await world.put(EIPS, eip("one"))
    (await whole(world.client, EIPS))["items"][0]["spec"]["addresses"].append("scribble")
    page = await whole(world.client, EIPS)
    assert page["items"][0]["spec"]["addresses"] == ["198.51.100.0/28"]


async def test_pages_show_the_moment_of_the_first(world: World) -> None:
    for name in "abcde":
        await world.put(EIPS, eip(name))
    page = await world.client.list_page(EIPS, {}, limit=2)
    version, found = page["metadata"]["resourceVersion"], names(page)
    await world.remove(EIPS, "c")
    await world.put(EIPS, eip("d", "203.0.113.0/28"))
    await world.put(EIPS, eip("f"))
    addresses = []
    while after := page["metadata"].get("continue"):
        page = await world.client.list_page(EIPS, {}, limit=2, after=after)
        found += names(page)
        addresses += [one["spec"]["addresses"] for one in page["items"]]
        assert page["metadata"]["resourceVersion"] == version
    assert found == ["a", "b", "c", "d", "e"]
    assert addresses == [["198.51.100.0/28"]] * 3


async def test_a_page_whose_answer_was_lost_can_be_asked_for_again(world: World) -> None:
    for name in "abc":
        await world.put(EIPS, eip(name))
    after = (await world.client.list_page(EIPS, {}, limit=1))["metadata"]["continue"]
    for _ in range(2):
        assert names(await world.client.list_page(EIPS, {}, limit=1, after=after)) == ["b"]


async def test_a_page_of_a_forgotten_moment_is_gone(world: World) -> None:
    for name in "abc":
        await world.put(EIPS, eip(name))
    after = (await world.client.list_page(EIPS, {}, limit=1))["metadata"]["continue"]
    await world.compact()
    with pytest.raises(Refused) as refused:
        await world.client.list_page(EIPS, {}, limit=1, after=after)
    assert (refused.value.code, refused.value.reason) == (410, "Expired")


async def test_a_page_that_nobody_offered_is_a_bad_request(client: Client) -> None:
    with pytest.raises(Refused) as refused:
        await client.list_page(EIPS, {}, limit=1, after="made-up")
    assert refused.value.code == 400


async def test_a_field_selector_selects_by_name_and_namespace(world: World) -> None:
    for namespace, name in (("red", "a"), ("blue", "a"), ("blue", "b")):
        await world.put(SERVICES, service(name, namespace=namespace))
    fields = "metadata.name=a,metadata.namespace=blue"
    page = await whole(world.client, SERVICES, fieldSelector=fields)
    assert [(one["metadata"]["namespace"], one["metadata"]["name"]) for one in page["items"]] == [
        ("blue", "a")
    ]


async def test_a_field_that_is_no_label_of_the_kind_is_a_bad_request(client: Client) -> None:
    with pytest.raises(Refused) as refused:
        await whole(client, EIPS, fieldSelector="spec.colour=red")
    assert refused.value.code == 400


async def test_what_is_not_there_is_not_found(client: Client) -> None:
    with pytest.raises(Refused, match='"none" not found') as refused:
        await client.get(LEASES, "blue", "none")
    assert (refused.value.code, refused.value.reason) == (404, "NotFound")
