"""Objects as small as an API server takes them."""

from typing import Any


def service(name: str, *, namespace: str = "blue", **meta: Any) -> dict[str, Any]:
    spec = {"type": "LoadBalancer", "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}]}
    return {"metadata": {"name": name, "namespace": namespace, **meta}, "spec": spec}


def eip(name: str, *addresses: str, **meta: Any) -> dict[str, Any]:
    return {
        "apiVersion": "pointsman.dev/v1alpha1",
        "kind": "Eip",
        "metadata": {"name": name, **meta},
        "spec": {"addresses": list(addresses) or ["198.51.100.0/28"]},
    }


def announcer(name: str, **meta: Any) -> dict[str, Any]:
    return {
        "apiVersion": "pointsman.dev/v1alpha1",
        "kind": "Announcer",
        "metadata": {"name": name, **meta},
        "spec": {},
    }


def lease(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name},
        "spec": {"holderIdentity": "a"},
    }


def condition(reason: str = "Ready") -> dict[str, Any]:
    return {
        "type": "Ready",
        "status": "True",
        "reason": reason,
        "message": "as a test says",
        "lastTransitionTime": "2026-11-28T12:00:00Z",
    }
