"""What goes into the judgement and what comes out of it, as values.

All times are seconds of one monotonic clock. The driver acts on what comes out; nothing here
knows of sockets.
"""

from dataclasses import dataclass
from typing import Final

from manager.snapshot import NodeName
from pointsman.model.liveness import Liveness

EVERYWHERE: Final = "the cluster"  # the failure domain of all agents together


@dataclass(frozen=True, slots=True)
class Beat:
    """One heartbeat of an agent, verified and new, as far as it is judged."""

    interval_s: float  # the next one comes after about so long
    stopping: bool = False  # a goodbye: the agent ends, its node need not
    link_down: bool = False  # no gateway answers on the interface that has our addresses


@dataclass(frozen=True, slots=True)
class Probe:
    """Connect to each of these ports of a node, now, from a fresh port, and tell what came.

    With *hello* the programs behind them are spoken to (a TLS ClientHello, an HTTP request).
    """

    node: NodeName
    ports: tuple[int, ...]
    hello: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask each of these agents to probe a node, and every other replica when it last heard it."""

    node: NodeName
    agents: tuple[NodeName, ...]


@dataclass(frozen=True, slots=True)
class Turned:
    """The verdict on a node changed; *why* is a clause that continues its name."""

    node: NodeName
    before: Liveness
    after: Liveness
    why: str


@dataclass(frozen=True, slots=True)
class Frozen:
    """So many agents of a failure domain fell silent together that we suspect ourselves."""

    domain: str
    silent: int
    agents: int  # heard a second ago


@dataclass(frozen=True, slots=True)
class Thawed:
    """A failure domain is judged again."""

    domain: str
    after_s: float
    why: str  # a clause


Effect = Probe | Ask | Turned | Frozen | Thawed
