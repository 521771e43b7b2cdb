"""What `kubectl apply` would make of a cluster's objects, given files. Pure.

As there, a field that the file does not name stays unless the last apply named it, and
the file's own status and server-set metadata count for nothing.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from manager.inspect.cluster import flattened
from pointsman.model.timestamps import format_time

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
NAMESPACED: Final = ("Service", "EndpointSlice")
SET_BY_SERVER: Final = (
    "creationTimestamp", "deletionTimestamp", "generation", "managedFields", "resourceVersion",
    "uid",
)  # fmt: skip

Json = Mapping[str, Any]
Sourced = tuple[str, object]  # where an object comes from, and it


def applied(
    live: Iterable[object], documents: Iterable[Sourced], *, now: datetime
) -> list[Sourced]:
    """Return the live objects with *documents* applied in order.

    A new object is created *now*: it is the youngest, and loses what age decides. An object
    that cannot be read stays in the list, for its reader to complain.
    """
    known: dict[tuple[str, ...], Sourced] = {}
    unknown: list[Sourced] = []
    pairs = [("cluster", raw) for raw in live], documents
    for is_file, sources in zip((False, True), pairs, strict=True):
        for where, document in sources:
            for raw in flattened(document):
                key = _key(raw)
                if key is None or not isinstance(raw, Mapping):
                    unknown.append((where, raw))
                elif is_file:
                    before = known.get(key)
                    known[key] = where, _over(before[1] if before else None, raw, now)
                else:
                    known[key] = where, raw
    return [*known.values(), *unknown]


def _key(raw: object) -> tuple[str, ...] | None:
    meta = raw.get("metadata") if isinstance(raw, Mapping) else None
    if not isinstance(raw, Mapping) or not isinstance(meta, Mapping) or not meta.get("name"):
        return None
    kind = str(raw.get("kind"))
    namespace = str(meta.get("namespace") or "default") if kind in NAMESPACED else ""
    return str(raw.get("apiVersion")), kind, namespace, str(meta["name"])


def _over(live: object, raw: Json, now: datetime) -> Json:
    meta = {key: value for key, value in raw["metadata"].items() if key not in SET_BY_SERVER}
    wanted = {**{key: value for key, value in raw.items() if key != "status"}, "metadata": meta}
    if isinstance(live, Mapping):
        return _merged(live, wanted, _last_applied(live))
    created = {"creationTimestamp": format_time(now), "generation": 1}
    return {**wanted, "metadata": {**meta, **created}}


def _last_applied(live: Json) -> Json:
    """Return what the last `kubectl apply` said, or nothing if that was never or is unreadable."""
    try:
        last = json.loads(live["metadata"]["annotations"][LAST_APPLIED])
    except (KeyError, TypeError, ValueError):
        return {}
    return last if isinstance(last, Mapping) else {}


def _merged(live: Json, wanted: Json, before: Json) -> Json:
    result = {key: value for key, value in live.items() if key in wanted or key not in before}
    for key, value in wanted.items():
        inner = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(inner, Mapping):
            named = before.get(key)
            result[key] = _merged(inner, value, named if isinstance(named, Mapping) else {})
        else:
            result[key] = value
    return result
