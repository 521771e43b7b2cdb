"""Which paths to send so that GoBGP's GLOBAL table holds our routes. Pure; no messages here.

What marks a path as ours, and which routers it may be sent to: large communities `AS:0:*`. `AS:0:0`
marks what we put there; `AS:0:n` names the router number *n* of the export policy, which
removes them all before anything leaves.

GoBGP tells local paths of a prefix apart by Path.identifier, not by next hop. Changed in
place so that it may no longer go to a router, a path stays at that router (4.8, measured);
so an identifier belongs to (prefix, next hop, routers): the narrowed path is put under a
new one, then the old one is withdrawn.

A router without ADD-PATH is sent the best path of a prefix if that path may leave to it, and
nothing if it may not, whatever else is there (4.8, measured). So the path that such routers
are to have is made the best one: `PathAttributes.best`, which is ORIGIN in the table.

Prefixes that are told the same have the same next hops, identifiers and numbers: what is worked
out here is worked out once for all of them, and stands in memory once.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from pointsman.model.address import Address, Prefix, address_order, prefix_order
from pointsman.model.community import (
    community_number,
    community_text,
    large_community_numbers,
)
from pointsman.model.delta import Delta
from pointsman.model.hops import NO_HOPS, Hops
from pointsman.model.identity import once_per_object, once_per_three
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey
from pointsman.model.table import Group, Order, Table
from pointsman.model.version import Version

MARK = 0  # AS:0:0: "ours"
NOTHING = PathAttributes(best=False)  # a placeholder takes no router's path away


@dataclass(frozen=True, slots=True)
class LocalPath:
    """One local path of a prefix in the daemon's table; without *hop* it isn't ours."""

    identifier: int
    hop: Address | None
    attributes: PathAttributes = PathAttributes()
    numbers: frozenset[int] = frozenset()
    wire: int = 0  # the path identifier on the wire, gobgpd's own; 0: not known


Present = Mapping[int, LocalPath]  # the local paths of a prefix, by identifier; never changed
NONE: Final[Present] = {}


@dataclass(frozen=True, slots=True)
class Listed:
    """A prefix in the daemon's table, with the local paths that were listed."""

    prefix: Prefix
    paths: Present
    order: Order = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", prefix_order(self.prefix))


@dataclass(frozen=True, slots=True)
class Put:
    """A path to be put, under this identifier, for the routers with these numbers."""

    hop: Address
    identifier: int
    attributes: PathAttributes
    numbers: frozenset[int]


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A path to be taken back: prefix and identifier say which (measured)."""

    identifier: int


Run = tuple[Put | Withdrawal, ...]  # what is sent of one prefix, in this order


@dataclass(frozen=True, slots=True)
class Steps:
    """What to send of one prefix: all puts, then, after those of all prefixes, the withdrawals."""

    puts: Run = ()  # a withdrawal among them: of a placeholder
    withdrawals: Run = ()


def all_steps(
    work: Delta[RouteKey, Route],
    present: Mapping[Order, Present],
    numbers: Mapping[PeerName, int],
) -> dict[Order, Steps]:
    """Return what turns *present* (of the prefixes concerned) into *work* done, in order.

    Every peer named in *work* has its number in *numbers*.
    """
    put, drop = Table.of(work.put).groups, Table.of_keys(work.drop).groups

    def work_out(hops: Hops, gone: Hops, there: Present) -> Steps:
        return steps(hops, [hop for hop, _ in gone], there, numbers)

    steps_of = once_per_three(work_out)
    found: dict[Order, Steps] = {}
    for order in sorted(put.keys() | drop.keys()):
        hops = put[order].hops if order in put else NO_HOPS
        gone = drop[order].hops if order in drop else NO_HOPS
        found[order] = steps_of(hops, gone, present.get(order, NONE))
    return found


def steps(
    put: Hops, drop: Collection[Address], present: Present, numbers: Mapping[PeerName, int]
) -> Steps:
    """Return what turns *present* into the work done, of one prefix."""
    taken = set(present)
    ours: dict[Address, list[LocalPath]] = {}
    for _, path in sorted(present.items()):
        if path.hop is not None:
            ours.setdefault(path.hop, []).append(path)
    puts: list[Put] = []
    gone: list[Withdrawal] = []
    for hop, route in sorted(
        ((hop, route) for (hop, _), route in put.items()), key=lambda one: address_order(one[0])
    ):
        to = frozenset(numbers[peer] for peer in route.peers)
        rivals = ours.get(hop, ())
        # In place only when nobody loses it; equal before narrower, so that a repeat is quiet.
        fitting = sorted(
            (path for path in rivals if path.numbers <= to), key=lambda path: path.numbers != to
        )
        if fitting:
            retained = fitting[0]
            identifier = retained.identifier
            if (retained.numbers, retained.attributes) != (to, route.attributes):
                puts.append(Put(hop, identifier, route.attributes, to))
        else:
            identifier = _lowest_free(taken)
            puts.append(Put(hop, identifier, route.attributes, to))
        gone += (Withdrawal(path.identifier) for path in rivals if path.identifier != identifier)
    for hop in sorted(drop, key=address_order):
        gone += (Withdrawal(path.identifier) for path in ours.get(hop, ()))
    return Steps(tuple(puts), tuple(gone))


def after(present: Present, run: Run) -> Present:
    """Return what is there once the daemon has acknowledged *run*."""
    found = dict(present)
    for step in run:
        if isinstance(step, Put):
            before = found.get(step.identifier)
            # Put again under its identifier, a path keeps its number on the wire (measured).
            wire = before.wire if before else 0
            found[step.identifier] = LocalPath(
                step.identifier, step.hop, step.attributes, step.numbers, wire
            )
        else:
            found.pop(step.identifier, None)
    return found


def _lowest_free(taken: set[int]) -> int:
    free = next(number for number in range(1, len(taken) + 2) if number not in taken)
    taken.add(free)
    return free


def observed(listed: Iterable[Listed], names: Mapping[int, PeerName]) -> Table:
    """Return our routes among what is *listed*.

    A number that no export rule has reads as a peer called `#n`, and a path held twice (a
    crash between put and withdraw) as one with a peer called `#twice`: both differ from
    anything desired, so that the next pass mends them.
    """
    hops_of: Callable[[Present], Hops] = once_per_object(lambda paths: _hops(paths, names))
    groups: list[Group] = []
    for one in listed:
        if hops := hops_of(one.paths):
            groups.append(Group(one.prefix, hops))
    groups.sort(key=lambda group: group.order)
    return Table(Version((group.order, group) for group in groups))


def _hops(present: Present, names: Mapping[int, PeerName]) -> Hops:
    routes: dict[Address, Route] = {}
    for path in present.values():
        if path.hop is None:
            continue
        peers = frozenset(names.get(n) or PeerName(f"#{n}") for n in path.numbers)
        if path.hop in routes:
            peers |= {PeerName("#twice")}
        routes[path.hop] = Route(path.attributes, peers)
    return {(hop, 0): routes[hop] for hop in sorted(routes, key=address_order)}


def check_all(put: Table, asn: int) -> None:
    """Refuse what GoBGP would accept quietly and route wrongly: next hops that are shared, once.

    Raises:
        ValueError: a sentence; nothing was sent.
    """
    passed: set[tuple[int, int]] = set()
    for group in put.groups.values():
        same = id(group.hops), group.prefix.version
        if same not in passed or group.prefix.is_multicast:
            for key, route in group.routes():
                check(key, route, asn)
            passed.add(same)


def check(key: RouteKey, route: Route, asn: int) -> None:
    """Refuse what GoBGP would accept quietly and route wrongly.

    Raises:
        ValueError: a sentence; nothing was sent.
    """
    prefix, hop, attributes = key.prefix, key.next_hop, route.attributes
    where = f"{prefix} via {hop}"
    if hop.is_unspecified or hop.is_multicast or hop.is_loopback or hop.is_link_local:
        raise ValueError(f"{where}: the next hop must be a unicast address routers can reach")
    if hop.version == 6 and (hop.scope_id is not None or hop.ipv4_mapped is not None):
        raise ValueError(f"{where}: a next hop has no zone and is not an IPv4-mapped address")
    if prefix.version == 6 and hop.version == 4:
        raise ValueError(f"{where}: an IPv6 prefix needs an IPv6 next hop")
    if prefix.is_multicast:
        raise ValueError(f"{where}: a multicast prefix cannot be advertised as unicast")
    if fault := _fault(attributes, asn):
        raise ValueError(f"{where}: {fault}")


@lru_cache(maxsize=1024)  # thousands of paths share a handful of these
def _fault(attributes: PathAttributes, asn: int) -> str:
    """Return what is wrong with *attributes*, as a clause; "": nothing."""
    for name, number in (("localPref", attributes.local_pref), ("med", attributes.med)):
        if number is not None and not 0 <= number <= 0xFFFF_FFFF:
            return f"{name} {number} is not within 0 and 4294967295"
    if not 0 <= attributes.as_path_prepend <= 32:
        return f"asPathPrepend {attributes.as_path_prepend} is not within 0 and 32"
    if attributes.weight is not None and not 1 <= attributes.weight <= 65_535:
        return f"weight {attributes.weight} is not within 1 and 65535"
    if any(community_text(community_number(text)) != text for text in attributes.communities):
        return f"communities {attributes.communities} are not canonical"
    large = [large_community_numbers(text) for text in attributes.large_communities]
    if any((admin, kind) == (asn, 0) for admin, kind, _ in large):
        return f"large communities {asn}:0:* are Pointsman's own"
    for texts in (attributes.communities, attributes.large_communities):
        if texts != tuple(sorted(set(texts))):
            return f"communities {texts} are not sorted, each once"
    return ""
