"""The smaller parts of a BgpPeer: what a session rests on, and which nodes it may name."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StrictBool, StrictInt

from pointsman.api.base import ApiModel
from pointsman.api.selector import LabelSelector
from pointsman.model.route import MOST_PATHS

_MS = Annotated[StrictInt, Field(ge=10, le=60_000)]


class SecretRef(ApiModel):
    """One key of a Secret in the manager's namespace."""

    name: str = Field(
        min_length=1, max_length=253, description="Name of the Secret, in the manager's namespace."
    )
    key: str = Field(
        min_length=1,
        max_length=253,
        description="Key in the Secret's data; its value, 1 to 80 bytes, is the password.",
    )


class Multihop(ApiModel):
    """eBGP over more than one hop."""

    ttl: StrictInt = Field(
        ge=1, le=255, description="How many hops the packets of the session may travel."
    )


class Bfd(ApiModel):
    """Bidirectional Forwarding Detection (RFC 5880, over one hop: RFC 5881)."""

    enabled: StrictBool = Field(default=False, description="Watch the router with BFD.")
    transmit_milliseconds: _MS = Field(
        default=300, description="How often we send at best, in milliseconds."
    )
    receive_milliseconds: _MS = Field(
        default=300, description="How often the router may send at best, in milliseconds."
    )
    multiplier: StrictInt = Field(
        default=3,
        ge=1,
        le=255,
        description="After how many intervals of silence the other side counts as dead.",
    )


class Scope(StrEnum):
    """Which nodes are near enough to be a router's next hops."""

    AUTO = "Auto"
    CONNECTED = "Connected"
    ALL = "All"


class NextHops(ApiModel):
    """Which nodes a router is sent as next hops, and how many of them."""

    scope: Scope = Field(
        default=Scope.AUTO,
        description="Connected: only nodes on a network that the router shares, which is sure to "
        "work. All: every node; then each router on the way must know these prefixes too, or "
        "packets loop. Auto: as Connected if any node is on such a network, else as All; the "
        "condition NextHopsUnverified says when nodes further off are sent.",
    )
    node_selector: LabelSelector | None = Field(
        default=None,
        description="Labels of the nodes this router may be sent, such as those of its rack; "
        "absent: any.",
    )
    max_paths: StrictInt | None = Field(
        default=None,
        ge=1,
        le=MOST_PATHS,
        description="At most how many next hops of a prefix the router is sent, spread over the "
        "zones (label topology.kubernetes.io/zone) and chosen so that a node that goes is "
        f"replaced by one other. Absent: all, up to {MOST_PATHS}, which is all that a speaker "
        "sends.",
    )
