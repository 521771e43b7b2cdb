"""What a responder has counted since it began; numbers only go up."""

from collections import Counter
from dataclasses import dataclass, field

from pointsman.responder.answer import ReplyKind
from pointsman.wire.frame_drops import FrameDrop


@dataclass(slots=True)
class Counters:
    """*announcements* holds series, repeats and defences; *claims* every foreign claim heard.

    *relayed*: answers to questions that another hardware address sent than the one they name.
    *gateway_asks*: questions to gateways as an address of ours, *gateway_acks*: answers to them.
    """

    replies: Counter[ReplyKind] = field(default_factory=Counter)
    drops: Counter[FrameDrop] = field(default_factory=Counter)
    claims: int = 0
    announcements: int = 0
    probes: int = 0
    relayed: int = 0
    gateway_asks: int = 0
    gateway_acks: int = 0
