"""Where a Service's endpoints serve.

An endpoint serves when `ready` is true or absent. One that terminates but still serves
counts only while no ready endpoint exists on any eligible node. All slices of a Service
count together, per family; an endpoint that is in several of them, or in one of them twice, is
one. Endpoints on dead nodes do not count, nor do those on Nodes that do not exist, nor those
of a slice without ports: no service proxy has anything to send to there.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

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
    portless: bool = False  # others would serve, if their slices had a port

    def anywhere(self, alive: frozenset[NodeName]) -> bool:
        """Whether any endpoint serves, the terminating included, given the nodes *alive*."""
        if self.ready_nowhere or self.draining_nowhere:
            return True
        return bool((self.ready | self.draining) & alive)

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
    portless: set[tuple[ServiceKey, Family]] = set()
    for one in slices:
        if one.service:
            key = ServiceKey(f"{one.namespace}/{one.service}"), one.family
            known = found.setdefault(key, [])
            if one.has_ports:
                known.extend(one.endpoints)
            elif any(_is_ready(e) or _is_draining(e) for e in one.endpoints):
                portless.add(key)
    return {
        key: replace(_weigh(endpoints), portless=True) if key in portless else _weigh(endpoints)
        for key, endpoints in found.items()
    }


def _is_ready(endpoint: Endpoint) -> bool:
    return endpoint.ready is not False


def _is_draining(endpoint: Endpoint) -> bool:
    return bool(endpoint.ready is False and endpoint.terminating and endpoint.serving)


def _distinct(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Return each endpoint once, by address and node; one without address is its own.

    Slices change one after the other, and one Pod is in several of them (kubernetes.io,
    EndpointSlices, "Duplicate endpoints"; named target ports). Where they disagree, the one that
    says that it is worth more counts: the callers give those first.
    """
    known: dict[object, Endpoint] = {}
    for endpoint in endpoints:
        key = object() if endpoint.address is None else (endpoint.address, endpoint.node)
        known.setdefault(key, endpoint)
    return list(known.values())


def _weigh(endpoints: list[Endpoint]) -> Serving:
    ready = [e for e in endpoints if _is_ready(e)]
    serving = _distinct([*ready, *[e for e in endpoints if _is_draining(e)]])
    ready = [e for e in serving if _is_ready(e)]
    draining = [e for e in serving if _is_draining(e)]
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
