"""From what an API object says to a model, or to the one sentence that says why not.

The sentence is the one that `kubectl apply` would have printed: the API server's own
words for types, bounds and enums, ours for rules. It refuses to guess: an object with
one wrong field is not read at all.
"""

import json
import re
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pointsman.api.base import ApiModel
from pointsman.model.nesting import depth_exceeds
from pointsman.model.printable import clipped

Model = TypeVar("Model", bound=ApiModel)

JSON_TYPES: Mapping[type, str] = {
    bool: "boolean", int: "integer", float: "number", str: "string",
    list: "array", dict: "object", type(None): "null",
}  # fmt: skip
EXPECTED = {
    "bool_type": "boolean",
    "int_type": "integer",
    "string_type": "string",
    "tuple_type": "array",
    "dict_type": "object",
    "mapping_type": "object",
    "model_type": "object",
    "model_attributes_type": "object",
}
DEEPEST = 32  # levels of a spec or a status; ours have six
QUOTED_WORD = re.compile(r"'([^']*)'")


def parse(model: type[Model], raw: object, *, at: str = "spec") -> tuple[Model | None, str]:
    """Return (the parsed *raw*, "") or (None, the sentence about its first fault).

    *raw* is the JSON value at the path *at* of an object, None where it is absent.
    """
    if depth_exceeds(raw, DEEPEST):
        return None, f"{at}: Invalid value: nested deeper than {DEEPEST} levels"
    value = {} if raw is None else _without_nulls(raw)
    try:
        return model.model_validate(value, by_alias=True, by_name=False), ""
    except ValidationError as error:
        if raw is None:
            return None, f"{at}: Required value"
        return None, _sentence(error.errors()[0], at, model)


def _without_nulls(value: object) -> object:
    # The API server prunes a null where the schema has a default; elsewhere null and
    # absent mean the same to us.
    if isinstance(value, Mapping):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _sentence(error: ErrorDetails, at: str, model: type[ApiModel]) -> str:
    path = at + _path(error, model)
    context: Mapping[str, Any] = error.get("ctx", {})
    if error["type"] == "duplicate":
        path += f"[{context['index']}]"
    return f"{path}: {_detail(error, path, context)}"


def _path(error: ErrorDetails, model: Any) -> str:
    """Return where the fault is below *model*, as the API server writes it.

    A key of a map is `[key]` in what its rules find (field.Path), and `.key` in what its
    schema's types and bounds do.
    """
    path, at = "", model  # at: the type that is reached
    for step in error["loc"]:
        at, is_key = _below(at, step)
        in_brackets = isinstance(step, int) or (is_key and error["type"] == "rule")
        shown = step if isinstance(step, int) else clipped(step)  # a key may be anybody's
        path += f"[{shown}]" if in_brackets else f".{shown}"
    return path


def _below(annotation: Any, step: int | str) -> tuple[Any, bool]:
    """Return what *step* leads to from *annotation*, and whether it is the key of a map."""
    for one in _alternatives(annotation):
        if isinstance(one, type) and issubclass(one, ApiModel):
            for name, field in one.model_fields.items():
                if step == (field.alias or name):
                    return field.annotation, False
        elif get_origin(one) is Mapping:
            return get_args(one)[1], True
        elif get_origin(one) is tuple:
            return get_args(one)[0], False
    return None, False


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return tuple(part for one in get_args(annotation) for part in _alternatives(one))
    return (annotation,)


def _detail(error: ErrorDetails, path: str, context: Mapping[str, Any]) -> str:
    kind, value = error["type"], error["input"]
    if kind in EXPECTED:
        found = JSON_TYPES.get(type(value), "string")
        body = f'{path} in body must be of type {EXPECTED[kind]}: "{found}"'
        return f'Invalid value: "{found}": {body}'
    if kind in BY_BOUND:
        return BY_BOUND[kind](value, path, context)
    if kind == "value_error":
        # A library's words, which repeat the value.
        return f"Invalid value: {_value(value)}: {clipped(_without(context['error'], value), 300)}"
    return error["msg"]  # our own rules


def _without(error: object, value: object) -> str:
    """Return what *error* says with no more of *value* than is shown of it elsewhere."""
    message = str(error)
    return message.replace(value, clipped(value)) if isinstance(value, str) and value else message


def _value(value: object) -> str:
    """Return a value as the API server repeats it; a long text, the beginning of it."""
    return json.dumps(clipped(value) if isinstance(value, str) else value, ensure_ascii=False)


def _in_body(should: str, key: str) -> Callable[[Any, str, Mapping[str, Any]], str]:
    def detail(value: Any, path: str, context: Mapping[str, Any]) -> str:
        body = f"{path} in body should {should.format(context[key])}"
        return f"Invalid value: {_value(value)}: {body}"

    return detail


def _unsupported(value: Any, _path: str, context: Mapping[str, Any]) -> str:
    known = ", ".join(f'"{word}"' for word in QUOTED_WORD.findall(context["expected"]))
    return f"Unsupported value: {_value(value)}: supported values: {known}"


def _too_short(value: Any, path: str, context: Mapping[str, Any]) -> str:
    least = context["min_length"]
    return f"Invalid value: {len(value)}: {path} in body should have at least {least} items"


# The words of the API server (apiextensions-apiserver and field.Error, Kubernetes 1.36).
BY_BOUND: Mapping[str, Callable[[Any, str, Mapping[str, Any]], str]] = {
    "missing": lambda _value, _path, _context: "Required value",
    "greater_than_equal": _in_body("be greater than or equal to {}", "ge"),
    "less_than_equal": _in_body("be less than or equal to {}", "le"),
    "string_pattern_mismatch": _in_body("match '{}'", "pattern"),
    "string_too_short": _in_body("be at least {} chars long", "min_length"),
    "string_too_long": lambda _value, _path, context: (
        f"Too long: may not be more than {context['max_length']} bytes"
    ),
    "too_short": _too_short,
    "too_long": lambda value, _path, context: (
        f"Too many: {len(value)}: must have at most {context['max_length']} items"
    ),
    "enum": _unsupported,
    "literal_error": _unsupported,
}
