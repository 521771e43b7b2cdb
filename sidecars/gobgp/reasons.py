"""Why there is no session, in words: clauses about one neighbor. Pure.

A clause tells what is so and what it comes from, never a time or a count: it stays the same
while the reason does. What a router's operator wrote is clipped and escaped.
"""

import re
from typing import Final

from pointsman.wire.notification import CEASE, words
from pointsman.wire.session_reasons import NO_WORD, REFUSED

CLIP: Final = 64
REFUSED_OPEN: Final = "the router refused our OPEN with a NOTIFICATION"
SILENT: Final = "the router accepts the connection and says nothing"
HANGS_UP: Final = "it closes our connections without a word"  # after a NOTIFICATION
CLOSED: Final = "the router closed the connection"
BROKE: Final = "the connection broke"
TIMED_OUT: Final = "connecting to the router timed out"
NOBODY: Final = "nothing answers at the router's address (no route to host)"
UNROUTED: Final = "this host has no route to the router (network is unreachable)"

# What a NOTIFICATION comes from, where that can be told: by who sent it, code and subcode.
_SENT: Final = {
    (2, 2): "the router is in another AS than spec.as",
    (2, 3): "its BGP identifier is ours, or none",
    (2, 6): "it offers a hold time of 1 or 2 seconds",
    (4, 0): "nothing was heard from it within the hold time",
    (6, 10): "BFD lost it",
}
_RECEIVED: Final = {
    (2, 2): "it expects us in another AS",
    (2, 3): "our BGP identifier is its own, or another neighbor's",
    (2, 5): "the passwords differ",
    (2, 6): "it does not accept our hold time",
    (2, 7): "it wants a capability that we do not offer",
    (4, 0): "it heard nothing from us within its hold time",
    (6, 1): "it takes fewer prefixes from us than it is sent; raise its maximum-prefix",
    (6, 2): "the session was shut down there",
    (6, 3): "we are no longer its neighbor",
    (6, 4): "the session was reset there",
    (6, 5): "it does not have us as a neighbor",
    (6, 6): "its configuration was changed",
    (6, 7): "it has another connection from our address, an older one of ours until the hold time "
    "is over, or another speaker's with the same source address, by spec.sourceAddress or NAT",
    (6, 8): "it is short of resources",
    (6, 10): "its BFD lost us",
}


def notification(code: int, subcode: int, *, sent: bool, communicated: str = "") -> str:
    """Return the clause for a NOTIFICATION; *communicated*: what came with it (RFC 9003)."""
    known = (_SENT if sent else _RECEIVED).get((code, subcode), "")
    quoted = f', "{printable(communicated)}"' if communicated and code == CEASE else ""
    who = "we sent the router" if sent else "the router sent"
    return f"{who} NOTIFICATION {words(code, subcode)}{quoted}{f': {known}' if known else ''}"


def hard_reset(code: int, subcode: int, *, sent: bool) -> str:
    """Return the clause for a Hard Reset, which carries another NOTIFICATION (RFC 8538)."""
    inner = notification(code, subcode, sent=sent)
    return inner.replace("NOTIFICATION ", f"NOTIFICATION {words(CEASE, 9)} for ", 1)


def connecting(error: str) -> str:
    """Return the clause for what connecting ended with, as Go says it."""
    for ending, clause in (
        ("connection refused", _refused(error)),
        ("i/o timeout", TIMED_OUT),
        ("connection timed out", TIMED_OUT),
        ("no route to host", NOBODY),
        ("network is unreachable", UNROUTED),
        ("connection reset by peer", NO_WORD),
        ("bind: cannot assign requested address", _foreign_source(error)),
        ("cannot assign requested address", "this host has no address to connect from"),
        ("operation not permitted", "a packet filter on this host forbids the connection"),
        ("permission denied", "this host forbids the connection"),
    ):
        if error.endswith(ending):
            return clause
    return f"connecting to the router failed: {printable(error.rpartition(': ')[2])}"


def _refused(error: str) -> str:
    port = re.search(r":(\d{1,5}): connect: connection refused$", error)
    at = f" on port {port[1]}" if port else ""
    return f"{REFUSED}{at}: nothing listens there, or a filter rejects it"


def _foreign_source(error: str) -> str:
    source = re.search(r"dial tcp \[?([0-9a-fA-F.:]+?)\]?:\d+->", error)
    which = f" {source[1]}" if source else ""
    return f"the source address{which} is not on this host"


def printable(text: str) -> str:
    """Return *text* clipped, with everything escaped that a terminal would obey."""
    shown = text[:CLIP] + ("..." if len(text) > CLIP else "")
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in shown)
