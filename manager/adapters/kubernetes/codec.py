"""Raw Kubernetes objects in, the frozen values of `manager.snapshot` out. Pure.

Used for the API server's JSON and for files given to `plan --offline`, so it fills in what
an API server would have defaulted. An object that cannot be read raises `Malformed` with
its sentence, and only it; a custom resource whose spec is wrong becomes a `Resource` that
says so. Nothing here decides what an object means.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Final, TypeVar, cast

from manager.adapters.kubernetes.fields import Fields, Json, Malformed
from manager.adapters.kubernetes.managed_fields import hints_are_ours
from manager.adapters.kubernetes.report_codec import reading
from manager.snapshot import (
    Announcer,
    BgpConf,
    BgpPeer,
    Condition,
    Eip,
    Endpoint,
    EndpointSlice,
    FamilyPolicy,
    Ingress,
    Node,
    NodeName,
    Resource,
    Service,
    ServicePort,
    Taint,
    Truth,
)
from pointsman.api import (
    BgpConfSpec,
    BgpPeerSpec,
    EipSpec,
    parse,
)
from pointsman.api.base import ApiModel
from pointsman.api.reading import DEEPEST
from pointsman.model.address import Address, Family, Prefix
from pointsman.model.names import NAMESPACE_NAME, SLICE_SERVICE
from pointsman.model.nesting import depth_exceeds
from pointsman.model.printable import clipped

__all__ = [
    "Json",
    "Malformed",
    "Namespace",
    "announcer",
    "bgp_conf",
    "bgp_peer",
    "conditions",
    "eip",
    "endpoint_slice",
    "name_of",
    "namespace",
    "node",
    "service",
]

Spec = TypeVar("Spec", bound=ApiModel)

# RFC 1123 section 2.1, as Kubernetes takes it for names: labels with dots in between.
NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
NAME_MAX: Final = 253
DUAL: Final = ("PreferDualStack", "RequireDualStack")


@dataclass(frozen=True, slots=True)
class Namespace:
    """A Namespace: labels for selectors, the uid of kube-system names the cluster."""

    name: str
    uid: str = ""
    labels: dict[str, str] = field(default_factory=dict)


def name_of(raw: object) -> str:
    """Return how people call an object: `Service default/web`, `Node node1`."""
    if not isinstance(raw, dict):
        return "object"
    meta = raw.get("metadata")
    if not isinstance(meta, dict):
        meta = {}
    names = [clipped(str(meta[key])) for key in ("namespace", "name") if _is_name(meta.get(key))]
    kind = raw.get("kind")
    called = clipped(kind) if isinstance(kind, str) and kind else "object"
    return f"{called} {'/'.join(names) or '(without a name)'}"


def _is_name(value: object) -> bool:
    # In a file a name may be a number by mistake; what is no scalar names nothing.
    return isinstance(value, (str, int, float)) and bool(value)


def service(raw: Json) -> Service:
    """Return a Service of any type."""
    doc, meta = _open(raw, namespaced=True)
    spec, status = doc.at("spec"), doc.at("status")
    policy = spec.text("externalTrafficPolicy", "Cluster")
    family_policy = spec.text("ipFamilyPolicy", "SingleStack")
    return Service(
        namespace=meta.text("namespace", "default"),
        name=meta.text("name"),
        uid=meta.text("uid"),
        resource_version=meta.text("resourceVersion"),
        created=meta.text("creationTimestamp"),
        deleting=meta.has("deletionTimestamp"),
        labels=meta.mapping("labels"),
        annotations=meta.mapping("annotations"),
        hints_are_ours=hints_are_ours(meta.raw),
        type=spec.text("type", "ClusterIP"),
        load_balancer_class=spec.text("loadBalancerClass") or None,
        policy="Local" if policy == "Local" else "Cluster",
        families=_families(spec),
        family_policy=cast(FamilyPolicy, family_policy if family_policy in DUAL else "SingleStack"),
        load_balancer_ip=spec.text("loadBalancerIP"),
        cluster_ips=_addresses(spec.texts("clusterIPs")),
        external_ips=_addresses(spec.texts("externalIPs")),
        ports=tuple(
            ServicePort(port.text("protocol", "TCP"), port.integer("port"), port.text("name"))
            for port in spec.each("ports")
        ),
        selector=spec.mapping("selector"),
        ingress=tuple(
            Ingress(entry.text("ip"), entry.text("hostname"), entry.text("ipMode"))
            for entry in status.at("loadBalancer").each("ingress")
        ),
        conditions=conditions(status),
    )


def endpoint_slice(raw: Json) -> EndpointSlice | None:
    """Return a slice of addresses, or None for one of names (addressType FQDN)."""
    doc, meta = _open(raw, namespaced=True)
    kind = doc.text("addressType", "IPv4")
    if kind == "FQDN":
        return None
    if kind not in ("IPv4", "IPv6"):
        raise Malformed(f"{doc.what}: addressType is '{clipped(kind)}'; write IPv4 or IPv6.")
    return EndpointSlice(
        namespace=meta.text("namespace", "default"),
        name=meta.text("name"),
        service=meta.at("labels").text(SLICE_SERVICE),
        family=Family(kind),
        endpoints=tuple(_endpoint(entry) for entry in doc.each("endpoints")),
        # An API server always says which ports; a file that leaves them out says nothing.
        has_ports="ports" not in doc.raw or any(True for _ in doc.each("ports")),
    )


def node(raw: Json) -> Node:
    """Return a Node. Without a Ready condition its kubelet has not spoken: Unknown."""
    doc, meta = _open(raw)
    status = doc.at("status")
    stated = {condition.type: condition.status for condition in conditions(status)}
    ready = stated.get("Ready")
    return Node(
        name=NodeName(meta.text("name")),
        uid=meta.text("uid"),
        created=meta.text("creationTimestamp"),
        labels=meta.mapping("labels"),
        annotations=meta.mapping("annotations"),
        taints=tuple(
            Taint(taint.text("key"), taint.text("effect"))
            for taint in doc.at("spec").each("taints")
        ),
        ready=cast(Truth, ready) if ready in ("True", "False") else "Unknown",
        network_unavailable=stated.get("NetworkUnavailable") == "True",
        internal_ips=_addresses(
            entry.text("address")
            for entry in status.each("addresses")
            if entry.text("type") == "InternalIP"
        ),
        other_ips=_addresses(
            entry.text("address")
            for entry in status.each("addresses")
            if entry.text("type") != "InternalIP"
        ),
        pod_cidrs=_networks(doc.at("spec").texts("podCIDRs")),
    )


def namespace(raw: Json) -> Namespace:
    """Return a Namespace; it carries its own name as a label, as on any API server."""
    _, meta = _open(raw)
    name = meta.text("name")
    labels = {NAMESPACE_NAME: name} | meta.mapping("labels")
    return Namespace(name=name, uid=meta.text("uid"), labels=labels)


def eip(raw: Json) -> Eip:
    return _resource(raw, EipSpec)


def bgp_conf(raw: Json) -> BgpConf:
    return _resource(raw, BgpConfSpec)


def bgp_peer(raw: Json) -> BgpPeer:
    return _resource(raw, BgpPeerSpec)


def announcer(raw: Json) -> Announcer:
    """Return an Announcer; what an agent of a newer version adds is ignored.

    What cannot be read of its report is left out alone, and `unreadable` says so.
    """
    doc, meta = _open(raw)
    owners = [o.text("uid") for o in meta.each("ownerReferences") if o.text("kind") == "Node"]
    report = reading(doc.raw.get("status"))
    return Announcer(
        node=NodeName(meta.text("name")),
        uid=meta.text("uid"),
        resource_version=meta.text("resourceVersion"),
        owner_uid=owners[0] if owners else "",
        reported=bool(report.interfaces),
        interfaces=tuple(report.interfaces),
        gateways=tuple(report.gateways),
        proxy_healthy=report.proxy_healthy,
        contested=report.contested,
        unreadable=f"{doc.what}: {report.sentence}." if report.sentence else "",
    )


def conditions(status: Fields) -> tuple[Condition, ...]:
    """Return `status.conditions`, in their order."""
    return tuple(
        Condition(
            type=entry.text("type"),
            status=entry.text("status"),
            reason=entry.text("reason"),
            message=entry.text("message"),
            last_transition_time=entry.text("lastTransitionTime"),
            observed_generation=entry.integer("observedGeneration")
            if entry.has("observedGeneration")
            else None,
        )
        for entry in status.each("conditions")
    )


def _open(raw: Json, *, namespaced: bool = False) -> tuple[Fields, Fields]:
    """Return an object and its metadata; every object has a name."""
    doc = Fields(name_of(raw), raw)
    meta = doc.at("metadata")
    if not meta.text("name"):
        kind = doc.text("kind", "object")
        where = f" in namespace {clipped(meta.text('namespace', 'default'))}" if namespaced else ""
        raise Malformed(f"A {clipped(kind)}{where} has no metadata.name; give it one.")
    for part in ("name", "namespace"):  # of an API server always so; a file may hold anything
        value = meta.text(part)
        if value and (len(value) > NAME_MAX or not NAME.fullmatch(value)):
            raise Malformed(
                f'{doc.what}: metadata.{part}: Invalid value: "{clipped(value)}": a lowercase '
                "RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
                "'.', and must start and end with an alphanumeric character."
            )
    return doc, meta


def _families(spec: Fields) -> tuple[Family, ...]:
    """Return ipFamilies, or what an API server would fill in for a dual-stack cluster."""
    named = [f for f in spec.texts("ipFamilies") if f in ("IPv4", "IPv6")]
    families = tuple(Family(f) for f in named) or (Family.IPV4,)
    seen_by_a_server = spec.has("clusterIPs") or spec.has("clusterIP")
    if spec.text("ipFamilyPolicy") in DUAL and len(families) == 1 and not seen_by_a_server:
        other = Family.IPV6 if families[0] is Family.IPV4 else Family.IPV4
        families = (families[0], other)
    return families


def _endpoint(entry: Fields) -> Endpoint:
    state = entry.at("conditions")
    name = entry.text("nodeName")
    addresses = _addresses(entry.texts("addresses")[:1])
    return Endpoint(
        node=NodeName(name) if name else None,
        ready=state.flag("ready"),
        serving=state.flag("serving"),
        terminating=state.flag("terminating"),
        address=addresses[0] if addresses else None,
    )


def _resource(raw: Json, model: type[Spec]) -> Resource[Spec]:
    doc, meta = _open(raw)
    status = doc.at("status")
    if depth_exceeds(status.raw, DEEPEST):
        raise Malformed(f"{doc.what}: status is nested deeper than {DEEPEST} levels; clear it.")
    spec, invalid = parse(model, doc.raw.get("spec"))
    return Resource(
        name=meta.text("name"),
        spec=spec,
        invalid=invalid,
        uid=meta.text("uid"),
        resource_version=meta.text("resourceVersion"),
        created=meta.text("creationTimestamp"),
        generation=meta.integer("generation"),
        deleting=meta.has("deletionTimestamp"),
        finalizers=meta.texts("finalizers"),
        labels=meta.mapping("labels"),
        conditions=conditions(status),
        status=dict(status.raw),
    )


def _networks(texts: Iterable[str]) -> tuple[Prefix, ...]:
    parsed: list[Prefix] = []
    for text in texts:
        with suppress(ValueError):
            parsed.append(ip_network(text, strict=False))
    return tuple(parsed)


def _addresses(texts: Iterable[str]) -> tuple[Address, ...]:
    """Return what parses; a Node may list zones and hostnames too, which are no next hops."""
    parsed: list[Address] = []
    for text in texts:
        with suppress(ValueError):
            parsed.append(ip_address(text))
    return tuple(parsed)
