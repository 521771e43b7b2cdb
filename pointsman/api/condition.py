"""Conditions in a status, as metav1.Condition has them, and an address count per family."""

from typing import Annotated, Literal

from pydantic import Field, StrictInt

from pointsman.api.base import ApiModel, ListType


class Condition(ApiModel):
    """One aspect of the state of an object."""

    type: str = Field(max_length=316, description="Name of the aspect, such as Ready.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it is so.")
    observed_generation: StrictInt | None = Field(
        default=None, ge=0, description="metadata.generation of the spec this was judged from."
    )
    last_transition_time: str = Field(
        description="When status last changed.", json_schema_extra={"format": "date-time"}
    )
    reason: str = Field(
        min_length=1, max_length=1024, description="Why, as one stable UpperCamel word."
    )
    message: str = Field(
        max_length=32768, description="Why, as a sentence that says what to do about it."
    )


Conditions = Annotated[tuple[Condition, ...], ListType("map", key="type")]
CONDITIONS = "What is so, and if not, why and what to do."
OBSERVED_GENERATION = "metadata.generation of the spec that this status describes."


class Totals(ApiModel):
    """Numbers of addresses, both families together."""

    allocated: str = Field(description="Held addresses, as a decimal number.")
    available: str = Field(description="Addresses that can still be given out, likewise.")


class Count(ApiModel):
    """A number of addresses per family."""

    ipv4: str = Field(description="IPv4 addresses, as a decimal number.")
    ipv6: str = Field(description="IPv6 addresses, as a decimal number, exact for any size.")
