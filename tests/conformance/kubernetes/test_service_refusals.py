"""Services: which are refused, and what may not change."""

import pytest

from tests.conformance.kubernetes.client import Client
from tests.conformance.kubernetes.objects import service

CLUSTER_IP = {"type": "ClusterIP", "allocateLoadBalancerNodePorts": None}


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        pytest.param({"type": "Sideways"}, "spec.type", id="unknown type"),
        pytest.param({"ports": None}, "spec.ports", id="no ports"),
        pytest.param({"ports": [{"port": 0}]}, "spec.ports[0].port", id="port 0"),
        pytest.param(
            {"ports": [{"port": 80, "protocol": "ICMP"}]}, "spec.ports[0].protocol", id="protocol"
        ),
        pytest.param(
            {"ports": [{"port": 1}, {"port": 2}]}, "spec.ports[0].name", id="ports without names"
        ),
        pytest.param(
            {"ports": [{"name": "a", "port": 1}, {"name": "a", "port": 2}]},
            "spec.ports[1].name",
            id="one name twice",
        ),
        pytest.param(
            {"ports": [{"name": "a", "port": 1}, {"name": "b", "port": 1}]},
            "spec.ports[1]",
            id="one port twice",
        ),
        pytest.param(
            {"externalTrafficPolicy": "Near"}, "spec.externalTrafficPolicy", id="unknown policy"
        ),
        pytest.param(
            CLUSTER_IP | {"externalTrafficPolicy": "Local"},
            "spec.externalTrafficPolicy",
            id="policy without a way in",
        ),
        pytest.param(
            {
                "type": "ClusterIP",
                "allocateLoadBalancerNodePorts": None,
                "loadBalancerClass": "a/b",
            },
            "spec.loadBalancerClass",
            id="class without a load balancer",
        ),
        pytest.param({"ipFamilies": ["IPv5"]}, "spec.ipFamilies[0]", id="unknown family"),
        pytest.param(
            {"ports": [{"port": 80, "nodePort": 80}]}, "spec.ports[0].nodePort", id="low node port"
        ),
        pytest.param({"clusterIP": "192.0.2.1"}, "spec.clusterIPs", id="foreign cluster address"),
    ],
)
async def test_an_invalid_service_names_the_field(
    api: Client, services: str, spec: dict, field: str
) -> None:
    refused = await api.post(services, service("web", **spec))
    assert (refused.code, refused.body["reason"]) == (422, "Invalid"), refused.body
    assert field in refused.causes


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        pytest.param(
            {"loadBalancerClass": "example.org/a"},
            {"loadBalancerClass": "example.org/b"},
            "spec.loadBalancerClass",
            id="the class",
        ),
        pytest.param(
            {}, {"loadBalancerClass": "example.org/b"}, "spec.loadBalancerClass", id="no class"
        ),
        pytest.param(
            {"externalTrafficPolicy": "Local"},
            {"healthCheckNodePort": 32109},
            "spec.healthCheckNodePort",
            id="the health check port",
        ),
    ],
)
async def test_what_is_set_once_stays(
    api: Client, services: str, before: dict, after: dict, field: str
) -> None:
    await api.make(services, service("web", **before))
    refused = await api.merge(f"{services}/web", {"spec": after})
    assert refused.code == 422
    assert field in refused.causes


async def test_the_cluster_address_stays(api: Client, services: str) -> None:
    await api.make(services, service("web"))
    refused = await api.merge(f"{services}/web", {"spec": {"clusterIP": "10.96.200.200"}})
    assert refused.code == 422
    assert "spec.clusterIPs[0]" in refused.causes


async def test_the_wrong_json_type_is_a_bad_request(api: Client, services: str) -> None:
    refused = await api.post(services, service("web", ports=[{"port": "eighty"}]))
    assert (refused.code, refused.body["reason"]) == (400, "BadRequest")
    assert "cannot be handled as a Service" in refused.body["message"]


@pytest.mark.parametrize("name", ["1web", "Web", "web.site", "x" * 64])
async def test_a_service_name_is_a_dns_label(api: Client, services: str, name: str) -> None:
    refused = await api.post(services, service(name))
    if api.endpoint.real and name == "1web":
        return  # newer servers may allow it (RelaxedServiceNameValidation)
    assert (refused.code, refused.causes[:1]) == (422, ["metadata.name"])
