"""Which heartbeats count: each once, none that was recorded, none of a process that is gone.

A code proves who made a datagram, not when. So each side echoes what it heard of the other: a
boot of an agent counts once it echoes an acknowledgement of this very process of the manager,
and later ones than any boot before it did; then its counters must rise. Sans I/O.
"""

from dataclasses import dataclass

from pointsman.wire.heartbeat import Acknowledgement, Beat, Drop


@dataclass(slots=True)
class BeatWindow:
    """What this process of a manager has counted of one node."""

    nonce: int  # of this process
    boot: bytes = b""
    counter: int = 0
    echoed: int = 0  # the latest of our acknowledgements that a counted beat echoed

    def refuses(self, beat: Beat, *, rounds: int) -> Drop | None:
        """Return why *beat* does not count, or None and count it; *rounds*: how many we had."""
        if beat.nonce != self.nonce or not 0 < beat.heard <= rounds:
            return Drop.UNPROVEN
        if beat.boot != self.boot:
            # A recorded beat of an earlier boot echoes what that boot heard, or less.
            if beat.heard <= self.echoed:
                return Drop.UNPROVEN
            self.boot = beat.boot
        elif beat.counter <= self.counter:
            return Drop.OLD
        self.counter, self.echoed = beat.counter, max(self.echoed, beat.heard)
        return None


@dataclass(slots=True)
class AcknowledgementWindow:
    """What this process of an agent has heard of one manager."""

    boot: bytes  # of this process
    nonce: int = 0
    counter: int = 0
    echoed: int = 0  # the latest of our beats that it echoed

    def refuses(self, acknowledgement: Acknowledgement, *, sent: int) -> Drop | None:
        """Return why it does not count, or None and count it; *sent*: our last counter."""
        if (
            acknowledgement.boot != self.boot
            or not 0 < acknowledgement.heard <= sent
            or not acknowledgement.nonce
        ):
            return Drop.UNPROVEN
        if acknowledgement.nonce != self.nonce:
            if acknowledgement.heard <= self.echoed:
                return Drop.UNPROVEN
            self.nonce = acknowledgement.nonce
        elif acknowledgement.counter <= self.counter:
            return Drop.OLD
        self.counter, self.echoed = acknowledgement.counter, max(self.echoed, acknowledgement.heard)
        return None
