"""The status of a BgpPeer: how the sessions with the router go, as our speakers see them."""

from typing import Annotated

from pydantic import Field, StrictBool, StrictInt

from pointsman.api.base import ApiModel, ListType
from pointsman.api.condition import CONDITIONS, OBSERVED_GENERATION, Conditions


class SpeakerStatus(ApiModel):
    """The session as one speaker sees it; each replica writes its own entries."""

    name: str = Field(
        description="Name of the speaker: the replica it belongs to; NAME/1 and so on for its "
        "further speakers."
    )
    state: str = Field(
        description="State of the session (RFC 4271 section 8.2.2), such as Established; Unknown: "
        "the speaker does not answer its manager."
    )
    source_address: str | None = Field(
        default=None, description="Where a parallel session is opened from."
    )
    established_since: str | None = Field(
        default=None,
        description="Since when the session is established.",
        json_schema_extra={"format": "date-time"},
    )
    last_error: str | None = Field(
        default=None, description="Why the session last ended or failed."
    )
    families: Annotated[tuple[str, ...], ListType("atomic")] = Field(
        default=(), description="Address families negotiated."
    )
    hold_seconds: StrictInt | None = Field(
        default=None, description="Hold time negotiated, in seconds; 0: off."
    )
    keepalive_seconds: StrictInt | None = Field(
        default=None, description="Interval of keepalives in use, in seconds; 0: none."
    )
    ipv6_next_hops: StrictBool | None = Field(
        default=None,
        description="Whether the router takes IPv6 next hops for IPv4 prefixes (RFC 8950). Nodes "
        "without IPv4 address are sent to it only then.",
    )
    bfd_state: str | None = Field(
        default=None,
        description="State of BFD with the router (RFC 5880), such as Up or Down; absent where "
        "the BgpPeer does not ask for it.",
    )
    add_path_negotiated: StrictBool | None = Field(
        default=None,
        description="Whether the router takes several paths of one prefix; while there is no "
        "session, as the last one said.",
    )
    graceful_restart_negotiated: StrictBool | None = Field(
        default=None,
        description="Whether the router keeps what it heard from us while the speaker is "
        "replaced (RFC 4724), for as long as gracefulRestart.restartSeconds says.",
    )
    contested: str | None = Field(
        default=None,
        description="What to do about another manager of the same name, which writes this entry "
        "too; absent while there is none.",
    )
    advertised_prefixes: StrictInt | None = Field(
        default=None,
        description="How many prefixes the router is sent, read back from the speaker.",
    )
    advertised_paths: StrictInt | None = Field(
        default=None, description="How many paths the router is sent, read back from the speaker."
    )
    drained: Annotated[tuple[str, ...], ListType("atomic")] = Field(
        default=(),
        max_length=128,
        description="The nodes that drain and to which the router is sent no path any more, read "
        "back from the speaker: `pointsman node drain --wait` waits for it.",
    )


class BgpPeerStatus(ApiModel):
    """How the sessions with the router go; written by Pointsman."""

    conditions: Conditions = Field(default=(), description=CONDITIONS)
    observed_generation: StrictInt | None = Field(default=None, description=OBSERVED_GENERATION)
    speakers: Annotated[tuple[SpeakerStatus, ...], ListType("map", key="name")] = Field(
        default=(), description="The session as each speaker sees it, one entry for each of them."
    )
