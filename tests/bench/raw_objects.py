"""Objects of a large cluster as an API server sends them, with all that nobody reads."""

from ipaddress import IPv4Address
from typing import Any, Final

from pointsman.model.names import ALLOCATED_FROM, API_VERSION, EIP, FIELD_MANAGER, SLICE_SERVICE

Json = dict[str, Any]
NAMESPACE: Final = "shop"
FIRST: Final = IPv4Address("10.96.0.0")  # of the ClusterIPs
STAMP: Final = "2026-11-22T12:00:00Z"
_FIELDS: Final[Json] = {
    "f:metadata": {"f:annotations": {".": {}}, "f:labels": {".": {}, "f:app": {}}},
    "f:spec": {
        "f:allocateLoadBalancerNodePorts": {},
        "f:externalTrafficPolicy": {},
        "f:internalTrafficPolicy": {},
        "f:ports": {".": {}, 'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}},
        "f:selector": {},
        "f:sessionAffinity": {},
        "f:type": {},
    },
}
_OURS: Final[Json] = {"f:metadata": {"f:annotations": {f"f:{ALLOCATED_FROM}": {}}}}


def service(name: str, number: int, *, policy: str = "Cluster") -> Json:
    """Return a Service that nobody has given an address yet."""
    address = str(FIRST + 10 + number)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "uid": f"00000000-0000-4000-8000-{number:012}",
            "creationTimestamp": STAMP,
            "labels": {"app": name},
            "annotations": {EIP: "bulk"},
            "managedFields": [_written_by("kubectl-client-side-apply", _FIELDS)],
        },
        "spec": {
            "allocateLoadBalancerNodePorts": False,
            "clusterIP": address,
            "clusterIPs": [address],
            "externalTrafficPolicy": policy,
            "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "ports": [{"port": 80, "protocol": "TCP", "targetPort": 8080}],
            "selector": {"app": name},
            "sessionAffinity": "None",
            "type": "LoadBalancer",
        },
        "status": {"loadBalancer": {}},
    }


def ours(raw: Json) -> Json:
    """Return *raw* as the server remembers it once we have written its annotations."""
    meta = raw["metadata"]
    entry = _written_by(FIELD_MANAGER, _OURS, subresource="status")
    return {**raw, "metadata": {**meta, "managedFields": [*meta["managedFields"], entry]}}


def _written_by(manager: str, fields: Json, **more: str) -> Json:
    return {
        "manager": manager,
        "operation": "Update",
        "apiVersion": "v1",
        "time": STAMP,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        **more,
    }


def slice_of(name: str, number: int, nodes: tuple[str, ...]) -> Json:
    """Return the EndpointSlice of a Service: one endpoint on each of *nodes*."""
    meta = {"kind": "Service", "name": name, "uid": f"00000000-0000-4000-8000-{number:012}"}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name}-abcde",
            "namespace": NAMESPACE,
            "labels": {
                SLICE_SERVICE: name,
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            },
            "ownerReferences": [{"apiVersion": "v1", **meta, "controller": True}],
            "managedFields": [_written_by("kube-controller-manager", _FIELDS)],
        },
        "addressType": "IPv4",
        "endpoints": [
            {
                "addresses": [f"10.244.{int(node.removeprefix('node'))}.{number % 250 + 1}"],
                "nodeName": node,
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "targetRef": {"kind": "Pod", "namespace": NAMESPACE, "name": f"{name}-{node}"},
            }
            for node in nodes
        ],
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
    }


def node(number: int, *, ready: str = "True", drained: bool = False, beat: int = 0) -> Json:
    """Return a Node; *beat*: how often its kubelet has renewed its status."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": f"node{number}",
            "uid": f"n{number}",
            "labels": {},
            "annotations": {"pointsman.dev/drain": "true"} if drained else {},
        },
        "spec": {},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": str(IPv4Address("192.0.2.10") + number)}
            ],
            "conditions": [
                {
                    "type": "Ready",
                    "status": ready,
                    "lastHeartbeatTime": f"2026-11-22T13:{beat // 60 % 60:02}:{beat % 60:02}Z",
                }
            ],
            "images": [{"names": [f"example.com/image{n}"], "sizeBytes": n} for n in range(50)],
        },
    }


def custom(kind: str, name: str, spec: Json) -> Json:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name, "uid": name, "generation": 1},
        "spec": spec,
    }
