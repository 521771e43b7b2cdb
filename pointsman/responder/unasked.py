"""What an interface sends of its own accord: in which order, and how fast.

Announcements, probes and defences of each address at its time, questions to gateways, repeats:
all pass one token bucket, the most urgent first. Refuses to decide what becomes of an address:
that is its `Holding`'s, which acts when its turn has come.
"""

from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv6Address

from pointsman.responder import frames
from pointsman.responder.agenda import Agenda
from pointsman.responder.asking import GatewayAsks
from pointsman.responder.bucket import TokenBucket
from pointsman.responder.counters import Counters
from pointsman.responder.holding import Deed, Holding, Rank
from pointsman.responder.repeats import Repeats
from pointsman.responder.terms import Address, Chance
from pointsman.responder.timing import ASK_GAP_S

# After these, somebody else's word may be what a gateway believes.
_TO_BE_VERIFIED = frozenset({Rank.DEFEND.value, Rank.FIRST.value})


class Unasked:
    """The turns of one interface's addresses; *mac*, *link_local*: its own, and may change."""

    def __init__(
        self,
        counters: Counters,
        chance: Chance,
        *,
        mac: bytes,
        link_local: IPv6Address | None,
        rate: int,
        now_s: float,
    ) -> None:
        self.mac, self.link_local = mac, link_local
        self._counters, self._chance = counters, chance
        self.bucket = TokenBucket(rate, now_s=now_s)
        self.asks = GatewayAsks()
        self.repeats = Repeats(chance)
        self._agenda = Agenda()

    def arrange(self, address: Address, holding: Holding, now_s: float, *, up: bool) -> None:
        """Give *address* the turns that follow from the state of *holding*."""
        if not holding.answers:
            self.repeats.discard(address)
            self.asks.discard(address)
        elif address not in self.repeats:
            self.repeats.add(address, rate=self.bucket.rate, now_s=now_s)
        if holding.due_s is None or not up:
            self._agenda.drop(address)
        else:
            self._agenda.put(address, at_s=holding.due_s, rank=holding.rank)

    def forget(self, address: Address) -> None:
        """Let *address* have no turn any more."""
        self._agenda.drop(address)
        self.repeats.discard(address)
        self.asks.discard(address)

    def postpone(self, now_s: float) -> None:
        """All are about to be announced anew: repeats can wait."""
        self.repeats.postpone(rate=self.bucket.rate, now_s=now_s)

    def follow_gateways(self, gateways: Iterable[Address], now_s: float) -> None:
        """Ask these from now on: as each address, where one is new."""
        versions = self.asks.follow(gateways)
        for address in self.repeats.addresses() if versions else ():
            if address.version in versions:
                self.asks.begin(address, now_s)

    def due(
        self,
        holdings: Mapping[Address, Holding],
        now_s: float,
        acted: Callable[[Address, Holding, float], None],
    ) -> list[bytes]:
        """Return what is to be sent now, as far as the rate allows.

        *acted* is called after each act: it must :meth:`arrange` the turn that follows.
        """
        sent: list[bytes] = []
        while True:
            address, asking = self._agenda.first(now_s), self.asks.first(now_s)
            rank = Rank.ROUND.value if address is None else holdings[address].rank
            if asking is not None and rank > Rank.PROBE.value:
                if self.asks.sends(asking) and not self.bucket.take(now_s):
                    return sent
                sent += self._gateway_question(asking, now_s)
            elif address is None:
                return sent + self._again(now_s)
            elif rank != Rank.FREE.value and not self.bucket.take(now_s):
                return sent
            else:
                sent += self._act(address, holdings[address], now_s)
                acted(address, holdings[address], now_s)

    def next_s(self) -> float | None:
        """Return when :meth:`due` has something. None: never."""
        times = [self._agenda.next_s(), self.repeats.next_s(), self.asks.next_s()]
        if self._agenda.backlog() or self.asks.backlog():
            times.append(self.bucket.ready_s())
        return min((time for time in times if time is not None), default=None)

    def __len__(self) -> int:
        """Return how many addresses have a turn of their own to come."""
        return len(self._agenda)

    def _act(self, address: Address, holding: Holding, now_s: float) -> list[bytes]:
        to_verify = holding.rank in _TO_BE_VERIFIED
        match holding.act(now_s, self._chance):
            case Deed.ANNOUNCE:
                sent = [self._announcement(address)]
                if to_verify:
                    self.asks.begin(address, now_s)
            case Deed.PROBE:
                self._counters.probes += 1
                sent = [frames.probe(address, self.mac, nonce=holding.nonce)]
            case Deed.NOTHING:
                sent = []
        return sent

    def _announcement(self, address: Address) -> bytes:
        self._counters.announcements += 1
        return frames.announcement(address, self.mac, link_local=self.link_local)

    def _gateway_question(self, address: Address, now_s: float) -> list[bytes]:
        gateway = self.asks.asked(address, now_s)
        if gateway is None:
            return []
        self._counters.gateway_asks += 1
        return [frames.gateway_question(gateway, address, self.mac)]

    def _again(self, now_s: float) -> list[bytes]:
        """Return what is announced again; where a gateway was silent, it is asked again, too."""
        sent: list[bytes] = []
        for address in self.repeats.due(now_s, rate=self.bucket.rate):
            if self.bucket.take(now_s):
                sent.append(self._announcement(address))
                if address in self.asks.silent:
                    self.asks.begin(address, now_s + ASK_GAP_S)
        return sent
