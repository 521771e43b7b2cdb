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
from functools import lru_cache
from typing import Final

from manager.snapshot import Endpoint, EndpointSlice, NodeName
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
NOWHERE: Final = NodeName("")  # of an endpoint without nodeName
ALIKE: Final = 1024  # values that are one object in many Services: 1.4 KB of each, on ten nodes
SOMEWHERE = Serving(ready_nowhere=True)  # of an aggregate: it has Services, ready or not


def serving(slices: Iterable[EndpointSlice]) -> Mapping[Family, Serving]:
    """Return where a Service serves whose *slices* these are, by family."""
    found: dict[Family, list[Endpoint]] = {}
    portless: set[Family] = set()
    for one in slices:
        known = found.setdefault(one.family, [])
        if one.has_ports:
            known.extend(one.endpoints)
        elif any(_is_ready(e) or _is_draining(e) for e in one.endpoints):
            portless.add(one.family)
    return {
        family: replace(_weigh(endpoints), portless=True)
        if family in portless
        else _weigh(endpoints)
        for family, endpoints in found.items()
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
    return _weighed(
        tuple(sorted(e.node or NOWHERE for e in serving if _is_ready(e))),
        tuple(sorted(e.node or NOWHERE for e in serving if _is_draining(e))),
    )


@lru_cache(ALIKE)
def _weighed(ready: tuple[NodeName, ...], draining: tuple[NodeName, ...]) -> Serving:
    """Return one object for all Services whose endpoints are in the same places."""
    return Serving(
        ready=_nodes(ready),
        ready_nowhere=NOWHERE in ready,
        draining=_nodes(draining),
        draining_nowhere=NOWHERE in draining,
        numbers=_numbers(ready),
        draining_numbers=_numbers(draining),
    )


def _nodes(places: tuple[NodeName, ...]) -> frozenset[NodeName]:
    return frozenset(place for place in places if place)


def _numbers(places: tuple[NodeName, ...]) -> Mapping[NodeName, int]:
    return Counter(place for place in places if place)
