"""What must hold of layer 2 at every moment, whatever goes wrong: an observer's books.

Of each address one node that lives is told to answer; it moves only when the node that has it was
unfit; two answer for no longer than it takes to hear of each other; an Announcer is not written
again and again. Refuses to ask the manager.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from pointsman.model.address import Address
from tests.sim.laws import Laws
from tests.sim.segment import assigned

# How old what a manager knows may be: a partition, a lost event until the next list.
STALE_S = 65.0
CALM_STALE_S = 10.0
REVOKED_S = 2.0  # until an agent that hears of it is silent
BOTH_S = 5.0  # two that hear each other's announcements, though a frame is lost
# Additions go out once a second; what leaves, and the managers' own addresses, at once.
WRITES, WINDOW_S = 10, 10.0


def now() -> float:
    return asyncio.get_running_loop().time()


class _Owner(NamedTuple):
    """Who was given an address."""

    node: str
    service: str  # the uid of whose address it was
    troubles: int  # how often the node had become unfit by then
    doubtful: bool  # it was unfit then, or so lately that a manager may not know better


class Layer2Laws(Laws):
    """The books. *unfit* is told by whoever does it to a node."""

    def __init__(self) -> None:
        super().__init__()
        self.moves = 0
        self.writes: dict[str, deque[float]] = defaultdict(deque)
        self.most_writes = 0
        self._specs: dict[str, tuple[object, set[Address]]] = {}
        self._owners: dict[Address, _Owner] = {}
        self._unfit: set[str] = set()
        self._dead: set[str] = set()
        self._troubles: dict[str, int] = defaultdict(int)
        self._last_unfit: dict[str, float] = {}
        self._since: dict[Address, float] = {}  # two answer
        self._revoked: dict[tuple[str, Address], float] = {}  # somebody answers who should not
        self.calm = False  # managers know everything, and at once

    def unfit(self, node: str, *, is_unfit: bool, dead: bool) -> None:
        """Note that *node* may lose what it has from now on, or no longer."""
        (self._dead.add if dead else self._dead.discard)(node)
        if is_unfit:
            self._troubles[node] += node not in self._unfit
            self._unfit.add(node)
        elif node in self._unfit:
            self._unfit.discard(node)
            self._last_unfit[node] = now()

    def announcer_changed(self, raw: Mapping[str, Any]) -> None:
        """Judge an Announcer as it stands now."""
        node = raw["metadata"]["name"]
        spec, before = self._specs.get(node, (None, set()))
        if raw.get("spec") == spec:
            return
        have = assigned(dict(raw))
        self._specs[node] = raw.get("spec"), have
        self._written(node)
        for address in have - before:
            others = {n for n, (_, theirs) in self._specs.items() if address in theirs} - {node}
            if alive := others - self._dead - self._returned():
                self.violated(f"{address} is given to {node}, and {sorted(alive)} has it")
            self._owned(address, node)

    def _owned(self, address: Address, node: str) -> None:
        had = self._owners.get(address)
        # What is given to another Service is elected afresh, and no move.
        uid = next((uid for uid, have, _ in self._holders.values() if str(address) in have), "")
        if had is not None and had.node != node and had.service == uid != "":
            self.moves += 1
            innocent = not had.doubtful and self._troubles[had.node] == had.troubles
            if innocent or (self.calm and not self._unfit_within(had.node, CALM_STALE_S)):
                self.violated(f"{address} went from {had.node} to {node}, and {had.node} was well")
        doubtful = self._unfit_within(node, STALE_S)
        self._owners[address] = _Owner(node, uid, self._troubles[node], doubtful)

    def _unfit_within(self, node: str, seconds: float) -> bool:
        return node in self._unfit or now() - self._last_unfit.get(node, -seconds) < seconds

    def _returned(self) -> set[str]:
        """Return the nodes that were dead lately: their specs are put right once they are seen."""
        return {n for n, at_s in self._last_unfit.items() if now() - at_s < STALE_S}

    def _written(self, node: str) -> None:
        times = self.writes[node]
        times.append(now())
        while times[0] < now() - WINDOW_S:
            times.popleft()
        self.most_writes = max(self.most_writes, len(times))
        if len(times) > WRITES:
            self.violated(f"Announcer {node} was written {len(times)} times in {WINDOW_S:.0f} s")

    def answered(self, answering: Mapping[Address, list[str]], hearing: Collection[str]) -> None:
        """Judge who answers now; *hearing*: whose agents can hear that they should not."""
        revoked = {
            (name, address)
            for address, names in answering.items()
            for name in names
            if name in hearing and address not in self._specs.get(name, (None, set()))[1]
        }
        self._revoked = {one: self._revoked.get(one, now()) for one in revoked}
        for (name, address), since_s in self._revoked.items():
            if now() - since_s > REVOKED_S:
                self.violated(f"{name} answers for {address}, which it lost at {since_s:.1f} s")
        several = {a: names for a, names in answering.items() if len(names) > 1}
        self._since = {a: self._since.get(a, now()) for a in several}
        for address, since_s in self._since.items():
            if now() - since_s > BOTH_S:
                self.violated(f"{several[address]} answer for {address} since {since_s:.1f} s")
