"""What comes of a frame that was judged: an answer within the limits, or nothing, counted."""

from pointsman.responder.answer import Packet, kind
from pointsman.responder.counters import Counters
from pointsman.responder.limits import AnswerLimits
from pointsman.wire.frame_drops import FrameDrop
from pointsman.wire.ndp import Advertisement


def given(
    packet: Packet,
    result: bytes | FrameDrop,
    counters: Counters,
    *,
    limits: AnswerLimits,
    addresses: int,
    now_s: float,
) -> list[bytes]:
    """Return the frame to send, if *result* is one and *limits* allow it; *addresses*: we hold."""
    if isinstance(result, FrameDrop):
        counters.drops[result] += 1
        return []
    assert not isinstance(packet, Advertisement), "an advertisement asks nothing"
    if not limits.allow(packet.source, addresses=addresses, now_s=now_s):
        counters.drops[FrameDrop.LIMITED] += 1
        return []
    counters.replies[kind(packet)] += 1
    counters.relayed += packet.is_relayed
    return [result]
