"""Kubelets that fall silent: believed a little later, and together with those that follow.

The node controller writes one Node after the other. Acted upon at once, the first of them
alone would be excluded and put back a moment later, when it is plain that the silence is
not the node's own (product.md section 3: too many are ignored). A Node that says itself
that it is not Ready is believed at once, and so is what we find when we start.

It remembers only what it saw turn; whether silence excludes anybody is the planner's.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from manager.snapshot import Node, NodeName, Truth

HOLD_S: Final = 2.0  # without a further one; the silence itself took 40 s or more to be noticed
LONGEST_S: Final = 10.0  # a dead node must not wait for ever, whatever others do


@dataclass(slots=True)
class Silences:
    """What the Nodes say, Unknown a little later. *wake* is called when that may end."""

    wake: Callable[[], None]
    _said: dict[NodeName, Truth] = field(default_factory=dict)  # last, or before the hold
    _since: dict[NodeName, float] = field(default_factory=dict)  # of those under hold

    def heard(self, nodes: Mapping[NodeName, Node]) -> Mapping[NodeName, Node]:
        """Return *nodes* with those that have just turned Unknown as they were before."""
        turned = {name for name, node in nodes.items() if self._turned(node)}
        for name in self._since.keys() - turned:
            del self._since[name]
        if turned and self._holds(turned):
            held = {name: replace(nodes[name], ready=self._said[name]) for name in turned}
        else:
            held = {}
            self._since.clear()
        self._said = {
            name: self._said[name] if name in held else nodes[name].ready for name in nodes
        }
        return {**nodes, **held} if held else nodes

    def _turned(self, node: Node) -> bool:
        """Return whether *node* is Unknown and was believed to be something else."""
        return node.ready == "Unknown" and self._said.get(node.name, "Unknown") != "Unknown"

    def _holds(self, turned: set[NodeName]) -> bool:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for name in turned - self._since.keys():
            self._since[name] = now
            loop.call_later(HOLD_S, self.wake)
        return (
            now - max(self._since.values()) < HOLD_S and now - min(self._since.values()) < LONGEST_S
        )
