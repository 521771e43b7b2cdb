"""An agent as a manager hears it: its key, its boot, what it echoes."""

from dataclasses import dataclass, field
from functools import cached_property

from manager.replicas.company import Company, Standing
from manager.snapshot import Announcer, NodeName
from pointsman.wire.heartbeat import (
    Acknowledgement,
    Beat,
    Drop,
    Flags,
    View,
    read_acknowledgement,
    write_beat,
)
from pointsman.wire.heartbeat_keys import key_text, public_half, shared_key

MANAGER = "manager-a"
PRIVATE = b"m" * 32
NONCE = 77
NONE = Flags(0)


@dataclass
class TestAgent:
    """The agent of *node*: what it sends is what a real one would."""

    __test__ = False

    node: str
    boot: bytes = b"b" * 16
    private: bytes = b""
    counter: int = 0
    nonce: int = 0
    heard: int = 0
    links_down: tuple[str, ...] = ()
    acknowledgements: list[Acknowledgement] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.private = self.private or self.node.encode().ljust(32, b".")

    @cached_property
    def key(self) -> bytes:
        agent, manager = public_half(self.private), public_half(PRIVATE)
        made = shared_key(self.private, agent=agent, manager=manager)
        assert made is not None
        return made

    @property
    def name(self) -> NodeName:
        return NodeName(self.node)

    @property
    def peer(self) -> tuple[str, int]:
        return f"192.0.2.{10 + int(self.node[-1])}", 40_000

    def announcer(self, generation: int = 3) -> Announcer:
        text = key_text(public_half(self.private))
        return Announcer(self.name, public_key=text, generation=generation)

    def beat(self, flags: Flags = NONE, *, interval_ms: int = 100) -> bytes:
        self.counter += 1
        acknowledgements = Beat(
            self.node,
            self.boot,
            self.counter,
            flags=flags,
            interval_ms=interval_ms,
            nonce=self.nonce,
            heard=self.heard,
            links_down=self.links_down,
        )
        return write_beat(acknowledgements, manager=MANAGER, key=self.key)

    def hear(self, data: bytes) -> Acknowledgement | Drop:
        acknowledgements = read_acknowledgement(data, node=self.node, key_of=lambda name: self.key)
        if isinstance(acknowledgements, Acknowledgement) and acknowledgements.boot == self.boot:
            self.acknowledgements.append(acknowledgements)
            self.nonce, self.heard = acknowledgements.nonce, acknowledgements.counter
        return acknowledgements


def alone(name: str) -> Company:
    """Return the company of a manager that speaks to no router."""
    standing = Standing(
        view=lambda: View(0), readings=lambda: (), follows=lambda: 0, version=lambda: 0
    )
    return Company(name, standing, wake=lambda: None)
