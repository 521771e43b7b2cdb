"""Label selectors, as metav1.LabelSelector has them, with the matching that belongs to them.

It matches the labels it is given; which labels those are (virtual ones among them) is
the planner's business.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from pointsman.api.base import ApiModel, ListType, Rule

NEEDS_VALUES = Rule(
    cel="!(self.operator in ['In', 'NotIn']) || (has(self.values) && self.values.size() > 0)",
    holds=lambda e: e.operator not in (Operator.IN, Operator.NOT_IN) or bool(e.values),
    words="In and NotIn compare with values: add at least one to values",
)
TAKES_NO_VALUES = Rule(
    cel="self.operator in ['In', 'NotIn'] || !has(self.values) || self.values.size() == 0",
    holds=lambda e: e.operator in (Operator.IN, Operator.NOT_IN) or not e.values,
    words="Exists and DoesNotExist take no values: remove values, or use In or NotIn",
)


# Kubernetes, "Labels and Selectors", syntax and character set: what no object can bear would
# match nothing, and say nothing of it.
NAME = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
PREFIX = "[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
PREFIX_MAX = 253
KEY = f"({PREFIX}/)?{NAME}"
VALUE = f"({NAME})?"
KEY_FORM = (
    "NAME or PREFIX/NAME, with at most 63 letters, digits, dashes, underscores and dots in NAME, a "
    "letter or digit first and last, and a DNS name in lower case as PREFIX"
)


def is_key(text: str) -> bool:
    """Return whether a label may have this name."""
    return bool(re.fullmatch(KEY, text)) and len(text.split("/")[0]) <= PREFIX_MAX


def key_cel(name: str) -> str:
    """Return `is_key` of the CEL variable *name*."""
    return f"{name}.matches('^{KEY}$') && {name}.split('/')[0].size() <= {PREFIX_MAX}"


IS_KEY = Rule(
    cel=key_cel("self"), holds=is_key, words=f'"{{self}}" names no label: write {KEY_FORM}'
)
ARE_KEYS = Rule(
    cel=f"self.all(key, {key_cel('key')})",
    holds=lambda labels: all(map(is_key, labels)),
    words=f"one of these names no label: write {KEY_FORM}",
)
IS_VALUE = Rule(
    cel=f"self.matches('^{VALUE}$')",
    holds=lambda text: bool(re.fullmatch(VALUE, text)),
    words='"{self}" fits no label: write at most 63 letters, digits, dashes, '
    "underscores and dots, a letter or digit first and last, or nothing",
)
Value = Annotated[str, Field(max_length=63), IS_VALUE]


class Operator(StrEnum):
    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class LabelExpression(ApiModel):
    """One requirement on one label."""

    rules: ClassVar[tuple[Rule, ...]] = (NEEDS_VALUES, TAKES_NO_VALUES)

    key: Annotated[str, IS_KEY] = Field(
        max_length=PREFIX_MAX + 1 + 63, description="Name of the label."
    )
    operator: Operator = Field(
        description="How the label is compared: In and NotIn with values, Exists and DoesNotExist "
        "without. NotIn also matches where the label is absent."
    )
    values: Annotated[tuple[Value, ...], Field(max_length=256), ListType("atomic")] = Field(
        default=(), description="Values that In and NotIn compare with."
    )

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case Operator.IN:
                return value in self.values
            case Operator.NOT_IN:
                return value not in self.values
            case Operator.EXISTS:
                return value is not None
            case Operator.DOES_NOT_EXIST:
                return value is None


class LabelSelector(ApiModel):
    """A label selector; all of it must match, and an empty one matches everything."""

    match_labels: Annotated[Mapping[str, Value], Field(max_length=32), ARE_KEYS] = Field(
        default={}, description="Labels that must be there with exactly these values."
    )
    match_expressions: Annotated[
        tuple[LabelExpression, ...], Field(max_length=32), ListType("atomic")
    ] = Field(default=(), description="Further requirements; all must match.")

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether *labels* satisfy every requirement."""
        return all(labels.get(k) == v for k, v in self.match_labels.items()) and all(
            expression.matches(labels) for expression in self.match_expressions
        )
