"""Nodes that turn Unknown, networks that go: believed a little later, with those that follow.

The node controller writes one Node after the other, and so does a network add-on that restarts
everywhere. Acted upon at once, the first of them alone would be excluded and put back a moment
later, when it is plain that it is not the node's own trouble: too many at once are ignored
(docs/concepts.md). A Node that says itself that it is not Ready is believed at once, and so is what
we find when we start.

It remembers only what it saw turn; whether that excludes a node is the planner's.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from manager.snapshot import Node, NodeName

DELAY_S: Final = 2.0  # without a further one; the node controller took 40 s or more to notice
LONGEST_S: Final = 10.0  # a dead node must not wait for ever, whatever others do


class ReadinessDamping:
    """The Nodes as reported, but what others conclude of them a little later.

    *wake* is called when that may end.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._kubelets = _Delay(
            wake, _turned_unknown, lambda node, was: replace(node, ready=was.ready)
        )
        self._networks = _Delay(
            wake, _lost_network, lambda node, was: replace(node, network_unavailable=False)
        )

    def damped(self, nodes: Mapping[NodeName, Node]) -> Mapping[NodeName, Node]:
        """Return *nodes* with what has just turned on them as it was before."""
        return self._networks.damped(self._kubelets.damped(nodes))


def _turned_unknown(node: Node, was: Node) -> bool:
    return node.ready == "Unknown" and was.ready != "Unknown"


def _lost_network(node: Node, was: Node) -> bool:
    return node.network_unavailable and not was.network_unavailable


@dataclass(slots=True)
class _Delay:
    """One kind of news: whether it *turned* on a node, and the node *without* it."""

    wake: Callable[[], None]
    turned: Callable[[Node, Node], bool]  # (as it is, as it was believed to be)
    without: Callable[[Node, Node], Node]
    # As they were last, or before the delay. While nothing is delayed, it is what was reported.
    _believed: Mapping[NodeName, Node] = field(default_factory=dict)
    _since: dict[NodeName, float] = field(default_factory=dict)  # of those delayed

    def damped(self, nodes: Mapping[NodeName, Node]) -> Mapping[NodeName, Node]:
        believed = self._believed
        if nodes is believed:
            return nodes
        turned = {n for n, one in nodes.items() if n in believed and self.turned(one, believed[n])}
        for name in self._since.keys() - turned:
            del self._since[name]
        if turned and self._delays(turned):
            delayed = {name: self.without(nodes[name], believed[name]) for name in turned}
        else:
            delayed = {}
            self._since.clear()
        found = {**nodes, **delayed} if delayed else nodes
        if not delayed or found != believed:
            self._believed = found
        return self._believed

    def _delays(self, turned: set[NodeName]) -> bool:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for name in turned - self._since.keys():
            self._since[name] = now
            loop.call_later(DELAY_S, self.wake)
        return (
            now - max(self._since.values()) < DELAY_S
            and now - min(self._since.values()) < LONGEST_S
        )
