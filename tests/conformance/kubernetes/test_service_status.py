"""Services: what a write of the status changes, and what leaves it alone."""

import pytest

from tests.conformance.kubernetes.client import Client
from tests.conformance.kubernetes.objects import CONDITION, pool, service

INGRESS = [{"ip": "198.51.100.7"}]


async def test_the_status_is_not_written_with_the_service(api: Client, services: str) -> None:
    body = service("web") | {"status": {"loadBalancer": {"ingress": INGRESS}}}
    made = await api.make(services, body)
    assert made["status"] == {"loadBalancer": {}}
    made["status"] = {"loadBalancer": {"ingress": INGRESS}}
    put = await api.put(f"{services}/web", made)
    assert put.body["status"] == {"loadBalancer": {}}
    patched = await api.merge(f"{services}/web", {"status": {"loadBalancer": {"ingress": INGRESS}}})
    assert patched.body["status"] == {"loadBalancer": {}}


async def test_one_patch_of_the_status_writes_addresses_conditions_and_annotations(
    api: Client, services: str
) -> None:
    made = await api.make(services, service("web"))
    patched = await api.merge(
        f"{services}/web/status",
        {
            "metadata": {"annotations": {"example.org/a": "b"}, "labels": {"c": "d"}},
            "spec": {"externalTrafficPolicy": "Local"},
            "status": {"loadBalancer": {"ingress": INGRESS}, "conditions": [CONDITION]},
        },
    )
    assert patched.code == 200, patched.body
    assert patched.body["spec"] == made["spec"]
    assert patched.meta["annotations"] == {"example.org/a": "b"}
    assert patched.meta["labels"] == {"c": "d"}
    ingress = [{"ip": "198.51.100.7", "ipMode": "VIP"}]
    assert patched.body["status"] == {
        "loadBalancer": {"ingress": ingress},
        "conditions": [CONDITION],
    }


async def test_a_custom_objects_status_takes_nothing_but_the_status(
    api: Client, pools: str
) -> None:
    body = pool(pools, "a") | {"status": {"used": 9}}
    made = await api.make(pools, body)
    assert "status" not in made
    patched = await api.merge(
        f"{pools}/a/status",
        {
            "metadata": {"annotations": {"a": "b"}, "labels": {"c": "d"}},
            "spec": {"as": 64500},
            "status": {"used": 1},
        },
    )
    assert patched.body["status"] == {"used": 1}
    assert patched.body["spec"] == made["spec"]
    assert "annotations" not in patched.meta
    assert "labels" not in patched.meta
    main = await api.merge(f"{pools}/a", {"spec": {"as": 64500}, "status": {"used": 2}})
    assert main.body["status"] == {"used": 1}


async def test_times_of_conditions_have_whole_seconds(api: Client, services: str) -> None:
    await api.make(services, service("web"))
    condition = CONDITION | {"lastTransitionTime": "2024-01-02T05:04:05.678+02:00"}
    patch = {"status": {"conditions": [condition]}}
    patched = await api.merge(f"{services}/web/status", patch)
    moment = patched.body["status"]["conditions"][0]["lastTransitionTime"]
    assert moment == "2024-01-02T03:04:05Z"


@pytest.mark.parametrize(
    ("ingress", "field"),
    [
        pytest.param({"ip": "198.51.100.300"}, "ip", id="no address"),
        pytest.param({"ip": "198.51.100.1", "ipMode": "Magic"}, "ipMode", id="unknown mode"),
        pytest.param({"hostname": "a.example.org", "ipMode": "VIP"}, "ipMode", id="mode of a name"),
        pytest.param({"hostname": "198.51.100.1"}, "hostname", id="an address as a name"),
    ],
)
async def test_a_bad_ingress_is_refused(
    api: Client, services: str, ingress: dict, field: str
) -> None:
    await api.make(services, service("web"))
    patch = {"status": {"loadBalancer": {"ingress": [ingress]}}}
    refused = await api.merge(f"{services}/web/status", patch)
    assert refused.code == 422
    assert f"status.loadBalancer.ingress[0].{field}" in refused.causes


async def test_only_load_balancers_have_an_ingress(api: Client, services: str) -> None:
    await api.make(services, service("web", type="ClusterIP", allocateLoadBalancerNodePorts=None))
    patch = {"status": {"loadBalancer": {"ingress": INGRESS}}}
    refused = await api.merge(f"{services}/web/status", patch)
    assert (refused.code, refused.causes) == (422, ["status.loadBalancer.ingress"])


async def test_a_service_that_stops_being_a_load_balancer_loses_what_belongs_to_one(
    api: Client, services: str
) -> None:
    body = service(
        "web",
        allocateLoadBalancerNodePorts=None,
        externalTrafficPolicy="Local",
        loadBalancerClass="example.org/lb",
    )
    made = await api.make(services, body)
    one = f"{services}/web"
    status = {"loadBalancer": {"ingress": INGRESS}, "conditions": [CONDITION]}
    await api.merge(f"{one}/status", {"status": status})
    changed = await api.merge(one, {"spec": {"type": "ClusterIP"}})
    assert changed.code == 200, changed.body
    spec = changed.body["spec"]
    for name in (
        "externalTrafficPolicy",
        "healthCheckNodePort",
        "allocateLoadBalancerNodePorts",
        "loadBalancerClass",
    ):
        assert name not in spec, name
    assert "nodePort" not in spec["ports"][0]
    assert spec["clusterIPs"] == made["spec"]["clusterIPs"]
    assert changed.body["status"] == {"loadBalancer": {}, "conditions": [CONDITION]}
