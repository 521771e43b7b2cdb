"""What is read of each kind of object, and what an API server would have filled in."""

from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Network,
)

import pytest

from manager.adapters.kubernetes import codec
from manager.snapshot import (
    Announcer,
    Condition,
    Endpoint,
    EndpointSlice,
    Ingress,
    Interface,
    Node,
    NodeName,
    Service,
    ServicePort,
    Taint,
)
from pointsman.model.address import Family

OURS = "pointsman.dev/v1alpha1"


def named(kind: str, name: str = "x", **more) -> dict:
    meta = {"name": name, **more.pop("metadata", {})}
    return {"kind": kind, "apiVersion": "v1", "metadata": meta, **more}


def test_a_service_as_an_api_server_sends_it() -> None:
    raw = {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": "u1",
            "resourceVersion": "17",
            "creationTimestamp": "2026-11-22T10:00:00Z",
            "deletionTimestamp": "2026-11-22T11:00:00Z",
            "labels": {"app": "web"},
            "annotations": {"pointsman.dev/eip": "public"},
        },
        "spec": {
            "type": "LoadBalancer",
            "loadBalancerClass": "pointsman.dev/lb",
            "loadBalancerIP": "198.51.100.7",
            "externalTrafficPolicy": "Local",
            "ipFamilies": ["IPv6", "IPv4"],
            "ipFamilyPolicy": "RequireDualStack",
            "clusterIPs": ["2001:db8::1", "10.0.0.1"],
            "ports": [{"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30080}],
            "selector": {"app": "web"},
        },
        "status": {
            "loadBalancer": {"ingress": [{"ip": "198.51.100.7", "ipMode": "VIP"}]},
            "conditions": [
                {
                    "type": "example.com/Ready",
                    "status": "True",
                    "reason": "Yes",
                    "message": "m",
                    "lastTransitionTime": "2026-11-22T10:00:01Z",
                    "observedGeneration": 3,
                }
            ],
        },
    }
    assert codec.service(raw) == Service(
        namespace="shop",
        name="web",
        uid="u1",
        resource_version="17",
        created="2026-11-22T10:00:00Z",
        deleting=True,
        labels={"app": "web"},
        annotations={"pointsman.dev/eip": "public"},
        type="LoadBalancer",
        load_balancer_class="pointsman.dev/lb",
        policy="Local",
        families=(Family.IPV6, Family.IPV4),
        family_policy="RequireDualStack",
        load_balancer_ip="198.51.100.7",
        cluster_ips=(IPv6Address("2001:db8::1"), IPv4Address("10.0.0.1")),
        ports=(ServicePort("TCP", 80, "http"),),
        selector={"app": "web"},
        ingress=(Ingress("198.51.100.7", "", "VIP"),),
        conditions=(Condition("example.com/Ready", "True", "Yes", "m", "2026-11-22T10:00:01Z", 3),),
    )


def test_a_manifest_gets_the_defaults_of_an_api_server() -> None:
    got = codec.service(named("Service", spec={"ports": [{"port": 53}]}))
    assert (got.namespace, got.type, got.policy) == ("default", "ClusterIP", "Cluster")
    assert got.families == (Family.IPV4,)
    assert got.ports == (ServicePort("TCP", 53),)
    headless = codec.service(named("Service", spec={"clusterIP": "None", "clusterIPs": ["None"]}))
    assert headless.cluster_ips == ()


@pytest.mark.parametrize(
    ("spec", "families"),
    [
        pytest.param({}, "4", id="single stack unless asked"),
        pytest.param({"ipFamilies": ["IPv6"]}, "6", id="the family asked for"),
        pytest.param({"ipFamilyPolicy": "PreferDualStack"}, "46", id="dual stack: both"),
        pytest.param(
            {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6"]},
            "64",
            id="the named family first",
        ),
        pytest.param(
            {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv4"], "clusterIP": "10.0.0.1"},
            "4",
            id="a single-stack cluster has decided",
        ),
    ],
)
def test_families(spec: dict, families: str) -> None:
    got = codec.service(named("Service", spec=spec))
    assert "".join(family.value[-1] for family in got.families) == families


def test_endpoint_conditions_keep_absent_apart_from_false() -> None:
    raw = named(
        "EndpointSlice",
        metadata={"namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}},
        addressType="IPv6",
        endpoints=[
            {"addresses": ["2001:db8::1"], "nodeName": "node1", "conditions": {"ready": True}},
            {"addresses": ["2001:db8::2"], "conditions": {"serving": False, "terminating": True}},
            {"addresses": ["2001:db8::3"], "nodeName": "node2"},
        ],
    )
    assert codec.endpoint_slice(raw) == EndpointSlice(
        "shop",
        "x",
        "web",
        Family.IPV6,
        (
            Endpoint(NodeName("node1"), True, None, None, "2001:db8::1"),
            Endpoint(None, None, False, True, "2001:db8::2"),
            Endpoint(NodeName("node2"), None, None, None, "2001:db8::3"),
        ),
    )


@pytest.mark.parametrize(
    ("more", "has_ports"),
    [
        pytest.param({"ports": [{"name": "", "port": 8080}]}, True, id="a port"),
        pytest.param({"ports": None}, False, id="null, as the API server writes none"),
        pytest.param({"ports": []}, False, id="an empty list"),
        pytest.param({}, True, id="a file that does not say"),
    ],
)
def test_whether_a_slice_has_ports(more: dict, has_ports: bool) -> None:
    got = codec.endpoint_slice(named("EndpointSlice", addressType="IPv4", **more))
    assert got is not None
    assert got.has_ports is has_ports


def test_of_the_addresses_of_an_endpoint_the_first_is_its_name() -> None:
    ends = [{"addresses": ["10.244.1.7", "10.244.1.8"]}, {"addresses": []}]
    got = codec.endpoint_slice(named("EndpointSlice", addressType="IPv4", endpoints=ends))
    assert got is not None
    assert [e.address for e in got.endpoints] == ["10.244.1.7", None]


def test_slices_of_names_carry_no_addresses() -> None:
    assert codec.endpoint_slice(named("EndpointSlice", addressType="FQDN")) is None


def test_a_node() -> None:
    raw = named(
        "Node",
        "node1",
        metadata={
            "uid": "n1",
            "labels": {"zone": "a"},
            "annotations": {"k": "v", "pointsman.dev/drain": "true"},
        },
        spec={
            "taints": [{"key": "t", "effect": "NoSchedule", "value": "v"}],
            "podCIDRs": ["10.244.1.0/24", "no CIDR", "2001:db8:244:1::/64"],
        },
        status={
            "addresses": [
                {"type": "Hostname", "address": "node1"},
                {"type": "InternalIP", "address": "192.0.2.11"},
                {"type": "InternalIP", "address": "2001:db8:2::11"},
                {"type": "ExternalIP", "address": "203.0.113.1"},
            ],
            "conditions": [
                {"type": "Ready", "status": "True"},
                {"type": "NetworkUnavailable", "status": "True"},
            ],
        },
    )
    assert codec.node(raw) == Node(
        name=NodeName("node1"),
        uid="n1",
        labels={"zone": "a"},
        annotations={"pointsman.dev/drain": "true"},
        taints=(Taint("t", "NoSchedule"),),
        ready="True",
        network_unavailable=True,
        internal_ips=(IPv4Address("192.0.2.11"), IPv6Address("2001:db8:2::11")),
        other_ips=(IPv4Address("203.0.113.1"),),
        pod_cidrs=(IPv4Network("10.244.1.0/24"), IPv6Network("2001:db8:244:1::/64")),
    )


def test_a_node_whose_kubelet_never_spoke_is_unknown() -> None:
    assert codec.node(named("Node")).ready == "Unknown"


def test_a_namespace_is_labelled_with_its_name() -> None:
    got = codec.namespace(named("Namespace", "shop", metadata={"labels": {"a": "b"}}))
    assert got.labels == {"kubernetes.io/metadata.name": "shop", "a": "b"}


def test_a_bad_spec_is_a_resource_that_says_so() -> None:
    got = codec.eip(named("Eip", "bad", spec={"addresses": ["198.51.100.300"]}))
    assert got.spec is None
    assert "spec.addresses[0]" in got.invalid
    assert codec.eip(named("Eip", "none")).invalid


def test_a_good_spec_is_parsed() -> None:
    got = codec.eip(named("Eip", "good", spec={"addresses": ["198.51.100.0/28"]}))
    assert got.invalid == ""
    assert got.spec is not None


def test_an_announcer_before_and_after_its_agent_spoke() -> None:
    owner = {"kind": "Node", "name": "node1", "uid": "n1", "apiVersion": "v1"}
    meta = {"ownerReferences": [owner], "uid": "a1", "resourceVersion": "5"}
    silent = Announcer(node=NodeName("node1"), uid="a1", resource_version="5", owner_uid="n1")
    assert codec.announcer(named("Announcer", "node1", metadata=meta)) == silent
    status = {
        "interfaces": [
            {
                "name": "eth0",
                "mac": "02:00:00:00:00:01",
                "up": True,
                "addresses": ["192.0.2.11/24"],
            }
        ],
        "defaultRoute": {"ipv4": {"gateway": "192.0.2.1", "interface": "eth0"}},
        "proxy": {"healthy": False},
    }
    got = codec.announcer(named("Announcer", "node1", metadata=meta, status=status))
    eth0 = Interface("eth0", "02:00:00:00:00:01", True, (IPv4Interface("192.0.2.11/24"),))
    assert (got.reported, got.interfaces) == (True, (eth0,))
    assert got.gateways == (IPv4Address("192.0.2.1"),)
    assert got.proxy_healthy is False
