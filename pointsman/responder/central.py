"""The leading manager's part where nodes don't hear broadcasts: it answers those, with their MACs.

Only what was sent to everybody is answered, from this interface's own address and with the
hardware address of the node that holds the address: one answer, whoever gives it. It announces
nothing, defends nothing and probes nothing: that is the node's. It refuses to know who leads: the
shell asks before each frame.
"""

from collections.abc import Callable, Mapping

from pointsman.responder import frames
from pointsman.responder.answer import Claim, Packet, answer, read
from pointsman.responder.conflicts import Conflicts
from pointsman.responder.counters import Counters
from pointsman.responder.limits import AnswerLimits
from pointsman.responder.tally import given
from pointsman.responder.terms import Address
from pointsman.responder.timing import SILENCE_INTERVAL_S
from pointsman.wire.frame_drops import FrameDrop


class CentralResponder:
    """One interface of the manager; *mac* is its own, *counters* may be several interfaces'."""

    def __init__(self, mac: bytes, counters: Counters) -> None:
        self.counters = counters
        self._mac, self._limits = mac, AnswerLimits()
        self._macs: Mapping[Address, bytes] = {}
        self._silent: dict[Address, float] = {}  # since when; until somebody has looked
        self._silenced: dict[Address, float] = {}  # the last times, of addresses that we have
        self._conflicts = Conflicts()

    def follow(self, macs: Mapping[Address, bytes]) -> None:
        """Answer for exactly these from now on, each with the MAC of the node that holds it."""
        for address, mac in macs.items():
            if self._macs.get(address) != mac:  # another holder: what was claimed is past
                self._silent.pop(address, None)
        self._macs = dict(macs)
        for times in (self._silent, self._silenced):
            for address in times.keys() - macs.keys():
                del times[address]
        for address in self._conflicts.view().keys() - macs.keys():
            self._conflicts.forget(address)

    def received(self, frame: bytes, *, now_s: float) -> list[bytes]:
        """Return the frame that answers *frame*, if one does.

        A claim that takes clients away silences the address until :meth:`looked`, at most once in
        SILENCE_INTERVAL_S. What the node that holds it says of it is no claim.
        """
        packet = read(frame)
        if isinstance(packet, FrameDrop):
            self.counters.drops[packet] += 1
            return []
        result = self._result(packet)
        if isinstance(result, Claim):
            self._claimed(result, now_s)
            return []
        return given(
            *(packet, result, self.counters),
            limits=self._limits,
            addresses=len(self._macs),
            now_s=now_s,
        )

    @property
    def questions(self) -> frozenset[Address]:
        """Return the addresses that somebody claimed: they are silent until :meth:`looked`."""
        return frozenset(self._silent)

    def claimed(self, now_s: float) -> Mapping[Address, bytes]:
        """Return who else spoke for our addresses lately: the MAC that each was claimed with."""
        self._conflicts.forget_quiet(now_s)
        return {address: one.mac for address, one in self._conflicts.view().items()}

    def looked(self, address: Address, *, leads: bool) -> None:
        """Whether this manager was seen to lead after the claim: its table is the newest, then.

        Otherwise the address stays silent, as everything does where nobody leads.
        """
        if leads:
            self._silent.pop(address, None)

    def _result(self, packet: Packet) -> bytes | FrameDrop | Claim:
        word = frames.word(packet)
        if word is not None and not word.probes and word.address in self._macs:
            return self._answer(packet, word.address, lambda address: address == word.address)
        target: Address = packet.target
        if target not in self._macs or target in self._silent:
            return FrameDrop.NOT_OURS
        return self._answer(packet, target, lambda address: address == target)

    def _answer(
        self, packet: Packet, about: Address, is_ours: Callable[[Address], bool]
    ) -> bytes | FrameDrop | Claim:
        return answer(packet, mac=self._mac, is_ours=is_ours, spoken_for=self._macs[about])

    def _claimed(self, claim: Claim, now_s: float) -> None:
        self.counters.claims += 1
        self._conflicts.record(claim.address, claim.mac, now_s)
        before_s = self._silenced.get(claim.address)
        if claim.yields and (before_s is None or now_s - before_s >= SILENCE_INTERVAL_S):
            self._silenced[claim.address] = self._silent[claim.address] = now_s
