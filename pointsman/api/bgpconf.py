"""The BgpConf: who our speakers are. Only the object named `default` is used."""

from ipaddress import IPv4Address
from typing import Annotated

from pydantic import Field, StrictInt

from pointsman.api import dialect
from pointsman.api.base import ApiModel, ReadFrom, Rule
from pointsman.api.condition import CONDITIONS, OBSERVED_GENERATION, Conditions


def _is_router_id(text: str) -> bool:
    address = dialect.read_ip(text)
    return isinstance(address, IPv4Address) and int(address) != 0


IS_ROUTER_ID = Rule(
    cel="isIP(self) && ip(self).family() == 4 && self != '0.0.0.0'",
    holds=_is_router_id,
    words='"{self}" is not a router id: write an IPv4 address other than 0.0.0.0, such as '
    "198.18.0.1",
)

# RFC 6793 section 3: four octets; RFC 7607: zero is not an AS number.
AsNumber = Annotated[
    StrictInt, Field(ge=1, le=4_294_967_295, json_schema_extra={"format": "int64"})
]
RouterId = Annotated[
    IPv4Address,
    ReadFrom(Annotated[str, Field(max_length=45), IS_ROUTER_ID], IPv4Address),
]


class BgpConfSpec(ApiModel):
    """Our side of every BGP session."""

    asn: AsNumber = Field(
        description="Our AS number, 1 to 4294967295. A change restarts the speakers."
    )
    router_id: RouterId | None = Field(
        default=None,
        description="Router id of the speaker: an IPv4 address other than 0.0.0.0, unique in the "
        "network. Absent: one from 198.18.0.0/15, derived for each speaker and stable. With "
        "several replicas leave it absent. A change restarts the speakers.",
    )


class BgpConfStatus(ApiModel):
    """Whether this configuration is in use; written by Pointsman."""

    conditions: Conditions = Field(default=(), description=CONDITIONS)
    observed_generation: StrictInt | None = Field(default=None, description=OBSERVED_GENERATION)
