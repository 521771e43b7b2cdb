"""What one manager says to another a few times a second: layout and rules in `DESIGN.md`.

The key is of two processes, and counters rise, so a recorded report counts for nobody. It repeats
the counter heard last, which tells its reader how old it is at most. Any bytes are a value or a
reason to drop them.
"""

import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, islice
from typing import Final

from pointsman.wire.heartbeat import FORMAT, MAGIC, MOST_64, Drop, View
from pointsman.wire.signed import MAC_OCTETS, code_of, counted

REPORT: Final = 5
MARK_OCTETS: Final = 8
MOST_MARKS: Final = 40  # of each list; of what is beyond it nothing is said
LONGEST_REPORT: Final = 1400  # octets: one datagram, in one packet

_REPORT: Final = struct.Struct("!2sBBQQHQBBB")
_OF_REPORTS: Final = b"report\0"
_VIEW: Final = int(View.LEADS | View.FRESH)


@dataclass(frozen=True, slots=True)
class ReplicaReport:
    """What a replica says of itself."""

    sender: str
    counter: int  # rises with every report of the process
    heard: int = 0  # counter of the receiver's last report that it heard; 0: none
    view: View = View(0)
    follows: int = 0  # its speakers hold what follows from Services of this version; 0: unknown
    serves: frozenset[bytes] = frozenset()  # marks of routers with whom its sessions stand
    dead: frozenset[bytes] = frozenset()  # marks of nodes that it found dead itself
    retold: frozenset[bytes] = frozenset()  # and that another replica told it were


def mark_of(name: str) -> bytes:
    """Return what stands in a report for the BgpPeer, or the node, of that name."""
    return sha256(name.encode()).digest()[:MARK_OCTETS]


def write_report(report: ReplicaReport, *, to: str, key: bytes) -> bytes:
    """Return the datagram that says *report* to replica *to*."""
    lists = [sorted(one)[:MOST_MARKS] for one in (report.serves, report.dead, report.retold)]
    head = _REPORT.pack(
        MAGIC,
        FORMAT,
        REPORT,
        min(report.counter, MOST_64),
        min(report.heard, MOST_64),
        int(report.view),
        min(report.follows, MOST_64),
        *map(len, lists),
    )
    body = b"".join((head, *chain(*lists), counted(report.sender)))
    return body + _code(key, report.sender, to, body)


def read_report(
    data: bytes, *, own: str, key_of: Callable[[str], bytes | None]
) -> ReplicaReport | Drop:
    """Return what another replica says to *own*, or why *data* counts for nothing."""
    if len(data) < _REPORT.size + 2 + MAC_OCTETS:
        return Drop.SHORT
    magic, version, kind, counter, heard, view, follows, *counts = _REPORT.unpack_from(data)
    if magic != MAGIC or kind != REPORT:
        return Drop.FOREIGN
    if version != FORMAT:
        return Drop.FORMAT
    body = data[:-MAC_OCTETS]
    named = _REPORT.size + sum(counts) * MARK_OCTETS
    if len(data) > LONGEST_REPORT or max(counts) > MOST_MARKS:
        return Drop.MALFORMED
    if named >= len(body):
        return Drop.SHORT
    try:
        sender = body[named + 1 :].decode()
    except UnicodeDecodeError:
        return Drop.MALFORMED
    if not sender or body[named] != len(body) - named - 1:
        return Drop.MALFORMED
    key = key_of(sender)
    if key is None:
        return Drop.UNKNOWN
    if not hmac.compare_digest(_code(key, sender, own, body), data[-MAC_OCTETS:]):
        return Drop.FORGED
    starts = range(_REPORT.size, named, MARK_OCTETS)
    marks = (body[at : at + MARK_OCTETS] for at in starts)
    serves, dead, retold = (frozenset(islice(marks, count)) for count in counts)
    return ReplicaReport(sender, counter, heard, View(view & _VIEW), follows, serves, dead, retold)


def _code(key: bytes, sender: str, to: str, body: bytes) -> bytes:
    return code_of(body, key=key, direction=_OF_REPORTS, one=sender, other=to)
