"""What of an object may leave its cluster: what a plan is made of, and no secret. Pure.

A list of what stays, not of what goes: what nobody thought of is left out. Values of
annotations stay where a load balancer may read them, all others are said to be removed; of
Nodes and Namespaces the fields stay that decide something. Pods come as a summary, without
environment, arguments and volumes; Secrets and ConfigMaps are never asked for.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pointsman.model.names import PREFIX

Json = Mapping[str, Any]
REMOVED: Final = "(removed)"
# Annotations whose values stay: ours, and those by which other load balancers are configured.
KNOWN: Final = (
    PREFIX, "metallb.io/", "metallb.universe.tf/", "purelb.io/", "kube-vip.io/",
    "kubesphere.io/",
)  # fmt: skip
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"  # the whole object again
META: Final = frozenset(
    {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp",
     "deletionTimestamp", "labels", "finalizers", "ownerReferences", "managedFields"}
)  # fmt: skip
SERVICE_SPEC: Final = frozenset(
    {"type", "loadBalancerClass", "loadBalancerIP", "externalTrafficPolicy", "ipFamilies",
     "ipFamilyPolicy", "clusterIP", "clusterIPs", "externalIPs", "ports", "selector",
     "allocateLoadBalancerNodePorts", "loadBalancerSourceRanges", "internalTrafficPolicy",
     "sessionAffinity"}
)  # fmt: skip
NODE_SPEC: Final = frozenset({"taints", "podCIDR", "podCIDRs", "unschedulable"})
NODE_STATUS: Final = frozenset({"addresses", "conditions", "nodeInfo"})
SLICE: Final = frozenset({"apiVersion", "kind", "addressType", "endpoints", "ports"})
EVENT: Final = frozenset(
    {"apiVersion", "kind", "involvedObject", "reason", "message", "type", "source", "count",
     "firstTimestamp", "lastTimestamp", "eventTime", "reportingComponent", "reportingInstance"}
)  # fmt: skip
CONTAINER: Final = ("name", "image", "ready", "restartCount", "state", "lastState")


def redacted(kind: str, raw: Json) -> dict[str, Any]:
    """Return of an object of *kind* what a dump holds."""
    body = {key: raw[key] for key in ("apiVersion", "kind") if key in raw}
    body["metadata"] = _metadata(raw.get("metadata"))
    return body | BODIES.get(kind, _head)(raw)


def _metadata(found: object) -> dict[str, Any]:
    if not isinstance(found, Mapping):
        return {}
    meta = {key: value for key, value in found.items() if key in META}
    annotations = found.get("annotations")
    if isinstance(annotations, Mapping):
        meta["annotations"] = {
            key: value if _stays(str(key)) else REMOVED
            for key, value in annotations.items()
            if key != LAST_APPLIED
        }
    return meta


def _stays(annotation: str) -> bool:
    """Whether an annotation is of a domain that is known, or of one below it."""
    domain, slash, _ = annotation.partition("/")
    return any(f".{domain}{slash}".endswith(f".{known}") for known in KNOWN)


def _some(found: object, names: frozenset[str]) -> dict[str, Any]:
    whole = found if isinstance(found, Mapping) else {}
    return {key: value for key, value in whole.items() if key in names}


def _head(_: Json) -> dict[str, Any]:
    return {}


def _service(raw: Json) -> dict[str, Any]:
    status = _some(raw.get("status"), frozenset({"loadBalancer", "conditions"}))
    return {"spec": _some(raw.get("spec"), SERVICE_SPEC), "status": status}


def _node(raw: Json) -> dict[str, Any]:
    return {
        "spec": _some(raw.get("spec"), NODE_SPEC),
        "status": _some(raw.get("status"), NODE_STATUS),
    }


def _whole(raw: Json) -> dict[str, Any]:
    """Our own kinds, and Leases: they have no field for a secret, only the name of one."""
    return {key: raw[key] for key in ("spec", "status") if key in raw}


def _crd(raw: Json) -> dict[str, Any]:
    return {"status": _some(raw.get("status"), frozenset({"conditions", "storedVersions"}))}


def _pod(raw: Json) -> dict[str, Any]:
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    lists = (status.get(key) or () for key in ("initContainerStatuses", "containerStatuses"))
    states = (one for found in lists for one in found)
    return {
        "spec": {"nodeName": spec.get("nodeName")},
        "status": {
            "phase": status.get("phase"),
            "conditions": status.get("conditions") or [],
            "containers": [{key: one.get(key) for key in CONTAINER} for one in states],
        },
    }


BODIES: Final[Mapping[str, Callable[[Json], dict[str, Any]]]] = {
    "Service": _service,
    "Node": _node,
    "EndpointSlice": lambda raw: _some(raw, SLICE),
    "Event": lambda raw: _some(raw, EVENT),
    "Pod": _pod,
    "CustomResourceDefinition": _crd,
    **dict.fromkeys(("Eip", "BgpConf", "BgpPeer", "Announcer", "Lease"), _whole),
}
