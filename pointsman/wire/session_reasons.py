"""sessions.json, which a speaker's parent leaves beside its socket: why sessions are away.

It names the socket it belongs to, by inode and time of making, so that nobody believes what
a predecessor left there. Any bytes decode: to reasons, or to none.
"""

import json
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final

FILE: Final = "sessions.json"
LARGEST: Final = 512 * 1024  # bytes
LONGEST: Final = 400  # characters of a reason
MOST: Final = 1000

# What connecting ends with, where it tells what the router lacks: commands know it by that.
NO_WORD: Final = (
    "the router closes the connection without a word: it has no neighbor with our address, "
    "most likely"
)
GUARDED: Final = (
    "connecting to the router timed out though its address answers: a different password "
    "(TCP MD5), ttlSecurity on one side only or a packet filter is suspected"
)
REFUSED: Final = "the router refuses the connection"

SocketId = tuple[int, int]  # st_ino and st_ctime_ns


def encode(socket: SocketId, reasons: Mapping[str, str]) -> bytes:
    """Return the file's content; *reasons* by the neighbor's address."""
    listed = [(name, reasons[name]) for name in sorted(reasons)][:MOST]
    document = {
        "socket": list(socket),
        "sessions": {name: {"lastError": why[:LONGEST]} for name, why in listed},
    }
    return json.dumps(document, indent=1).encode("ascii")


def decode(raw: bytes, socket: SocketId) -> Mapping[str, str]:
    """Return the reasons in *raw* if they are of the daemon behind *socket*."""
    if len(raw) > LARGEST:
        return {}
    try:
        document = json.loads(raw)
        if document["socket"] != list(socket):
            return {}
        found = list(document["sessions"].items())[:MOST]
        return {str(ip_address(name)): _clause(one["lastError"]) for name, one in sorted(found)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _clause(found: object) -> str:
    """Return a reason as it may stand in a message: whoever wrote it, whatever it holds."""
    if not isinstance(found, str):
        raise TypeError("a reason is text")
    start = found[:LONGEST]
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in start)
