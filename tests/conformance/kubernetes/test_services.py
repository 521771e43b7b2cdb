"""Services: defaults, allocation, families."""

import ipaddress

import pytest

from tests.conformance.kubernetes.client import Client
from tests.conformance.kubernetes.objects import service

NODE_PORTS = range(30000, 32768)


async def test_a_bare_service_gets_its_defaults(api: Client, services: str) -> None:
    body = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
    made = await api.make(services, body)
    spec = made["spec"]
    assert ipaddress.ip_address(spec["clusterIP"]).version == 4
    assert spec == {
        "type": "ClusterIP",
        "clusterIP": spec["clusterIP"],
        "clusterIPs": [spec["clusterIP"]],
        "ports": [{"port": 80, "targetPort": 80, "protocol": "TCP"}],
        "sessionAffinity": "None",
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
    }
    assert made["status"] == {"loadBalancer": {}}


async def test_a_load_balancer_gets_a_node_port_per_port(api: Client, services: str) -> None:
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 443}]
    body = service("web", allocateLoadBalancerNodePorts=None, ports=ports)
    spec = (await api.make(services, body))["spec"]
    assert spec["allocateLoadBalancerNodePorts"] is True
    assert spec["externalTrafficPolicy"] == "Cluster"
    given = {p["nodePort"] for p in spec["ports"]}
    assert len(given) == 2
    assert all(port in NODE_PORTS for port in given)


async def test_one_port_over_two_protocols_shares_its_node_port(api: Client, services: str) -> None:
    ports = [
        {"name": "a", "port": 53, "protocol": "UDP"},
        {"name": "b", "port": 53, "protocol": "TCP"},
    ]
    body = service("dns", allocateLoadBalancerNodePorts=None, ports=ports)
    spec = (await api.make(services, body))["spec"]
    assert spec["ports"][0]["nodePort"] == spec["ports"][1]["nodePort"]


async def test_node_ports_can_be_done_without(api: Client, services: str) -> None:
    spec = (await api.make(services, service("web")))["spec"]
    assert "nodePort" not in spec["ports"][0]


async def test_local_traffic_gets_a_health_check_port(api: Client, services: str) -> None:
    made = await api.make(services, service("web", externalTrafficPolicy="Local"))
    port = made["spec"]["healthCheckNodePort"]
    assert port in NODE_PORTS
    one = f"{services}/web"
    merged = await api.merge(one, {"metadata": {"labels": {"a": "b"}}})
    assert merged.body["spec"]["healthCheckNodePort"] == port
    back = await api.merge(one, {"spec": {"externalTrafficPolicy": "Cluster"}})
    assert "healthCheckNodePort" not in back.body["spec"]


async def test_a_put_that_leaves_them_out_keeps_what_was_allocated(
    api: Client, services: str
) -> None:
    made = await api.make(services, service("web", allocateLoadBalancerNodePorts=None))
    body = service("web", allocateLoadBalancerNodePorts=None)
    body["metadata"]["labels"] = {"a": "b"}
    put = await api.put(f"{services}/web", body)
    assert put.code == 200
    for name in ("clusterIP", "clusterIPs", "ports", "ipFamilies", "ipFamilyPolicy"):
        assert put.body["spec"][name] == made["spec"][name], name


async def test_a_node_port_or_address_in_use_is_refused(api: Client, services: str) -> None:
    made = (await api.make(services, service("a", allocateLoadBalancerNodePorts=None)))["spec"]
    port = made["ports"][0]["nodePort"]
    taken = await api.post(services, service("b", ports=[{"port": 80, "nodePort": port}]))
    assert taken.code == 422
    assert taken.causes == ["spec.ports[0].nodePort"]
    assert "provided port is already allocated" in taken.body["message"]
    held = await api.post(services, service("b", clusterIP=made["clusterIP"]))
    assert (held.code, held.causes) == (422, ["spec.clusterIPs"])
    assert "provided IP is already allocated" in held.body["message"]
    await api.delete(f"{services}/a")
    freed = service("b", clusterIP=made["clusterIP"], ports=[{"port": 80, "nodePort": port}])
    assert (await api.post(services, freed)).code == 201


# --- families -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "families"),
    [
        pytest.param({}, ["IPv4"], id="nothing asked: one, the cluster's first"),
        pytest.param({"ipFamilies": ["IPv6"]}, ["IPv6"], id="IPv6 alone"),
        pytest.param({"ipFamilyPolicy": "PreferDualStack"}, ["IPv4", "IPv6"], id="both preferred"),
        pytest.param({"ipFamilyPolicy": "RequireDualStack"}, ["IPv4", "IPv6"], id="both required"),
        pytest.param(
            {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv6"]},
            ["IPv6", "IPv4"],
            id="both, IPv6 first",
        ),
    ],
)
async def test_families_follow_the_policy(
    api: Client, services: str, spec: dict, families: list[str]
) -> None:
    made = (await api.make(services, service("web", **spec)))["spec"]
    assert made["ipFamilies"] == families
    versions = [f"IPv{ipaddress.ip_address(a).version}" for a in made["clusterIPs"]]
    assert versions == families
    assert made["clusterIP"] == made["clusterIPs"][0]


async def test_a_family_comes_and_goes_and_the_first_stays(api: Client, services: str) -> None:
    made = await api.make(services, service("web"))
    one, first = f"{services}/web", made["spec"]["clusterIP"]
    both = await api.merge(one, {"spec": {"ipFamilyPolicy": "PreferDualStack"}})
    assert both.body["spec"]["ipFamilies"] == ["IPv4", "IPv6"]
    assert both.body["spec"]["clusterIPs"][0] == first
    single = await api.merge(one, {"spec": {"ipFamilyPolicy": "SingleStack"}})
    assert single.body["spec"]["ipFamilies"] == ["IPv4"]
    assert single.body["spec"]["clusterIPs"] == [first]


async def test_the_first_family_cannot_change(api: Client, services: str) -> None:
    await api.make(services, service("web"))
    refused = await api.merge(f"{services}/web", {"spec": {"ipFamilies": ["IPv6"]}})
    # It no longer fits the address that is there: judged before, and instead of, the change.
    assert (refused.code, refused.causes) == (422, ["spec.clusterIPs[0]"])
    assert "expected an IPv6 value as indicated by `ipFamilies[0]`" in refused.body["message"]


async def test_two_families_need_a_policy_that_allows_them(api: Client, services: str) -> None:
    body = service("web", ipFamilies=["IPv4", "IPv6"], ipFamilyPolicy="SingleStack")
    refused = await api.post(services, body)
    assert (refused.code, refused.causes) == (422, ["spec.ipFamilyPolicy"])
