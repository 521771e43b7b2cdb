"""The built-in kinds but Service: namespaces, nodes, events, endpointslices, leases, secrets."""

import base64
import binascii
import ipaddress
from typing import Any, Final

from standin.grammar.errors import (
    FieldError,
    bad_request,
    forbidden,
    invalid,
    not_supported,
    required,
)
from standin.grammar.meta import DNS_LABEL, LABEL_MESSAGE
from standin.kinds.kind import META_FIELDS, Kind, Object, Rules

IP_MESSAGE: Final = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
FAMILIES: Final = {"IPv4": 4, "IPv6": 6}


def immutable(path: str, new: Any, old: Any) -> list[FieldError]:
    return [] if new == old else [invalid(path, new, "field is immutable")]


class NamespaceRules(Rules):
    name_rule = "label"

    def create(self, new: Object) -> None:
        new["spec"] = {"finalizers": ["kubernetes"]}
        new["status"] = {"phase": "Active"}
        self._label(new)

    def update(self, new: Object, old: Object) -> None:
        super().update(new, old)
        new["spec"] = dict(old["spec"])
        self._label(new)

    def _label(self, new: Object) -> None:
        labels = new["metadata"].setdefault("labels", {})
        labels["kubernetes.io/metadata.name"] = new["metadata"].get("name", "")


class NodeRules(Rules):
    def validate(self, new: Object, old: Object | None) -> list[FieldError]:
        faults: list[FieldError] = []
        seen: set[tuple[str, str]] = set()
        for n, taint in enumerate(new["spec"].get("taints", [])):
            path = f"spec.taints[{n}]"
            if not taint["key"]:
                faults.append(invalid(f"{path}.key", "", "name part must be non-empty"))
            effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"]
            if not taint["effect"]:
                faults.append(required(f"{path}.effect"))
            elif taint["effect"] not in effects:
                faults.append(not_supported(f"{path}.effect", taint["effect"], effects))
            same = (taint["key"], taint["effect"])
            if same in seen:
                faults.append(
                    FieldError(
                        "Duplicate", path, taint, "taints must be unique by key and effect pair"
                    )
                )
            seen.add(same)
        if old is None:
            return faults
        for name in ("podCIDR", "podCIDRs", "providerID"):
            before, after = old["spec"].get(name), new["spec"].get(name)
            if before and after != before:
                detail = "node updates may not change " + name + ' except from "" to valid'
                faults.append(forbidden(f"spec.{name}", detail))
        return faults

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        addresses = new["status"].get("addresses", [])
        return [
            FieldError("Duplicate", f"status.addresses[{n}]", address)
            for n, address in enumerate(addresses)
            if address in addresses[:n]
        ]


class EventRules(Rules):
    def validate(self, new: Object, old: Object | None) -> list[FieldError]:
        involved = new["involvedObject"].get("namespace", "")
        own = new["metadata"].get("namespace", "")
        if (involved or "default") != own and not (not involved and own == "kube-system"):
            return [invalid("involvedObject.namespace", involved, "does not match event.namespace")]
        return []


class SecretRules(Rules):
    def decode(self, obj: Object) -> tuple[Object, list[str]]:
        out, unknown = super().decode(obj)
        for key, value in out.get("data", {}).items():
            try:
                base64.b64decode(value, validate=True)
            except binascii.Error as error:
                why = f"illegal base64 data in data.{key}"
                raise bad_request(
                    f'Secret in version "v1" cannot be handled as a Secret: {why}'
                ) from error
        for key, text in out.pop("stringData", {}).items():
            encoded = base64.b64encode(text.encode()).decode()
            out.setdefault("data", {})[key] = encoded
        out.setdefault("type", "Opaque")
        return out, unknown

    def validate(self, new: Object, old: Object | None) -> list[FieldError]:
        if old is None:
            return []
        faults = immutable("type", new["type"], old["type"])
        if old.get("immutable") and (
            not new.get("immutable") or new.get("data") != old.get("data")
        ):
            faults.append(forbidden("data", "field is immutable when `immutable` is set"))
        return faults


class EndpointSliceRules(Rules):
    generation = True

    def decode(self, obj: Object) -> tuple[Object, list[str]]:
        out, unknown = super().decode(obj)
        for port in out["ports"] or []:
            port.setdefault("name", "")
            port.setdefault("protocol", "TCP")
        return out, unknown

    def validate(self, new: Object, old: Object | None) -> list[FieldError]:
        kind = new["addressType"]
        if not kind:
            return [required("addressType")]
        if kind not in (*FAMILIES, "FQDN"):
            return [not_supported("addressType", kind, ["FQDN", "IPv4", "IPv6"])]
        faults = immutable("addressType", kind, old["addressType"]) if old else []
        endpoints = new["endpoints"] or []
        if len(endpoints) > 1000:
            faults.append(_too_many("endpoints", len(endpoints), 1000))
        for n, endpoint in enumerate(endpoints):
            faults += self._endpoint(endpoint, kind, f"endpoints[{n}]")
        return faults + self._ports(new["ports"] or [])

    def _endpoint(self, endpoint: Object, kind: str, path: str) -> list[FieldError]:
        addresses = endpoint["addresses"] or []
        if not addresses:
            return [required(f"{path}.addresses", "must contain at least 1 address")]
        faults: list[FieldError] = []
        if len(addresses) > 100:
            faults.append(_too_many(f"{path}.addresses", len(addresses), 100))
        for n, address in enumerate(addresses):
            if kind in FAMILIES and not is_ip(address):
                faults.append(invalid(f"{path}.addresses[{n}]", address, IP_MESSAGE))
            elif kind in FAMILIES and not is_ip(address, FAMILIES[kind]):
                # The real server names the list alone here, whichever address it is.
                detail = f"must be an {kind} address"
                faults.append(invalid(f"{path}.addresses", address, detail))
        name = endpoint.get("nodeName")
        if name is not None and not name:
            faults.append(invalid(f"{path}.nodeName", name, "must not be empty"))
        return faults

    def _ports(self, ports: list[Object]) -> list[FieldError]:
        faults: list[FieldError] = []
        seen: set[str] = set()
        for n, port in enumerate(ports):
            path, name = f"ports[{n}]", port["name"]
            if name in seen:
                faults.append(FieldError("Duplicate", f"{path}.name", name))
            seen.add(name)
            if name and not DNS_LABEL.fullmatch(name):
                faults.append(invalid(f"{path}.name", name, LABEL_MESSAGE))
            if port["protocol"] not in ("TCP", "UDP", "SCTP"):
                faults.append(
                    not_supported(f"{path}.protocol", port["protocol"], ["SCTP", "TCP", "UDP"])
                )
        return faults


class LeaseRules(Rules):
    def validate(self, new: Object, old: Object | None) -> list[FieldError]:
        spec, faults = new["spec"], []
        duration, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
        if duration is not None and duration <= 0:
            faults.append(invalid("spec.leaseDurationSeconds", duration, "must be greater than 0"))
        if transitions is not None and transitions < 0:
            detail = "must be greater than or equal to 0"
            faults.append(invalid("spec.leaseTransitions", transitions, detail))
        return faults


def _too_many(path: str, count: int, most: int) -> FieldError:
    return FieldError("TooMany", path, count, f"must have at most {most} items")


def is_ip(text: str, version: int | None = None) -> bool:
    """Return whether *text* is an address the API takes: no zone, no IPv4-mapped IPv6."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if "%" in text or (address.version == 6 and address.ipv4_mapped is not None):
        return False
    return version in (None, address.version)


EVENT_FIELDS: Final = META_FIELDS | {
    **{
        f"involvedObject.{name}": f"involvedObject.{name}"
        for name in (
            "kind",
            "namespace",
            "name",
            "uid",
            "apiVersion",
            "resourceVersion",
            "fieldPath",
        )
    },
    "reason": "reason",
    "reportingComponent": "reportingComponent",
    "source": "source.component",
    "type": "type",
}


def builtin_kinds() -> list[Kind]:
    """Return every built-in kind but Service and CustomResourceDefinition."""
    return [
        Kind(
            "",
            "v1",
            "namespaces",
            "Namespace",
            NamespaceRules("Namespace", "v1"),
            namespaced=False,
            singular="namespace",
            short_names=("ns",),
            has_status=True,
            selectable=META_FIELDS | {"status.phase": "status.phase"},
        ),
        Kind(
            "",
            "v1",
            "nodes",
            "Node",
            NodeRules("Node", "v1"),
            namespaced=False,
            singular="node",
            short_names=("no",),
            has_status=True,
            selectable=META_FIELDS | {"spec.unschedulable": "spec.unschedulable"},
        ),
        Kind(
            "",
            "v1",
            "events",
            "Event",
            EventRules("Event", "v1"),
            singular="event",
            short_names=("ev",),
            selectable=EVENT_FIELDS,
            create_on_update=True,
        ),
        Kind(
            "",
            "v1",
            "secrets",
            "Secret",
            SecretRules("Secret", "v1"),
            singular="secret",
            selectable=META_FIELDS | {"type": "type"},
        ),
        Kind(
            "discovery.k8s.io",
            "v1",
            "endpointslices",
            "EndpointSlice",
            EndpointSliceRules("EndpointSlice", "v1"),
            singular="endpointslice",
        ),
        Kind(
            "coordination.k8s.io",
            "v1",
            "leases",
            "Lease",
            LeaseRules("Lease", "v1"),
            singular="lease",
            create_on_update=True,
            unconditional_update=False,
        ),
    ]
