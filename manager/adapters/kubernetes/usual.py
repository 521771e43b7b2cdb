"""Services, EndpointSlices and Nodes as an API server writes them, read quickly. Pure.

These come by the thousand: a Deployment rolls, a node dies, a thousand kubelets report. What is
as usual is read here; of anything else `None` is returned, and the codec, which explains what
is wrong with an object, reads it all again. So there is nothing here that explains, and nothing
that the codec would not say, too: a test compares the two on every odd object we have.

What is the same in many objects (names of nodes, labels, reasons, ports) is one object here.
"""

from collections.abc import Callable
from functools import lru_cache
from sys import intern
from typing import Any, Final, TypeVar, cast

from manager.adapters.kubernetes.address_texts import addresses, network, node_address, spelled
from manager.adapters.kubernetes.fields import MOST, Json
from manager.adapters.kubernetes.managed_fields import hints_are_ours
from manager.adapters.kubernetes.metadata import NAME, NAME_MAX
from manager.snapshot import (
    Condition,
    Endpoint,
    EndpointSlice,
    FamilyPolicy,
    Ingress,
    Node,
    NodeName,
    Service,
    ServicePort,
    Taint,
    Truth,
)
from pointsman.model.address import Family
from pointsman.model.names import OUR_ANNOTATIONS, PREFIX, SLICE_SERVICE

T = TypeVar("T")
KNOWN: Final = 4096  # ports that are one object in many Services
NOTHING: Final[dict[str, Any]] = {}
FLAGS: Final = ("ready", "serving", "terminating")
NO_ITEMS: Final[list[Any]] = []
DUAL: Final = ("PreferDualStack", "RequireDualStack")
V4, V6 = Family.IPV4, Family.IPV6
FAMILIES: Final[dict[tuple[Any, ...], tuple[Family, ...]]] = {
    ("IPv4",): (V4,), ("IPv6",): (V6,), ("IPv4", "IPv6"): (V4, V6), ("IPv6", "IPv4"): (V6, V4)
}  # fmt: skip


class _Unusual(Exception):
    """The codec reads it."""


def _usually(read: Callable[[Json], T]) -> Callable[[Json], T | None]:
    def usual(raw: Json) -> T | None:
        try:
            return read(raw)
        except _Unusual:
            return None

    return usual


@_usually
def service(raw: Json) -> Service:
    """Return a Service, or None if it is for the codec."""
    meta, spec, status = _map(raw, "metadata"), _map(raw, "spec"), _map(raw, "status")
    name, namespace = _named(meta)
    family_policy = _text(spec, "ipFamilyPolicy", "SingleStack")
    families = FAMILIES.get(tuple(map(_str, _list(spec, "ipFamilies"))))
    if families is None or spec.get("clusterIPs") is None:  # no API server has seen it
        raise _Unusual
    annotations, labels = _annotations(meta), _labels(meta, "labels")
    selector = _labels(spec, "selector")
    known = {text: text for text in annotations.values()}  # we write one sentence twice
    return Service(
        namespace=namespace,
        name=name,
        uid=_text(meta, "uid"),
        resource_version=_text(meta, "resourceVersion"),
        created=_text(meta, "creationTimestamp"),
        deleting=meta.get("deletionTimestamp") is not None,
        labels=labels,
        annotations=annotations,
        hints_are_ours=hints_are_ours(meta),
        type=intern(_text(spec, "type", "ClusterIP")),
        load_balancer_class=_text(spec, "loadBalancerClass") or None,
        policy="Local" if _text(spec, "externalTrafficPolicy") == "Local" else "Cluster",
        families=families,
        family_policy=cast(
            FamilyPolicy, intern(family_policy) if family_policy in DUAL else "SingleStack"
        ),
        load_balancer_ip=_text(spec, "loadBalancerIP"),
        cluster_ips=addresses(map(_str, _list(spec, "clusterIPs"))),
        external_ips=addresses(map(_str, _list(spec, "externalIPs"))),
        ports=tuple([_port(one) for one in _list(spec, "ports")]),
        selector=labels if selector == labels else selector,  # as most manifests have it
        ingress=tuple(
            [
                Ingress(_text(one, "ip"), _text(one, "hostname"), intern(_text(one, "ipMode")))
                for one in map(_dict, _list(_map(status, "loadBalancer"), "ingress"))
            ]
        ),
        conditions=tuple([_condition(one, known) for one in _list(status, "conditions")]),
    )


@_usually
def endpoint_slice(raw: Json) -> EndpointSlice:
    """Return a slice of addresses, or None if it is for the codec."""
    meta, kind = _map(raw, "metadata"), raw.get("addressType")
    if (kind != "IPv4" and kind != "IPv6") or "ports" not in raw:
        raise _Unusual
    name, namespace = _named(meta)
    return EndpointSlice(
        namespace=namespace,
        name=name,
        service=_text(_map(meta, "labels"), SLICE_SERVICE),
        family=V4 if kind == "IPv4" else V6,
        endpoints=tuple([_endpoint(one) for one in _list(raw, "endpoints")]),
        has_ports=bool(_dicts(raw, "ports")),
    )


@_usually
def node(raw: Json) -> Node:
    """Return a Node, or None if it is for the codec."""
    meta, spec, status = _map(raw, "metadata"), _map(raw, "spec"), _map(raw, "status")
    name, _ = _named(meta)
    cidrs = [_str(one) for one in _list(spec, "podCIDRs")]
    truths = dict(map(_truth, _list(status, "conditions")))
    ready = truths.get("Ready")
    own = [(_text(one, "type"), _text(one, "address")) for one in _dicts(status, "addresses")]
    found = [(kind, one) for kind, text in own if (one := node_address(text)) is not None]
    return Node(
        name=NodeName(intern(name)),
        uid=_text(meta, "uid"),
        created=_text(meta, "creationTimestamp"),
        labels=_labels(meta, "labels"),
        annotations={k: v for k, v in _annotations(meta).items() if k.startswith(PREFIX)},
        taints=tuple(
            [
                Taint(intern(_text(one, "key")), intern(_text(one, "effect")))
                for one in _dicts(spec, "taints")
            ]
        ),
        ready=cast(Truth, ready) if ready in ("True", "False") else "Unknown",
        network_unavailable=truths.get("NetworkUnavailable") == "True",
        internal_ips=tuple([one for kind, one in found if kind == "InternalIP"]),
        other_ips=tuple([one for kind, one in found if kind != "InternalIP"]),
        pod_cidrs=tuple([one for one in map(network, cidrs) if one is not None]),
    )


def _endpoint(entry: object) -> Endpoint:
    """Return an endpoint. There are ten times as many as of anything else: no calls for less."""
    if type(entry) is not dict:
        raise _Unusual
    state, node, texts = entry.get("conditions"), entry.get("nodeName"), entry.get("addresses")
    if node is None:
        node = ""
    if type(state) is not dict or type(node) is not str or type(texts) is not list:
        raise _Unusual
    for text in texts:
        if type(text) is not str:
            raise _Unusual
    ready, serving, terminating = map(state.get, FLAGS)
    for flag in (ready, serving, terminating):
        if flag is not True and flag is not False and flag is not None:
            raise _Unusual
    name = NodeName(intern(node)) if node else None
    return Endpoint(name, ready, serving, terminating, spelled(texts[0]) if texts else None)


def _condition(entry: object, known: dict[str, str]) -> Condition:
    one = _dict(entry)
    message, generation = _text(one, "message"), one.get("observedGeneration")
    if generation is not None and (type(generation) is not int or abs(generation) > MOST):
        raise _Unusual
    return Condition(
        type=intern(_text(one, "type")),
        status=intern(_text(one, "status")),
        reason=intern(_text(one, "reason")),
        message=known.get(message, message),
        last_transition_time=intern(_text(one, "lastTransitionTime")),
        observed_generation=generation,
    )


def _truth(entry: object) -> tuple[str, str]:
    """Return type and status of a Node's condition, which is a condition in all else, too."""
    one = _dict(entry)
    for key in ("reason", "message", "lastTransitionTime"):
        _text(one, key)
    if "observedGeneration" in one:
        raise _Unusual
    return _text(one, "type"), intern(_text(one, "status"))


def _port(entry: object) -> ServicePort:
    one = _dict(entry)
    port = one.get("port")
    if type(port) is not int or abs(port) > MOST:
        raise _Unusual
    return _service_port(_text(one, "protocol", "TCP"), port, _text(one, "name"))


_service_port = lru_cache(KNOWN)(ServicePort)


def _named(meta: dict[str, Any]) -> tuple[str, str]:
    name, namespace = _text(meta, "name"), _text(meta, "namespace", "default")
    for text in (name, namespace):
        if len(text) > NAME_MAX or not NAME.fullmatch(text):
            raise _Unusual
    return name, intern(namespace)


def _map(holder: Json, key: str) -> dict[str, Any]:
    value = holder.get(key)
    if value is None:
        return NOTHING
    return _dict(value)


def _dict(value: object) -> dict[str, Any]:
    if type(value) is not dict:
        raise _Unusual
    return value


def _list(holder: Json, key: str) -> list[Any]:
    value = holder.get(key)
    if value is None:
        return NO_ITEMS
    if type(value) is not list:
        raise _Unusual
    return value


def _dicts(holder: Json, key: str) -> list[dict[str, Any]]:
    return [_dict(one) for one in _list(holder, key)]


def _text(holder: Json, key: str, default: str = "") -> str:
    value = holder.get(key)
    if value is None:
        return default
    return _str(value)


def _str(value: object) -> str:
    if type(value) is not str:
        raise _Unusual
    return value


def _labels(holder: Json, key: str) -> dict[str, str]:
    """Return labels: of these, names and values are the same in many objects."""
    return {intern(_str(k)): intern(_str(v)) for k, v in _map(holder, key).items()}


def _annotations(holder: Json) -> dict[str, str]:
    """Return annotations. Most of what we write is said of one object alone."""
    found: dict[str, str] = {}
    for key, value in _map(holder, "annotations").items():
        text = _str(value)
        alone = key in OUR_ANNOTATIONS or len(text) > NAME_MAX
        found[intern(_str(key))] = text if alone else intern(text)
    return found
