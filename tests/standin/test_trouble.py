"""Faults on demand and the counts: what no real server offers, so no part of the contract."""

import asyncio

import aiohttp
import pytest

from standin.in_process import serving
from standin.server import Api
from tests.conformance.kubernetes.client import Client, Endpoint
from tests.conformance.kubernetes.objects import CONDITION, crd, service

SERVICES = "/api/v1/namespaces/default/services"


@pytest.fixture
async def api():
    async with serving(Api(ring=8)) as url, aiohttp.ClientSession() as session:
        yield Client(session, Endpoint(url))


@pytest.mark.parametrize("code", [409, 429, 500, 503])
async def test_the_next_requests_of_a_kind_fail_as_ordered(api: Client, code: int) -> None:
    await api.make(SERVICES, service("web"))
    order = {"code": code, "verb": "PATCH", "path": SERVICES, "count": 2, "retry_after": 3}
    await api.post("/_faults", order)
    patch = {"metadata": {"labels": {"a": "b"}}}
    answers = [await api.merge(f"{SERVICES}/web", patch) for _ in range(3)]
    assert [a.code for a in answers] == [code, code, 200]
    assert (await api.get(f"{SERVICES}/web")).code == 200
    if code == 429:
        assert answers[0].headers["Retry-After"] == "3"
    assert (await api.get("/_faults")).body == {"pending": []}


async def test_a_watch_expires_on_demand_as_an_event_or_as_an_answer(api: Client) -> None:
    version = (await api.get(SERVICES)).meta["resourceVersion"]
    await api.post("/_faults", {"code": 410, "verb": "watch"})
    async with api.watch(SERVICES, resourceVersion=version) as watch:
        events = await watch.rest()
    assert [(kind, status["code"]) for kind, status in events] == [("ERROR", 410)]
    await api.post("/_faults", {"code": 410, "verb": "watch", "http": True})
    answer = await api.get(SERVICES, watch="1", resourceVersion=version)
    assert (answer.code, answer.body["reason"]) == (410, "Expired")


async def test_watches_are_dropped_on_demand(api: Client) -> None:
    version = (await api.get(SERVICES)).meta["resourceVersion"]
    async with (
        api.watch(SERVICES, resourceVersion=version) as services,
        api.watch("/api/v1/nodes", resourceVersion=version) as nodes,
    ):
        await api.post("/_faults", {"drop_watches": True, "resource": "services"})
        assert await services.rest() == []
        await api.make("/api/v1/nodes", {"metadata": {"name": "n"}})
        assert await nodes.named() == ("ADDED", "n")


async def test_history_is_forgotten_on_demand_and_by_itself(api: Client) -> None:
    version = (await api.get(SERVICES)).meta["resourceVersion"]
    page = await api.make(SERVICES, service("a"))
    for n in range(20):  # more than the ring holds
        await api.merge(f"{SERVICES}/a", {"metadata": {"labels": {"n": str(n)}}})
    async with api.watch(SERVICES, resourceVersion=version) as watch:
        kind, status = await watch.next()
    assert (kind, status["code"]) == ("ERROR", 410)
    await api.make(SERVICES, service("b"))
    page = await api.get(SERVICES, limit=1)
    await api.post("/_faults", {"compact": True})
    rest = await api.get(SERVICES, limit=1, **{"continue": page.meta["continue"]})
    assert (rest.code, rest.body["reason"]) == (410, "Expired")


async def restored(api: Client, **how: str) -> None:
    answer = await api.post("/_faults", {"restore": True} | how)
    assert answer.code == 200, answer.body


async def test_a_restore_brings_everything_back_with_its_versions(api: Client) -> None:
    retained = await api.make(SERVICES, service("kept"))
    going = await api.make(SERVICES, service("going"))
    before = await api.get(SERVICES)
    await api.post("/_faults", {"backup": True})
    await api.merge(f"{SERVICES}/kept", {"metadata": {"labels": {"a": "b"}}})
    await api.delete(f"{SERVICES}/going")
    await api.make(SERVICES, service("young"))
    for _ in range(2):  # as often as wanted
        await restored(api)
        assert (await api.get(SERVICES)).body == before.body
        assert (await api.get(f"{SERVICES}/kept")).body == retained
        assert (await api.get(f"{SERVICES}/going")).body == going
        assert (await api.get(f"{SERVICES}/young")).code == 404
        # The same version a second time, for something else.
        other = await api.make(SERVICES, service("other"))
        version = int(before.meta["resourceVersion"]) + 1
        assert other["metadata"]["resourceVersion"] == str(version)


async def test_writes_from_a_lost_future_conflict_after_a_restore(api: Client) -> None:
    await api.make(SERVICES, service("web"))
    await api.post("/_faults", {"backup": True})
    seen = await api.merge(f"{SERVICES}/web", {"metadata": {"labels": {"a": "b"}}})
    await restored(api)
    stale = {"metadata": {"resourceVersion": seen.meta["resourceVersion"]}}
    assert (await api.merge(f"{SERVICES}/web/status", stale)).code == 409
    fresh = (await api.get(f"{SERVICES}/web")).meta
    assert int(fresh["resourceVersion"]) < int(seen.meta["resourceVersion"])
    again = {"metadata": {"resourceVersion": fresh["resourceVersion"]}}
    assert (await api.merge(f"{SERVICES}/web/status", again)).code == 200


@pytest.mark.parametrize("watches", ["cut", "kept"])
async def test_after_a_restore_a_watch_lies_by_silence(api: Client, watches: str) -> None:
    await api.post("/_faults", {"backup": True})
    for n in range(4):
        made = await api.make(SERVICES, service(f"lost{n}"))
    future = made["metadata"]["resourceVersion"]
    async with api.watch(SERVICES, resourceVersion=future) as old:
        await restored(api, watches=watches)
        if watches == "cut":
            assert await old.rest() == []
        async with api.watch(SERVICES, resourceVersion=future) as new:
            for n in range(5):  # the last has passed what the watches believe
                await api.make(SERVICES, service(f"s{n}"))
            for watch in [new, *([old] if watches == "kept" else [])]:
                assert await watch.named() == ("ADDED", "s4")


async def test_no_bookmark_goes_backwards_after_a_restore() -> None:
    async with serving(Api(bookmark_s=0.05)) as url, aiohttp.ClientSession() as session:
        api = Client(session, Endpoint(url))
        await api.post("/_faults", {"backup": True})
        made = await api.make(SERVICES, service("lost"))
        future = made["metadata"]["resourceVersion"]
        query = {"allowWatchBookmarks": "true", "timeoutSeconds": 3}
        async with api.watch(SERVICES, resourceVersion=future, **query) as watch:
            await restored(api, watches="kept")
            marks = [m["metadata"]["resourceVersion"] for _, m in await watch.rest()]
        assert set(marks) <= {future}


async def test_a_restore_gives_back_what_services_hold_and_which_kinds_there_are(
    api: Client,
) -> None:
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    await api.make(definitions, crd("kept.example.org"))
    held = await api.make(SERVICES, service("held", allocateLoadBalancerNodePorts=None))
    await api.post("/_faults", {"backup": True})
    await api.delete(f"{SERVICES}/held")
    await api.delete(f"{definitions}/pools.kept.example.org")
    await api.make(definitions, crd("lost.example.org"))
    lost = await api.make(SERVICES, service("lost", allocateLoadBalancerNodePorts=None))
    await restored(api)
    assert (await api.get("/apis/kept.example.org/v1/pools")).code == 200
    assert (await api.get("/apis/lost.example.org/v1/pools")).code == 404
    spec = {"clusterIP": held["spec"]["clusterIP"]}
    taken = await api.post(SERVICES, service("thief", **spec))
    assert (taken.code, taken.causes) == (422, ["spec.clusterIPs"])
    spec = {"clusterIP": lost["spec"]["clusterIP"], "ports": lost["spec"]["ports"]}
    await api.make(SERVICES, service("free", allocateLoadBalancerNodePorts=None, **spec))


async def test_nothing_is_restored_that_was_not_backed_up(api: Client) -> None:
    assert (await api.post("/_faults", {"restore": True})).code == 400
    await api.post("/_faults", {"backup": True})
    assert (await api.post("/_faults", {"restore": True, "watches": "half"})).code == 400


async def test_trouble_nobody_knows_is_refused(api: Client) -> None:
    assert (await api.post("/_faults", {"code": 418})).code == 400
    assert (await api.post("/_faults", {"colour": "red"})).code == 400


async def test_requests_and_writes_are_counted(api: Client) -> None:
    await api.make(SERVICES, service("web"))
    await api.merge(f"{SERVICES}/web/status", {"metadata": {"annotations": {"a": "b"}}})
    await api.get(SERVICES)
    stale = {"metadata": {"resourceVersion": "1"}}
    assert (await api.merge(f"{SERVICES}/web?fieldManager=late", stale)).code == 409
    stats = (await api.get("/_stats")).body
    assert stats["requests"] == {
        "create services": 1,
        "patch services/status": 1,
        "patch services": 1,
        "list services": 1,
    }
    assert stats["refused"] == {"patch services late": 1}
    assert stats["writes"] == {
        "create services default/web": 1,
        "patch services/status default/web": 1,
    }
    await api.delete("/_stats")
    assert (await api.get("/_stats")).body["requests"] == {}


async def test_a_watcher_that_left_is_no_longer_served(api: Client) -> None:
    async with api.watch(SERVICES):
        assert (await api.get("/_stats")).body["watchers"] == {"services": 1}
    async with asyncio.timeout(60):
        while (await api.get("/_stats")).body["watchers"]:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"type": ""}, "type", id="no type"),
        pytest.param({"status": "Maybe"}, "status", id="a status that is none"),
        pytest.param({"reason": ""}, "reason", id="no reason"),
        pytest.param({"reason": "has spaces"}, "reason", id="a reason that is a sentence"),
        pytest.param({"lastTransitionTime": None}, "lastTransitionTime", id="no time"),
    ],
)
async def test_a_condition_of_a_service_must_be_whole(
    api: Client, change: dict, field: str
) -> None:
    """Stricter than the real server, which stores what it is sent: a writer's bug shows here."""
    await api.make(SERVICES, service("web"))
    status = {"status": {"conditions": [CONDITION | change]}}
    refused = await api.merge(f"{SERVICES}/web/status", status)
    assert (refused.code, refused.causes) == (422, [f"status.conditions[0].{field}"])


async def test_node_ports_run_out_at_their_number(api: Client) -> None:
    for first in range(0, 2768, 64):
        count = min(64, 2768 - first)
        ports = [{"name": f"p{n}", "port": n + 1} for n in range(count)]
        body = service(f"s{first}", allocateLoadBalancerNodePorts=None, ports=ports)
        await api.make(SERVICES, body)
    refused = await api.post(SERVICES, service("more", allocateLoadBalancerNodePorts=None))
    assert (refused.code, refused.body["reason"]) == (500, "InternalError")
    assert "failed to allocate a nodePort: range is full" in refused.body["message"]
    await api.delete(f"{SERVICES}/s0")
    await api.make(SERVICES, service("more", allocateLoadBalancerNodePorts=None))


async def test_ten_thousand_services_are_no_burden(api: Client) -> None:
    """A list takes 0.3 s and a PATCH 2 ms on an idle machine; the bounds only refuse a sweep."""
    loop = asyncio.get_running_loop()
    for n in range(10_000):
        await api.make(SERVICES, service(f"s{n}"))
    start = loop.time()
    listed = await api.get("/api/v1/services")
    assert len(listed.body["items"]) == 10_000
    assert loop.time() - start < 30
    start = loop.time()
    for n in range(200):
        patch = {"status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.7"}]}}}
        assert (await api.merge(f"{SERVICES}/s{n}/status", patch)).code == 200
    assert (loop.time() - start) / 200 < 0.2
