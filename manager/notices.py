"""Which transitions are told as Events and log lines. Pure.

A condition is stated whatever this says: it refuses only to repeat a cause as its consequence.
"""

from typing import Final

from pointsman.model.record import Stated

# Beside each of these stands the condition that says why: one trouble, one warning.
CONSEQUENCES: Final = frozenset({"NoAddress"})


def is_told(said: Stated) -> bool:
    """Return whether the transition to *said* is worth an Event of its own."""
    return said.reason not in CONSEQUENCES
