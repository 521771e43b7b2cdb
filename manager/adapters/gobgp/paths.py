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
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pointsman.model.address import Prefix
from pointsman.model.community import (
    community_number,
    community_text,
    large_community_numbers,
)
from pointsman.model.delta import Delta
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey, route_order

MARK = 0  # AS:0:0: "ours"
NOTHING = PathAttributes(best=False)  # a placeholder takes no router's path away


@dataclass(frozen=True, slots=True)
class LocalPath:
    """One local path in the daemon's table; without *key* it isn't ours."""

    prefix: Prefix
    identifier: int
    key: RouteKey | None
    attributes: PathAttributes = PathAttributes()
    numbers: frozenset[int] = frozenset()
    wire: int = 0  # the path identifier on the wire, gobgpd's own; 0: not known


@dataclass(frozen=True, slots=True)
class Put:
    """A path to be put, under this identifier, for the routers with these numbers."""

    key: RouteKey
    identifier: int
    attributes: PathAttributes
    numbers: frozenset[int]


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A path to be taken back: prefix and identifier say which (measured)."""

    prefix: Prefix
    identifier: int


@dataclass(frozen=True, slots=True)
class Steps:
    """What to send, in this order: all puts, then all withdrawals."""

    puts: tuple[Put | Withdrawal, ...]  # a withdrawal among them: of a placeholder
    withdrawals: tuple[Withdrawal, ...]


def steps(
    work: Delta[RouteKey, Route],
    present: Iterable[LocalPath],
    numbers: Mapping[PeerName, int],
) -> Steps:
    """Return what turns *present* (all local paths of the prefixes concerned) into *work* done.

    Every peer named in *work* has its number in *numbers*.
    """
    taken: dict[Prefix, set[int]] = {}
    ours: dict[RouteKey, list[LocalPath]] = {}
    for path in present:
        taken.setdefault(path.prefix, set()).add(path.identifier)
        if path.key is not None:
            ours.setdefault(path.key, []).append(path)
    puts: list[Put] = []
    gone: list[Withdrawal] = []
    for key in sorted(work.put, key=route_order):
        route = work.put[key]
        to = frozenset(numbers[peer] for peer in route.peers)
        rivals = sorted(ours.get(key, ()), key=lambda path: path.identifier)
        # In place only when nobody loses it; equal before narrower, so that a repeat is quiet.
        fitting = sorted(
            (path for path in rivals if path.numbers <= to), key=lambda path: path.numbers != to
        )
        if fitting:
            retained = fitting[0]
            identifier = retained.identifier
            if (retained.numbers, retained.attributes) != (to, route.attributes):
                puts.append(Put(key, identifier, route.attributes, to))
        else:
            identifier = _lowest_free(taken.setdefault(key.prefix, set()))
            puts.append(Put(key, identifier, route.attributes, to))
        gone += (
            Withdrawal(path.prefix, path.identifier)
            for path in rivals
            if path.identifier != identifier
        )
    for key in sorted(work.drop, key=route_order):
        gone += (Withdrawal(path.prefix, path.identifier) for path in ours.get(key, ()))
    return Steps(tuple(puts), tuple(gone))


def _lowest_free(taken: set[int]) -> int:
    free = next(number for number in range(1, len(taken) + 2) if number not in taken)
    taken.add(free)
    return free


def observed(present: Iterable[LocalPath], names: Mapping[int, PeerName]) -> dict[RouteKey, Route]:
    """Return our routes among *present*.

    A number that no export rule has reads as a peer called `#n`, and a path held twice (a
    crash between put and withdraw) as one with a peer called `#twice`: both differ from
    anything desired, so that the next pass mends them.
    """
    routes: dict[RouteKey, Route] = {}
    for path in present:
        if path.key is None:
            continue
        peers = frozenset(names.get(n) or PeerName(f"#{n}") for n in path.numbers)
        if path.key in routes:
            peers |= {PeerName("#twice")}
        routes[path.key] = Route(path.attributes, peers)
    return routes


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
    for name, number in (("localPref", attributes.local_pref), ("med", attributes.med)):
        if number is not None and not 0 <= number <= 0xFFFF_FFFF:
            raise ValueError(f"{where}: {name} {number} is not within 0 and 4294967295")
    if not 0 <= attributes.as_path_prepend <= 32:
        raise ValueError(
            f"{where}: asPathPrepend {attributes.as_path_prepend} is not within 0 and 32"
        )
    if attributes.weight is not None and not 1 <= attributes.weight <= 65_535:
        raise ValueError(f"{where}: weight {attributes.weight} is not within 1 and 65535")
    if any(community_text(community_number(text)) != text for text in attributes.communities):
        raise ValueError(f"{where}: communities {attributes.communities} are not canonical")
    large = [large_community_numbers(text) for text in attributes.large_communities]
    if any((admin, kind) == (asn, 0) for admin, kind, _ in large):
        raise ValueError(f"{where}: large communities {asn}:0:* are Pointsman's own")
    for texts in (attributes.communities, attributes.large_communities):
        if texts != tuple(sorted(set(texts))):
            raise ValueError(f"{where}: communities {texts} are not sorted, each once")
