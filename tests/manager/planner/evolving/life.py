"""One life: a snapshot, chance, and the words to change it."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from manager.snapshot import EndpointSlice, Snapshot
from tests.manager.planner.evolving.objects import Maker

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
K = TypeVar("K")


class Life:
    """A cluster now, and what may make another of it."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self._make = Maker(self.rng, START, self.rng.choice([0.0, 0.2, 1.0]))
        self.snapshot = Snapshot(taken_at=START)

    def _forward(self, seconds: int) -> None:
        self._make.now += timedelta(seconds=seconds)
        self._become(taken_at=self._make.now)

    def _become(self, **fields: Any) -> None:
        self.snapshot = replace(self.snapshot, **fields)

    def _key(self, found: Mapping[K, Any]) -> K | None:
        return self.rng.choice(sorted(found)) if found else None  # type: ignore[type-var]


def slices_of(snapshot: Snapshot) -> list[EndpointSlice]:
    return list(snapshot.endpoint_slices.values())


def with_slices(snapshot: Snapshot, found: Iterable[EndpointSlice]) -> Snapshot:
    return replace(snapshot, endpoint_slices={named(one): one for one in found})


def with_route(routes: Mapping[Any, Any], key: object, route: object) -> Mapping[Any, Any]:
    return {**routes, key: route}


def named(one: EndpointSlice) -> tuple[str, str]:
    return one.namespace, one.name
