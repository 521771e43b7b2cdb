"""What the API server refuses of a Service, with its own sentences."""

import ipaddress
import re
from typing import Any, Final

from standin.grammar.errors import FieldError, forbidden, invalid, not_supported, required
from standin.grammar.gotypes import RFC3339
from standin.grammar.meta import (
    DNS_LABEL,
    DNS_SUBDOMAIN,
    LABEL_MESSAGE,
    QUALIFIED,
    SUBDOMAIN_MESSAGE,
)
from standin.kinds.builtins import IP_MESSAGE, is_ip

Spec = dict[str, Any]
TYPES: Final = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]
PROTOCOLS: Final = ["SCTP", "TCP", "UDP"]
PORT_RANGE: Final = "must be between 1 and 65535, inclusive"
CIDR_MESSAGE: Final = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
ONLY_BALANCER: Final = "may only be used when `type` is 'LoadBalancer'"
ONCE: Final = "may not change once set"
# metav1.Condition's own markers.
REASON: Final = r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"


def check_spec(spec: Spec) -> list[FieldError]:
    kind = spec["type"]
    if kind not in TYPES:
        return [not_supported("spec.type", kind, TYPES)]
    faults: list[FieldError] = []
    headless = spec.get("clusterIP") == "None"
    if not spec.get("ports") and not headless and kind != "ExternalName":
        faults.append(required("spec.ports"))
    if headless and kind in ("LoadBalancer", "NodePort"):
        what = "may not be set to 'None' for LoadBalancer services"
        what = what if kind == "LoadBalancer" else "may not be set to 'None' for NodePort services"
        faults.append(invalid("spec.clusterIPs[0]", "None", what))
    if kind == "ExternalName" and not DNS_SUBDOMAIN.fullmatch(spec.get("externalName", "")):
        name = spec.get("externalName", "")
        faults.append(
            invalid("spec.externalName", name, SUBDOMAIN_MESSAGE)
            if name
            else required("spec.externalName")
        )
    faults += _ports(spec)
    for name, values in CHOICES.items():
        if name in spec and spec[name] not in values:
            faults.append(not_supported(f"spec.{name}", spec[name], values))
    for key, value in spec.get("selector", {}).items():
        if not QUALIFIED.fullmatch(key.rpartition("/")[2]):
            faults.append(invalid("spec.selector", key, f"name part {LABEL_MESSAGE}"))
        if len(value) > 63:
            faults.append(invalid("spec.selector", value, "must be no more than 63 characters"))
    for n, address in enumerate(spec.get("externalIPs", [])):
        if not is_ip(address):
            faults.append(invalid(f"spec.externalIPs[{n}]", address, IP_MESSAGE))
    return faults + _balancer(spec) + _external(spec) + clusterip_faults(spec)


CHOICES: Final = {
    "sessionAffinity": ["ClientIP", "None"],
    "internalTrafficPolicy": ["Cluster", "Local"],
    "ipFamilyPolicy": ["PreferDualStack", "RequireDualStack", "SingleStack"],
}


def _ports(spec: Spec) -> list[FieldError]:
    faults: list[FieldError] = []
    ports = spec.get("ports", [])
    names: set[str] = set()
    seen: set[tuple[str, int]] = set()
    node_ports: set[tuple[str, int]] = set()
    for n, port in enumerate(ports):
        path, name = f"spec.ports[{n}]", port.get("name", "")
        if len(ports) > 1 and not name:
            faults.append(required(f"{path}.name"))
        elif name and not DNS_LABEL.fullmatch(name):
            faults.append(invalid(f"{path}.name", name, LABEL_MESSAGE))
        elif name in names:
            faults.append(FieldError("Duplicate", f"{path}.name", name))
        names.add(name)
        if not 1 <= port["port"] <= 65535:
            faults.append(invalid(f"{path}.port", port["port"], PORT_RANGE))
        if port["protocol"] not in PROTOCOLS:
            faults.append(not_supported(f"{path}.protocol", port["protocol"], PROTOCOLS))
        target = port.get("targetPort")
        if isinstance(target, int) and not 1 <= target <= 65535:
            faults.append(invalid(f"{path}.targetPort", target, PORT_RANGE))
        if port.get("nodePort") and spec["type"] in ("ClusterIP", "ExternalName"):
            detail = f"may not be used when `type` is '{spec['type']}'"
            faults.append(forbidden(f"{path}.nodePort", detail))
        same = (port["protocol"], port["port"])
        if same in seen:
            port_key = {"protocol": port["protocol"], "port": port["port"], "targetPort": 0}
            faults.append(FieldError("Duplicate", path, port_key))
        seen.add(same)
        if port.get("nodePort"):
            given = (port["protocol"], port["nodePort"])
            if given in node_ports:
                faults.append(FieldError("Duplicate", f"{path}.nodePort", port["nodePort"]))
            node_ports.add(given)
    return faults


def _balancer(spec: Spec) -> list[FieldError]:
    faults: list[FieldError] = []
    balancer = spec["type"] == "LoadBalancer"
    ranges = spec.get("loadBalancerSourceRanges", [])
    if ranges and not balancer:
        faults.append(forbidden("spec.loadBalancerSourceRanges", ONLY_BALANCER))
    for n, text in enumerate(ranges):
        if not is_cidr(text.strip()):
            faults.append(invalid(f"spec.loadBalancerSourceRanges[{n}]", text, CIDR_MESSAGE))
    for name in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
        if name in spec and not balancer:
            faults.append(forbidden(f"spec.{name}", ONLY_BALANCER))
    wanted = spec.get("loadBalancerClass")
    if balancer and wanted is not None and not QUALIFIED.fullmatch(wanted.rpartition("/")[2]):
        faults.append(invalid("spec.loadBalancerClass", wanted, f"name part {LABEL_MESSAGE}"))
    return faults


def _external(spec: Spec) -> list[FieldError]:
    faults: list[FieldError] = []
    policy = spec.get("externalTrafficPolicy")
    reachable = spec["type"] in ("LoadBalancer", "NodePort") or bool(spec.get("externalIPs"))
    if policy is not None and not reachable:
        detail = "may only be set for externally-accessible services"
        faults.append(invalid("spec.externalTrafficPolicy", policy, detail))
    elif policy is not None and policy not in ("Cluster", "Local"):
        faults.append(not_supported("spec.externalTrafficPolicy", policy, ["Cluster", "Local"]))
    port = spec.get("healthCheckNodePort")
    if port and not (spec["type"] == "LoadBalancer" and policy == "Local"):
        detail = (
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        )
        faults.append(invalid("spec.healthCheckNodePort", port, detail))
    return faults


def clusterip_faults(spec: Spec) -> list[FieldError]:
    """Return what is wrong with clusterIP, clusterIPs and ipFamilies taken together."""
    addresses, families = spec.get("clusterIPs", []), spec.get("ipFamilies", [])
    faults: list[FieldError] = []
    if spec["type"] == "ExternalName":
        return [
            forbidden(f"spec.{name}", "may not be used when `type` is 'ExternalName'")
            for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")
            if spec.get(name)
        ]
    if addresses and addresses[0] != spec.get("clusterIP"):
        faults.append(
            invalid("spec.clusterIPs[0]", addresses, "first value must match `clusterIP`")
        )
    if len(addresses) > 2:
        detail = "may only hold up to 2 values"
        faults.append(invalid("spec.clusterIPs", addresses, detail))
    for n, family in enumerate(families):
        if family not in ("IPv4", "IPv6"):
            faults.append(not_supported(f"spec.ipFamilies[{n}]", family, ["IPv4", "IPv6"]))
    if len(families) > 2:
        faults.append(invalid("spec.ipFamilies", families, "may only hold up to 2 values"))
    if len(families) == 2 and families[0] == families[1]:
        faults.append(FieldError("Duplicate", "spec.ipFamilies[1]", families[1]))
    for n, address in enumerate(addresses):
        path = f"spec.clusterIPs[{n}]"
        if address == "None":
            if len(addresses) > 1:
                faults.append(invalid(path, address, "must be a valid IP address, not None"))
        elif not is_ip(address):
            faults.append(invalid(path, address, IP_MESSAGE))
        elif n < len(families) and families[n] != ("IPv6" if ":" in address else "IPv4"):
            detail = f"expected an {families[n]} value as indicated by `ipFamilies[{n}]`"
            faults.append(invalid(path, address, detail))
    return faults


def check_update(new: Spec, old: Spec) -> list[FieldError]:
    faults: list[FieldError] = []
    if "ExternalName" not in (new["type"], old["type"]):
        for name in ("clusterIPs", "ipFamilies"):
            before, after = old.get(name, []), new.get(name, [])
            if before and not after and name == "clusterIPs":  # families are told from these
                detail = "primary clusterIP can not be unset"
                faults.append(invalid("spec.clusterIPs[0]", None, detail))
            for n, (was, now) in enumerate(zip(before, after, strict=False)):
                if was != now:
                    faults.append(invalid(f"spec.{name}[{n}]", after, ONCE))
    if old["type"] == new["type"] == "LoadBalancer":
        if old.get("loadBalancerClass") != new.get("loadBalancerClass"):
            faults.append(invalid("spec.loadBalancerClass", new.get("loadBalancerClass"), ONCE))
        had, port = old.get("healthCheckNodePort", 0), new.get("healthCheckNodePort", 0)
        if had and port and had != port:
            faults.append(invalid("spec.healthCheckNodePort", port, "field is immutable"))
    return faults


def check_status(status: Spec, spec: Spec) -> list[FieldError]:
    """Return what is wrong with a Service's status.

    Stricter than the real server about conditions, on purpose: it stores whatever is sent, and
    a condition without its required fields is always a writer's mistake.
    """
    faults: list[FieldError] = []
    ingresses = status["loadBalancer"].get("ingress", [])
    if ingresses and spec["type"] != "LoadBalancer":
        detail = 'may only be used when `spec.type` is "LoadBalancer"'
        faults.append(forbidden("status.loadBalancer.ingress", detail))
    for n, ingress in enumerate(ingresses):
        path = f"status.loadBalancer.ingress[{n}]"
        address, mode = ingress.get("ip"), ingress.get("ipMode")
        if address and not is_ip(address):
            faults.append(invalid(f"{path}.ip", address, IP_MESSAGE))
        if mode is not None and not address:
            faults.append(forbidden(f"{path}.ipMode", "may not be specified when `ip` is not set"))
        elif mode is not None and mode not in ("VIP", "Proxy"):
            faults.append(not_supported(f"{path}.ipMode", mode, ["Proxy", "VIP"]))
        host = ingress.get("hostname", "")
        if host and is_ip(host):
            detail = "must be a DNS name, not an IP address"
            faults.append(invalid(f"{path}.hostname", host, detail))
        elif host and not DNS_SUBDOMAIN.fullmatch(host):
            faults.append(invalid(f"{path}.hostname", host, SUBDOMAIN_MESSAGE))
    for n, condition in enumerate(status.get("conditions", [])):
        faults += check_condition(condition, f"status.conditions[{n}]")
    return faults


def check_condition(condition: Spec, path: str) -> list[FieldError]:
    """Return what is wrong with one metav1.Condition. Source: its validation markers."""
    faults: list[FieldError] = []
    if not condition["type"]:
        faults.append(required(f"{path}.type", "must be set"))
    if condition["status"] not in ("True", "False", "Unknown"):
        values = ["False", "True", "Unknown"]
        faults.append(not_supported(f"{path}.status", condition["status"], values))
    if not RFC3339.fullmatch(condition["lastTransitionTime"] or ""):
        faults.append(required(f"{path}.lastTransitionTime", "must be set"))
    if not condition["reason"]:
        faults.append(required(f"{path}.reason", "must be set"))
    elif not re.fullmatch(REASON, condition["reason"]):
        faults.append(invalid(f"{path}.reason", condition["reason"], f"must match {REASON}"))
    return faults


def is_cidr(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text
