"""Raw Kubernetes objects in, the frozen values of `manager.snapshot` out. Pure.

Used for the API server's JSON and for files given to `plan --offline`, so it fills in what
an API server would have defaulted. An object that cannot be read raises `Malformed` with
its sentence, and only it; a custom resource whose spec is wrong becomes a `Resource` that
says so. Nothing here decides what an object means.
"""

from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

from manager.adapters.kubernetes import usual
from manager.adapters.kubernetes.address_texts import addresses, network, spelled
from manager.adapters.kubernetes.assigned_codec import assigned
from manager.adapters.kubernetes.fields import Fields, Json, Malformed
from manager.adapters.kubernetes.managed_fields import hints_are_ours
from manager.adapters.kubernetes.metadata import conditions, opened
from manager.adapters.kubernetes.report_codec import reading
from manager.adapters.kubernetes.usual import DUAL
from manager.adapters.kubernetes.withheld_codec import spelled_out
from manager.snapshot import (
    Announcer,
    BgpConf,
    BgpPeer,
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
    legible,
    parse,
)
from pointsman.api.base import ApiModel
from pointsman.api.reading import DEEPEST
from pointsman.model.address import Family
from pointsman.model.names import NAMESPACE_NAME, PREFIX, SLICE_SERVICE
from pointsman.model.nesting import depth_exceeds
from pointsman.model.printable import clipped
from pointsman.wire.asked_prefixes import unreachable_in, watched_in

__all__ = [
    "Json",
    "Malformed",
    "Namespace",
    "announcer",
    "bgp_conf",
    "bgp_peer",
    "eip",
    "endpoint_slice",
    "namespace",
    "node",
    "service",
]

Spec = TypeVar("Spec", bound=ApiModel)


@dataclass(frozen=True, slots=True)
class Namespace:
    """A Namespace: labels for selectors, the uid of kube-system names the cluster."""

    name: str
    uid: str = ""
    labels: dict[str, str] = field(default_factory=dict)


def service(raw: Json) -> Service:
    """Return a Service of any type."""
    return usual.service(raw) or any_service(raw)


def endpoint_slice(raw: Json) -> EndpointSlice | None:
    """Return a slice of addresses, or None for one of names (addressType FQDN)."""
    return usual.endpoint_slice(raw) or any_endpoint_slice(raw)


def node(raw: Json) -> Node:
    """Return a Node. Without a Ready condition its kubelet has not reported: Unknown."""
    return usual.node(raw) or any_node(raw)


def any_service(raw: Json) -> Service:
    """Return a Service, whatever it looks like."""
    doc, meta = opened(raw, namespaced=True)
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
        cluster_ips=addresses(spec.texts("clusterIPs")),
        external_ips=addresses(spec.texts("externalIPs")),
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


def any_endpoint_slice(raw: Json) -> EndpointSlice | None:
    """Return a slice of addresses or None, whatever it looks like."""
    doc, meta = opened(raw, namespaced=True)
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


def any_node(raw: Json) -> Node:
    """Return a Node, whatever it looks like."""
    doc, meta = opened(raw)
    status = doc.at("status")
    status_of = {condition.type: condition.status for condition in conditions(status)}
    ready = status_of.get("Ready")
    return Node(
        name=NodeName(meta.text("name")),
        uid=meta.text("uid"),
        created=meta.text("creationTimestamp"),
        labels=meta.mapping("labels"),
        # Others' change all the time, and nobody here reads them.
        annotations={k: v for k, v in meta.mapping("annotations").items() if k.startswith(PREFIX)},
        taints=tuple(
            Taint(taint.text("key"), taint.text("effect"))
            for taint in doc.at("spec").each("taints")
        ),
        ready=cast(Truth, ready) if ready in ("True", "False") else "Unknown",
        network_unavailable=status_of.get("NetworkUnavailable") == "True",
        internal_ips=addresses(
            entry.text("address")
            for entry in status.each("addresses")
            if entry.text("type") == "InternalIP"
        ),
        other_ips=addresses(
            entry.text("address")
            for entry in status.each("addresses")
            if entry.text("type") != "InternalIP"
        ),
        pod_cidrs=tuple(
            one for one in map(network, doc.at("spec").texts("podCIDRs")) if one is not None
        ),
    )


def namespace(raw: Json) -> Namespace:
    """Return a Namespace; it carries its own name as a label, as on any API server."""
    _, meta = opened(raw)
    name = meta.text("name")
    labels = {NAMESPACE_NAME: name} | meta.mapping("labels")
    return Namespace(name=name, uid=meta.text("uid"), labels=labels)


def eip(raw: Json) -> Eip:
    found = _resource(raw, EipSpec)
    return found if found.spec is not None else replace(found, legible=legible(raw.get("spec")))


def bgp_conf(raw: Json) -> BgpConf:
    return _resource(raw, BgpConfSpec)


def bgp_peer(raw: Json) -> BgpPeer:
    return _resource(raw, BgpPeerSpec)


def announcer(raw: Json) -> Announcer:
    """Return an Announcer; what an agent of a newer version adds is ignored.

    What cannot be read of its report is left out alone, and `unreadable` says so.
    """
    doc, meta = opened(raw)
    owners = [o.text("uid") for o in meta.each("ownerReferences") if o.text("kind") == "Node"]
    report = reading(doc.raw.get("status"))
    spec = doc.raw.get("spec")
    assignments, unreachable = assigned(spec), unreachable_in(spec)
    return Announcer(
        node=NodeName(meta.text("name")),
        uid=meta.text("uid"),
        resource_version=meta.text("resourceVersion"),
        owner_uid=owners[0] if owners else "",
        spec=spec if isinstance(spec, dict) else {},
        assignments=assignments,
        unreachable=unreachable,
        watched=watched_in(spec),
        reported=bool(report.interfaces),
        interfaces=tuple(report.interfaces),
        gateways=tuple(report.gateways),
        default_interfaces=tuple(report.default_interfaces),
        proxy_healthy=report.proxy_healthy,
        withheld=spelled_out(report.withheld, report.withheld_runs, assignments, unreachable),
        conflicts=report.conflicts,
        net_admin=report.net_admin,
        arriving=tuple(report.arriving.values()),
        arriving_unmeasured=report.arriving_unmeasured,
        strict_arp=report.strict_arp,
        public_key=report.public_key,
        generation=meta.integer("generation"),
        executes=report.executes,
        contested=report.contested,
        # Where no manager is named, nobody is meant to hear it.
        unheard=report.unheard if isinstance(spec, dict) and spec.get("managers") else "",
        unreadable=f"{doc.what}: {report.sentence}." if report.sentence else "",
    )


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
    texts = entry.texts("addresses")
    return Endpoint(
        node=NodeName(name) if name else None,
        ready=state.flag("ready"),
        serving=state.flag("serving"),
        terminating=state.flag("terminating"),
        address=spelled(texts[0]) if texts else None,
    )


def _resource(raw: Json, model: type[Spec]) -> Resource[Spec]:
    doc, meta = opened(raw)
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
