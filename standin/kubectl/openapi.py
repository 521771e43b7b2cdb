"""`/openapi/v3`: enough for kubectl to apply with validation, and to explain.

Refuses v2 and protobuf; built-ins are described by their fields and types, without prose.
"""

import copy
import hashlib
from collections.abc import Iterable
from typing import Any, Final

from standin.grammar.gotypes import STRUCTS, Field
from standin.kinds.kind import Kind
from standin.store import encode

SCALARS: Final[dict[str, dict[str, Any]]] = {
    "str": {"type": "string"},
    "int": {"type": "integer", "format": "int32"},
    "bool": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
    "microtime": {"type": "string", "format": "date-time"},
    "bytes": {"type": "string", "format": "byte"},
    "intstr": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
    "any": {"x-kubernetes-preserve-unknown-fields": True},
}  # fmt: skip
HEAD: Final = {
    "apiVersion": {
        "type": "string",
        "description": "Version of the schema this object is written in.",
    },
    "kind": {"type": "string", "description": "What kind of object this is."},
}
META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


def index(kinds: Iterable[Kind]) -> dict[str, Any]:
    """Return the list of documents, one per group and version."""
    kinds = list(kinds)
    paths = {}
    for group, version in sorted({(k.group, k.version) for k in kinds}):
        name = f"apis/{group}/{version}" if group else f"api/{version}"
        digest = hashlib.sha256(encode(document(group, version, kinds))).hexdigest()[:32].upper()
        paths[name] = {"serverRelativeURL": f"/openapi/v3/{name}?hash={digest}"}
    return {"paths": paths}


def document(group: str, version: str, kinds: Iterable[Kind]) -> dict[str, Any]:
    """Return the OpenAPI document of one group and version."""
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for kind in kinds:
        if (kind.group, kind.version) != (group, version):
            continue
        name = _schema_name(kind)
        schemas[name] = _kind_schema(kind)
        root = f"/apis/{group}/{version}" if group else f"/api/{version}"
        where = f"{root}/namespaces/{{namespace}}" if kind.namespaced else root
        collection, single = f"{where}/{kind.plural}", f"{where}/{kind.plural}/{{name}}"
        paths[collection] = _operations(kind, name, {"get": "list", "post": "post"})
        each = {"get": "get", "put": "put", "patch": "patch", "delete": "delete"}
        paths[single] = _operations(kind, name, each)
        if kind.has_status:
            paths[f"{single}/status"] = _operations(kind, name, {"put": "put", "patch": "patch"})
    for struct, fields in STRUCTS.items():  # one flat name space serves every document
        schemas.setdefault(_struct_name(struct), _struct_schema(fields))
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.36.0"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _struct_name(struct: str) -> str:
    return META if struct == "ObjectMeta" else f"io.k8s.api.{struct}"


def _schema_name(kind: Kind) -> str:
    if kind.builtin:
        return _struct_name(kind.kind)
    return f"{'.'.join(reversed(kind.group.split('.')))}.{kind.version}.{kind.kind}"


def _gvk(kind: Kind) -> dict[str, str]:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _kind_schema(kind: Kind) -> dict[str, Any]:
    if kind.schema is None:
        schema = _struct_schema(STRUCTS[kind.kind])
        schema["properties"] |= HEAD | {"metadata": _ref(META)}
    else:
        schema = copy.deepcopy(dict(kind.schema))
        schema.setdefault("properties", {})
        schema["properties"] |= HEAD | {"metadata": _ref(META)}
    return schema | {"x-kubernetes-group-version-kind": [_gvk(kind)]}


def _ref(name: str) -> dict[str, Any]:
    return {"allOf": [{"$ref": f"#/components/schemas/{name}"}], "default": {}}


def _struct_schema(fields: dict[str, Field]) -> dict[str, Any]:
    return {"type": "object", "properties": {n: _field_schema(f) for n, f in fields.items()}}


def _field_schema(field: Field) -> dict[str, Any]:
    one: dict[str, Any]
    one = _ref(_struct_name(field.type)) if field.type in STRUCTS else dict(SCALARS[field.type])
    if field.shape == "map":
        return {"type": "object", "additionalProperties": one}
    if field.shape != "list":
        return one
    out: dict[str, Any] = {"type": "array", "items": one}
    if field.merge_key is not None:
        out["x-kubernetes-patch-strategy"] = "merge"
        if field.merge_key:
            out["x-kubernetes-patch-merge-key"] = field.merge_key
    return out


def _operations(kind: Kind, schema: str, actions: dict[str, str]) -> dict[str, Any]:
    return {method: _operation(kind, schema, action) for method, action in actions.items()}


def _operation(kind: Kind, schema: str, action: str) -> dict[str, Any]:
    body = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    out: dict[str, Any] = {
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": _gvk(kind),
        "responses": {"200": {"description": "OK", "content": body}},
    }
    if action in ("post", "put", "patch"):
        out["parameters"] = [
            {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
            for name in ("dryRun", "fieldManager", "fieldValidation")
        ]
        types = ["application/json-patch+json", "application/merge-patch+json"]
        if kind.builtin:
            types.append("application/strategic-merge-patch+json")
        wanted = body if action != "patch" else {t: {"schema": {"type": "object"}} for t in types}
        out["requestBody"] = {"content": wanted}
    return out
