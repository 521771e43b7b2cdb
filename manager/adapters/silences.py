"""Kubelets that fall silent: believed two seconds late, so that many at once are seen as many.

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

HOLD_S: Final = 2.0  # the silence itself took 40 s or more to be noticed


@dataclass(slots=True)
class Silences:
    """What the Nodes say, Unknown a little later. *wake* is called when a hold ends."""

    wake: Callable[[], None]
    _said: dict[NodeName, Truth] = field(default_factory=dict)  # before it fell silent
    _since: dict[NodeName, float] = field(default_factory=dict)  # of those under hold

    def heard(self, nodes: Mapping[NodeName, Node]) -> Mapping[NodeName, Node]:
        """Return *nodes* with those that have just turned Unknown as they were before."""
        held = {name: self._before(node) for name, node in nodes.items() if self._holds(node)}
        for gone in self._said.keys() - nodes.keys():
            del self._said[gone]
            self._since.pop(gone, None)
        return {**nodes, **held} if held else nodes

    def _holds(self, node: Node) -> bool:
        """Return whether *node* is under hold, and remember what it says otherwise."""
        name = node.name
        if node.ready == "Unknown" and self._said.get(name, "Unknown") != "Unknown":
            loop = asyncio.get_running_loop()
            if name not in self._since:
                self._since[name] = loop.time()
                loop.call_later(HOLD_S, self.wake)
            if loop.time() - self._since[name] < HOLD_S:
                return True
        self._said[name] = node.ready
        self._since.pop(name, None)
        return False

    def _before(self, node: Node) -> Node:
        return replace(node, ready=self._said[node.name])
