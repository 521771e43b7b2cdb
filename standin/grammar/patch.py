"""The three patches an API server takes, as pure functions over JSON.

Merge patch (RFC 7396), JSON patch (RFC 6902) and Kubernetes' strategic merge. Server-side apply
is refused, with the 415 an honest server without it would give.
"""

import copy
from collections.abc import Mapping
from typing import Any, Final

from standin.grammar.errors import ApiError, bad_request
from standin.grammar.gotypes import STRUCTS, Field, Struct

MERGE: Final = "application/merge-patch+json"
JSON: Final = "application/json-patch+json"
STRATEGIC: Final = "application/strategic-merge-patch+json"

Json = Any


def merge_patch(target: Json, patch: Json) -> Json:
    """Return *target* with *patch* laid over it; null removes. Source: RFC 7396 section 2."""
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merge_patch(out.get(key), value)
    return out


def json_patch(target: Json, operations: Json) -> Json:
    """Return *target* after every operation, all or none. Source: RFC 6902 section 4.

    Raises:
        ApiError: 400, not a list of operations; 422, one can't be carried out.
    """
    if not isinstance(operations, list) or not all(isinstance(o, dict) for o in operations):
        raise bad_request("error decoding patch: a JSON patch is a list of operations")
    doc = copy.deepcopy(target)
    for operation in operations:
        try:
            doc = _operate(doc, operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise _rejected() from error
    return doc


def _rejected() -> ApiError:
    message = "the server rejected our request due to an error in our request"
    return ApiError(422, "Invalid", message)


def _operate(doc: Json, operation: Mapping[str, Any]) -> Json:
    op, path = operation["op"], _pointer(operation["path"])
    if op == "test":
        if _get(doc, path) != operation.get("value"):
            raise ValueError(f"test of {operation['path']} failed")
        return doc
    if op in ("move", "copy"):
        source = _pointer(operation["from"])
        value = copy.deepcopy(_get(doc, source))
        doc = _remove(doc, source) if op == "move" else doc
        return _add(doc, path, value)
    if op == "remove":
        return _remove(doc, path)
    if op == "replace":
        _get(doc, path)
        if not path:
            return operation["value"]
        parent = _get(doc, path[:-1])
        parent[_index(parent, path[-1])] = operation["value"]
        return doc
    if op == "add":
        return _add(doc, path, operation["value"])
    raise ValueError(f"unknown operation {op!r}")


def _pointer(text: str) -> list[str]:
    if text and not text.startswith("/"):
        raise ValueError(f"{text!r} is not a JSON pointer")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _index(parent: Json, key: str) -> Any:
    return int(key) if isinstance(parent, list) else key


def _get(doc: Json, path: list[str]) -> Json:
    for key in path:
        doc = doc[_index(doc, key)]
    return doc


def _remove(doc: Json, path: list[str]) -> Json:
    parent = _get(doc, path[:-1])
    del parent[_index(parent, path[-1])]
    return doc


def _add(doc: Json, path: list[str], value: Json) -> Json:
    if not path:
        return value
    parent = _get(doc, path[:-1])
    if not isinstance(parent, list):
        parent[path[-1]] = value
        return doc
    place = len(parent) if path[-1] == "-" else int(path[-1])
    if not 0 <= place <= len(parent):
        raise IndexError(place)
    parent.insert(place, value)
    return doc


ANY: Final = Field("any")


def strategic_merge(target: Mapping[str, Any], patch: Mapping[str, Any], struct: Struct) -> Any:
    """Return *target* merged with *patch* by the rules of *struct*'s lists.

    Source: Kubernetes API conventions, "Strategic Merge Patch"; its directives `$patch`,
    `$retainKeys`, `$setElementOrder/f` and `$deleteFromPrimitiveList/f`.
    """
    directive = patch.get("$patch")
    if directive == "replace":
        return _plain(patch)
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise bad_request(f"Unknown patch type '{directive}' found in map")
    out = dict(target)
    if "$retainKeys" in patch:
        out = {k: v for k, v in out.items() if k in patch["$retainKeys"]}
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            out.pop(key, None)
            continue
        spec = struct.get(key, ANY)
        order = patch.get(f"$setElementOrder/{key}")
        out[key] = _merged(out.get(key), value, spec, order=order)
    for key, value in patch.items():
        kind, _, name = key.partition("/")
        if kind == "$deleteFromPrimitiveList":
            out[name] = [item for item in out.get(name) or [] if item not in value]
        elif kind == "$setElementOrder" and name not in patch and out.get(name):
            out[name] = _ordered(out[name], value, struct.get(name, ANY).merge_key or "")
    return out


def _merged(old: Json, new: Json, spec: Field, *, order: list[Any] | None) -> Json:
    if isinstance(new, dict):
        if spec.shape == "map":
            return strategic_merge(old if isinstance(old, dict) else {}, new, {})
        return strategic_merge(
            old if isinstance(old, dict) else {}, new, STRUCTS.get(spec.type, {})
        )
    if not isinstance(new, list) or spec.merge_key is None:
        return _plain(new)
    merged = _merge_list(old if isinstance(old, list) else [], new, spec)
    return _ordered(merged, order, spec.merge_key) if order else merged


def _merge_list(old: list[Any], new: list[Any], spec: Field) -> list[Any]:
    if not spec.merge_key:
        return old + [item for item in new if item not in old]
    key = spec.merge_key
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in new):
        return [_plain(item) for item in new if item.get("$patch") != "replace"]
    struct = STRUCTS.get(spec.type, {})
    out = list(old)
    for item in new:
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        at = next((n for n, o in enumerate(out) if o.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            out = [o for o in out if o.get(key) != item[key]]
        elif at is None:
            out.append(strategic_merge({}, item, struct))
        else:
            out[at] = strategic_merge(out[at], item, struct)
    return out


def _ordered(items: list[Any], order: list[Any], key: str) -> list[Any]:
    """Return *items* with those named by *order* in that order; others keep their place."""

    def identity(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, dict) else item

    wanted = [identity(entry) for entry in order]
    named = sorted(
        (i for i in items if identity(i) in wanted), key=lambda i: wanted.index(identity(i))
    )
    others = [(n, i) for n, i in enumerate(items) if identity(i) not in wanted]
    for place, item in others:
        named.insert(min(place, len(named)), item)
    return named


def _plain(value: Json) -> Json:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if not k.startswith("$") and v is not None}
    return value
