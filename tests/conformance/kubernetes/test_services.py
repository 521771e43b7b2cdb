"""Services: defaults, allocation, status isolation, what may not change."""

import ipaddress

import pytest

from tests.conformance.kubernetes.client import Client
from tests.conformance.kubernetes.objects import CONDITION, pool, service

INGRESS = [{"ip": "198.51.100.7"}]
CLUSTER_IP = {"type": "ClusterIP", "allocateLoadBalancerNodePorts": None}
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


# --- status -------------------------------------------------------------------------------


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


# --- what is refused ----------------------------------------------------------------------


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
