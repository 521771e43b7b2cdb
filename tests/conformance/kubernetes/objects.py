"""Objects the contract is tried with. Addresses from RFC 5737 and RFC 3849."""

from typing import Any

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CONDITION = {
    "type": "example.org/Seen",
    "status": "True",
    "reason": "Seen",
    "message": "seen",
    "lastTransitionTime": "2024-01-02T03:04:05Z",
}


def service(name: str, /, **spec: Any) -> dict[str, Any]:
    """Return a LoadBalancer without node ports (they are few), changed by *spec*."""
    base: dict[str, Any] = {
        "type": "LoadBalancer",
        "allocateLoadBalancerNodePorts": False,
        "ports": [{"port": 80}],
    }
    merged = {k: v for k, v in (base | spec).items() if v is not None}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": merged,
    }


def pool(path: str, name: str, /, **spec: Any) -> dict[str, Any]:
    """Return a Pool of the group that *path* names."""
    group = path.split("/")[2]
    body = {"addresses": ["192.0.2.1"]} | spec
    return {
        "apiVersion": f"{group}/v1",
        "kind": "Pool",
        "metadata": {"name": name},
        "spec": {k: v for k, v in body.items() if v is not None},
    }


def rule(rule: str, message: str, **more: Any) -> dict[str, Any]:
    return {"rule": rule, "message": message} | more


ADDRESS = {
    "type": "string",
    "maxLength": 43,
    "x-kubernetes-validations": [
        rule("isIP(self) || isCIDR(self)", "write an address, or a CIDR such as 192.0.2.0/24")
    ],
}
SPEC: dict[str, Any] = {
    "type": "object",
    "required": ["addresses"],
    "properties": {
        "addresses": {"type": "array", "minItems": 1, "maxItems": 4, "items": ADDRESS},
        "mode": {"type": "string", "enum": ["bgp", "none"], "default": "bgp"},
        "as": {"type": "integer", "format": "int64", "minimum": 1, "maximum": 4294967295},
        "name": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 8},
        "limits": {
            "type": "object",
            "default": {},
            "properties": {"most": {"type": "integer", "default": 7}},
        },
        "labels": {
            "type": "object",
            "maxProperties": 3,
            "additionalProperties": {
                "type": "string",
                "maxLength": 9,
                "x-kubernetes-validations": [rule("self != 'odd'", "write something even")],
            },
        },
        "maybe": {"type": "string", "nullable": True, "maxLength": 9},
        "size": {"x-kubernetes-int-or-string": True},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "peers": {
            "type": "array",
            "maxItems": 5,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "maxLength": 9},
                    "as": {"type": "integer", "default": 1},
                },
            },
        },
        "tags": {
            "type": "array",
            "maxItems": 5,
            "x-kubernetes-list-type": "set",
            "items": {"type": "string", "maxLength": 9},
        },
    },
    "x-kubernetes-validations": [
        rule("!has(self.name) || self.name != 'root'", "choose another name", fieldPath=".name"),
        rule("self.mode == oldSelf.mode", "mode can't be changed: make a new pool"),
    ],
}


def crd(group: str, spec: dict[str, Any] | None = None) -> dict[str, Any]:
    schema = {
        "type": "object",
        "description": "Addresses to give away.",
        "required": ["spec"],
        "properties": {
            "spec": spec or SPEC,
            "status": {
                "type": "object",
                "properties": {
                    "used": {"type": "integer", "minimum": 0},
                    "conditions": {
                        "type": "array",
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["type"],
                        "items": {
                            "type": "object",
                            "required": ["type", "status"],
                            "properties": {
                                "type": {"type": "string"},
                                "status": {"type": "string"},
                            },
                        },
                    },
                },
            },
        },
    }
    columns = [
        {"name": "Mode", "type": "string", "jsonPath": ".spec.mode"},
        {"name": "Addresses", "type": "string", "jsonPath": ".spec.addresses"},
        {"name": "Used", "type": "integer", "jsonPath": ".status.used", "priority": 1},
        {
            "name": "Ready",
            "type": "string",
            "jsonPath": '.status.conditions[?(@.type=="Ready")].status',
        },
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": columns,
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"pools.{group}"},
        "spec": {
            "group": group,
            "scope": "Cluster",
            "names": {
                "plural": "pools",
                "singular": "pool",
                "kind": "Pool",
                "shortNames": ["pl"],
                "categories": ["contract"],
            },
            "versions": [version],
        },
    }
