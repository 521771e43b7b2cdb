"""Where a Service's endpoints serve.

An endpoint serves when `ready` is true or absent. One that terminates but still serves
counts only while no ready endpoint exists on any eligible node. All slices of a Service
count together, per family. Endpoints on dead nodes do not count.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from manager.snapshot import Endpoint, EndpointSlice, NodeName, ServiceKey
from pointsman.model.address import Family


@dataclass(frozen=True, slots=True)
class Serving:
    """The endpoints of one Service in one family, by what they are worth."""

    ready: frozenset[NodeName] = frozenset()
    ready_nowhere: bool = False  # a ready endpoint without nodeName: counts for Cluster only
    draining: frozenset[NodeName] = frozenset()  # terminating, still serving
    draining_nowhere: bool = False
    numbers: Mapping[NodeName, int] = field(default_factory=dict)  # of ready ones, by node
    draining_numbers: Mapping[NodeName, int] = field(default_factory=dict)

    def anywhere(self, dead: frozenset[NodeName]) -> bool:
        """Whether any endpoint serves, the terminating included."""
        if self.ready_nowhere or self.draining_nowhere:
            return True
        return bool((self.ready | self.draining) - dead)

    def on(self, nodes: frozenset[NodeName]) -> frozenset[NodeName]:
        """Return those of *nodes* (eligible ones) with an endpoint that serves."""
        return self.ready & nodes or self.draining & nodes

    def counts(self, nodes: frozenset[NodeName]) -> Mapping[NodeName, int]:
        """Return how many endpoints serve on each of *nodes* (eligible ones)."""
        return self.numbers if self.ready & nodes else self.draining_numbers


NOTHING = Serving()
SOMEWHERE = Serving(ready_nowhere=True)  # of an aggregate: it has Services, ready or not


def serving(slices: Iterable[EndpointSlice]) -> Mapping[tuple[ServiceKey, Family], Serving]:
    """Return where each Service serves, by Service and family."""
    found: dict[tuple[ServiceKey, Family], list[Endpoint]] = {}
    for one in slices:
        if one.service:
            key = ServiceKey(f"{one.namespace}/{one.service}"), one.family
            found.setdefault(key, []).extend(one.endpoints)
    return {key: _weigh(endpoints) for key, endpoints in found.items()}


def _weigh(endpoints: list[Endpoint]) -> Serving:
    ready = [e for e in endpoints if e.ready is not False]
    draining = [e for e in endpoints if e.ready is False and e.terminating and e.serving]
    return Serving(
        ready=_nodes(ready),
        ready_nowhere=any(e.node is None for e in ready),
        draining=_nodes(draining),
        draining_nowhere=any(e.node is None for e in draining),
        numbers=_numbers(ready),
        draining_numbers=_numbers(draining),
    )


def _nodes(endpoints: list[Endpoint]) -> frozenset[NodeName]:
    return frozenset(e.node for e in endpoints if e.node is not None)


def _numbers(endpoints: list[Endpoint]) -> Mapping[NodeName, int]:
    return Counter(e.node for e in endpoints if e.node is not None)
