"""The two datagrams of the heartbeat as bytes and as values: layout and rules in `DESIGN.md`.

An agent sends `Beat`, a manager answers with `Acknowledgement`. Reading takes any bytes and
returns a value or the reason to drop them, never an exception: whoever reaches the port may send
anything. Refuses to know sockets, clocks, or who is alive.
"""

import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntFlag, StrEnum
from typing import Final

from pointsman.wire.signed import MAC_OCTETS, code_of, counted

MAGIC: Final = b"PM"
FORMAT: Final = 1
BEAT: Final = 1
ACKNOWLEDGEMENT: Final = 2
BOOT_OCTETS: Final = 16
MOST_LINKS: Final = 8  # named as down in one beat; a node carries our addresses on few
LONGEST_LINK: Final = 15  # IFNAMSIZ less its NUL, linux/if.h
LONGEST: Final = 640  # octets of a datagram of ours, all fields at their longest
MOST_16: Final = 0xFFFF
MOST_64: Final = 0xFFFF_FFFF_FFFF_FFFF

_HEADER: Final = struct.Struct("!2sBB")
_BEAT: Final = struct.Struct("!2sBB16sQQHHHQQ")
_ACKNOWLEDGEMENT: Final = struct.Struct("!2sBBQQ16sQQHH")
_OF_BEATS: Final = b"agent to manager\0"
_OF_ACKNOWLEDGEMENTS: Final = b"manager to agent\0"


class Drop(StrEnum):
    """Why a datagram counts for nothing. The values are what metrics are labelled with."""

    SHORT = "short"  # shorter than the shortest of its kind, or cut
    FOREIGN = "foreign"  # not one of ours at all
    FORMAT = "format"  # of a version of the format that we do not speak
    MALFORMED = "malformed"  # longer than its fields, or a name that is none
    UNKNOWN = "unknown"  # of somebody whose key we do not know
    FORGED = "forged"  # its code is not the one that both keys make
    UNPROVEN = "unproven"  # its sender has not shown yet that it hears us now
    OLD = "old"  # repeated, or overtaken by a later one


class Flags(IntFlag):
    """What a node says of itself besides being there."""

    STOPPING = 1  # the agent ends in order: its silence from now on is no death
    LINK_DOWN = 2  # an interface that carries addresses of ours does not reach its gateway
    PROXY_UNHEALTHY = 4


class View(IntFlag):
    """What a manager says of itself."""

    LEADS = 1
    FRESH = 2  # what it knows of the API is current


_FLAGS: Final = int(Flags.STOPPING | Flags.LINK_DOWN | Flags.PROXY_UNHEALTHY)
_VIEW: Final = int(View.LEADS | View.FRESH)


@dataclass(frozen=True, slots=True)
class Beat:
    """What an agent says, some ten times a second, to each manager."""

    node: str
    boot: bytes  # of this process of the agent, drawn by chance
    counter: int  # rises with every beat of the boot, to whichever manager
    generation: int = 0  # of the Announcer's spec that it executes; 0: none yet
    flags: Flags = Flags(0)
    lag_ms: int = 0  # by how much its last beat was sent later than it meant to
    interval_ms: int = 100  # the next one comes after about so long
    nonce: int = 0  # of the manager's process that it heard last; 0: none
    heard: int = 0  # counter of that manager's last acknowledgement; 0: none
    links_down: tuple[str, ...] = ()  # interfaces that do not reach their gateway


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What a manager says to each agent it hears, twice a second."""

    manager: str
    nonce: int  # of this process of the manager, drawn by chance, never 0
    counter: int  # rises with every round of acknowledgements of the process
    boot: bytes  # the agent's, as heard
    heard: int  # the highest counter heard of that boot
    generation: int = 0  # of the node's Announcer as the manager knows it; 0: none
    view: View = View(0)
    interval_ms: int = 100  # how often to send
    leader: str = ""  # who leads, as far as it knows


def write_beat(beat: Beat, *, manager: str, key: bytes) -> bytes:
    """Return the datagram that says *beat* to *manager*; numbers beyond their field saturate."""
    links = beat.links_down[:MOST_LINKS]
    body = b"".join(
        (
            _BEAT.pack(
                MAGIC,
                FORMAT,
                BEAT,
                beat.boot,
                min(beat.counter, MOST_64),
                min(beat.generation, MOST_64),
                int(beat.flags),
                min(beat.lag_ms, MOST_16),
                min(beat.interval_ms, MOST_16),
                beat.nonce,
                beat.heard,
            ),
            counted(beat.node),
            bytes([len(links)]),
            *(counted(link, LONGEST_LINK) for link in links),
        )
    )
    return body + code_of(body, key=key, direction=_OF_BEATS, one=beat.node, other=manager)


def write_acknowledgement(acknowledgement: Acknowledgement, *, node: str, key: bytes) -> bytes:
    """Return the datagram that says *acknowledgement* to the agent of *node*."""
    body = b"".join(
        (
            _ACKNOWLEDGEMENT.pack(
                MAGIC,
                FORMAT,
                ACKNOWLEDGEMENT,
                acknowledgement.nonce,
                min(acknowledgement.counter, MOST_64),
                acknowledgement.boot,
                min(acknowledgement.heard, MOST_64),
                min(acknowledgement.generation, MOST_64),
                int(acknowledgement.view),
                min(acknowledgement.interval_ms, MOST_16),
            ),
            counted(acknowledgement.manager),
            counted(acknowledgement.leader),
        )
    )
    manager = acknowledgement.manager
    return body + code_of(body, key=key, direction=_OF_ACKNOWLEDGEMENTS, one=node, other=manager)


def read_beat(data: bytes, *, manager: str, key_of: Callable[[str], bytes | None]) -> Beat | Drop:
    """Return what an agent said to *manager*, or why *data* counts for nothing.

    *key_of* returns the key shared with the agent of a node, None where none is known.
    """
    if wrong := _wrong(data, BEAT, _BEAT.size + 2):
        return wrong
    body = data[:-MAC_OCTETS]
    texts = _texts(body, _BEAT.size)
    if isinstance(texts, Drop):
        return texts
    node, links = texts
    key = key_of(node)
    if key is None:
        return Drop.UNKNOWN
    code = code_of(body, key=key, direction=_OF_BEATS, one=node, other=manager)
    if not hmac.compare_digest(code, data[-MAC_OCTETS:]):
        return Drop.FORGED
    _, _, _, boot, counter, generation, flags, lag_ms, interval_ms, nonce, heard = (
        _BEAT.unpack_from(body)
    )
    known = Flags(flags & _FLAGS)
    return Beat(node, boot, counter, generation, known, lag_ms, interval_ms, nonce, heard, links)


def read_acknowledgement(
    data: bytes, *, node: str, key_of: Callable[[str], bytes | None]
) -> Acknowledgement | Drop:
    """Return what a manager said to the agent of *node*, or why *data* counts for nothing."""
    if wrong := _wrong(data, ACKNOWLEDGEMENT, _ACKNOWLEDGEMENT.size + 2):
        return wrong
    body = data[:-MAC_OCTETS]
    try:
        manager, after = _name(body, _ACKNOWLEDGEMENT.size)
        leader, end = _name(body, after)
    except _Cut as cut:
        return cut.why
    if not manager or end != len(body):
        return Drop.MALFORMED
    key = key_of(manager)
    if key is None:
        return Drop.UNKNOWN
    code = code_of(body, key=key, direction=_OF_ACKNOWLEDGEMENTS, one=node, other=manager)
    if not hmac.compare_digest(code, data[-MAC_OCTETS:]):
        return Drop.FORGED
    fields = _ACKNOWLEDGEMENT.unpack_from(body)
    _, _, _, nonce, counter, boot, heard, generation, view, interval_ms = fields
    return Acknowledgement(
        manager, nonce, counter, boot, heard, generation, View(view & _VIEW), interval_ms, leader
    )


class _Cut(Exception):
    def __init__(self, why: Drop) -> None:
        self.why = why


def _wrong(data: bytes, kind: int, shortest: int) -> Drop | None:
    if len(data) < _HEADER.size:
        return Drop.SHORT
    magic, version, found = _HEADER.unpack_from(data)
    if magic != MAGIC:
        return Drop.FOREIGN
    if version != FORMAT:
        return Drop.FORMAT
    if found != kind:
        return Drop.FOREIGN
    if len(data) < shortest + MAC_OCTETS:
        return Drop.SHORT
    return Drop.MALFORMED if len(data) > LONGEST else None


def _texts(body: bytes, at: int) -> tuple[str, tuple[str, ...]] | Drop:
    """Return the node's name and the names of its links."""
    try:
        node, at = _name(body, at)
        if at >= len(body):
            return Drop.SHORT
        count, at = body[at], at + 1
        if not node or count > MOST_LINKS:
            return Drop.MALFORMED
        links = []
        for _ in range(count):
            link, at = _name(body, at)
            links.append(link)
    except _Cut as cut:
        return cut.why
    return Drop.MALFORMED if at != len(body) else (node, tuple(links))


def _name(body: bytes, at: int) -> tuple[str, int]:
    """Return a text and where it ends."""
    if at >= len(body):
        raise _Cut(Drop.SHORT)
    end = at + 1 + body[at]
    if end > len(body):
        raise _Cut(Drop.SHORT)
    try:
        return body[at + 1 : end].decode(), end
    except UnicodeDecodeError:
        raise _Cut(Drop.MALFORMED) from None
