"""What an API server would refuse of an object that is about to be applied. Pure.

The words are the server's: types, bounds and names are judged by the code of the lab's API
server, which a contract suite compares with a real one; unknown fields are refused as
`kubectl apply` has them refused (fieldValidation: Strict). An object that bears a uid comes
from a server, perhaps a newer one, and is not judged again.
"""

import copy
import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from cli.source import annotations
from pointsman.api import crd
from pointsman.model.names import API_VERSION
from pointsman.model.printable import clipped, sentence
from standin.crds.schema import apply_defaults, duplicates, prune, validate
from standin.grammar.errors import FieldError
from standin.grammar.gotypes import RFC3339, STRUCTS, TOP, Field
from standin.grammar.meta import check_meta
from standin.kinds.service_checks import check_spec

Json = Mapping[str, Any]
BUILT_IN: Final = {  # kind → (apiVersion, which rule its name follows)
    "Service": ("v1", "1035"),
    "Node": ("v1", "subdomain"),
    "Namespace": ("v1", "label"),
    "Secret": ("v1", "subdomain"),
    "EndpointSlice": ("discovery.k8s.io/v1", "subdomain"),
}
OURS: Final = {kind.name: kind for kind in crd.KINDS}
KNOWN: Final = {name.lower(): name for name in (*BUILT_IN, *OURS)}
TYPES: Final = {"str": "string", "int": "integer", "bool": "boolean", "bytes": "string"}
NAMES: Final = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"),
                (list, "array"), (dict, "object"))  # fmt: skip
FAULT_LENGTH_MAX: Final = 600  # characters of one fault; some of the server's list a pattern
FAULTS_MAX: Final = 32  # of one object


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is wrong with one object: *refused* leaves it out, the rest is reported beside it."""

    refused: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()


def judge(raw: object, *, shortened: bool = False) -> Judgement:
    """Return what an API server says to *raw*, which is no list.

    *shortened*: it describes a cluster, rather than being about to be applied: required
    fields of built-in kinds that Pointsman doesn't look at may be missing, and a value that
    no server takes is reported while its object stays, for the planner's own verdict.
    """
    if not isinstance(raw, Mapping) or not raw:
        return Judgement()  # the reader says that it is no object
    missing = [f"{key} not set" for key in ("apiVersion", "kind") if not raw.get(key)]
    if missing:
        both = f"[{', '.join(missing)}]" if missing[1:] else missing[0]
        return Judgement((f"error validating data: {both}",))
    version, kind = raw["apiVersion"], raw["kind"]
    if not isinstance(version, str) or not isinstance(kind, str):
        return Judgement(tuple(_types(raw, Field("Top"), "")))
    known = KNOWN.get(kind.lower())
    if known is not None and known != kind:
        text = f'no matches for kind "{clipped(kind)}" in version "{clipped(version)}"'
        return Judgement((f'{text}; did you mean "{known}"?',))
    if kind in BUILT_IN and version == BUILT_IN[kind][0]:
        found = _built_in(raw, kind, shortened=shortened)
    elif kind in OURS and version == API_VERSION:
        found = _own(raw, kind, shortened=shortened)
    else:
        return Judgement()  # another's, or the reader says which version it should have
    return Judgement(_some(found.refused), _some((*found.reported, *annotations.strange(raw))))


def called(raw: object) -> str:
    """Return how people call an object: `Service default/web`, `Eip public`."""
    if not isinstance(raw, Mapping):
        return "object"
    meta = raw.get("metadata")
    names = [meta.get(key) for key in ("namespace", "name")] if isinstance(meta, Mapping) else []
    name = "/".join(clipped(str(one)) for one in names if one) or "(without a name)"
    return f"{clipped(str(raw.get('kind') or 'object'))} {name}"


def _some(faults: tuple[str, ...]) -> tuple[str, ...]:
    more = ("and further faults",) if len(faults) > FAULTS_MAX else ()
    return tuple(sentence(one, FAULT_LENGTH_MAX) for one in (*faults[:FAULTS_MAX], *more))


def _built_in(raw: Json, kind: str, *, shortened: bool) -> Judgement:
    struct = {name: one for name, one in STRUCTS[kind].items() if name != "status"}
    wrong = [
        *_types(raw.get("metadata"), Field("ObjectMeta"), "metadata"),
        *(
            fault
            for name, one in STRUCTS[kind].items()
            for fault in _shaped(raw.get(name), one, name)
        ),
    ]
    if wrong or _is_stored(raw):
        return Judgement(tuple(wrong))
    unknown = [
        # A status is a server's to write: applying one changes nothing, whatever is in it.
        *_unknown(raw, TOP | STRUCTS[kind] | {"status": Field("any")}, "", deep=False),
        *_unknown(raw.get("metadata"), STRUCTS["ObjectMeta"], "metadata"),
        *(u for name, one in struct.items() for u in _unknown_in(raw.get(name), one, name)),
    ]
    faults = _meta_faults(raw, BUILT_IN[kind][1])
    if kind == "Service":
        faults += [f for f in _service_faults(raw) if not (shortened and f.type == "Required")]
    return Judgement((*_strict(unknown), *map(_sentence, faults)))


@cache
def _schema(kind: str) -> dict[str, Any]:
    """Return the schema of a kind of ours: made once, as it takes a while, and never changed."""
    versions: list[dict[str, Any]] = crd.definition(OURS[kind])["spec"]["versions"]
    schema: dict[str, Any] = versions[0]["schema"]["openAPIV3Schema"]
    return schema


def _own(raw: Json, kind: str, *, shortened: bool) -> Judgement:
    schema = _schema(kind)
    wrong = list(_types(raw.get("metadata"), Field("ObjectMeta"), "metadata"))
    if wrong:
        return Judgement(tuple(wrong))
    value = copy.deepcopy({key: one for key, one in raw.items() if key != "status"})
    unknown: list[tuple[str, tuple[str, ...]]] = []
    if not _is_stored(raw):
        dropped = prune(value, schema, root=True)
        unknown = [(path, _siblings(schema, path)) for path in dropped]
        unknown += _unknown(raw.get("metadata"), STRUCTS["ObjectMeta"], "metadata")
    apply_defaults(value, schema)
    faults = [] if _is_stored(raw) else _meta_faults(raw, "subdomain")
    values = validate(value, schema, "") + duplicates(value, schema, "")
    rules = () if values or not isinstance(value.get("spec"), dict) else _rules(kind, value)
    reported = (*map(_sentence, values), *rules)
    refused = (*_strict(unknown), *map(_sentence, faults))
    return Judgement(refused, reported) if shortened else Judgement((*refused, *reported))


def _rules(kind: str, value: Json) -> tuple[str, ...]:
    """Return what the model's own rules say (CEL, at the server)."""
    from pointsman.api import parse

    _, fault = parse(OURS[kind].spec, value["spec"])
    return (fault,) if fault else ()


def _is_stored(raw: Json) -> bool:
    meta = raw.get("metadata")
    return isinstance(meta, Mapping) and bool(meta.get("uid"))


def _meta_faults(raw: Json, rule: str) -> list[FieldError]:
    meta = raw.get("metadata")
    if not isinstance(meta, Mapping) or not meta.get("name"):
        return []  # the reader says it
    full = {key: one for key, one in meta.items() if one is not None}
    full["ownerReferences"] = []  # of no interest here, and often shortened
    for field in ("labels", "annotations"):  # a server takes null for no text (Go's JSON)
        texts = full.get(field, {})
        full[field] = {key: "" if one is None else one for key, one in texts.items()}
    return check_meta(full, rule)


def _service_faults(raw: Json) -> list[FieldError]:
    spec = _without_nulls(raw.get("spec") or {})
    spec.setdefault("type", "ClusterIP")
    if "ports" in spec:
        spec["ports"] = [port or {} for port in spec["ports"]]
    for port in spec.get("ports", []):
        port.setdefault("protocol", "TCP")
        port.setdefault("port", 0)
    return check_spec(spec)


def _without_nulls(value: Any) -> Any:
    """Return *value* without fields that are null; an item that is null is empty text."""
    if isinstance(value, Mapping):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return ["" if one is None else _without_nulls(one) for one in value]
    return value


def _types(value: Any, spec: Field, path: str) -> Iterator[str]:
    """Yield every value below that is of another JSON type than its field."""
    if value is None or spec.type == "any":
        return
    if spec.type in STRUCTS or spec.type == "Top":
        if not isinstance(value, Mapping):
            yield _mismatch(value, "object", path)
            return
        for name, one in STRUCTS.get(spec.type, TOP).items():
            yield from _shaped(value.get(name), one, f"{path}.{name}" if path else name)
    elif spec.type == "intstr":
        if isinstance(value, bool) or not isinstance(value, int | str):
            yield _mismatch(value, "integer,string", path)
    elif spec.type in ("time", "microtime"):
        if not isinstance(value, str) or not RFC3339.fullmatch(value):
            yield _mismatch(value, "date-time", path)
    elif not isinstance(value, {"integer": int, "boolean": bool}.get(TYPES[spec.type], str)) or (
        TYPES[spec.type] == "integer" and isinstance(value, bool)
    ):
        yield _mismatch(value, TYPES[spec.type], path)


def _shaped(value: Any, spec: Field, path: str) -> Iterator[str]:
    if value is None:
        return
    if spec.shape == "list":
        if not isinstance(value, list):
            yield _mismatch(value, "array", path)
            return
        for at, item in enumerate(value):
            yield from _types(item, spec, f"{path}[{at}]")
    elif spec.shape == "map":
        if not isinstance(value, Mapping):
            yield _mismatch(value, "object", path)
            return
        for key, item in value.items():
            yield from _types(item, spec, f"{path}.{clipped(str(key))}")
    else:
        yield from _types(value, spec, path)


def _mismatch(value: Any, wanted: str, path: str) -> str:
    found = next((name for kind, name in NAMES if isinstance(value, kind)), "null")
    return f'{path}: Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"'


Unknown = tuple[str, tuple[str, ...]]  # a path, and what its last part could have been


def _unknown(
    value: Any, struct: Mapping[str, Field], path: str, *, deep: bool = True
) -> Iterator[Unknown]:
    """Yield the fields below that no server of this version knows."""
    if not isinstance(value, Mapping):
        return
    for name, item in value.items():
        below = f"{path}.{name}" if path else str(name)
        if name not in struct:
            yield below, tuple(struct)
        elif deep:
            yield from _unknown_in(item, struct[name], below)


def _unknown_in(value: Any, spec: Field, path: str) -> Iterator[Unknown]:
    if spec.type not in STRUCTS:
        return
    if spec.shape == "list" and isinstance(value, list):
        for at, item in enumerate(value):
            yield from _unknown(item, STRUCTS[spec.type], f"{path}[{at}]")
    elif spec.shape == "one":
        yield from _unknown(value, STRUCTS[spec.type], path)


def _siblings(schema: Json, path: str) -> tuple[str, ...]:
    """Return the fields that stand where *path*, which is unknown, was written."""
    at: Json = schema
    for part in re.sub(r"\[\d+\]", "", path).split(".")[:-1]:
        at = at.get("properties", {}).get(part, at.get("additionalProperties") or {})
        at = at.get("items", at)
    return tuple(at.get("properties", ()))


def _strict(unknown: list[Unknown]) -> tuple[str, ...]:
    """Return the server's sentence for each, and the field that was probably meant."""
    sentences = []
    for path, known in unknown:
        name = path.rpartition(".")[2]
        likely = difflib.get_close_matches(name[:64], known, 1)
        likely += [one for one in known if len(name) > 1 and one.startswith(name)]
        mend = f"; did you mean {likely[0]}?" if likely else ""
        sentences.append(f'strict decoding error: unknown field "{clipped(path, 200)}"{mend}')
    return tuple(sentences)


def _sentence(fault: FieldError) -> str:
    short = replace(fault, value=clipped(fault.value)) if isinstance(fault.value, str) else fault
    return str(short)
