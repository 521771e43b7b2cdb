"""x-kubernetes-validations: CEL rules compiled with the CRD, evaluated on every write.

The evaluator is not cel-go: it doesn't check types. So what can be told from the text is told
when the CRD is created (syntax, unknown functions, variables and fields); a rule's cost is not
estimated. A rule that raises fails, and says what it raised.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import cel

from lab.api import cel_functions
from lab.api.errors import OMIT, FieldError, forbidden, invalid, not_supported, required
from lab.api.schema import item_key, keyed

Schema = Mapping[str, Any]


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
RESERVED: Final = words(
    "true false null in as break const continue else for function if import let loop package "
    "namespace return var void while"
)
HEAD: Final = ("apiVersion", "kind", "metadata")
REASONS: Final = {
    "FieldValueInvalid": "Invalid",
    "FieldValueForbidden": "Forbidden",
    "FieldValueRequired": "Required",
    "FieldValueDuplicate": "Duplicate",
}


# How the evaluator wraps what one of our functions raised.
RAISED: Final = re.compile(
    r"^Function '\w+' error: Python function call failed: \w+: (.*)\. Check function .*$", re.S
)
# It also logs it; but a rule that raises is the object's fault, and the client is told.
logging.getLogger("cel").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Rule:
    program: Any
    text: str
    message: str
    message_program: Any | None
    reason: str
    field_path: str
    transition: bool  # uses oldSelf: only judged where there is an old value


@dataclass(slots=True)
class RuleSet:
    """The rules of one schema node and of those below it."""

    schema: Schema
    rules: list[Rule] = field(default_factory=list)
    properties: dict[str, "RuleSet"] = field(default_factory=dict)
    items: "RuleSet | None" = None
    values: "RuleSet | None" = None

    @property
    def empty(self) -> bool:
        return not (self.rules or self.properties or self.items or self.values)

    def check(self, value: Any, old: Any) -> list[FieldError]:
        """Return the faults of a whole object; *old* is None when it is new."""
        return list(self._faults(value, old, ""))

    def _faults(self, value: Any, old: Any, path: str) -> Iterator[FieldError]:
        if value is None:
            return
        unchanged = old is not None and value == old
        for rule in self.rules:
            if rule.transition and old is None:
                continue
            fault = self._judge(rule, value, old, path)
            if fault and not (unchanged and not rule.transition):  # ratcheting
                yield fault
        dot = f"{path}." if path else ""
        if isinstance(value, dict):
            before = old if isinstance(old, dict) else {}
            for key, item in value.items():
                below = self.properties.get(key) or self.values
                if below:
                    yield from below._faults(item, before.get(key), f"{dot}{key}")
        elif isinstance(value, list) and self.items:
            found = keyed(old if isinstance(old, list) else [], self.schema)
            for n, item in enumerate(value):
                match = found.get(item_key(item, self.schema))
                yield from self.items._faults(item, match, f"{path}[{n}]")

    def _judge(self, rule: Rule, value: Any, old: Any, path: str) -> FieldError | None:
        names = {"self": escaped(value, self.schema)}
        if rule.transition:
            names["oldSelf"] = escaped(old, self.schema)
        context = cel.Context(variables=names, functions=cel_functions.FUNCTIONS)
        kind = str(self.schema.get("type", ""))
        try:
            outcome = rule.program.execute(context)
        except KeyError as error:
            return invalid(
                path, kind, f"no such key: {error.args[0]} evaluating rule: {_shown(rule)}"
            )
        except EVALUATION as error:
            why = RAISED.sub(r"\1", str(error))
            return invalid(path, kind, f"{why} evaluating rule: {_shown(rule)}")
        if outcome is True:
            return None
        detail = rule.message or f"failed rule: {rule.text}"
        if rule.message_program is not None:
            try:
                told = rule.message_program.execute(context)
            except EVALUATION:
                told = None
            if isinstance(told, str) and told.strip() and "\n" not in told.strip():
                detail = told.strip()
        where = f"{path}{rule.field_path}" if path else rule.field_path.lstrip(".")
        shown = OMIT if isinstance(value, dict | list) else value
        return FieldError(rule.reason, where, shown, detail if rule.reason != "Duplicate" else "")


# What evaluating may raise; custom functions' errors arrive as these too.
EVALUATION: Final = (RuntimeError, TypeError, ValueError, KeyError, IndexError, ArithmeticError)


def _shown(rule: Rule) -> str:
    return rule.message or rule.text


def escaped(value: Any, schema: Schema) -> Any:
    """Return *value* with property names as CEL sees them (`my-field` is `my__dash__field`)."""
    if isinstance(value, dict):
        properties, more = schema.get("properties", {}), schema.get("additionalProperties")
        out: dict[str, Any] = {}
        for key, item in value.items():
            below = properties.get(key, more if isinstance(more, Mapping) else {})
            out[key] = escaped(item, below)
            if key in properties and (name := escape(key)) != key:
                out[name] = out[key]
        return out
    if isinstance(value, list):
        return [escaped(item, schema.get("items", {})) for item in value]
    if schema.get("type") == "number" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def escape(name: str) -> str:
    if name in RESERVED:
        return f"__{name}__"
    for sign, word in (("__", "underscores"), (".", "dot"), ("-", "dash"), ("/", "slash")):
        name = name.replace(sign, f"__{word}__")
    return name


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
