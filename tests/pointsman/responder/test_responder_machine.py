"""Any order of assignments, links, frames of others, looks and time: what never happens.

The machine knows no states of an address. It knows what was assigned, what was heard and what was
sent, and derives from these alone what a responder may do.
"""

from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pointsman.model.address import Address
from pointsman.responder.conflicts import CONFLICTS_MAX
from pointsman.responder.responder import Responder
from pointsman.responder.terms import DutyTerms
from pointsman.responder.timing import PROBES
from tests.pointsman.responder.bench import (
    BOTH,
    CLIENT,
    HIGHER,
    LOWER,
    OWN,
    addresses,
    claim,
    noise,
    parsed,
    probe,
    question,
    says,
)  # fmt: skip

POOL = (*BOTH, *addresses(4))
RATE = 20
BURST = 4
MACS = st.sampled_from([LOWER, HIGHER, CLIENT])
POOLED = st.sampled_from(POOL)
TERMS = st.builds(DutyTerms, probe=st.booleans())


class ResponderMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now_s = 50.0
        self.mac = OWN
        self.up = True
        self.duties: dict[Address, DutyTerms] = {}
        self.responder = Responder(mac=OWN, announce_rate=RATE, chance=Random(3), now_s=self.now_s)
        # For each address: how many probes since it had to be probed; None: it need not be.
        self.probed: dict[Address, int | None] = {}
        self.unasked: list[float] = []  # times of what was sent of its own accord
        self.in_use: dict[Address, float] = {}

    @rule(duties=st.dictionaries(POOLED, TERMS))
    def follow(self, duties: dict[Address, DutyTerms]) -> None:
        for address, terms in duties.items():
            if not terms.probe:
                self.probed[address] = None
            elif address not in self.duties:
                self.probed[address] = 0
        self.duties = duties
        self.responder.follow(duties, self.now_s)

    @rule(up=st.booleans(), other=st.booleans())
    def link(self, *, up: bool, other: bool) -> None:
        if other:
            self.mac = bytes((2, 9, 0, 0, 0, (self.mac[5] + 1) % 256))
        self.up = up
        answering = self.responder.answers_for
        for address, count in self.probed.items():
            if count is not None and address not in answering:
                self.probed[address] = 0
        self.responder.link(up=up, mac=self.mac, now_s=self.now_s)

    @precondition(lambda self: self.up)
    @rule(address=POOLED, mac=MACS, kind=st.sampled_from(["claim", "probe", "noise"]))
    def others_send(self, address: Address, mac: bytes, kind: str) -> None:
        frame = {"claim": claim, "probe": probe, "noise": lambda *_: noise(mac)}[kind](address, mac)
        answering = address in self.responder.answers_for
        replies = self.responder.received(frame, now_s=self.now_s)
        self.check(replies)
        assert len(replies) == (kind == "probe" and answering)
        if kind == "claim":
            silenced = answering and address in self.responder.questions
            if silenced or (address in self.duties and self.probed[address] is not None):
                self.probed[address] = 0 if address not in self.responder.answers_for else None
            assert (address in self.responder.conflicts) == (address in self.duties)

    @precondition(lambda self: self.up)
    @rule(address=POOLED, unicast=st.booleans())
    def a_client_asks(self, address: Address, *, unicast: bool) -> None:
        answering = address in self.responder.answers_for
        frame = question(address, of=self.mac if unicast else None)
        replies = self.responder.received(frame, now_s=self.now_s)
        self.check(replies)
        assert len(replies) == answering

    @precondition(lambda self: self.up)
    @rule(frame=st.binary(max_size=80))
    def noise_arrives(self, frame: bytes) -> None:
        assert self.responder.received(frame, now_s=self.now_s) == []

    @rule(address=POOLED, ours=st.sampled_from([True, False, None]))
    def the_shell_looked(self, address: Address, ours: bool | None) -> None:
        self.looked(address, ours=ours)

    def looked(self, address: Address, *, ours: bool | None) -> None:
        asked = address in self.responder.questions
        self.responder.looked(address, ours=ours, now_s=self.now_s)
        if address in self.responder.answers_for and ours:
            self.probed[address] = None
        if asked and ours is not None:
            assert (address in self.responder.answers_for) is ours
            assert address not in self.responder.questions

    @rule(seconds=st.sampled_from([0.0, 0.05, 0.3, 1.0, 5.0, 12.0, 70.0]))
    def time_passes(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        while (due_s := self.responder.next_due_s()) is not None and due_s <= until_s:
            self.now_s = max(self.now_s, due_s)
            frames = self.responder.due(self.now_s)
            self.unasked += [self.now_s] * len(frames)
            self.check(frames)
            again_s = self.responder.next_due_s()
            assert again_s is None or again_s > self.now_s
            assert self.up or not frames
        self.now_s = until_s

    def check(self, frames: list[bytes]) -> None:
        """Each is for what is ours, with our MAC in both places, and after probes where it must."""
        for frame in frames:
            kind, address, mac = says(frame)
            assert address in self.duties
            assert mac == self.mac == parsed(frame).source
            count = self.probed[address]
            if kind == "probe":
                if count is not None:
                    self.probed[address] = count + 1
            else:
                assert count is None or count >= PROBES
                assert address not in self.responder.questions

    @invariant()
    def what_answers_is_ours_and_was_probed(self) -> None:
        assert self.responder.listens_for == self.duties.keys()
        assert self.responder.answers_for <= self.duties.keys()
        for address in self.responder.answers_for:
            count = self.probed[address]
            assert count is None or count >= PROBES

    @invariant()
    def silence_has_a_reason(self) -> None:
        assert not self.responder.answers_for & self.responder.questions
        assert not self.responder.answers_for & self.responder.withheld.keys()

    @invariant()
    def the_rate_holds(self) -> None:
        recent = [at for at in self.unasked[-200:] if at > self.now_s - 1.0]
        assert len(recent) <= BURST + RATE + 1

    @invariant()
    def nothing_grows(self) -> None:
        assert len(self.responder._unasked) <= len(self.duties)
        assert len(self.responder.conflicts) <= CONFLICTS_MAX
        assert self.responder.conflicts.keys() <= self.duties.keys()
        assert self.responder.questions <= self.duties.keys()

    def teardown(self) -> None:
        """At rest, told what is ours, each address is answered for: nothing is stuck."""
        if not self.up:
            self.link(up=True, other=False)
        for _ in range(30):
            for address in self.responder.questions:
                self.looked(address, ours=True)
            self.time_passes(10.0)
        assert self.responder.answers_for == self.duties.keys()
        assert not self.responder.withheld


TestResponder = ResponderMachine.TestCase
TestResponder.settings = settings(stateful_step_count=40, max_examples=60, deadline=None)
