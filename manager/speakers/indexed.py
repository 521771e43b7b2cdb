"""The routes of one speaker as a table, under the keys that the replica knows them by."""

from manager.ports import Routes
from pointsman.model.delta import Delta
from pointsman.model.hops import Hops
from pointsman.model.identity import once_per_object
from pointsman.model.route import Route, RouteKey
from pointsman.model.table import Group, Table


class Indexed:
    """The routes of a speaker, which knows nothing of others, under their own keys."""

    def __init__(self, routes: Routes, index: int) -> None:
        self._routes, self._index = routes, index

    async def observe(self) -> Table:
        found = Table.of(await self._routes.observe())
        return _of_speaker(self._index, found) if self._index else found

    async def apply(self, work: Delta[RouteKey, Route]) -> None:
        if self._index:
            put, drop = Table.of(work.put), Table.of_keys(work.drop)
            work = Delta(put=_of_speaker(0, put), drop=_of_speaker(0, drop).keys())
        await self._routes.apply(work)


def _of_speaker(speaker: int, table: Table) -> Table:
    """Return *table* with all of its paths said by this speaker; what is shared stays shared."""

    def of_it(hops: Hops) -> Hops:
        return {(address, speaker): route for (address, _), route in hops.items()}

    own = once_per_object(of_it)
    return Table(
        {order: Group(group.prefix, own(group.hops)) for order, group in table.groups.items()}
    )
