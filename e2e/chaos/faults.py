"""The faults of the chaos, and what each may cost: a replica nothing, a node its own paths."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from dataclasses import dataclass

from e2e.bed import Bed
from e2e.leadership import leader

MANAGERS = ("manager", "manager2")
NODES = ("node1", "node2")  # node3 alone carries what must not be touched
COSTLY = frozenset({"node without power", "node's cable pulled"})  # until their next hops go
# A node leaves the next hops and comes back while it forwards: of a connection under way at that
# moment the packets go elsewhere from there on (no resilient hashing), and that node resets it.
REGROUPING = frozenset({"service proxy fails"})
Deed = Callable[[Bed], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault. *lasts_s*: from making it to undoing it."""

    name: str
    make: Deed
    undo: Deed
    lasts_s: float
    node: bool = False  # what leads to a node goes with it; else nothing at all may change


def drawn(chance: random.Random, lab: Bed) -> list[Fault]:
    """Return every fault once, in an order and at places that *chance* draws."""
    first, node = leader(lab), chance.choice(NODES)
    sidecar = chance.choice([manager.sidecar for manager in lab.topology.managers])
    found = [
        _failed("leader killed", first, 4.0),
        Fault("leader frozen", _sends(first, signal.SIGSTOP), _sends(first, signal.SIGCONT), 8.0),
        _failed("leader cut off from the API", f"api:{first}", 8.0),
        _failed("leader's network cut", f"link:{first}", 4.0),
        _failed("sidecar killed", sidecar, 4.0),
        _failed("agent killed", f"agent:{node}", 4.0),
        _failed("API server hangs", "api", 6.0),
        _failed("node without power", node, 7.0, node=True),
        _failed("node's cable pulled", f"link:{node}", 4.0, node=True),
        _failed("service proxy fails", f"proxy:{node}", 4.0, node=True),
    ]
    chance.shuffle(found)
    return found


def _failed(name: str, target: str, lasts_s: float, *, node: bool = False) -> Fault:
    return Fault(
        name, lambda lab: lab.fail(target), lambda lab: lab.heal(target), lasts_s, node=node
    )


def _sends(program: str, number: signal.Signals) -> Deed:
    return lambda lab: lab.kill(program, number)
