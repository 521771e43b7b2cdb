"""CEL rules compiled with their CRD.

The evaluator is not cel-go: it doesn't check types. So what can be told from the text is told
when the CRD is created (syntax, unknown functions, variables and fields); a rule's cost is not
estimated.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import cel

from standin.crds import cel_functions
from standin.crds.rules import Rule, RuleSet, Schema, escape
from standin.grammar.errors import FieldError, forbidden, invalid, not_supported, required


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# The standard library and macros of CEL that this evaluator and cel-go share.
STANDARD: Final = words(
    "size contains startsWith endsWith matches int uint double string bool bytes duration "
    "timestamp type dyn has all exists exists_one map filter getFullYear getMonth "
    "getDayOfMonth getHours getMinutes getSeconds"
)
TYPE_NAMES: Final = words("int uint double bool string bytes list map null_type type")
OPERATORS: Final = re.compile(r"[^A-Za-z]|@.*|_.*_")
BOUND: Final = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*(\w+)\s*,")
CHAIN: Final = re.compile(r"\b(?:self|oldSelf)((?:\.\w+)+)(\s*\()?")
QUOTED: Final = re.compile(r"""r?'(?:[^'\\]|\\.)*'|r?"(?:[^"\\]|\\.)*\"""")
HEAD: Final = ("apiVersion", "kind", "metadata")
REASONS: Final = {
    "FieldValueInvalid": "Invalid",
    "FieldValueForbidden": "Forbidden",
    "FieldValueRequired": "Required",
    "FieldValueDuplicate": "Duplicate",
}


def compile_rules(schema: Schema, path: str) -> tuple[RuleSet, list[FieldError]]:
    """Return the rules of *schema* and everything below, and why any can't be compiled."""
    out, faults = RuleSet(schema), []
    for n, given in enumerate(schema.get("x-kubernetes-validations") or []):
        below = f"{path}.x-kubernetes-validations[{n}]"
        rule, why = _compile(given, schema, below)
        faults += why
        if rule:
            out.rules.append(rule)
    for key, sub in (schema.get("properties") or {}).items():
        child, why = compile_rules(sub, f"{path}.properties[{key}]")
        faults += why
        if not child.empty:
            out.properties[key] = child
    for name, slot in (("items", "items"), ("additionalProperties", "values")):
        if isinstance(schema.get(name), Mapping):
            child, why = compile_rules(schema[name], f"{path}.{name}")
            faults += why
            if not child.empty:
                setattr(out, slot, child)
    return out, faults


def _compile(
    given: Mapping[str, Any], schema: Schema, path: str
) -> tuple[Rule | None, list[FieldError]]:
    text = str(given.get("rule", "")).strip()
    if not text:
        return None, [required(f"{path}.rule", "rule is not specified")]
    message = str(given.get("message", "")).strip()
    if "message" in given and not message:
        detail = "message must be non-empty if specified"
        return None, [invalid(f"{path}.message", given["message"], detail)]
    if "\n" in message:
        return None, [invalid(f"{path}.message", message, "message must not contain line breaks")]
    reason = given.get("reason", "FieldValueInvalid")
    if reason not in REASONS:
        return None, [not_supported(f"{path}.reason", reason, sorted(REASONS))]
    program, faults = _program(text, schema, f"{path}.rule")
    teller = None
    if given.get("messageExpression"):
        teller, more = _program(given["messageExpression"], schema, f"{path}.messageExpression")
        faults += more
    where = str(given.get("fieldPath", ""))
    if where and not _names_field(where, schema):
        detail = f"fieldPath must be a valid path: {where} does not refer to a valid field"
        faults.append(invalid(f"{path}.fieldPath", where, detail))
    if faults:
        return None, faults
    transition = "oldSelf" in program.variables()
    if transition and given.get("optionalOldSelf"):
        return None, [forbidden(f"{path}.optionalOldSelf", "not supported by the stand-in")]
    return Rule(program, text, message, teller, REASONS[reason], where, transition), []


def _program(text: str, schema: Schema, path: str) -> tuple[Any, list[FieldError]]:
    try:
        program = cel.compile(text)
    except ValueError as error:
        return None, [invalid(path, text, f"compilation failed: {error}")]
    bare = QUOTED.sub("''", text)
    bound = set(BOUND.findall(bare))
    known = STANDARD | cel_functions.FUNCTIONS.keys()
    whys = [
        f"undeclared reference to '{name}' (in container '')"
        for name in sorted(set(program.functions()))
        if not OPERATORS.match(name) and name not in known
    ]
    whys += [
        f"undeclared reference to '{name}' (in container '')"
        for name in sorted(set(program.variables()) - bound - TYPE_NAMES - {"self", "oldSelf"})
    ]
    whys += [f"undefined field '{name}'" for name in _undefined(bare, schema)]
    return program, [
        invalid(path, text, f"compilation failed: ERROR: <input>:1:1: {why}") for why in whys
    ]


def _undefined(text: str, schema: Schema) -> list[str]:
    """Return the fields that `self.a.b` chains name and the schema doesn't have."""
    out: list[str] = []
    for chain, call in CHAIN.findall(text):
        names = chain[1:].split(".")
        if call:
            names.pop()
        at: Any = schema
        for name in names:
            properties = at.get("properties") if isinstance(at, Mapping) else None
            if not properties:
                break
            by_name = {escape(key): sub for key, sub in properties.items()} | dict(properties)
            if name not in by_name and not (
                at is schema and name in ("metadata", "kind", "apiVersion")
            ):
                out.append(name)
                break
            at = by_name.get(name)
    return out


def _names_field(path: str, schema: Schema) -> bool:
    at: Any = schema
    for name in path.lstrip(".").split("."):
        at = (at.get("properties") or {}).get(name) if isinstance(at, Mapping) else None
        if at is None:
            return False
    return path.startswith(".")
