"""Desired beside observed, for `pointsman routes` and `pointsman peers`.

Desired is what a manager would plan for the cluster as it is; observed is read from the
speaker's own tables. What differs is drift. No password is ever part of a result.
"""

import argparse
import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TypeVar

from cli import world
from cli.misuse import Misuse, Wrong
from cli.sessions import field
from cli.shown import Json
from manager.listening import NoSpeaker, heard
from manager.planner.desired import Plan
from manager.planner.plan import plan
from manager.snapshot import Observed, Snapshot
from pointsman.model.route import Neighbor, PeerName, Route, RouteKey, route_order

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Sides:
    """What should be and what is; *observed* is None where no speaker was asked."""

    snapshot: Snapshot
    plan: Plan
    observed: Observed | None
    complete: bool


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of both commands on *parser*."""
    world.arguments(parser)
    parser.add_argument(
        "--gobgp-socket", type=Path, metavar="PATH", help="ask the speaker behind this socket too"
    )


def sides(given: argparse.Namespace, command: str) -> Sides:
    """Return both sides.

    Raises:
        Misuse, Wrong: with the sentence for the user.
    """
    if given.paths and not given.offline:
        raise Misuse(f"{command} reads files with --offline only: --offline -f PATH.")
    reading = world.read(given)
    if given.gobgp_socket is None:
        seen = world.settled(reading)
        return Sides(seen.settled, seen.plan, None, seen.complete)
    try:
        observed = asyncio.run(heard(given.gobgp_socket))
    except NoSpeaker as error:
        raise Wrong(str(error)) from error
    snapshot = replace(reading.snapshot, observed=observed)
    decided = plan(snapshot)
    return Sides(snapshot, decided, observed, not (reading.problems or decided.failures))


def drift(key: K, desired: Mapping[K, V], observed: Mapping[K, V] | None) -> str | None:
    """Return `missing`, `extra` or `differs`; None: as it should be, or nobody was asked."""
    if observed is None:
        return None
    if key not in observed:
        return "missing"
    if key not in desired:
        return "extra"
    return None if desired[key] == observed[key] else "differs"


def routes_json(both: Sides, peer: str | None = None) -> list[Json]:
    """Return one entry per (prefix, next hop), by prefix and next hop; of *peer* alone, or all."""
    desired = both.plan.speech.routes
    observed = both.observed.routes if both.observed is not None else None
    keys = desired.keys() | (observed or {}).keys()
    found = [_route(key, desired, observed, both) for key in sorted(keys, key=route_order)]
    return [one for one in found if peer is None or peer in one["peers"]]


def _route(
    key: RouteKey,
    desired: Mapping[RouteKey, Route],
    observed: Mapping[RouteKey, Route] | None,
    both: Sides,
) -> Json:
    shown = desired.get(key) or (observed or {})[key]
    has = shown.attributes
    found = (observed or {}).get(key)
    return {
        "prefix": str(key.prefix),
        "nextHop": str(key.next_hop),
        "node": both.plan.speech.nodes.get(key.next_hop),
        "peers": sorted(shown.peers | (found.peers if found is not None else frozenset())),
        "observedPeers": None if found is None else sorted(found.peers),
        "communities": [*has.communities, *has.large_communities],
        "localPref": has.local_pref,
        "med": has.med,
        "asPathPrepend": has.as_path_prepend,
        "weight": has.weight,
        "drift": drift(key, desired, observed),
    }


def peers_json(both: Sides) -> list[Json]:
    """Return one entry per peer, by name."""
    desired = both.plan.speech.neighbors
    observed = both.observed.neighbors if both.observed is not None else None
    names = {PeerName(name) for name in both.snapshot.bgp_peers}
    return [
        _peer(name, desired, observed, both)
        for name in sorted(names | desired.keys() | (observed or {}).keys())
    ]


def _peer(
    name: PeerName,
    desired: Mapping[PeerName, Neighbor],
    observed: Mapping[PeerName, Neighbor] | None,
    both: Sides,
) -> Json:
    shown = desired.get(name) or (observed or {}).get(name)
    configured = shown is not None
    report = both.observed.sessions.get(name) if both.observed is not None else None
    apart = drift(name, desired, observed) if configured else None
    told = [one for one in routes_json(both, name) if one["drift"] != "extra"]
    return {
        "name": name,
        "address": str(shown.address) if shown else None,
        "as": shown.asn if shown else None,
        "configured": configured,
        "state": report.state if report else None,
        "addPathNegotiated": report.add_path_negotiated if report else None,
        "families": list(report.families) if report else [],
        "holdSeconds": report.hold_seconds if report else None,
        "keepaliveSeconds": report.keepalive_seconds if report else None,
        "bfdState": report.bfd_state if report else "",
        "desiredPaths": len(told),
        "desiredPrefixes": len({one["prefix"] for one in told}),
        "advertisedPaths": report.advertised_paths if report else None,
        "advertisedPrefixes": report.advertised_prefixes if report else None,
        "lastError": report.last_error if report else "",
        "drift": apart,
        "differs": _differing(desired[name], (observed or {})[name]) if apart == "differs" else [],
    }


def _differing(desired: Neighbor, observed: Neighbor) -> list[str]:
    """Return the fields that differ, as users write them; never a value: one is a password."""
    return sorted(
        field(one.name)
        for one in fields(Neighbor)
        if getattr(desired, one.name) != getattr(observed, one.name)
    )
