"""Kubelets that fall silent, networks that go: believed a little later, with those that follow.

The node controller writes one Node after the other, and so does a network add-on that restarts
everywhere. Acted upon at once, the first of them alone would be excluded and put back a moment
later, when it is plain that it is not the node's own trouble: too many at once are ignored
(docs/concepts.md). A Node that says itself that it is not Ready is believed at once, and so is what
we find when we start.

It remembers only what it saw turn; whether that excludes anybody is the planner's.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from manager.snapshot import Node, NodeName

HOLD_S: Final = 2.0  # without a further one; the silence itself took 40 s or more to be noticed
LONGEST_S: Final = 10.0  # a dead node must not wait for ever, whatever others do


class Silences:
    """What the Nodes say, bad news of others about them a little later.

    *wake* is called when that may end.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._kubelets = _Hold(wake, _fell_silent, lambda node, was: replace(node, ready=was.ready))
        self._networks = _Hold(
            wake, _lost_network, lambda node, was: replace(node, network_unavailable=False)
        )

    def heard(self, nodes: Mapping[NodeName, Node]) -> Mapping[NodeName, Node]:
        """Return *nodes* with what has just turned on them as it was before."""
        return self._networks.heard(self._kubelets.heard(nodes))


def _fell_silent(node: Node, was: Node) -> bool:
    return node.ready == "Unknown" and was.ready != "Unknown"


def _lost_network(node: Node, was: Node) -> bool:
    return node.network_unavailable and not was.network_unavailable


@dataclass(slots=True)
class _Hold:
    """One kind of news: whether it *turned* on a node, and the node *without* it."""

    wake: Callable[[], None]
    turned: Callable[[Node, Node], bool]  # (as it is, as it was believed to be)
    without: Callable[[Node, Node], Node]
    _said: dict[NodeName, Node] = field(default_factory=dict)  # last, or before the hold
    _since: dict[NodeName, float] = field(default_factory=dict)  # of those under hold

    def heard(self, nodes: Mapping[NodeName, Node]) -> Mapping[NodeName, Node]:
        said = self._said
        turned = {n for n, one in nodes.items() if n in said and self.turned(one, said[n])}
        for name in self._since.keys() - turned:
            del self._since[name]
        if turned and self._holds(turned):
            held = {name: self.without(nodes[name], said[name]) for name in turned}
        else:
            held = {}
            self._since.clear()
        self._said = {**nodes, **held}
        return self._said if held else nodes

    def _holds(self, turned: set[NodeName]) -> bool:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for name in turned - self._since.keys():
            self._since[name] = now
            loop.call_later(HOLD_S, self.wake)
        return (
            now - max(self._since.values()) < HOLD_S and now - min(self._since.values()) < LONGEST_S
        )
