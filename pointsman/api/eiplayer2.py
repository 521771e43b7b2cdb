"""`layer2` of an Eip: on which interface ARP and NDP are answered, by whom, and how carefully.

What depends on nodes (has one such an interface, does its subnet hold the address) the planner
finds out, and says in the Service's condition.
"""

import re
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StrictBool

from pointsman.api import dialect
from pointsman.api.base import ApiModel, Rule
from pointsman.api.selector import LabelSelector
from pointsman.model import assignment

CAN_REACH: Final = "can_reach:"
# dev_valid_name of Linux: no slash, no colon, no white space, fewer than 16 octets.
NAME: Final = re.compile(r"[^ \t\n\v\f\r/:]{1,15}")


def _is_interface(text: str) -> bool:
    if text.startswith(CAN_REACH):
        return dialect.is_ip(text.removeprefix(CAN_REACH))
    return not text or NAME.fullmatch(text) is not None


IS_INTERFACE = Rule(
    cel=f"self == '' || (self.startsWith('{CAN_REACH}') ? isIP(self.substring({len(CAN_REACH)}))"
    r" : self.matches('^[^ \\t\\n\\v\\f\\r/:]{1,15}$'))",
    holds=_is_interface,
    words='"{self}" is neither the name of an interface (eth0; at most 15 characters, without '
    "spaces, slashes and colons) nor can_reach: with an address (can_reach:192.0.2.1); leave it "
    "out for the interface whose subnet holds the address",
)
InterfaceText = Annotated[str, Field(max_length=55), IS_INTERFACE]


class Responder(StrEnum):
    """Who answers ARP and NDP for an address."""

    NODE = assignment.NODE
    CENTRAL = assignment.CENTRAL


class Inspection(StrEnum):
    """Whether switches inspect ARP and ND, and limit how much of it a port may send."""

    NONE = "none"
    STRICT = "strict"


class EipLayer2(ApiModel):
    """How the addresses of the pool are answered for on the nodes' own networks."""

    interface: InterfaceText = Field(
        default="",
        description="On which interface of its node an address is answered for. Empty: the one "
        "whose subnet holds the address. Else a name (eth0), whatever its subnets are; or "
        "can_reach:ADDRESS, the one whose subnet holds that address (of a router, say). A node "
        "without such an interface is no candidate.",
    )
    responder: Responder = Field(
        default=Responder.NODE,
        description="Who answers ARP and NDP. Node: the agent of the elected node, alone. Central: "
        "the leading manager answers broadcasts with that node's MAC address, for networks whose "
        "broadcasts don't reach the nodes; the node's agent answers all that it hears. Central "
        "works neither with ARP or ND inspection nor with switches that bind an ARP entry to the "
        "port it was learnt on.",
    )
    preferred_nodes: LabelSelector | None = Field(
        default=None,
        description="Labels of the nodes that come first when a node is elected; when none of them "
        "is a candidate, others serve. Absent: all alike.",
    )
    inspection: Inspection = Field(
        default=Inspection.NONE,
        description="strict: the network inspects ARP and ND and limits how much of it a port may "
        "send, so addresses are announced at 10 a second on each interface, and a move of many "
        "takes that long.",
    )
    conflict_check: StrictBool = Field(
        default=True,
        description="Ask the network whether somebody has an address before it is announced for "
        "the first time (RFC 5227; DAD for IPv6). One that is found in use is not announced.",
    )
