from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from pointsman.api.base import ApiModel, ListType, Rule
from pointsman.api.structural import structural

SHORT = Rule(cel="self.size() < 4", holds=lambda t: len(t) < 4, words='"{self}" is long')


class Inner(ApiModel):
    """An inner part."""

    number: int = Field(default=1, gt=0, description="A number.")
    note: str | None = None


class Outer(ApiModel):
    """An outer part."""

    required_text: Annotated[str, Field(max_length=9), SHORT]
    maybe: Inner | None = Field(default=None, description="A part, or none.")
    always: Inner = Inner()
    one: Literal["one"] = "one"
    on: bool = False
    many: Annotated[tuple[Inner, ...], ListType("map", key="number")] = ()


def test_a_model_becomes_a_structural_schema() -> None:
    inner = {
        "description": "An inner part.",
        "type": "object",
        "properties": {
            "number": {
                "description": "A number.",
                "type": "integer",
                "default": 1,
                "minimum": 0,
                "exclusiveMinimum": True,
            },
            "note": {"type": "string"},
        },
    }
    rule = {
        "rule": "self.size() < 4",
        "message": "the value is long",
        "messageExpression": "'\"' + self + '\" is long'",
    }
    assert structural(Outer.model_json_schema()) == {
        "description": "An outer part.",
        "type": "object",
        "required": ["requiredText"],
        "properties": {
            "requiredText": {
                "type": "string",
                "maxLength": 9,
                "x-kubernetes-validations": [rule],
            },
            "maybe": {**inner, "description": "A part, or none."},
            "always": {**inner, "default": {"number": 1}},
            "one": {"type": "string", "default": "one", "enum": ["one"]},
            "on": {"type": "boolean", "default": False},
            "many": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["number"],
                "items": inner,
            },
        },
    }


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        pytest.param(int | str, "a union has no structural form", id="a union"),
        pytest.param(Any, "a node without a type", id="anything"),
        pytest.param(tuple[int, str], "prefixItems has no structural form", id="a pair"),
        pytest.param(
            Annotated[int, Field(multiple_of=2)], "multipleOf has no structural form", id="unknown"
        ),
    ],
)
def test_what_has_no_structural_form_is_refused(kind: Any, sentence: str) -> None:
    class Model(ApiModel):
        field: kind

    with pytest.raises(ValueError, match=sentence):
        structural(Model.model_json_schema())


def test_an_optional_union_is_refused_too() -> None:
    class Model(ApiModel):
        field: int | str | None = None

    with pytest.raises(ValueError, match="a union has no structural form"):
        structural(Model.model_json_schema())
