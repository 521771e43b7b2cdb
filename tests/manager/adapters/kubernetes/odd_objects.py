"""One good object of every watched kind, and the same with parts of it replaced by odd ones."""

from collections.abc import Mapping
from typing import Any, Final

from hypothesis import strategies as st

from manager.adapters.kubernetes import client
from tests.oddities import VALUES, nested, paths, with_value

STAMP: Final = "2026-11-28T11:00:00Z"


def meta(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "uid": f"uid-{name}",
        "resourceVersion": "7",
        "generation": 2,
        "creationTimestamp": STAMP,
        "labels": {"team": "a"},
        "annotations": {"pointsman.dev/eip": "vlan20", "pointsman.dev/share-key": "k"},
        **more,
    }


def condition(kind: str, status: str = "True") -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": "Because",
        "message": "It is so.",
        "lastTransitionTime": STAMP,
        "observedGeneration": 2,
    }


OBJECTS: Final[Mapping[client.Kind, dict[str, Any]]] = {
    client.SERVICES: {
        "metadata": meta("web", namespace="default"),
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Local",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "clusterIP": "10.96.0.10",
            "clusterIPs": ["10.96.0.10"],
            "loadBalancerIP": "198.51.100.7",
            "ports": [{"name": "http", "protocol": "TCP", "port": 80, "nodePort": 30080}],
            "selector": {"app": "web"},
        },
        "status": {
            "loadBalancer": {"ingress": [{"ip": "198.51.100.7", "ipMode": "VIP"}]},
            "conditions": [condition("pointsman.dev/Allocated"), condition("other.example/Fine")],
        },
    },
    client.ENDPOINT_SLICES: {
        "metadata": meta(
            "web-1", namespace="default", labels={"kubernetes.io/service-name": "web"}
        ),
        "addressType": "IPv4",
        "endpoints": [
            {
                "addresses": ["203.0.113.5"],
                "nodeName": "node1",
                "conditions": {"ready": True, "serving": True, "terminating": False},
            }
        ],
        "ports": [{"name": "http", "port": 8080}],
    },
    client.NODES: {
        "metadata": meta("node1"),
        "spec": {"podCIDRs": ["203.0.113.0/28"], "taints": [{"key": "k", "effect": "NoSchedule"}]},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": "192.0.2.11"},
                {"type": "Hostname", "address": "node1"},
            ],
            "conditions": [condition("Ready"), condition("NetworkUnavailable", "False")],
        },
    },
    client.NAMESPACES: {"metadata": meta("default"), "status": {"phase": "Active"}},
    client.EIPS: {
        "metadata": meta("vlan20", finalizers=["pointsman.dev/in-use"]),
        "spec": {
            "addresses": ["198.51.100.0/28"],
            "exclude": ["198.51.100.1"],
            "default": True,
            "serviceSelector": {"matchLabels": {"team": "a"}},
        },
        "status": {
            "observedGeneration": 2,
            "allocated": 1,
            "available": 13,
            "conditions": [condition("Ready")],
        },
    },
    client.BGP_CONFS: {
        "metadata": meta("default"),
        "spec": {"as": 64501, "routerId": "198.18.0.1"},
        "status": {"observedGeneration": 2, "conditions": [condition("Ready")]},
    },
    client.BGP_PEERS: {
        "metadata": meta("tor-1"),
        "spec": {"address": "192.0.2.1", "as": 64500},
        "status": {
            "observedGeneration": 2,
            "conditions": [condition("Established")],
            "speakers": [{"name": "a", "state": "Established", "advertised": 3}],
        },
    },
    client.ANNOUNCERS: {
        "metadata": meta("node1", ownerReferences=[{"kind": "Node", "name": "node1", "uid": "u"}]),
        "spec": {},
        "status": {
            "agentVersion": "1",
            "interfaces": [
                {"name": "eth0", "mac": "02:00:00:00:00:11", "up": True,
                 "addresses": ["192.0.2.11/24"]}
            ],
            "defaultRoute": {"ipv4": {"gateway": "192.0.2.1", "interface": "eth0"}},
            "proxy": {"healthy": True},
            "conditions": [condition("Ready")],
        },
    },
}  # fmt: skip


def changed(kind: client.Kind) -> dict[str, Any]:
    """Return the good object of *kind* in a newer version: the cache looks at it again."""
    meta = {**OBJECTS[kind]["metadata"], "resourceVersion": "8"}
    return {"kind": kind.name, **OBJECTS[kind], "metadata": meta}


def odd(kind: client.Kind) -> st.SearchStrategy[Any]:
    """Return objects of *kind* with up to two of their parts replaced by something odd."""
    values = st.sampled_from([*VALUES, nested(40), nested(300)])

    def once(raw: Any) -> st.SearchStrategy[Any]:
        found = paths(raw)
        return st.builds(with_value, st.just(raw), st.sampled_from(found), values)

    one = once(changed(kind))
    return one | one.flatmap(lambda raw: once(raw) if paths(raw) else st.just(raw))
