"""What `kubectl get` prints: meta.k8s.io/v1 Tables, made by the server.

Built-ins have the columns of a real server; custom resources those of their CRD.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from standin.grammar import jsonpath
from standin.grammar.errors import dumps
from standin.grammar.gotypes import normal_time
from standin.kinds.kind import Kind, Object

Cells = Callable[[Object], list[Any]]
AGE: Final[dict[str, Any]] = {
    "name": "Age",
    "type": "date",
    "jsonPath": ".metadata.creationTimestamp",
}
ROLE: Final = "node-role.kubernetes.io/"


def age(stamp: str | None, *, at: datetime | None = None) -> str:
    """Return how long ago *stamp* was, as kubectl prints durations (`5m3s`, `4h`, `12d`)."""
    if not stamp:
        return "<unknown>"
    try:
        then = datetime.fromisoformat(normal_time(stamp))
    except ValueError:
        return "<invalid>"
    seconds = int(((at or datetime.now(UTC)) - then).total_seconds())
    if seconds < -1:
        return "<invalid>"
    seconds = max(seconds, 0)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if days < 2:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if days < 365 * 2:
        return f"{days}d"
    if days < 365 * 8 and days % 365:
        return f"{days // 365}y{days % 365}d"
    return f"{days // 365}y"


def _or_none(items: list[str]) -> str:
    return ",".join(items) if items else "<none>"


def _pairs(labels: dict[str, str]) -> str:
    return _or_none([f"{k}={v}" for k, v in sorted(labels.items())])


def _service(obj: Object) -> list[Any]:
    spec = obj["spec"]
    ports = [
        f"{p['port']}:{p['nodePort']}/{p['protocol']}" if p.get("nodePort")
        else f"{p['port']}/{p['protocol']}"
        for p in spec.get("ports", [])
    ]  # fmt: skip
    external = "<none>"
    if spec["type"] == "LoadBalancer":
        ingress = obj["status"]["loadBalancer"].get("ingress", [])
        found = [i.get("ip") or i.get("hostname", "") for i in ingress]
        external = ",".join(found + spec.get("externalIPs", [])) or "<pending>"
    elif spec["type"] == "ExternalName":
        external = spec.get("externalName", "")
    elif spec.get("externalIPs"):
        external = ",".join(spec["externalIPs"])
    return [
        obj["metadata"]["name"],
        spec["type"],
        (spec.get("clusterIPs") or [spec.get("clusterIP") or "<none>"])[0],
        external,
        _or_none(ports),
        age(obj["metadata"].get("creationTimestamp")),
        _pairs(spec.get("selector", {})),
    ]


def _node(obj: Object) -> list[Any]:
    status, meta = obj["status"], obj["metadata"]
    ready = next((c for c in status.get("conditions", []) if c["type"] == "Ready"), None)
    words = ["Unknown" if ready is None else "Ready" if ready["status"] == "True" else "NotReady"]
    if obj["spec"].get("unschedulable"):
        words.append("SchedulingDisabled")
    roles = [k.removeprefix(ROLE) for k in sorted(meta.get("labels", {})) if k.startswith(ROLE)]
    where = {a["type"]: a["address"] for a in reversed(status.get("addresses", []))}
    info = status["nodeInfo"]
    return [
        meta["name"],
        ",".join(words),
        _or_none(roles),
        age(meta.get("creationTimestamp")),
        info["kubeletVersion"],
        where.get("InternalIP", "<none>"),
        where.get("ExternalIP", "<none>"),
        info["osImage"] or "<unknown>",
        info["kernelVersion"] or "<unknown>",
        info["containerRuntimeVersion"] or "<unknown>",
    ]


def _some(items: list[str]) -> str:
    if not items:
        return "<unset>"
    return ",".join(items[:3]) + (f" + {len(items) - 3} more..." if len(items) > 3 else "")


def _slice(obj: Object) -> list[Any]:
    ports = [str(p.get("port", "*")) for p in obj["ports"] or []]
    found = [a for e in obj["endpoints"] or [] for a in e["addresses"] or []]
    meta = obj["metadata"]
    return [
        meta["name"], obj["addressType"], _some(ports), _some(found),
        age(meta.get("creationTimestamp")),
    ]  # fmt: skip


def _event(obj: Object) -> list[Any]:
    first = obj["firstTimestamp"] or obj["eventTime"]
    series = obj.get("series") or {}
    last = series.get("lastObservedTime") or obj["lastTimestamp"] or first
    involved, source = obj["involvedObject"], obj["source"]
    target = f"{involved.get('kind', '').lower()}/{involved.get('name', '')}"
    speaker = source.get("component") or obj["reportingComponent"]
    return [
        age(last), obj.get("type", ""), obj.get("reason", ""), target,
        involved.get("fieldPath", ""), speaker, obj.get("message", "").strip(),
        age(first), series.get("count") or obj.get("count", 1), obj["metadata"]["name"],
    ]  # fmt: skip


def _lease(obj: Object) -> list[Any]:
    meta = obj["metadata"]
    return [meta["name"], obj["spec"].get("holderIdentity", ""), age(meta.get("creationTimestamp"))]


def _namespace(obj: Object) -> list[Any]:
    meta = obj["metadata"]
    return [meta["name"], obj["status"].get("phase", ""), age(meta.get("creationTimestamp"))]


def _secret(obj: Object) -> list[Any]:
    meta = obj["metadata"]
    count = len(obj.get("data", {}))
    return [meta["name"], obj["type"], count, age(meta.get("creationTimestamp"))]


def _crd(obj: Object) -> list[Any]:
    return [obj["metadata"]["name"], obj["metadata"]["creationTimestamp"]]


# Columns after "/" only with -o wide; "#" marks integers.
BUILTIN: Final[dict[str, tuple[str, Cells]]] = {
    "services": ("Name Type Cluster-IP External-IP Port(s) Age / Selector", _service),
    "nodes": (
        "Name Status Roles Age Version / Internal-IP External-IP OS-Image Kernel-Version "
        "Container-Runtime",
        _node,
    ),
    "endpointslices": ("Name AddressType Ports Endpoints Age", _slice),
    "events": (
        "Last_Seen Type Reason Object / Subobject Source | Message / First_Seen #Count Name",
        _event,
    ),
    "leases": ("Name Holder Age", _lease),
    "namespaces": ("Name Status Age", _namespace),
    "secrets": ("Name Type #Data Age", _secret),
    "customresourcedefinitions": ("Name Created_At", _crd),
}  # fmt: skip


def _definitions(text: str) -> list[Object]:
    out, priority = [], 0
    for word in text.split():
        if word in "/|":
            priority = 1 if word == "/" else 0
            continue
        name = word.lstrip("#").replace("_", " ")
        out.append(_column(name, "integer" if word[0] == "#" else "string", priority))
    return out


def _column(name: str, kind: str, priority: int = 0, *, text: str = "", form: str = "") -> Object:
    form = "name" if name == "Name" else form
    return {
        "name": name, "type": kind, "format": form, "description": text, "priority": priority
    }  # fmt: skip


def columns(kind: Kind) -> list[Object]:
    if kind.builtin:
        return _definitions(BUILTIN[kind.plural][0])
    own = kind.columns or (AGE,)
    return [
        _column("Name", "string"),
        *(
            _column(
                c["name"], c["type"], c.get("priority", 0),
                text=c.get("description", ""), form=c.get("format", ""),
            )
            for c in own
        ),
    ]  # fmt: skip


def cells(kind: Kind, obj: Object) -> list[Any]:
    if kind.builtin:
        return BUILTIN[kind.plural][1](obj)
    own = kind.columns or (AGE,)
    return [obj["metadata"]["name"], *(_cell(c, obj) for c in own)]


def _cell(column: Any, obj: Object) -> Any:
    found = jsonpath.find(obj, column["jsonPath"])
    if not found or found[0] is None:
        return None
    value = found[0]  # only the first result, as the real server does
    if column["type"] == "date":
        return age(value if isinstance(value, str) else None)
    if column["type"] in ("integer", "number", "boolean"):
        return value
    if isinstance(value, dict | list | bool):
        return dumps(value)
    return str(value)


def table(
    kind: Kind, objects: list[Object], *, rv: str, include: str, headed: bool = True
) -> Object:
    """Return *objects* as a Table; *include* is the query's includeObject."""
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": rv},
        "columnDefinitions": columns(kind) if headed else None,
        "rows": [{"cells": cells(kind, obj), "object": _object(obj, include)} for obj in objects],
    }


def _object(obj: Object, include: str) -> Object | None:
    if include == "None":
        return None
    if include == "Object":
        return obj
    return partial(obj)


def partial(obj: Object) -> Object:
    head = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return head | {"metadata": obj["metadata"]}
