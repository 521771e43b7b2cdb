"""JSON Schema (what pydantic writes) to a Kubernetes structural schema (what a CRD takes).

Structural means: every node has one type, and nothing of the shape hides in references,
unions or negations (kubernetes.io, "Extend the Kubernetes API with
CustomResourceDefinitions"). Whatever has no such form is refused, not approximated.
"""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

DROPPED = {"title", "$defs"}
# Keywords a node may have, in the order in which the CRD shows them.
KEPT = (
    "description", "type", "format", "default", "enum",
    "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum",
    "minLength", "maxLength", "pattern", "minItems", "maxItems", "minProperties", "maxProperties",
    "x-kubernetes-int-or-string", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-validations",
    "required", "properties", "items", "additionalProperties",
)  # fmt: skip
RULE = ("rule", "message", "messageExpression")
# Absent means the same to the models, and the API server would store these for nothing.
EMPTY: tuple[object, ...] = (None, "", [], {})


def structural(schema: Mapping[str, Any]) -> Schema:
    """Return *schema* with references inlined and optional fields reduced to their type.

    Raises:
        ValueError: the model uses something that has no structural form.
    """
    return _node(schema, schema.get("$defs", {}))


def _node(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Schema:
    schema = _resolved(schema, defs)
    found: Schema = {}
    for key, value in schema.items():
        if key in DROPPED or (key == "additionalProperties" and isinstance(value, bool)):
            continue
        if key == "default" and value in EMPTY and not isinstance(value, bool):
            continue
        found |= _keyword(key, _lean(value) if key == "default" else value, defs)
    if "type" not in found and "x-kubernetes-int-or-string" not in found:
        raise ValueError(f"a node without a type has no structural form: {dict(schema)}")
    unknown = sorted(found.keys() - set(KEPT))
    if unknown:
        raise ValueError(f"{', '.join(unknown)} has no structural form: {dict(schema)}")
    return {key: found[key] for key in KEPT if key in found}


def _lean(default: Any) -> Any:
    """Return a default without the fields whose own default is nothing."""
    if not isinstance(default, Mapping):
        return default
    lean = ((key, _lean(value)) for key, value in default.items())
    return {key: value for key, value in lean if isinstance(value, bool) or value not in EMPTY}


def _resolved(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return *schema* without $ref and without the null branch of an optional field."""
    if "$ref" in schema:
        target = defs[schema["$ref"].removeprefix("#/$defs/")]
        return _resolved(target | {k: v for k, v in schema.items() if k != "$ref"}, defs)
    if "anyOf" in schema:
        branches = [branch for branch in schema["anyOf"] if branch.get("type") != "null"]
        if len(branches) != 1:
            raise ValueError(f"a union has no structural form: {dict(schema)}")
        return _resolved(branches[0] | {k: v for k, v in schema.items() if k != "anyOf"}, defs)
    return schema


def _keyword(key: str, value: Any, defs: Mapping[str, Any]) -> Schema:
    match key:
        case "properties":
            return {key: {name: _node(sub, defs) for name, sub in value.items()}}
        case "items" | "additionalProperties":
            return {key: _node(value, defs)}
        case "x-kubernetes-validations":
            return {key: [{k: rule[k] for k in RULE if k in rule} for rule in value]}
        case "const":
            return {"enum": [value]}
        case "exclusiveMinimum" | "exclusiveMaximum":  # numbers there, booleans here
            return {key.removeprefix("exclusive").lower(): value, key: True}
        case _:
            return {key: value}
