"""Services: defaults, what a change of type drops, and allocation of addresses and ports.

Source: Kubernetes API reference for ServiceSpec, and pkg/registry/core/service of 1.36.
"""

import copy
from collections.abc import Callable
from typing import Any, Final

from standin.grammar.errors import FieldError, invalid, invalid_object
from standin.kinds.allocator import CIDRS, Stocks
from standin.kinds.kind import META_FIELDS, Kind, Object, Rules
from standin.kinds.service_checks import check_spec, check_status, check_update, clusterip_faults

FAMILIES: Final = tuple(CIDRS)  # the cluster's, primary first
SELECTABLE: Final = META_FIELDS | {"spec.clusterIP": "spec.clusterIP", "spec.type": "spec.type"}

Spec = dict[str, Any]


def needs_address(spec: Spec) -> bool:
    return bool(spec["type"] != "ExternalName")


def needs_ports(spec: Spec) -> bool:
    return spec["type"] in ("NodePort", "LoadBalancer")


def wants_ports(spec: Spec) -> bool:
    allocate = spec.get("allocateLoadBalancerNodePorts", True)
    return bool(spec["type"] == "NodePort" or (spec["type"] == "LoadBalancer" and allocate))


def is_balancer(spec: Spec) -> bool:
    return bool(spec["type"] == "LoadBalancer")


def needs_health_port(spec: Spec) -> bool:
    return is_balancer(spec) and spec.get("externalTrafficPolicy") == "Local"


class ServiceRules(Rules):
    name_rule = "1035"

    def __init__(self, stocks: Stocks) -> None:
        super().__init__("Service", "v1")
        self._stocks = stocks

    def decode(self, obj: Object) -> tuple[Object, list[str]]:
        out, unknown = super().decode(obj)
        if out.get("apiVersion"):  # a bookmark's zero value gets no defaults
            _default(out["spec"], out["status"])
        return out, unknown

    def create(self, new: Object) -> None:
        new["status"] = {"loadBalancer": {}}
        _pair_cluster_ips(new["spec"], None)

    def update(self, new: Object, old: Object) -> None:
        new["status"] = copy.deepcopy(old["status"])
        spec, before = new["spec"], old["spec"]
        _keep_allocated(spec, before)
        _pair_cluster_ips(spec, before)
        _drop_unneeded(spec, before)
        _downgrade(spec, before)
        # Judged before all else, and alone: a changed first family no longer fits its address.
        if needs_address(spec) and (faults := clusterip_faults(spec)):
            raise invalid_object("", "Service", new["metadata"]["name"], faults)
        if not is_balancer(spec):
            new["status"]["loadBalancer"] = {}  # conditions stay: their writers remove them

    def validate(self, new: Object, old: Object | None) -> list[FieldError]:
        faults = check_spec(new["spec"])
        return faults + check_update(new["spec"], old["spec"]) if old else faults

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return check_status(new["status"], new["spec"])

    def allocate(self, new: Object, old: Object | None) -> None:
        before: Spec = old["spec"] if old else {}
        spec, name = new["spec"], new["metadata"]["name"]
        if needs_address(spec):
            if faults := _families(spec, before):
                raise invalid_object("", "Service", name, faults)
            self._addresses(spec, before, name)
        self._node_ports(spec, before, name)
        if needs_health_port(spec) and not spec.get("healthCheckNodePort"):
            taken = {p["nodePort"] for p in spec.get("ports", []) if "nodePort" in p}
            spec["healthCheckNodePort"] = self._stocks.free_port(taken)

    def committed(self, new: Object | None, old: Object | None) -> None:
        self._stocks.settle(new and new["spec"], old and old["spec"])

    def _addresses(self, spec: Spec, before: Spec, name: str) -> None:
        wanted = spec.get("clusterIPs", [])
        if wanted[:1] == ["None"]:
            return
        given = before.get("clusterIPs", [])
        for address in wanted:
            if address not in given:
                self._stocks.check_address(address, name, wanted)
        missing = spec["ipFamilies"][len(wanted) :]
        spec["clusterIPs"] = wanted + [self._stocks.free_address(f) for f in missing]
        spec["clusterIP"] = spec["clusterIPs"][0]

    def _node_ports(self, spec: Spec, before: Spec, name: str) -> None:
        given = {(p["protocol"], p["nodePort"]) for p in before.get("ports", []) if "nodePort" in p}
        by_port: dict[int, int] = {}  # TCP and UDP of one port share their node port
        faults: list[FieldError] = []
        for n, port in enumerate(spec.get("ports", [])):
            number = port.get("nodePort")
            if number and (port["protocol"], number) not in given:
                why = self._stocks.port_fault(port["protocol"], number)
                faults += [invalid(f"spec.ports[{n}].nodePort", number, why)] if why else []
            if number:
                by_port.setdefault(port["port"], number)
        if faults:
            raise invalid_object("", "Service", name, faults)
        if not wants_ports(spec):
            return
        for port in spec.get("ports", []):
            if not port.get("nodePort"):
                number_of_port = by_port.get(port["port"])
                if not number_of_port or self._stocks.port_fault(port["protocol"], number_of_port):
                    number_of_port = self._stocks.free_port(set(by_port.values()))
                port["nodePort"] = by_port[port["port"]] = number_of_port


def _default(spec: Spec, status: Spec) -> None:
    spec.setdefault("type", "ClusterIP")
    affinity = spec.setdefault("sessionAffinity", "None")
    if affinity == "None":
        spec.pop("sessionAffinityConfig", None)
    elif affinity == "ClientIP":
        client = spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {})
        client.setdefault("timeoutSeconds", 10800)
    for port in spec.get("ports", []):
        port.setdefault("protocol", "TCP")
        if not port.get("targetPort"):
            port["targetPort"] = port["port"]
    if needs_ports(spec):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if needs_address(spec):
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if is_balancer(spec):
        spec.setdefault("allocateLoadBalancerNodePorts", True)
        for ingress in status["loadBalancer"].get("ingress", []):
            if ingress.get("ip"):
                ingress.setdefault("ipMode", "VIP")


def _pair_cluster_ips(spec: Spec, before: Spec | None) -> None:
    """Keep clusterIP and clusterIPs[0] equal when the caller wrote only one of them."""
    one, many = spec.get("clusterIP"), spec.get("clusterIPs")
    if before is None:
        if one and not many:
            spec["clusterIPs"] = [one]
        return
    if one != before.get("clusterIP") and many == before.get("clusterIPs"):
        if one:
            spec["clusterIPs"] = [one]
        else:
            spec.pop("clusterIPs", None)


def _keep_allocated(spec: Spec, before: Spec) -> None:
    """Give a PUT that left them out the addresses and ports the Service has."""
    if needs_address(spec) and needs_address(before) and before.get("clusterIP"):
        spec.setdefault("clusterIP", before["clusterIP"])
        if spec["clusterIP"] == before["clusterIP"]:
            spec.setdefault("clusterIPs", list(before["clusterIPs"]))
    if wants_ports(spec) and needs_ports(before):
        used = {p["nodePort"] for p in spec.get("ports", []) if "nodePort" in p}
        had = {(p["port"], p["protocol"]): p.get("nodePort") for p in before.get("ports", [])}
        for port in spec.get("ports", []):
            number = had.get((port["port"], port["protocol"]))
            if number and "nodePort" not in port and number not in used:
                port["nodePort"] = number
    if needs_health_port(spec) and needs_health_port(before):
        spec.setdefault("healthCheckNodePort", before["healthCheckNodePort"])


DEPENDENT: Final[tuple[tuple[Callable[[Spec], bool], tuple[str, ...]], ...]] = (
    (needs_address, ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")),
    (needs_address, ("internalTrafficPolicy",)),
    (needs_health_port, ("healthCheckNodePort",)),
    (needs_ports, ("externalTrafficPolicy",)),
    (is_balancer, ("allocateLoadBalancerNodePorts", "loadBalancerClass")),
)


def _drop_unneeded(spec: Spec, before: Spec) -> None:
    """Drop fields the new type has no use for, if the caller left them as they were."""
    for needed, names in DEPENDENT:
        if needed(before) and not needed(spec):
            for name in names:
                if spec.get(name) == before.get(name):
                    spec.pop(name, None)
    if needs_ports(before) and not needs_ports(spec):
        ports, had = spec.get("ports", []), before.get("ports", [])
        if {p.get("nodePort") for p in ports} <= {None, *(p.get("nodePort") for p in had)}:
            for port in ports:
                port.pop("nodePort", None)


def _downgrade(spec: Spec, before: Spec) -> None:
    """Turning to SingleStack is clear intent: the untouched second entries go."""
    if spec.get("ipFamilyPolicy") != "SingleStack" or before.get("ipFamilyPolicy") in (
        None,
        "SingleStack",
    ):
        return
    for name in ("clusterIPs", "ipFamilies"):
        if spec.get(name) == before.get(name):
            spec[name] = spec.get(name, [])[:1]


def _families(spec: Spec, before: Spec) -> list[FieldError]:
    """Settle ipFamilyPolicy and ipFamilies; return why they can't be settled."""
    headless = spec.get("clusterIP") == "None"
    bare = headless and not spec.get("selector")
    default = before.get("ipFamilyPolicy") or ("RequireDualStack" if bare else "SingleStack")
    policy = spec.setdefault("ipFamilyPolicy", default)
    families, addresses = spec.get("ipFamilies", []), spec.get("clusterIPs", [])
    if faults := clusterip_faults(spec):
        return faults
    path, faults = "spec.ipFamilyPolicy", []
    several = "must be 'RequireDualStack' or 'PreferDualStack' when multiple {} are specified"
    release = "must be 'SingleStack' to release the secondary {}"
    if policy == "SingleStack":
        if len(addresses) == 2:
            faults.append(invalid(path, policy, several.format("cluster IPs")))
        if len(families) == 2:
            faults.append(invalid(path, policy, several.format("IP families")))
    elif before and needs_address(before):
        if len(addresses) == 1 < len(before.get("clusterIPs", [])):
            faults.append(invalid(path, policy, release.format("cluster IP")))
        if len(families) == 1 < len(before.get("ipFamilies", [])):
            faults.append(invalid(path, policy, release.format("IP family")))
    if faults:
        return faults
    for address in addresses[len(families) :]:
        if address != "None":
            families = [*families, "IPv6" if ":" in address else "IPv4"]
    families = list(families) or [FAMILIES[0]]
    if policy != "SingleStack" and len(families) == 1:
        families.append("IPv6" if families[0] == "IPv4" else "IPv4")
    spec["ipFamilies"] = families
    return []


def service_kind(stocks: Stocks) -> Kind:
    return Kind(
        "",
        "v1",
        "services",
        "Service",
        ServiceRules(stocks),
        singular="service",
        short_names=("svc",),
        categories=("all",),
        has_status=True,
        selectable=SELECTABLE,
        create_on_update=True,
        returns_deleted=True,
    )
