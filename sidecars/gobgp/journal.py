"""What gobgpd's log says of its sessions; its API says none of it (measured, 4.8). Pure.

One line is one JSON object. Anything else is nothing: a log is no interface, so what is not
understood must cost nobody more than a reason.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

# What is looked for in a line before it is parsed: a line may hold thousands of prefixes.
HEARD: Final = frozenset(
    {
        "Add a peer configuration",
        "Administrative shutdown",
        "Delete a peer configuration",
        "Mismatched local address",
        "Peer Down",
        "Peer Up",
        "Update BFD configuration",
        "Update timer configuration",
        "failed to connect",
        "outgoing connection IO error",
        "outgoing connection established",
        "received notification",
        "sent notification",
        "state changed",
    }
)
LONGEST: Final = 4096  # bytes of a line worth reading
_MESSAGE: Final = re.compile(rb'"msg":"([^"\\]{1,64})"')


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log that speaks of one neighbor."""

    neighbor: str  # its address, in the one form that ipaddress prints
    message: str
    fields: Mapping[str, object]

    def text(self, name: str) -> str:
        """Return a field as text; "" if it is none."""
        found = self.fields.get(name)
        return found if isinstance(found, str) else ""

    def number(self, name: str) -> int:
        """Return a field as a number; -1 if it is none."""
        found = self.fields.get(name)
        return found if isinstance(found, int) and not isinstance(found, bool) else -1


def is_detail(raw: bytes) -> bool:
    """Whether a line is for this parent only: gobgpd logs more than people want to read."""
    return b'"level":"DEBUG"' in raw[:128]


def read(raw: bytes) -> Line | None:
    """Return what a line says of a neighbor, or None."""
    message = _MESSAGE.search(raw, 0, 256)
    if message is None or len(raw) > LONGEST or message[1].decode("ascii", "replace") not in HEARD:
        return None
    try:
        found = json.loads(raw)
        return Line(str(ip_address(found["Key"])), str(found["msg"]), found)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
