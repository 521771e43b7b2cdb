"""x-kubernetes-validations at work: every write is judged by its kind's rules.

A rule that raises fails, and says what it raised. A fault in what a write leaves unchanged is
let through (ratcheting), as the real server does.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import cel

from standin.crds import cel_functions
from standin.crds.schema import item_key, keyed
from standin.grammar.errors import OMIT, FieldError, invalid

Schema = Mapping[str, Any]
RESERVED: Final = frozenset(
    [
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ]
)
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

    def check(self, value: Any, old: Any, path: str = "") -> list[FieldError]:
        """Return the faults of *value*, found at *path*; *old* is None when it is new."""
        return list(self._faults(value, old, path))

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
                if below := self.properties.get(key):
                    yield from below._faults(item, before.get(key), f"{dot}{key}")
                elif self.values:  # rules name a key of a map so; types and bounds don't
                    yield from self.values._faults(item, before.get(key), f"{path}[{key}]")
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
                computed = rule.message_program.execute(context)
            except EVALUATION:
                computed = None
            if isinstance(computed, str) and computed.strip() and "\n" not in computed.strip():
                detail = computed.strip()
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
