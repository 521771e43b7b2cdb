"""Lists, their pages and their selectors."""

import pytest

from tests.conformance.kubernetes.client import Client
from tests.conformance.kubernetes.objects import service

LABELS = {
    "a": {"tier": "web", "env": "prod"},
    "b": {"tier": "web", "env": "test"},
    "c": {"tier": "db", "n": "5"},
    "d": {},
}


@pytest.fixture
async def labelled(api: Client, services: str) -> str:
    for name, labels in LABELS.items():
        body = service(name)
        body["metadata"]["labels"] = labels
        await api.make(services, body)
    return services


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        pytest.param("tier=web", "ab", id="equal"),
        pytest.param("tier==web,env=test", "b", id="both of two terms"),
        pytest.param("tier!=web", "cd", id="unequal also matches those without the label"),
        pytest.param("env in (prod, test)", "ab", id="one of a set"),
        pytest.param("env notin (prod)", "bcd", id="none of a set also matches those without"),
        pytest.param("tier", "abc", id="has the label"),
        pytest.param("!tier", "d", id="has not the label"),
        pytest.param("env in (prod),!n", "a", id="terms of different kinds"),
    ],
)
async def test_a_label_selector_lists_what_it_matches(
    api: Client, labelled: str, selector: str, names: str
) -> None:
    listed = await api.get(labelled, labelSelector=selector)
    assert [i["metadata"]["name"] for i in listed.body["items"]] == list(names)


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        pytest.param("metadata.name=b", "b", id="by name"),
        pytest.param("metadata.name!=b", "acd", id="by another name"),
        pytest.param("spec.type=ClusterIP", "", id="by a field of the spec"),
    ],
)
async def test_a_field_selector_lists_what_it_matches(
    api: Client, labelled: str, selector: str, names: str
) -> None:
    listed = await api.get(labelled, fieldSelector=selector)
    assert [i["metadata"]["name"] for i in listed.body["items"]] == list(names)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"labelSelector": "a in b"}, id="a set without brackets"),
        pytest.param({"fieldSelector": "spec.colour=red"}, id="a field that is not indexed"),
        pytest.param({"limit": "many"}, id="a limit that is no number"),
    ],
)
async def test_nonsense_in_a_query_is_a_bad_request(
    api: Client, services: str, query: dict
) -> None:
    answer = await api.get(services, **query)
    assert (answer.code, answer.body["reason"]) == (400, "BadRequest")


async def test_a_list_tells_the_version_a_watch_can_start_from(api: Client, services: str) -> None:
    made = await api.make(services, service("web"))
    version = int((await api.get(services)).meta["resourceVersion"])
    assert version >= int(made["metadata"]["resourceVersion"])


async def test_pages_show_one_moment(api: Client, labelled: str) -> None:
    first = await api.get(labelled, limit=2)
    assert [i["metadata"]["name"] for i in first.body["items"]] == ["a", "b"]
    assert first.meta["remainingItemCount"] == 2
    await api.delete(f"{labelled}/c")
    await api.make(labelled, service("e"))
    second = await api.get(labelled, limit=2, **{"continue": first.meta["continue"]})
    assert [i["metadata"]["name"] for i in second.body["items"]] == ["c", "d"]
    assert second.meta["resourceVersion"] == first.meta["resourceVersion"]
    assert not second.meta.get("continue")


async def test_a_namespace_lists_only_its_own(api: Client, labelled: str) -> None:
    own = (await api.get(labelled)).body["items"]
    everything = (await api.get("/api/v1/services")).body["items"]
    uids = {i["metadata"]["uid"] for i in everything}
    assert uids >= {i["metadata"]["uid"] for i in own}
    other = (await api.get("/api/v1/namespaces/nobody-lives-here/services")).body
    assert other["items"] == []


async def test_a_version_from_the_future_is_not_answered(api: Client, services: str) -> None:
    answer = await api.get(services, resourceVersion="99999999999")
    assert (answer.code, answer.body["reason"]) == (504, "Timeout")


async def test_events_are_found_by_what_they_are_about(api: Client, namespace: str) -> None:
    events = f"/api/v1/namespaces/{namespace}/events"
    for name in ("a", "b"):
        about = {"kind": "Service", "namespace": namespace, "name": name, "uid": f"uid-{name}"}
        await api.make(
            events,
            {"metadata": {"name": f"{name}.1"}, "involvedObject": about, "reason": "R"},
        )
    selector = (
        f"involvedObject.name=b,involvedObject.namespace={namespace},involvedObject.uid=uid-b"
    )
    listed = await api.get(events, fieldSelector=selector)
    assert [i["metadata"]["name"] for i in listed.body["items"]] == ["b.1"]
