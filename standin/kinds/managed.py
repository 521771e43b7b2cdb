"""managedFields: who wrote what, last; of the oldest writers only that there were some.

A plain record of Update operations: maps are followed, lists are one field (the real server
follows keyed lists too). Refuses server-side apply, hence records no Apply operation.
"""

from typing import Any

from standin.grammar.meta import now

Path = tuple[str, ...]
OWNABLE_META = ("annotations", "finalizers", "labels", "ownerReferences")
MISSING = object()
WRITERS_MAX = 10  # of which a server tells apart who updated an object
OLDEST = "ancient-changes"  # the rest, merged
FORGET: list[dict[str, Any]] = [{}]  # written as managedFields: forget them all


def record(
    new: dict[str, Any], old: dict[str, Any] | None, *, manager: str, subresource: str
) -> None:
    """Note in *new*'s metadata that *manager* wrote what differs from *old*."""
    before, after = _leaves(old or {}), _leaves(new)
    changed = {p for p, v in after.items() if before.get(p, MISSING) != v}
    gone = before.keys() - after.keys()
    entries: list[dict[str, Any]] = []
    own: dict[str, Any] | None = None
    for entry in (old or {}).get("metadata", {}).get("managedFields", []):
        mine = entry["manager"] == manager and entry.get("subresource", "") == subresource
        owned = _paths(entry["fieldsV1"], ()) - gone
        owned = owned | changed if mine else owned - changed
        if owned:
            entry = entry | {"fieldsV1": _nest(owned)}
            entries.append(entry)
            own = entry if mine else own
    if own is not None:
        own |= {"time": now(), "apiVersion": new["apiVersion"]}
    elif changed:
        entries.append(_entry(manager, subresource, new["apiVersion"], changed))
    _merge_oldest(entries)
    new["metadata"]["managedFields"] = entries
    if not entries:
        del new["metadata"]["managedFields"]


def _merge_oldest(entries: list[dict[str, Any]]) -> None:
    """Keep to ten writers: the oldest become one, of no name and no subresource."""
    while len(entries) > WRITERS_MAX:
        oldest = sorted(entries, key=lambda e: (e["time"], e["manager"], e.get("subresource", "")))
        first = next((e for e in oldest if e["manager"] == OLDEST), oldest[0])
        second = next(e for e in oldest if e is not first)
        paths = _paths(first["fieldsV1"], ()) | _paths(second["fieldsV1"], ())
        merged = _entry(OLDEST, "", second["apiVersion"], paths) | {"time": second["time"]}
        entries[:] = [merged, *(e for e in entries if e is not first and e is not second)]


def _entry(manager: str, subresource: str, version: str, paths: set[Path]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "manager": manager,
        "operation": "Update",
        "apiVersion": version,
        "time": now(),
        "fieldsType": "FieldsV1",
        "fieldsV1": _nest(paths),
    }
    return entry | {"subresource": subresource} if subresource else entry


def _leaves(obj: dict[str, Any]) -> dict[Path, Any]:
    out: dict[Path, Any] = {}
    meta = obj.get("metadata", {})
    _walk({k: meta[k] for k in OWNABLE_META if k in meta}, ("f:metadata",), out)
    rest = {k: v for k, v in obj.items() if k not in ("metadata", "apiVersion", "kind")}
    _walk(rest, (), out)
    return out


def _walk(value: Any, path: Path, out: dict[Path, Any]) -> None:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            _walk(item, (*path, f"f:{key}"), out)
    elif path and value != {}:
        out[path] = value


def _paths(tree: dict[str, Any], path: Path) -> set[Path]:
    out: set[Path] = set()
    for key, sub in tree.items():
        out |= _paths(sub, (*path, key)) if sub else {(*path, key)}
    return out


def _nest(paths: set[Path]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        node = tree
        for key in path:
            node = node.setdefault(key, {})
    return tree
