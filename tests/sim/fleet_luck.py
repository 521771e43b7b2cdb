"""What happens to a fleet in one seed, and the two laws that hold whatever it is.

No verdict Dead on a node that lives, whoever fails to reach it; and every death is found in time
by every manager that could look.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from manager.liveness.exchange import Frozen, Turned
from pointsman.model.liveness import Liveness
from tests.sim.fleet import PORTS, FakeManager, FakeNode, Fleet

DEATH_S = 1.0  # from a death to its verdict, at 100 ms
TROUBLED_S = 2.0  # the same while something else is amiss
RACK_S = 3.0
FREEZE_S = 1.0
CALM_S = 12.0  # between two troubles: returns take their time


@dataclass(slots=True)
class Luck:
    """One seed's story: deaths and troubles, one after the other, all of them mended."""

    seed: int
    fleet: Fleet = field(init=False)
    rng: random.Random = field(init=False)
    wrong: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    detected_s: list[float] = field(default_factory=list)
    racks_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = self.rng = random.Random(f"{self.seed} fleet")
        racks = rng.choice(((3,), (4, 4), (5, 5, 5), (3, 8), (6, 1, 5), (2, 2, 2)))
        self.fleet = Fleet(
            seed=self.seed,
            loss=rng.choice((0.0, 0.01, 0.05)),
            delay_s=rng.choice((0.0003, 0.002, 0.02)),
            duplicates=rng.choice((0.0, 0.1)),
        ).build(racks, managers=rng.choice((1, 2)))
        for node in self.fleet.nodes.values():
            if rng.random() < 0.1:
                node.filtered = frozenset({rng.choice(PORTS)})
            if rng.random() < 0.1:
                node.closed = frozenset({rng.choice(PORTS)})
        self.fleet.on_turn = self._turned

    def run(self, troubles: int) -> None:
        """Let *troubles* strike one after the other."""
        fleet = self.fleet
        fleet.run(15.0)
        strikes: list[Callable[[], None]] = [
            self.death,
            self.death,
            self.rack_death,
            self.starvation,
            self.starvation,
            self.one_way,
            self.cut_manager,
            self.cut_rack,
            self.storm,
            self.agent_ends,
            self.agent_starves,
            self.hang,
            self.restart_manager,
            self.clock_step,
            self.clock_step,
            self.burst,
        ]
        for _ in range(troubles):
            self.rng.choice(strikes)()
            fleet.run(CALM_S)

    # --- the laws ---

    def _turned(self, manager: FakeManager, turned: Turned) -> None:
        node = self.fleet.nodes[turned.node]
        if turned.after is Liveness.Dead and node.kernel:
            self.wrong.append(f"{self.fleet.now:.3f} {manager.name}: {turned.node}")

    def _found(self, names: list[str], began: float, within_s: float, into: list[float]) -> None:
        """See that every manager says of each of *names* that it is dead, in time."""
        for manager in self.fleet.managers.values():
            for name in names:
                at = [
                    when
                    for when, one in manager.turned
                    if one.node == name and one.after is Liveness.Dead and when >= began
                ]
                before = [
                    one.after for when, one in manager.turned if one.node == name and when < began
                ]
                after = self.fleet.verdict(name, manager.name)
                if not at and before[-1:] == [Liveness.Dead] and after is Liveness.Dead:
                    continue  # it had not returned from its last death
                if not at:
                    self.late.append(f"{manager.name} never found that {name} died at {began:.3f}")
                elif at[0] - began > within_s + self._frozen_s(manager, began, at[0]):
                    self.late.append(
                        f"{manager.name} found that {name} died after {at[0] - began:.2f} s"
                    )
                into += [when - began for when in at[:1]]

    def _frozen_s(self, manager: FakeManager, began: float, found: float) -> float:
        """Return what a freeze amid it may cost: losses can look like many silent at once."""
        times = [at for at, one in manager.news if isinstance(one, Frozen)]
        return FREEZE_S if any(began - 0.5 <= at <= found for at in times) else 0.0

    def _die(self, within_s: float, *, after_s: float = 0.0) -> None:
        """A node dies, is found in time, and returns; *after_s*: nobody could look before."""
        name = self._living().name
        began = self.fleet.now
        self.fleet.kill(name)
        self.fleet.run(after_s + within_s + 1.0)
        self._found([name], began, after_s + within_s, [] if after_s else self.detected_s)
        self.fleet.boot(name)

    def _living(self) -> FakeNode:
        return self.rng.choice([one for one in self.fleet.nodes.values() if one.agent])

    def _manager(self) -> FakeManager:
        return self.rng.choice(list(self.fleet.managers.values()))

    def _fate(self, within_s: float, *, after_s: float = 0.0) -> None:
        """Sometimes a node dies in the midst of a trouble; else time passes."""
        if self.rng.random() < 0.5:
            self._die(within_s, after_s=after_s)
        else:
            self.fleet.run(after_s + within_s)

    # --- the troubles ---

    def death(self) -> None:
        self._die(DEATH_S)

    def rack_death(self) -> None:
        fleet = self.fleet
        racks = sorted({one.rack for one in fleet.nodes.values()})
        if len(racks) == 1:
            return
        rack = self.rng.choice(racks)
        names = [str(one.name) for one in fleet.nodes.values() if one.rack == rack]
        began = fleet.now
        fleet.kill(*names)
        fleet.run(RACK_S + 1.0)
        self._found(names, began, RACK_S, self.racks_s)
        fleet.boot(*names)

    def starvation(self) -> None:
        seconds = self.rng.uniform(0.2, 6.0)
        one = self._manager()
        self.fleet.starve(one.name, seconds)
        self.fleet.run(self.rng.uniform(0.0, 0.1))
        self._fate(TROUBLED_S, after_s=seconds)

    def storm(self) -> None:
        """Starved, and the socket was too small for what came meanwhile."""
        one = self._manager()
        one.room = self.rng.randrange(20, 200)
        self.fleet.tell(f"the socket of {one.name} holds {one.room} datagrams")
        self.starvation()
        one.room = 4096

    def clock_step(self) -> None:
        """The wall clock jumps, mostly while the manager is starved."""
        one = self._manager()
        seconds = self.rng.choice((0.0, self.rng.uniform(0.1, 5.0)))
        if seconds:
            self.fleet.starve(one.name, seconds)
        self.fleet.at(
            self.rng.uniform(0.0, seconds),
            lambda: self.fleet.set_clock(
                one.name, self.rng.choice((-3600, -2, -0.3, 0.3, 2, 3600))
            ),
        )
        self.fleet.run(0.01)
        self._fate(TROUBLED_S, after_s=seconds)

    def one_way(self) -> None:
        node, one = self._living(), self._manager()
        ways = self.rng.choice(
            (
                [(node.name, one.name)],
                [(one.name, node.name)],
                [(node.name, one.name), (one.name, node.name)],
            )
        )
        self.fleet.tell(f"cut: {ways}")
        self.fleet.sever(*ways)
        self.fleet.run(self.rng.uniform(0.5, 8.0))
        if self.rng.random() < 0.5 and len(self.fleet.nodes) > 3:
            began = self.fleet.now
            self.fleet.kill(node.name)
            self.fleet.run(TROUBLED_S + 1.0)
            self._found([node.name], began, TROUBLED_S, [])
            self.fleet.boot(node.name)
        self.fleet.mend(*ways)
        self.fleet.tell("mended")

    def cut_manager(self) -> None:
        one = self._manager()
        others = [*self.fleet.nodes, *self.fleet.managers]
        ways = [way for name in others for way in ((name, one.name), (one.name, name))]
        self._cut(ways, f"{one.name} is cut off from all")

    def cut_rack(self) -> None:
        """A rack is cut off from one manager; the agents elsewhere reach it."""
        one, rack = self._manager(), self._living().rack
        names = [str(node.name) for node in self.fleet.nodes.values() if node.rack == rack]
        if 2 * len(names) > len(self.fleet.nodes):
            return
        ways = [way for name in names for way in ((name, one.name), (one.name, name))]
        self._cut(ways, f"{rack} is cut off from {one.name}")

    def _cut(self, ways: list[tuple[str, str]], given: str) -> None:
        self.fleet.tell(given)
        self.fleet.sever(*ways)
        self.fleet.run(self.rng.uniform(0.1, 10.0))
        self.fleet.mend(*ways)
        self.fleet.tell("mended")
        self.fleet.run(0.5)
        self._fate(TROUBLED_S)

    def burst(self) -> None:
        """Nothing of one node's arrives for less than a second: a link flaps, a queue drops."""
        node = self._living()
        ends = [*self.fleet.managers, *(n for n in self.fleet.nodes if n != node.name)]
        ways = [(node.name, end) for end in ends]
        self.fleet.tell(f"{node.name} is not heard by anybody for a moment")
        self.fleet.sever(*ways)
        self.fleet.run(self.rng.uniform(0.05, 0.25))
        self.fleet.mend(*ways)
        self._fate(DEATH_S)

    def agent_ends(self) -> None:
        node = self._living()
        self.fleet.end_agent(node.name, goodbye=self.rng.random() < 0.5)
        self.fleet.run(self.rng.uniform(0.1, 10.0))
        if self.rng.random() < 0.5 and not node.filtered:
            began = self.fleet.now
            self.fleet.kill(node.name)
            self.fleet.run(TROUBLED_S + 1.0)
            self._found([node.name], began, TROUBLED_S, [])
        self.fleet.boot(node.name)

    def agent_starves(self) -> None:
        """A busy node: its kernel answers, its agent and its programs are late."""
        node = self._living()
        seconds = self.rng.uniform(0.2, 8.0)
        node.starved_until = self.fleet.now + seconds
        self.fleet.tell(f"the agent of {node.name} is starved for {seconds:.1f} s")
        self.fleet.run(seconds)

    def hang(self) -> None:
        node = self._living()
        node.programs = False
        self.fleet.end_agent(node.name, goodbye=False)
        self.fleet.run(12.0)
        verdicts = {m: self.fleet.verdict(node.name, m) for m in self.fleet.managers}
        speaking = set(PORTS) - node.closed - node.filtered
        if speaking and set(verdicts.values()) != {Liveness.NodeHung}:
            self.late.append(f"{node.name} hangs, and is said to be {verdicts}")
        self.fleet.boot(node.name)

    def restart_manager(self) -> None:
        one = self._manager()
        self.fleet.tell(f"{one.name} starts anew")
        self.fleet.start(one.name)
        self.fleet.run(self.rng.uniform(0.5, 1.0))  # who was never heard has no verdict
        self._fate(TROUBLED_S, after_s=2.0)
