"""What an Eip that cannot be read was meant for, as far as its spec tells: for sentences alone.

One wrong field, and an object is not read at all (`reading.py`). Who waits for its addresses is
to be told so, rather than that there is no such Eip. Nothing is ever given by what is here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

ENTRIES_MAX = 64  # as many as spec.addresses may have


@dataclass(frozen=True, slots=True)
class Legible:
    """Whether the Eip is a default, and those of its addresses that are text, as they stand."""

    default: bool = False
    addresses: tuple[str, ...] = ()


def legible(spec: object) -> Legible:
    """Return what of *spec*, the JSON value of an Eip that cannot be read, can be read alone."""
    if not isinstance(spec, Mapping):
        return Legible()
    entries = spec.get("addresses")
    listed = entries[:ENTRIES_MAX] if isinstance(entries, list) else ()
    texts = tuple(entry for entry in listed if isinstance(entry, str))
    return Legible(spec.get("default") is True, texts)
