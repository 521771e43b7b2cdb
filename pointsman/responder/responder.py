"""The addresses that a node answers for on one interface: what to send, and when.

Frames and times come in, frames go out. It refuses to know sockets and clocks, and holds nothing
of what others send but a bounded list of conflicts.
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address

from pointsman.responder import frames
from pointsman.responder.answer import Claim, answer, read
from pointsman.responder.conflicts import Conflicts
from pointsman.responder.counters import Counters
from pointsman.responder.holding import Holding, Standing
from pointsman.responder.limits import AnswerLimits
from pointsman.responder.reasons import reason
from pointsman.responder.tally import given
from pointsman.responder.terms import Address, Chance, DutyTerms, SeenConflict
from pointsman.responder.timing import ARP_ROUNDS_S, FORMER_MAC_S, NDP_ROUNDS_S, UNHEARD_S
from pointsman.responder.unasked import Unasked
from pointsman.wire.frame_drops import FrameDrop


class Responder:
    """One interface's responder; its link is up when it is made.

    After each call the shell asks :meth:`next_due_s` again, and calls :meth:`due` then.
    """

    def __init__(
        self,
        *,
        mac: bytes,
        announce_rate: int,
        chance: Chance,
        now_s: float,
        link_local: IPv6Address | None = None,
        gateways: Iterable[Address] = (),
    ) -> None:
        """*announce_rate*: frames a second, unless a duty asks for fewer."""
        self.counters = Counters()
        self._former: tuple[bytes, float] | None = None
        self._rate, self._chance = announce_rate, chance
        self._duties: Mapping[Address, DutyTerms] = {}
        self._holdings: dict[Address, Holding] = {}
        self._unasked = Unasked(
            *(self.counters, chance),
            mac=mac,
            link_local=link_local,
            rate=announce_rate,
            now_s=now_s,
        )
        self._unasked.follow_gateways(gateways, now_s)
        self._conflicts, self._limits = Conflicts(), AnswerLimits()
        self._questions: set[Address] = set()
        self._listened: frozenset[Address] | None = None
        self._up, self._heard = True, False
        self._patience_s = now_s + UNHEARD_S
        self._changes = 0

    # What the shell says

    def follow(self, duties: Mapping[Address, DutyTerms], now_s: float) -> None:
        """Hold exactly *duties* from now on; what is not in there falls silent at once.

        An address that is new, and not to be probed, is answered for and announced at once. One
        that waits for its probes is, too, once its terms don't ask for them any more.
        """
        if duties == self._duties:
            return
        for address in self._duties.keys() - duties.keys():
            self._forget(address)
        self._duties, self._listened = dict(duties), None
        rates = {t.announce_rate for t in duties.values() if t.announce_rate is not None}
        self._unasked.bucket.limit(min(rates | {self._rate}), now_s=now_s)
        for address, terms in duties.items():
            holding = self._holdings.get(address)
            if holding is None:
                is_arp = isinstance(address, IPv4Address)
                holding = Holding(ARP_ROUNDS_S if is_arp else NDP_ROUNDS_S)
                self._holdings[address] = holding
                if terms.probe:
                    holding.probe_first(now_s, self._chance, heard=self._heard)
                else:
                    holding.announce(now_s)
            elif not terms.probe and holding.standing in _BEFORE_FIRST:
                self._conflicts.forget(address)
                holding.announce(now_s)
            else:
                continue
            self._arrange(address, holding, now_s)

    def link(self, *, up: bool, mac: bytes, now_s: float) -> None:
        """Carrier came or went, *mac* is another, or a bond chose another port: say it once each.

        Up: every series begins again, at once and when the link is heard to carry.
        """
        if mac != self._unasked.mac:
            self._former = (self._unasked.mac, now_s)
            self._unasked.mac = mac
        self._up, self._heard = up, False
        self._changes += 1
        if not up:
            return
        self._patience_s = now_s + UNHEARD_S
        self._unasked.postpone(now_s)
        for address, holding in self._holdings.items():
            holding.link_came(now_s, self._chance)
            self._arrange(address, holding, now_s)

    def follow_link_local(self, link_local: IPv6Address | None) -> None:
        """Announce from this one from now on; None: the interface has none that may be used."""
        self._unasked.link_local = link_local

    def follow_gateways(self, gateways: Iterable[Address], now_s: float) -> None:
        """Ask these of the interface from now on: as each address, where one is new."""
        self._unasked.follow_gateways(gateways, now_s)

    def received(self, frame: bytes, *, now_s: float) -> list[bytes]:
        """Return the frames that answer *frame*, which an ARP or IPv6 socket was handed."""
        packet = read(frame)
        if isinstance(packet, FrameDrop):
            self.counters.drops[packet] += 1
            return []
        if self._is_own(packet.sender_mac, now_s):
            self.counters.drops[FrameDrop.OWN] += 1
            return []
        self._hear(now_s)
        if (word := frames.word(packet)) is not None:
            self._overhear(word, now_s)
        mac, is_ours = self._unasked.mac, self._unasked.repeats.__contains__
        if self._unasked.asks.answered(packet, mac):
            self.counters.gateway_acks += 1
            return []
        result = answer(packet, mac=mac, is_ours=is_ours)
        if isinstance(result, Claim):
            self._claimed(result, now_s)
            return []
        return given(
            *(packet, result, self.counters),
            limits=self._limits,
            addresses=len(self._duties),
            now_s=now_s,
        )

    def looked(self, address: Address, *, ours: bool | None, now_s: float) -> None:
        """The shell looked for one of :attr:`questions`; *ours* is None: nobody could be asked."""
        holding = self._holdings.get(address)
        if holding is not None:
            holding.looked(ours=ours, now_s=now_s, chance=self._chance)
            self._arrange(address, holding, now_s)

    # What is to be sent

    def due(self, now_s: float) -> list[bytes]:
        """Return the announcements, probes and defences whose time has come, as the rate allows."""
        self._changes += self._conflicts.forget_quiet(now_s)
        if not self._up:
            return []
        if not self._heard and now_s >= self._patience_s:
            self._hear(now_s)
        return self._unasked.due(self._holdings, now_s, self._arrange)

    def next_due_s(self) -> float | None:
        """Return when :meth:`due` has something to do, on the caller's clock; None: never."""
        times = [self._conflicts.quiet_s()]
        if self._up:
            times.append(self._unasked.next_s())
            if not self._heard and self._holdings:
                times.append(self._patience_s)
        return min((time for time in times if time is not None), default=None)

    # What stands

    @property
    def changes(self) -> int:
        """Return a number that grows whenever a view below may have become another."""
        return self._changes + self._unasked.asks.changes

    @property
    def hears(self) -> bool:
        """Whether the link was heard to carry; until then every frame counts, whoever it is for."""
        return self._heard

    @property
    def answers_for(self) -> frozenset[Address]:
        """Return the addresses that are answered for."""
        return frozenset(self._unasked.repeats.addresses())

    @property
    def listens_for(self) -> frozenset[Address]:
        """Return these, and those that are probed or silent: frames about them must come in.

        It is the same object until an address comes or goes.
        """
        if self._listened is None:
            self._listened = frozenset(self._holdings)
        return self._listened

    @property
    def withheld(self) -> Mapping[Address, str]:
        """Return why which address is not answered for. A probe's second is not worth a word."""
        why = {a: reason(h) for a, h in self._holdings.items() if not h.answers}
        return {address: words for address, words in why.items() if words is not None}

    @property
    def conflicts(self) -> Mapping[Address, SeenConflict]:
        """Return who else spoke for which address within the last minutes: at most 64."""
        return self._conflicts.view()

    @property
    def unacknowledged(self) -> Mapping[Address, tuple[Address, ...]]:
        """Return the addresses that gateways were asked as, and did not answer: which ones."""
        return self._unasked.asks.silent

    @property
    def questions(self) -> frozenset[Address]:
        """Return the addresses that somebody claimed; until :meth:`looked`, they are silent.

        They stay in here while nobody could be asked: look again from time to time.
        """
        return frozenset(self._questions)

    def _is_own(self, mac: bytes, now_s: float) -> bool:
        if mac == self._unasked.mac:
            return True
        former = self._former
        return former is not None and mac == former[0] and now_s - former[1] < FORMER_MAC_S

    def _hear(self, now_s: float) -> None:
        """The link carries, or is taken to: what was sent before may have been lost."""
        if self._heard or not self._up:
            return
        self._heard = True
        self._changes += 1
        for address, holding in self._holdings.items():
            if holding.standing is Standing.UNHEARD:
                holding.probe_first(now_s, self._chance, heard=True)
            elif holding.standing is Standing.ANNOUNCED:
                holding.announce(now_s)
            else:
                continue
            self._arrange(address, holding, now_s)

    def _overhear(self, word: frames.Word, now_s: float) -> None:
        holding = self._holdings.get(word.address)
        if holding is None or holding.answers or (word.nonce and word.nonce == holding.nonce):
            return
        before = holding.standing
        holding.overheard(
            word.mac, own=self._unasked.mac, probes=word.probes, now_s=now_s, chance=self._chance
        )
        if not word.probes or holding.standing is not before:
            self._changes += self._conflicts.record(word.address, word.mac, now_s)
        self._arrange(word.address, holding, now_s)

    def _claimed(self, claim: Claim, now_s: float) -> None:
        self.counters.claims += 1
        self._changes += self._conflicts.record(claim.address, claim.mac, now_s)
        holding = self._holdings[claim.address]
        holding.claimed(claim.mac, yields=claim.yields, now_s=now_s)
        self._arrange(claim.address, holding, now_s)

    def _arrange(self, address: Address, holding: Holding, now_s: float) -> None:
        """Bring what follows from the state of *holding* up to date."""
        if holding.shown is not holding.standing:
            holding.shown = holding.standing
            self._changes += 1
        if holding.asks is not (address in self._questions):
            self._questions ^= {address}
            self._changes += 1
        self._unasked.arrange(address, holding, now_s, up=self._up)

    def _forget(self, address: Address) -> None:
        self._changes += 1
        del self._holdings[address]
        self._unasked.forget(address)
        self._questions.discard(address)
        self._conflicts.forget(address)


_BEFORE_FIRST = frozenset({Standing.UNHEARD, Standing.PROBING, Standing.IN_USE})
