"""Asking the gateways, as an address that was taken over, whether they know where it is now.

A router may ignore what is announced (`drop_gratuitous_arp`, a filter), and a kernel that is asked
in an address's name does not: it updates its entry from the question, and its answer comes to the
station that it has for that address (measured; RFC 826, RFC 4861 section 7.2.3). So the answer is
the proof. Refuses to conclude anything from silence: who does not answer is said, no more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from pointsman.responder.agenda import Agenda
from pointsman.responder.answer import Packet
from pointsman.responder.terms import Address
from pointsman.responder.timing import ASK_GAP_S, ASKS
from pointsman.wire import arp
from pointsman.wire.ndp import Advertisement

MOST_GATEWAYS: Final = 4  # of an interface: each costs a frame for each address


@dataclass(slots=True)
class _Question:
    """One address: which gateways have not answered, and how often all of these were asked."""

    waiting: list[Address]
    rounds: int = 0  # begun
    turns: list[Address] = field(default_factory=list)  # who of this round is still to be asked


@dataclass(slots=True)
class GatewayAsks:
    """The questions of one interface, each with its next time."""

    gateways: tuple[Address, ...] = ()
    changes: int = 0  # grows whenever `silent` has become another
    _questions: dict[Address, _Question] = field(default_factory=dict)
    _silent: dict[Address, tuple[Address, ...]] = field(default_factory=dict)
    _agenda: Agenda = field(default_factory=Agenda)

    def follow(self, gateways: Iterable[Address]) -> frozenset[int]:
        """Ask these from now on; return the IP versions of which one is new."""
        before, self.gateways = self.gateways, tuple(gateways)[:MOST_GATEWAYS]
        if before == self.gateways:
            return frozenset()
        for address, silent in list(self._silent.items()):
            self._note(address, [one for one in silent if one in self.gateways])
        for address, question in list(self._questions.items()):
            question.waiting = [one for one in question.waiting if one in self.gateways]
            question.turns = [one for one in question.turns if one in self.gateways]
            if not question.waiting:
                self._end(address)
        return frozenset(one.version for one in self.gateways if one not in before)

    def begin(self, address: Address, now_s: float) -> None:
        """Ask the gateways of its family as *address*, from *now_s* on."""
        waiting = [one for one in self.gateways if one.version == address.version]
        if waiting:
            self._questions[address] = _Question(waiting)
            self._agenda.put(address, at_s=now_s, rank=0)

    def discard(self, address: Address) -> None:
        """Ask nothing as *address* any more."""
        self._end(address)
        self._note(address, [])

    def first(self, now_s: float) -> Address | None:
        """Return as which address is to be asked now; None: as none."""
        return self._agenda.first(now_s)

    def sends(self, address: Address) -> bool:
        """Return whether somebody will be asked as *address*, whose turn it is."""
        question = self._questions[address]
        return bool(question.turns) or question.rounds < ASKS

    def asked(self, address: Address, now_s: float) -> Address | None:
        """Return whom to ask as *address*, whose turn it is; None: nobody, all was in vain.

        One at a time, so that who is said to be silent was asked, however low the rate.
        """
        question = self._questions[address]
        if not question.turns:
            if question.rounds == ASKS:
                self._note(address, question.waiting)
                self._end(address)
                return None
            question.rounds += 1
            question.turns = list(question.waiting)
        gateway = question.turns.pop(0)
        at_s = now_s if question.turns else now_s + ASK_GAP_S
        self._agenda.put(address, at_s=at_s, rank=question.rounds)
        return gateway

    def answered(self, packet: Packet, mac: bytes) -> bool:
        """Whether *packet* is an answer to a question that waits, sent to this station, *mac*."""
        gateway: Address
        address: Address
        match packet:
            case arp.ArpPacket(operation=arp.REPLY):
                gateway, address = packet.sender, packet.target
            case Advertisement():
                gateway, address = packet.target, packet.receiver
            case _:
                return False
        question = self._questions.get(address)
        if packet.destination != mac or question is None or gateway not in question.waiting:
            return False
        question.waiting.remove(gateway)
        question.turns = [one for one in question.turns if one != gateway]
        self._note(address, [one for one in self.silent.get(address, ()) if one != gateway])
        if not question.waiting:
            self._end(address)
        return True

    @property
    def silent(self) -> Mapping[Address, tuple[Address, ...]]:
        """Return the addresses that gateways were asked as in vain, and which gateways."""
        return self._silent

    def backlog(self) -> bool:
        """Return whether somebody was to be asked when :meth:`first` was called last."""
        return self._agenda.backlog()

    def next_s(self) -> float | None:
        """Return when somebody is to be asked next. None: nobody."""
        return self._agenda.next_s()

    def _note(self, address: Address, silent: list[Address]) -> None:
        if tuple(silent) == self._silent.get(address, ()):
            return
        self.changes += 1
        if silent:
            self._silent[address] = tuple(silent)
        else:
            del self._silent[address]

    def _end(self, address: Address) -> None:
        self._questions.pop(address, None)
        self._agenda.drop(address)
