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
    wanted = _users(raw)
    meta = wanted["metadata"]
    if isinstance(live, Mapping):
        # kubectl keeps a note of its own there, so it never takes all annotations away.
        noted = {**meta, "annotations": meta.get("annotations") or {}}
        return _merged(live, {**wanted, "metadata": noted}, _last_applied(live))
    created = {"creationTimestamp": format_time(now), "generation": 1}
    return {**wanted, "metadata": {**meta, **created}}


def _users(raw: Json) -> dict[str, Any]:
    """Return *raw* without what only a server writes, whoever wrote it here."""
    found = {key: value for key, value in raw.items() if key != "status"}
    meta = raw.get("metadata")
    if isinstance(meta, Mapping):
        found["metadata"] = {key: one for key, one in meta.items() if key not in SET_BY_SERVER}
    return found


def _last_applied(live: Json) -> Json:
    """Return what the last `kubectl apply` said, or nothing if that was never or is unreadable.

    It may name a status and a time of creation, empty ones as a rule: neither goes with it.
    """
    try:
        last = json.loads(live["metadata"]["annotations"][LAST_APPLIED])
    except (KeyError, TypeError, ValueError, RecursionError):  # anybody may have written it
        return {}
    return _users(last) if isinstance(last, Mapping) else {}


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
