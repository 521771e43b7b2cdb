"""The routes of a further speaker under the keys that the replica knows them by."""

from collections.abc import Mapping
from dataclasses import replace

from manager.ports import Routes
from pointsman.model.delta import Delta
from pointsman.model.route import Route, RouteKey


class Indexed:
    """The routes of a further speaker, which knows nothing of others, under their own keys."""

    def __init__(self, routes: Routes, index: int) -> None:
        self._routes, self._index = routes, index

    async def observe(self) -> Mapping[RouteKey, Route]:
        found = await self._routes.observe()
        return {replace(key, speaker=self._index): route for key, route in found.items()}

    async def apply(self, work: Delta[RouteKey, Route]) -> None:
        put = {replace(key, speaker=0): route for key, route in work.put.items()}
        drop = frozenset(replace(key, speaker=0) for key in work.drop)
        await self._routes.apply(Delta(put=put, drop=drop))
