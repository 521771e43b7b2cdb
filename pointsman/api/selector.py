"""Label selectors, as metav1.LabelSelector has them, with the matching that belongs to them.

It matches the labels it is given; which labels those are (virtual ones among them) is
the planner's business.
"""

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


class Operator(StrEnum):
    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class LabelExpression(ApiModel):
    """One requirement on one label."""

    rules: ClassVar[tuple[Rule, ...]] = (NEEDS_VALUES, TAKES_NO_VALUES)

    key: str = Field(max_length=317, description="Name of the label.")  # prefix 253, "/", name 63
    operator: Operator = Field(
        description="How the label is compared: In and NotIn with values, Exists and DoesNotExist "
        "without. NotIn also matches where the label is absent."
    )
    values: Annotated[
        tuple[Annotated[str, Field(max_length=63)], ...],
        Field(max_length=256),
        ListType("atomic"),
    ] = Field(default=(), description="Values that In and NotIn compare with.")

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

    match_labels: Mapping[str, Annotated[str, Field(max_length=63)]] = Field(
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
