"""CustomResourceDefinitions, and the kinds they declare.

A CRD is served as soon as it is stored. Refuses several stored versions, conversion, and
schemas that aren't structural; a rule whose function we don't have is refused with the CRD.
"""

import copy
from collections.abc import Mapping
from typing import Any, Final

from standin.crds.rule_compiler import compile_rules
from standin.crds.rules import RuleSet
from standin.crds.schema import apply_defaults, duplicates, prune, validate
from standin.grammar.errors import BLOCKING, FieldError, forbidden, invalid, not_supported, required
from standin.grammar.gotypes import Decoder
from standin.grammar.meta import now
from standin.kinds.kind import META_FIELDS, Kind, Object, Rules

GROUP: Final = "apiextensions.k8s.io"
PLURAL: Final = "customresourcedefinitions"
UNCHECKED: Final = (
    "some validation rules were not checked because the object was invalid; correct the existing "
    "errors to complete validation"
)
SCOPES: Final = ["Cluster", "Namespaced"]
TYPES: Final = ["array", "boolean", "integer", "number", "object", "string"]


class CustomRules(Rules):
    """A declared kind: its schema is the law."""

    generation = True

    def __init__(self, kind: str, version: str, schema: Mapping[str, Any], *, status: bool) -> None:
        super().__init__(kind, version)
        self._schema, self._has_status = schema, status
        self._rules: RuleSet = compile_rules(schema, "")[0]

    def decode(self, obj: Object) -> tuple[Object, list[str]]:
        out = copy.deepcopy(obj)
        decoder = Decoder(self._kind, self._version)
        out["metadata"] = decoder.metadata(out.get("metadata") or {})
        unknown = prune(out, self._schema, root=True)
        apply_defaults(out, self._schema)
        return out, decoder.unknown + unknown

    def create(self, new: Object) -> None:
        super().create(new)
        if self._has_status:
            new.pop("status", None)
            apply_defaults(new, self._schema)

    def update(self, new: Object, old: Object) -> None:
        if self._has_status:
            super().update(new, old)
        else:
            self.bump(new, old)

    def update_status(self, new: Object, old: Object) -> None:
        """Only `status` may change: metadata too is what it was."""
        status = new.get("status")
        new.clear()
        new.update(copy.deepcopy(old))
        new.pop("status", None)
        if status is not None:
            new["status"] = status

    def validate(self, new: Object, old: Object | None) -> list[FieldError]:
        before = old or {}
        body = {k: v for k, v in new.items() if k not in ("apiVersion", "kind", "metadata")}
        base = {k: v for k, v in before.items() if k not in ("apiVersion", "kind", "metadata")}
        faults = validate(body, self._schema, "", old=base or None)
        repeats = duplicates(body, self._schema, "")
        if repeats and not duplicates(base, self._schema, ""):
            faults += repeats
        if any(fault.type in BLOCKING for fault in faults):
            return [*faults, FieldError("Invalid", "<nil>", None, UNCHECKED)]
        return faults + self._rules.check(new, old)

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return self.validate(new, old)

    def bookmark(self) -> Object:
        return {}


class CrdRules(Rules):
    generation = True

    def decode(self, obj: Object) -> tuple[Object, list[str]]:
        out, unknown = super().decode(obj)
        if not out.get("apiVersion"):
            return out, unknown
        names = out["spec"]["names"]
        if names["kind"]:
            names.setdefault("singular", names["kind"].lower())
            names.setdefault("listKind", names["kind"] + "List")
        out["spec"].setdefault("conversion", {"strategy": "None"})
        out["spec"]["versions"] = _without_null_defaults(out["spec"]["versions"])
        return out, unknown

    def create(self, new: Object) -> None:
        super().create(new)
        new["status"] = _served(new["spec"])

    def update(self, new: Object, old: Object) -> None:
        super().update(new, old)
        new["status"]["acceptedNames"] = new["spec"]["names"]

    def validate(self, new: Object, old: Object | None) -> list[FieldError]:
        spec, faults = new["spec"], []
        name = f"{spec['names']['plural']}.{spec['group']}"
        if new["metadata"].get("name") != name:
            detail = 'must be spec.names.plural+"."+spec.group'
            faults.append(invalid("metadata.name", new["metadata"].get("name", ""), detail))
        faults += [
            required(path)
            for path, value in (
                ("spec.group", spec["group"]),
                ("spec.names.plural", spec["names"]["plural"]),
                ("spec.names.kind", spec["names"]["kind"]),
                ("spec.versions", spec["versions"]),
            )
            if not value
        ]
        if spec["scope"] not in SCOPES:
            faults.append(not_supported("spec.scope", spec["scope"], SCOPES))
        if old and spec["scope"] != old["spec"]["scope"]:
            faults.append(invalid("spec.scope", spec["scope"], "field is immutable"))
        stored = [v for v in spec["versions"] or [] if v["storage"]]
        if len(stored) != 1:
            detail = "must have exactly one version marked as storage version"
            faults.append(invalid("spec.versions", spec["versions"], detail))
        for n, version in enumerate(spec["versions"] or []):
            faults += _version_faults(version, f"spec.versions[{n}]")
        return faults


def _version_faults(version: Object, path: str) -> list[FieldError]:
    if version.get("schema") is None:
        return [required(f"{path}.schema", "schemas are required")]
    path += ".schema.openAPIV3Schema"
    root = version["schema"].get("openAPIV3Schema")
    if root is None:
        return [required(path, "schemas are required")]
    faults = _structural_faults(root, path)
    return faults or compile_rules(root, path)[1]


def _structural_faults(node: Any, path: str) -> list[FieldError]:
    """Return why *node* is no structural schema. Source: CRD documentation."""
    if not isinstance(node, dict):
        return [FieldError("TypeInvalid", path, node, "must be a schema")]
    faults: list[FieldError] = []
    loose = node.get("x-kubernetes-int-or-string") or node.get(
        "x-kubernetes-preserve-unknown-fields"
    )
    if not node.get("type") and not loose:
        faults.append(required(f"{path}.type", "must not be empty for specified object fields"))
    elif node.get("type") and node["type"] not in TYPES:
        faults.append(not_supported(f"{path}.type", node["type"], TYPES))
    if node.get("uniqueItems"):
        detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        faults.append(forbidden(f"{path}.uniqueItems", detail))
    if "default" in node:
        faults += _default_faults(node, f"{path}.default")
    faults += [
        forbidden(f"{path}.{name}", "no schema of this kind is evaluated by the stand-in")
        for name in ("allOf", "anyOf", "oneOf", "not")
        if name in node and not node.get("x-kubernetes-int-or-string")
    ]
    faults += [
        forbidden(f"{path}.{name}", f"{name} is not supported") for name in NEVER & node.keys()
    ]
    if node.get("properties") and node.get("additionalProperties"):
        faults.append(
            forbidden(
                f"{path}.additionalProperties",
                "additionalProperties and properties are mutual exclusive",
            )
        )
    if node.get("type") == "array" and "items" not in node:
        faults.append(required(f"{path}.items", "must be specified"))
    if node.get("x-kubernetes-list-type") == "map" and not node.get("x-kubernetes-list-map-keys"):
        detail = "must not be empty if x-kubernetes-list-type is map"
        faults.append(required(f"{path}.x-kubernetes-list-map-keys", detail))
    for key, sub in (node.get("properties") or {}).items():
        faults += _structural_faults(sub, f"{path}.properties[{key}]")
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            faults += _structural_faults(node[key], f"{path}.{key}")
    return faults


def _default_faults(node: Mapping[str, Any], path: str) -> list[FieldError]:
    default = node["default"]
    pruned = copy.deepcopy(default)
    if prune(pruned, node):
        return [invalid(path, default, "must not have unknown fields")]
    faults = validate(default, node, path)
    rules, broken = compile_rules(node, path)
    return faults if faults or broken else rules.check(default, None, path)


def _without_null_defaults(value: Any) -> Any:
    """Return *value* without `default: null`, which decoding loses on the real server too."""
    if isinstance(value, list):
        return [_without_null_defaults(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without_null_defaults(item)
        for key, item in value.items()
        if not (key == "default" and item is None)
    }


NEVER: Final = frozenset(
    ("$ref", "definitions", "dependencies", "patternProperties", "additionalItems", "const")
)


def _served(spec: Object) -> Object:
    at = now()
    accepted = {
        "type": "NamesAccepted",
        "status": "True",
        "lastTransitionTime": at,
        "reason": "NoConflicts",
        "message": "no conflicts found",
    }
    established = {
        "type": "Established",
        "status": "True",
        "lastTransitionTime": at,
        "reason": "InitialNamesAccepted",
        "message": "the initial names have been accepted",
    }
    versions = [v["name"] for v in spec["versions"] or [] if v["storage"]]
    return {
        "conditions": [accepted, established],
        "acceptedNames": spec["names"],
        "storedVersions": versions,
    }


def crd_kind() -> Kind:
    return Kind(
        GROUP,
        "v1",
        PLURAL,
        "CustomResourceDefinition",
        CrdRules("CustomResourceDefinition", "v1"),
        namespaced=False,
        singular="customresourcedefinition",
        short_names=("crd", "crds"),
        categories=("api-extensions",),
        has_status=True,
        unconditional_update=False,
    )


def declared(crd: Object) -> list[Kind]:
    """Return the kinds *crd* serves, one per served version."""
    spec = crd["spec"]
    names = spec["names"]
    return [
        Kind(
            spec["group"],
            version["name"],
            names["plural"],
            names["kind"],
            CustomRules(
                names["kind"],
                version["name"],
                version["schema"]["openAPIV3Schema"],
                status="status" in (version.get("subresources") or {}),
            ),
            namespaced=spec["scope"] == "Namespaced",
            singular=names["singular"],
            short_names=tuple(names.get("shortNames", [])),
            categories=tuple(names.get("categories", [])),
            has_status="status" in (version.get("subresources") or {}),
            selectable=META_FIELDS
            | {
                field["jsonPath"].lstrip("."): field["jsonPath"].lstrip(".")
                for field in version.get("selectableFields", [])
            },
            columns=tuple(version.get("additionalPrinterColumns", [])),
            schema=version["schema"]["openAPIV3Schema"],
            unconditional_update=False,
        )
        for version in spec["versions"]
        if version["served"]
    ]
