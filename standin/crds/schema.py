"""A CRD's structural schema at work: prune, default, validate.

Messages are those of the API server's own validator. Rules (CEL) are `rules.py`'s. Refuses
constructs no structural schema of ours needs: allOf, anyOf, oneOf and not are accepted in a CRD
only beside `x-kubernetes-int-or-string`, and never evaluated.
"""

import copy
import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from standin.grammar.errors import FieldError, dumps, invalid, not_supported, required
from standin.grammar.gotypes import RFC3339

Schema = Mapping[str, Any]
TYPES: Final[dict[str, Callable[[Any], bool]]] = {
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: (
        not isinstance(v, bool) and (isinstance(v, int) or (isinstance(v, float) and v == int(v)))
    ),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
}


def _ip(version: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            return "%" not in text and ipaddress.ip_address(text).version == version
        except ValueError:
            return False

    return check


def _cidr(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


UUID: Final = r"(?i)[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}"
MAC: Final = r"(?i)[0-9a-f]{2}([:-][0-9a-f]{2}){5}"
# Formats the server checks; any other is documentation.
FORMATS: Final[dict[str, Callable[[str], bool]]] = {
    "ipv4": _ip(4),
    "ipv6": _ip(6),
    "cidr": _cidr,
    "date-time": lambda t: RFC3339.fullmatch(t) is not None,
    "uuid": lambda t: re.fullmatch(UUID, t) is not None,
    "mac": lambda t: re.fullmatch(MAC, t) is not None,
}
INT_RANGES: Final = {"int32": 2**31, "int64": 2**63}


def prune(value: Any, schema: Schema, path: str = "", *, root: bool = False) -> list[str]:
    """Drop from *value* what *schema* doesn't name; return the dropped fields' paths.

    Source: CustomResourceDefinition documentation, "Field pruning".
    """
    if schema.get("x-kubernetes-preserve-unknown-fields") and "properties" not in schema:
        return []
    dropped: list[str] = []
    if isinstance(value, list) and "items" in schema:
        for n, item in enumerate(value):
            dropped += prune(item, schema["items"], f"{path}[{n}]")
    if not isinstance(value, dict):
        return dropped
    properties, more = schema.get("properties", {}), schema.get("additionalProperties")
    for key in list(value):
        below = f"{path}.{key}" if path else key
        if root and key in ("apiVersion", "kind", "metadata"):
            continue
        if key in properties:
            dropped += prune(value[key], properties[key], below)
        elif isinstance(more, Mapping):
            dropped += prune(value[key], more, below)
        elif not more and not schema.get("x-kubernetes-preserve-unknown-fields"):
            del value[key]
            dropped.append(below)
    return dropped


def apply_defaults(value: Any, schema: Schema) -> None:
    """Fill in defaults below *value*; a null that isn't allowed counts as absent."""
    if isinstance(value, list):
        for item in value:
            apply_defaults(item, schema.get("items", {}))
        return
    if not isinstance(value, dict):
        return
    properties, more = schema.get("properties", {}), schema.get("additionalProperties")
    for key, sub in properties.items():
        if value.get(key) is None and not (key in value and sub.get("nullable")):
            value.pop(key, None)
            if "default" in sub:
                value[key] = copy.deepcopy(sub["default"])
        if key in value:
            apply_defaults(value[key], sub)
    if isinstance(more, Mapping):
        for key, item in list(value.items()):
            if item is None and not more.get("nullable"):
                if "default" not in more:
                    del value[key]
                    continue
                value[key] = item = copy.deepcopy(more["default"])
            apply_defaults(item, more)


def validate(value: Any, schema: Schema, path: str, *, old: Any = None) -> list[FieldError]:
    """Return every fault of *value*; a value equal to *old* is let through (ratcheting)."""
    if old is not None and value == old:
        return []
    if value is None and schema.get("nullable"):
        return []
    if fault := _type_fault(value, schema, path):
        return [fault]
    faults: list[FieldError] = []
    if isinstance(value, str):
        faults = _string(value, schema, path)
    elif isinstance(value, dict):
        faults = _object(value, schema, path, old if isinstance(old, dict) else {})
    elif isinstance(value, list):
        faults = _list(value, schema, path, old if isinstance(old, list) else [])
    elif not isinstance(value, bool) and value is not None:
        faults = _number(value, schema, path)
    if "enum" in schema and value not in schema["enum"]:
        listed = [v if isinstance(v, str) else dumps(v) for v in schema["enum"]]
        faults.append(not_supported(path, value, listed))
    return faults


def _type_fault(value: Any, schema: Schema, path: str) -> FieldError | None:
    wanted = "integer,string" if schema.get("x-kubernetes-int-or-string") else schema.get("type")
    if not wanted or any(TYPES[t](value) for t in wanted.split(",")):
        return None
    got = next((name for name, test in TYPES.items() if test(value)), "null")
    text = f'{path} in body must be of type {wanted}: "{got}"'
    return FieldError("TypeInvalid", path, got, text)


def _string(value: str, schema: Schema, path: str) -> list[FieldError]:
    faults: list[FieldError] = []
    longest, shortest = schema.get("maxLength"), schema.get("minLength", 0)
    if longest is not None and len(value) > longest:
        unit = "byte" if longest == 1 else "bytes"
        faults.append(FieldError("TooLong", path, detail=f"may not be more than {longest} {unit}"))
    if len(value) < shortest:
        text = f"{path} in body should be at least {shortest} chars long"
        faults.append(invalid(path, value, text))
    if "pattern" in schema and not re.search(schema["pattern"], value):
        text = f"{path} in body should match '{schema['pattern']}'"
        faults.append(invalid(path, value, text))
    known = FORMATS.get(schema.get("format", ""))
    if known and not known(value):
        text = f"{path} in body must be of type {schema['format']}: {dumps(value)}"
        faults.append(FieldError("TypeInvalid", path, value, text))
    return faults


def _number(value: float, schema: Schema, path: str) -> list[FieldError]:
    faults: list[FieldError] = []
    low, high = schema.get("minimum"), schema.get("maximum")
    if high is not None:
        exclusive = schema.get("exclusiveMaximum", False)
        if value > high or (exclusive and value == high):
            words = "less than" if exclusive else "less than or equal to"
            faults.append(invalid(path, value, f"{path} in body should be {words} {_plain(high)}"))
    if low is not None:
        exclusive = schema.get("exclusiveMinimum", False)
        if value < low or (exclusive and value == low):
            words = "greater than" if exclusive else "greater than or equal to"
            faults.append(invalid(path, value, f"{path} in body should be {words} {_plain(low)}"))
    if "multipleOf" in schema and value % schema["multipleOf"]:
        text = f"{path} in body should be a multiple of {_plain(schema['multipleOf'])}"
        faults.append(invalid(path, value, text))
    span = INT_RANGES.get(schema.get("format", ""))
    if span and not -span <= value < span:
        faults.append(invalid(path, value, f"Checked value must be of type {schema['format']}"))
    return faults


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def _object(
    value: dict[str, Any], schema: Schema, path: str, old: Mapping[str, Any]
) -> list[FieldError]:
    dot = f"{path}." if path else ""
    faults = [required(f"{dot}{key}") for key in schema.get("required", []) if key not in value]
    most, least = schema.get("maxProperties"), schema.get("minProperties", 0)
    if most is not None and len(value) > most:
        faults.append(_too_many(path, len(value), most))
    if len(value) < least:
        text = f"{path} in body should have at least {least} properties"
        faults.append(invalid(path, len(value), text))
    properties, more = schema.get("properties", {}), schema.get("additionalProperties")
    for key, item in value.items():
        sub = properties.get(key, more)
        if isinstance(sub, Mapping):
            faults += validate(item, sub, f"{dot}{key}", old=old.get(key))
    return faults


def _list(value: list[Any], schema: Schema, path: str, old: list[Any]) -> list[FieldError]:
    faults: list[FieldError] = []
    most, least = schema.get("maxItems"), schema.get("minItems", 0)
    if most is not None and len(value) > most:
        faults.append(_too_many(path, len(value), most))
    if len(value) < least:
        text = f"{path} in body should have at least {least} items"
        faults.append(invalid(path, len(value), text))
    before = keyed(old, schema)
    for n, item in enumerate(value):
        match = before.get(item_key(item, schema))
        faults += validate(item, schema.get("items", {}), f"{path}[{n}]", old=match)
    return faults


def _too_many(path: str, count: int, most: int) -> FieldError:
    unit = "item" if most == 1 else "items"
    return FieldError("TooMany", path, count, f"must have at most {most} {unit}")


def item_key(item: Any, schema: Schema) -> str:
    """Return what identifies *item* in its list; empty when the list has no identity."""
    kind = schema.get("x-kubernetes-list-type")
    if kind == "map" and isinstance(item, dict):
        keys = schema["x-kubernetes-list-map-keys"]
        return dumps({key: item[key] for key in keys if key in item})
    return dumps(item) if kind == "set" else ""


def keyed(items: list[Any], schema: Schema) -> dict[str, Any]:
    out = {item_key(item, schema): item for item in items}
    out.pop("", None)
    return out


def duplicates(value: Any, schema: Schema, path: str) -> list[FieldError]:
    """Return the repeats in lists of type set and map."""
    if isinstance(value, dict):
        properties, more = schema.get("properties", {}), schema.get("additionalProperties")
        dot = f"{path}." if path else ""
        return [
            fault
            for key, item in value.items()
            if isinstance(sub := properties.get(key, more), Mapping)
            for fault in duplicates(item, sub, f"{dot}{key}")
        ]
    faults: list[FieldError] = []
    if isinstance(value, list):
        seen: dict[str, int] = {}
        for n, item in enumerate(value):
            key = item_key(item, schema)
            seen[key] = seen.get(key, 0) + 1
            if key and seen[key] == 2:  # told once, at its second place
                keys = schema.get("x-kubernetes-list-map-keys", [])
                shown = {k: item[k] for k in keys if k in item} if keys else item
                faults.append(FieldError("Duplicate", f"{path}[{n}]", shown))
        for n, item in enumerate(value):
            faults += duplicates(item, schema.get("items", {}), f"{path}[{n}]")
    return faults
