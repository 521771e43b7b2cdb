"""A question about a node and its answer, as bytes and as values: layout and rules in `DESIGN.md`.

A manager asks an agent whether it can reach a node, and another manager when it heard that
node's agent. An answer repeats the number of its question, which nobody could guess: so it needs
no window, and a recorded one answers nothing. Any bytes are a value or a reason to drop them.
"""

import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from pointsman.model.address import Address
from pointsman.wire.heartbeat import FORMAT, LONGEST, MAGIC, Drop
from pointsman.wire.signed import MAC_OCTETS, code_of, counted

QUESTION: Final = 3
ANSWER: Final = 4
NUMBER_OCTETS: Final = 8
MOST_PORTS: Final = 4
NEVER_MS: Final = 0xFFFF_FFFF

_QUESTION: Final = struct.Struct("!2sBB8s")
_ANSWER: Final = struct.Struct("!2sBB8sBI")
_OF_QUESTIONS: Final = b"question\0"
_OF_ANSWERS: Final = b"answer\0"


@dataclass(frozen=True, slots=True)
class Question:
    """Is *node* there? Without an address: when did you hear its agent?"""

    number: bytes
    sender: str
    node: str
    address: Address | None = None
    ports: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """It is (or its agent was heard *age_ms* ago), or it isn't."""

    number: bytes
    sender: str
    node: str
    alive: bool
    age_ms: int = 0


def kind_of(data: bytes) -> int:
    """Return which kind of datagram *data* claims to be; 0: none that we speak."""
    return data[3] if len(data) > 3 and data[:2] == MAGIC and data[2] == FORMAT else 0


def write_question(question: Question, *, to: str, key: bytes) -> bytes:
    """Return the datagram that asks *to*."""
    address = question.address.packed if question.address is not None else b""
    ports = question.ports[:MOST_PORTS]
    body = b"".join(
        (
            _QUESTION.pack(MAGIC, FORMAT, QUESTION, question.number),
            counted(question.sender),
            counted(question.node),
            bytes([len(address)]),
            address,
            struct.pack(f"!B{len(ports)}H", len(ports), *ports),
        )
    )
    sender = question.sender
    return body + code_of(body, key=key, direction=_OF_QUESTIONS, one=sender, other=to)


def write_answer(answer: Answer, *, to: str, key: bytes) -> bytes:
    """Return the datagram that answers *to*."""
    age_ms = min(answer.age_ms, NEVER_MS)
    head = _ANSWER.pack(MAGIC, FORMAT, ANSWER, answer.number, int(answer.alive), age_ms)
    body = b"".join((head, counted(answer.sender), counted(answer.node)))
    sender = answer.sender
    return body + code_of(body, key=key, direction=_OF_ANSWERS, one=sender, other=to)


def read_question(
    data: bytes, *, own: str, key_of: Callable[[str], bytes | None]
) -> Question | Drop:
    """Return what *own* is asked, or why *data* counts for nothing."""
    fields = _Fields(data, QUESTION)
    number = fields.take(_QUESTION.size)[4:]
    sender, node = fields.text(), fields.text()
    octets = fields.take(fields.number(1))
    ports = [fields.number(2) for _ in range(min(fields.number(1), MOST_PORTS))]
    if wrong := fields.wrong() or _unsigned(data, _OF_QUESTIONS, sender, own, key_of):
        return wrong
    if len(octets) not in (0, 4, 16):
        return Drop.MALFORMED
    address = ip_address(octets) if octets else None
    return Question(number, sender, node, address, tuple(ports))


def read_answer(data: bytes, *, own: str, key_of: Callable[[str], bytes | None]) -> Answer | Drop:
    """Return what *own* is answered, or why *data* counts for nothing."""
    fields = _Fields(data, ANSWER)
    head = fields.take(_ANSWER.size).ljust(_ANSWER.size, b"\0")
    sender, node = fields.text(), fields.text()
    if wrong := fields.wrong() or _unsigned(data, _OF_ANSWERS, sender, own, key_of):
        return wrong
    *_, number, alive, age_ms = _ANSWER.unpack(head)
    return Answer(number, sender, node, alive == 1, age_ms)


class _Fields:
    """What stands in a datagram, one after the other; nothing where it is cut."""

    def __init__(self, data: bytes, kind: int) -> None:
        self._rest, self._why = data[:-MAC_OCTETS], None if len(data) <= LONGEST else Drop.MALFORMED
        if len(data) < _QUESTION.size + MAC_OCTETS:
            self._why = Drop.SHORT
        if kind_of(data) != kind:
            self._why = Drop.FOREIGN

    def take(self, octets: int) -> bytes:
        found, self._rest = self._rest[:octets], self._rest[octets:]
        if len(found) < octets:
            self._why = self._why or Drop.SHORT
        return found

    def number(self, octets: int) -> int:
        return int.from_bytes(self.take(octets))

    def text(self) -> str:
        try:
            found = self.take(self.number(1)).decode()
        except UnicodeDecodeError:
            found = ""
        if not found:
            self._why = self._why or Drop.MALFORMED
        return found

    def wrong(self) -> Drop | None:
        return self._why or (Drop.MALFORMED if self._rest else None)


def _unsigned(
    data: bytes, direction: bytes, sender: str, own: str, key_of: Callable[[str], bytes | None]
) -> Drop | None:
    key = key_of(sender)
    if key is None:
        return Drop.UNKNOWN
    code = code_of(data[:-MAC_OCTETS], key=key, direction=direction, one=sender, other=own)
    return None if hmac.compare_digest(code, data[-MAC_OCTETS:]) else Drop.FORGED
