"""What the custom resources' models are made of: names, rules, and types read from text.

A `Rule` is declared once and works twice: as CEL in the CRD, where `kubectl apply` is
refused, and as a validator here, for objects that no API server has seen. Nothing in
this module knows a kind, and nothing here reaches beyond the object it is given.
"""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from pointsman.model.printable import clipped

# What a field that is read from text may be given already read.
PARSED = IPv4Address | IPv6Address | IPv4Interface | IPv6Interface | IPv4Network | IPv6Network
QUOTED = '"{self}"'
# Python's keywords and Kubernetes' habit of writing IPs, which to_camel cannot know.
SPELLED = {"asn": "as", "avoid_buggy_ips": "avoidBuggyIPs", "strict_arp": "strictARP"}


def wire_name(field: str) -> str:
    """Return the name a field has in YAML."""
    return SPELLED.get(field) or to_camel(field)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule beyond types and bounds: CEL and predicate side by side, one sentence for both.

    `words` may hold `"{self}"` once, for a rule on a string; the API server fills it in
    with a messageExpression, because it prints no value with a CEL message itself.
    """

    cel: str
    holds: Callable[[Any], bool]
    words: str

    def sentence(self, value: object) -> str:
        # The API server takes no messageExpression that gives several lines.
        shown = "the value" if "\n" in str(value) else f'"{clipped(str(value))}"'
        return self.words.replace(QUOTED, shown)

    def entry(self) -> dict[str, str]:
        """Return the item of x-kubernetes-validations."""
        entry = {"rule": self.cel, "message": self.words.replace(QUOTED, "the value")}
        if QUOTED in self.words:
            before, after = (part.replace("'", "\\'") for part in self.words.split(QUOTED))
            entry["messageExpression"] = f"'{before}\"' + self + '\"{after}'"
        return entry

    def check(self, value: Any) -> Any:
        """Return *value*, or raise what pydantic reports as an error of type `rule`."""
        if self.holds(value):
            return value
        raise PydanticCustomError("rule", "{sentence}", {"sentence": self.sentence(value)})

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return with_rules(handler(schema), (self,))


def with_rules(schema: JsonSchemaValue, rules: tuple[Rule, ...]) -> JsonSchemaValue:
    """Return *schema* with *rules* appended to its x-kubernetes-validations."""
    if not rules:
        return schema
    there = schema.get("x-kubernetes-validations", [])
    return {**schema, "x-kubernetes-validations": [*there, *(rule.entry() for rule in rules)]}


class ApiModel(BaseModel):
    """A part of a custom resource: frozen, camelCase outside, snake_case inside."""

    # The API server prunes unknown fields; refusing them here would only blind
    # an older manager to objects stored by a newer one.
    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=wire_name,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )
    rules: ClassVar[tuple[Rule, ...]] = ()  # across fields; on single fields: Annotated

    @model_validator(mode="after")
    def _rules_hold(self) -> Self:
        for rule in self.rules:
            rule.check(self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return with_rules(handler.resolve_ref_schema(handler(schema)), cls.rules)


@dataclass(frozen=True, slots=True)
class ReadFrom:
    """Metadata of a field that is text in YAML and a parsed value here.

    `text` is the annotated type of the text, with its bounds and rules; `read` turns
    text that passed them into the value.
    """

    text: Any
    read: Callable[[str], Any]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        text = core_schema.no_info_before_validator_function(
            _as_text, handler.generate_schema(self.text)
        )
        return core_schema.no_info_after_validator_function(
            self.read, text, serialization=core_schema.to_string_ser_schema()
        )


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, PARSED) else value


@dataclass(frozen=True, slots=True)
class ListType:
    """How the API server merges a list: `set` also refuses duplicates, `atomic` is one value."""

    kind: str
    key: str = ""  # of a `map`
    second_key: str = ""  # of a `map` that needs two

    def check(self, value: tuple[Any, ...]) -> tuple[Any, ...]:
        for index, item in enumerate(value):
            if self.kind == "set" and item in value[:index]:
                raise PydanticCustomError(
                    "duplicate",
                    'Duplicate value: "{item}"',
                    {"item": clipped(str(item)), "index": index},
                )
        return value

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        named = [key for key in (self.key, self.second_key) if key]
        keys = {"x-kubernetes-list-map-keys": named} if named else {}
        return {**handler(schema), "x-kubernetes-list-type": self.kind, **keys}
