"""Status objects with the real reasons; leases; events; connections."""

import asyncio

import pytest

from tests.conformance.kubernetes.client import Client
from tests.conformance.kubernetes.objects import service


async def test_a_missing_object(api: Client, services: str) -> None:
    answer = await api.get(f"{services}/nobody")
    assert answer.code == 404
    assert answer.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'services "nobody" not found',
        "reason": "NotFound",
        "details": {"name": "nobody", "kind": "services"},
        "code": 404,
    }


async def test_a_missing_custom_object_names_its_group(api: Client, pools: str) -> None:
    group = pools.split("/")[2]
    answer = await api.get(f"{pools}/nobody")
    assert answer.body["message"] == f'pools.{group} "nobody" not found'
    assert answer.body["details"] == {"name": "nobody", "group": group, "kind": "pools"}


async def test_a_name_taken(api: Client, services: str) -> None:
    await api.make(services, service("web"))
    answer = await api.post(services, service("web"))
    assert (answer.code, answer.body["reason"]) == (409, "AlreadyExists")
    assert answer.body["message"] == 'services "web" already exists'


async def test_a_missing_namespace(api: Client) -> None:
    answer = await api.post("/api/v1/namespaces/nowhere/services", service("web"))
    assert (answer.code, answer.body["reason"]) == (404, "NotFound")
    assert answer.body["message"] == 'namespaces "nowhere" not found'


async def test_a_namespace_that_contradicts_the_path(api: Client, services: str) -> None:
    body = service("web")
    body["metadata"]["namespace"] = "default"
    assert (await api.post(services, body)).code == 400


async def test_a_kind_that_contradicts_the_path(api: Client, services: str) -> None:
    body = service("web") | {"kind": "Node"}
    assert (await api.post(services, body)).code == 400


async def test_a_method_that_means_nothing_there(api: Client, services: str) -> None:
    answer = await api.call("PUT", services, {})
    assert (answer.code, answer.body["reason"]) == (405, "MethodNotAllowed")


async def test_an_unknown_subresource(api: Client, services: str) -> None:
    await api.make(services, service("web"))
    assert (await api.get(f"{services}/web/nonsense")).code == 404


@pytest.mark.parametrize(
    "labels", [{"a b": "c"}, {"a": "b c"}, {"a": "x" * 64}], ids=["key", "value", "length"]
)
async def test_labels_have_a_grammar(api: Client, services: str, labels: dict) -> None:
    body = service("web")
    body["metadata"]["labels"] = labels
    answer = await api.post(services, body)
    assert (answer.code, answer.causes) == (422, ["metadata.labels"])


async def test_of_two_who_want_a_lease_one_gets_it(api: Client, namespace: str) -> None:
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    spec = {"holderIdentity": "", "leaseDurationSeconds": 15, "leaseTransitions": 0}
    lease = await api.make(leases, {"metadata": {"name": "leader"}, "spec": spec})
    assert lease["spec"]["holderIdentity"] == ""  # a holder that let go is kept as such

    async def take(name: str) -> int:
        body = lease | {
            "spec": spec | {"holderIdentity": name, "renewTime": "2024-01-02T03:04:05.123456Z"}
        }
        return (await api.put(f"{leases}/leader", body)).code

    codes = await asyncio.gather(take("a"), take("b"))
    assert sorted(codes) == [200, 409]
    held = (await api.get(f"{leases}/leader")).body["spec"]
    assert held["renewTime"] == "2024-01-02T03:04:05.123456Z"
    bad = await api.merge(f"{leases}/leader", {"spec": {"leaseDurationSeconds": 0}})
    assert (bad.code, bad.causes) == (422, ["spec.leaseDurationSeconds"])


async def test_an_event_is_counted_up_by_a_patch(api: Client, namespace: str) -> None:
    events = f"/api/v1/namespaces/{namespace}/events"
    body = {
        "metadata": {"name": "web.1"},
        "involvedObject": {"kind": "Service", "namespace": namespace, "name": "web"},
        "reason": "Allocated",
        "message": "m",
        "type": "Normal",
        "count": 1,
        "firstTimestamp": "2024-01-02T03:04:05Z",
        "lastTimestamp": "2024-01-02T03:04:05Z",
        "source": {"component": "pointsman"},
    }
    made = await api.make(events, body)
    assert made["eventTime"] is None
    patch = {"count": 2, "lastTimestamp": "2024-01-02T03:05:05Z"}
    patched = await api.merge(f"{events}/web.1", patch)
    assert (patched.body["count"], patched.body["firstTimestamp"]) == (2, body["firstTimestamp"])


async def test_an_event_lives_where_its_object_does(api: Client, namespace: str) -> None:
    body = {
        "metadata": {"name": "x"},
        "involvedObject": {"kind": "Service", "namespace": "default", "name": "web"},
    }
    refused = await api.post(f"/api/v1/namespaces/{namespace}/events", body)
    assert (refused.code, refused.causes) == (422, ["involvedObject.namespace"])


async def test_a_secret_keeps_bytes_and_takes_text(api: Client, namespace: str) -> None:
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    body = {"metadata": {"name": "p"}, "data": {"a": "AAE="}, "stringData": {"b": "text"}}
    made = await api.make(secrets, body)
    assert made["data"] == {"a": "AAE=", "b": "dGV4dA=="}
    assert made["type"] == "Opaque"
    assert "stringData" not in made
    bad = await api.post(secrets, {"metadata": {"name": "q"}, "data": {"a": "not base64!"}})
    assert bad.code == 400


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"addressType": "IPX"}, "addressType", id="unknown address type"),
        pytest.param(
            {"endpoints": [{"addresses": ["2001:db8::1"]}]},
            "endpoints[0].addresses",
            id="an address of the other family",
        ),
        pytest.param(
            {"addressType": "IPv6", "endpoints": [{"addresses": ["192.0.2.1"]}]},
            "endpoints[0].addresses",
            id="an IPv4 address in a slice of IPv6",
        ),
        pytest.param(
            {"endpoints": [{"addresses": ["192.0.2.300"]}]},
            "endpoints[0].addresses[0]",
            id="no address at all",
        ),
        pytest.param({"endpoints": [{"addresses": []}]}, "endpoints[0].addresses", id="no address"),
    ],
)
async def test_an_endpoint_slice_is_checked(
    api: Client, namespace: str, change: dict, field: str
) -> None:
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    body = {"metadata": {"name": "s"}, "addressType": "IPv4", "endpoints": [], "ports": []}
    refused = await api.post(slices, body | change)
    assert (refused.code, refused.causes) == (422, [field])


async def test_an_endpoint_that_says_nothing_of_its_readiness_keeps_silent(
    api: Client, namespace: str
) -> None:
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    endpoints = [
        {"addresses": ["192.0.2.7"]},
        {"addresses": ["192.0.2.8"], "conditions": {"ready": False}},
    ]
    body = {"metadata": {"name": "s"}, "addressType": "IPv4", "endpoints": endpoints}
    made = await api.make(slices, body)
    assert [e["conditions"] for e in made["endpoints"]] == [{}, {"ready": False}]
    assert made["ports"] is None
    changed = await api.merge(f"{slices}/s", {"addressType": "IPv6"})
    assert changed.code == 422
