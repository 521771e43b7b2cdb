"""Routes by prefix: what is said of many prefixes alike stands in memory once.

Ten thousand Services on ten nodes are a hundred thousand paths, and say one thing: these ten
next hops. A table holds a group for each prefix and one mapping of next hops for all that
say the same; two tables are compared by groups, and keys are made only where groups differ.
Refuses to change: a table is a value, and whatever changes one returns another.
"""

from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from operator import eq, itemgetter
from typing import Final

from pointsman.model.address import Prefix, prefix_order
from pointsman.model.delta import Delta, Patchable
from pointsman.model.hops import (
    NO_HOPS,
    Hops,
    SharedHops,
    by_key,
    common_hops,
    lacking_hops,
    patched_hops,
)
from pointsman.model.identity import distinct, once_per_pair
from pointsman.model.route import PathAttributes, Route, RouteKey
from pointsman.model.version import Version

_BY_ORDER: Final = itemgetter(0)  # of items
NO_ROUTE: Final = Route(PathAttributes(), frozenset())
Order = tuple[int, int, int]  # of a prefix: version, network as a number, length


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """All that is said of one prefix. False: nothing is."""

    prefix: Prefix
    hops: Hops
    order: Order = field(init=False, repr=False)  # the first three of RouteKey.order

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", prefix_order(self.prefix))

    def __bool__(self) -> bool:
        return bool(self.hops)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Group) or self.order != other.order:
            return False
        return self.hops is other.hops or self.hops == other.hops

    __hash__ = None  # type: ignore[assignment]  # nor has a mapping one

    def routes(self) -> Iterator[tuple[RouteKey, Route]]:
        """Yield the routes under their keys, in `route_order`."""
        prefix = self.prefix
        found = [(RouteKey(prefix, *hop), route) for hop, route in self.hops.items()]
        found.sort(key=by_key)
        return iter(found)


class Table(Patchable[RouteKey, Route]):
    """Routes of *groups*, which stand under the order of their prefixes, sorted; none is empty."""

    __slots__ = ("_len", "groups")

    def __init__(self, groups: Mapping[Order, Group]) -> None:
        self.groups: Final = groups
        self._len: int | None = None

    @classmethod
    def of(cls, routes: Mapping[RouteKey, Route]) -> "Table":
        """Return *routes* as a table; those of prefixes that say the same are one object."""
        if isinstance(routes, Table):
            return routes
        prefixes: dict[Order, tuple[Prefix, list[tuple[RouteKey, Route]]]] = {}
        for item in routes.items():
            key = item[0]
            prefixes.setdefault(key.order[:3], (key.prefix, []))[1].append(item)
        shared = SharedHops()
        return cls(
            Version(
                (order, Group(prefix, shared.of(found)))
                for order, (prefix, found) in sorted(prefixes.items(), key=_BY_ORDER)
            )
        )

    @classmethod
    def of_keys(cls, keys: AbstractSet[RouteKey]) -> "Table":
        """Return a table with these *keys*; what it says of them says nothing."""
        if isinstance(keys, _Keys):
            return keys.table
        return cls.of(dict.fromkeys(keys, NO_ROUTE))

    def within(self, other: "Table") -> "Table":
        """Return the routes whose keys *other* has, too."""
        common = common_hops()
        groups: dict[Order, Group] = {}
        for order, group in self.groups.items():
            there = other.groups.get(order)
            if there is not None and (hops := common(group.hops, there.hops)):
                groups[order] = group if hops is group.hops else Group(group.prefix, hops)
        return Table(groups)

    def keys(self) -> KeysView[RouteKey]:
        """Return the keys, in `route_order`; each is made when it is asked for."""
        return _Keys(self)

    def __getitem__(self, key: RouteKey) -> Route:
        try:
            return self.groups[key.order[:3]].hops[key.next_hop, key.speaker]
        except (KeyError, AttributeError):  # a mapping has no key of another type
            raise KeyError(key) from None

    def __iter__(self) -> Iterator[RouteKey]:
        return (key for group in self.groups.values() for key, _ in group.routes())

    def items(self) -> ItemsView[RouteKey, Route]:
        """Return the routes under their keys, in `route_order`."""
        return _Items(self)

    def __len__(self) -> int:
        if self._len is None:
            self._len = sum(len(group.hops) for group in self.groups.values())
        return self._len

    def __bool__(self) -> bool:
        return bool(self.groups)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Table):
            return len(self.groups) == len(other.groups) and not self._differing(other)
        if not isinstance(other, Mapping):
            return NotImplemented
        return len(self) == len(other) and dict(self.items()) == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Table({dict(self.items())!r})"

    def group(self, prefix: Prefix) -> Group | None:
        """Return all that is said of *prefix*; None: nothing is."""
        return self.groups.get(prefix_order(prefix))

    def distinct_hops(self) -> list[Hops]:
        """Return what is said of prefixes, by next hop: once where many say the same."""
        return distinct([group.hops for group in self.groups.values()])

    def prefixes(self) -> Iterator[Prefix]:
        """Yield the prefixes, in their order."""
        return (group.prefix for group in self.groups.values())

    def minus(self, other: "Patchable[RouteKey, Route]") -> Delta[RouteKey, Route]:
        """Return what turns *other* into this; the puts are a table."""
        assert isinstance(other, Table)
        lacking = lacking_hops()
        put: dict[Order, Group] = {}
        drop: dict[Order, Group] = {}
        for order in self._differing(other):
            wanted, there = self.groups.get(order), other.groups.get(order)
            if wanted is None:
                assert there is not None
                drop[order] = there
            elif there is None:
                put[order] = wanted
            else:
                hops, gone = lacking(wanted.hops, there.hops)
                if hops:
                    put[order] = Group(wanted.prefix, hops)
                if gone:
                    drop[order] = Group(wanted.prefix, gone)
        return Delta(put=Table(put), drop=Table(drop).keys())

    def patched(self, work: Delta[RouteKey, Route]) -> "Table":
        """Return this as *work* leaves it; a group that it does not touch is the same object."""
        put, dropped = Table.of(work.put).groups, Table.of_keys(work.drop).groups
        patched = patched_hops()
        turned: dict[Order, Group | None] = {}
        for order in put.keys() | dropped.keys():
            had, come, go = self.groups.get(order), put.get(order), dropped.get(order)
            one = come or had
            if one is None:
                continue  # what is to be dropped is not there
            hops = patched(
                had.hops if had else NO_HOPS,
                come.hops if come else NO_HOPS,
                go.hops if go else NO_HOPS,
            )
            if not hops:
                turned[order] = None
            elif had is None or hops is not had.hops:
                turned[order] = one if hops is one.hops else Group(one.prefix, hops)
        return Table(_succeeding(self.groups, turned))

    def like(self, other: "Patchable[RouteKey, Route]") -> "Table":
        """Return this, with what is equal in *other* taken from there; itself, if all is."""
        assert isinstance(other, Table)
        differing = self._differing(other)
        if not differing:
            return other
        turned = {order: self.groups.get(order) for order in differing}
        return Table(_succeeding(other.groups, turned))

    def _differing(self, other: "Table") -> list[Order]:
        """Return under which orders the tables have not the same group, sorted."""
        mine, theirs = self.groups, other.groups
        orders = _turned_between(mine, theirs)
        if orders is None:
            orders = {order for order, group in mine.items() if theirs.get(order) is not group}
            orders |= theirs.keys() - mine.keys()
        equal: Callable[[Hops, Hops], bool] = once_per_pair(eq)
        return sorted(
            order for order in orders if not _equal(mine.get(order), theirs.get(order), equal)
        )


def _turned_between(
    one: Mapping[Order, Group], other: Mapping[Order, Group]
) -> AbstractSet[Order] | None:
    """Return orders among which are all where the two differ, if one came from the other.

    Or both from a third: the plan after next, and what a speaker holds when it has followed.
    """
    if one is other:
        return frozenset()
    if not isinstance(one, Version) or not isinstance(other, Version):
        return None
    if one.follows(other):
        return one.turned
    if other.follows(one):
        return other.turned
    if one.before is not None and one.before is other.before:
        return one.turned | other.turned
    return None


def _succeeding(
    before: Mapping[Order, Group], turned: Mapping[Order, Group | None]
) -> Version[Order, Group]:
    """Return *before* with the groups that *turned* in their new form; None: without."""
    groups = {**before}
    last = next(reversed(groups), None)
    for order, group in sorted(turned.items(), key=_BY_ORDER):
        if group is None:
            groups.pop(order, None)
        else:
            groups[order] = group
    fresh = turned.keys() - before.keys()
    in_order = not fresh or last is None or min(fresh) > last
    items = groups if in_order else sorted(groups.items(), key=_BY_ORDER)
    found = Version(items, before if isinstance(before, Version) else None)
    found.turn(turned)
    return found


class _Keys(KeysView[RouteKey]):
    """Of a table, and known to be that."""

    _mapping: Table

    @property
    def table(self) -> Table:
        """Return whose keys these are."""
        return self._mapping

    def __repr__(self) -> str:
        return f"{{{', '.join(map(repr, self))}}}"


class _Items(ItemsView[RouteKey, Route]):
    """Of a table: group by group, so that no key is looked up again."""

    _mapping: Table

    def __iter__(self) -> Iterator[tuple[RouteKey, Route]]:
        for group in self._mapping.groups.values():
            yield from group.routes()


def _equal(one: Group | None, other: Group | None, equal: Callable[[Hops, Hops], bool]) -> bool:
    """Return whether the groups of one prefix are equal; *equal*: whether hops are."""
    if one is other:
        return True
    if one is None or other is None:
        return False
    return one.hops is other.hops or equal(one.hops, other.hops)
