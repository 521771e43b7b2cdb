"""Desired beside observed, for `pointsman routes` and `pointsman peers`.

Desired is what a manager would plan for the cluster as it is; observed is read from the
speaker's own tables. What differs is drift. No password is ever part of a result.
"""

import argparse
import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TypeVar

from cli.output.session_diff import field
from cli.source import cluster, recorded
from manager.inspect.cluster import Reading
from manager.inspect.speaker import NoSpeaker, observe_speakers
from manager.planner.desired import Plan
from manager.planner.plan import plan
from manager.planner.plan_json import Json
from manager.snapshot import Observed, Resource, Snapshot
from pointsman.api import BgpPeerSpec
from pointsman.model.names import READY
from pointsman.model.route import Neighbor, PeerName, Route, RouteKey, route_order
from pointsman.model.verdicts.severity import warns
from pointsman.runtime.errors import Failed, Misuse
from pointsman.runtime.usage import path

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Sides:
    """What should be and what is; *observed* is None where no speaker was asked."""

    snapshot: Snapshot
    plan: Plan
    observed: tuple[Observed, ...] | None  # by speaker
    complete: bool

    @property
    def routes(self) -> Mapping[RouteKey, Route] | None:
        """Return what the speakers hold together."""
        if self.observed is None:
            return None
        return {key: route for one in self.observed for key, route in one.routes.items()}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of both commands on *parser*."""
    cluster.arguments(parser)
    parser.add_argument(
        "--gobgp-socket", type=path, action="append", metavar="PATH",
        help="ask the speaker behind this socket too; give all of a manager, in its order",
    )  # fmt: skip


def sides(given: argparse.Namespace, command: str) -> Sides:
    """Return both sides.

    Raises:
        Misuse, Failed: with the sentence for the user.
    """
    if given.paths and not given.offline:
        raise Misuse(f"{command} reads files with --offline only: --offline -f PATH.")
    return compared(given, cluster.read(given))


def compared(given: argparse.Namespace, reading: Reading) -> Sides:
    """Return both sides for a cluster that was read.

    Raises:
        Failed: a speaker that is asked does not answer.
    """
    if given.gobgp_socket is None:
        seen = cluster.settled(reading)
        return Sides(seen.settled, seen.plan, None, seen.complete)
    try:
        observed = tuple(asyncio.run(observe_speakers(given.gobgp_socket)))
    except NoSpeaker as error:
        raise Failed(str(error)) from error
    settings = replace(reading.snapshot.settings, speakers=len(observed))
    snapshot = replace(reading.snapshot, speakers=observed, settings=settings)
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
    desired, observed = both.plan.routes, both.routes
    keys = desired.keys() | (observed or {}).keys()
    found = [_route(key, desired, observed, both) for key in sorted(keys, key=route_order)]
    return [one for one in found if peer is None or peer in one["peers"]]


def _route(
    key: RouteKey,
    desired: Mapping[RouteKey, Route],
    observed: Mapping[RouteKey, Route] | None,
    both: Sides,
) -> Json:
    either = desired.get(key) or (observed or {})[key]
    has = either.attributes
    found = (observed or {}).get(key)
    return {
        "prefix": str(key.prefix),
        "nextHop": str(key.next_hop),
        "speaker": key.speaker,
        "node": both.plan.speakers[0].nodes.get(key.next_hop),
        "peers": sorted(either.peers | (found.peers if found is not None else frozenset())),
        "observedPeers": None if found is None else sorted(found.peers),
        "communities": [*has.communities, *has.large_communities],
        "localPref": has.local_pref,
        "med": has.med,
        "asPathPrepend": has.as_path_prepend,
        "weight": has.weight,
        "drift": drift(key, desired, observed),
    }


def peers_json(both: Sides) -> list[Json]:
    """Return one entry per session, by name of the peer and speaker; also for peers without."""
    found: list[Json] = []
    for index, speaker_plan in enumerate(both.plan.speakers):
        desired = speaker_plan.neighbors
        observed = both.observed[index] if both.observed is not None else None
        names = desired.keys() | (observed.neighbors.keys() if observed is not None else set())
        found += [_peer(name, index, desired.get(name), observed, both) for name in names]
    without = {PeerName(name) for name in both.snapshot.bgp_peers} - {one["name"] for one in found}
    found += [_peer(name, 0, None, None, both) for name in without]
    return sorted(found, key=lambda one: (one["name"], one["speaker"]))


def _peer(
    name: PeerName, index: int, desired: Neighbor | None, observed: Observed | None, both: Sides
) -> Json:
    found = observed.neighbors.get(name) if observed is not None else None
    either = desired or found
    configured = either is not None
    report = observed.sessions.get(name) if observed is not None else None
    peer = both.snapshot.bgp_peers.get(name)
    why = "" if configured or peer is None else _why_not(peer)
    # Also of a session with a password, which no plan without its Secret has.
    wanted = configured or (peer is not None and peer.spec is not None and not peer.spec.disabled)
    by_record = both.observed is None and wanted and not why
    if by_record:
        report = recorded.report(peer, index)
    both_sides = [{} if one is None else {name: one} for one in (desired, found)]
    apart = drift(name, both_sides[0], both_sides[1] if observed is not None else None)
    advertised = [
        one
        for one in routes_json(both, name)
        if one["drift"] != "extra" and (one["speaker"] == index or not configured)
    ]
    source = either.source_address if either else None
    # Without a session, be it for a Secret that this command doesn't read, the wish is shown.
    router = either or (peer.spec if peer is not None else None)
    return {
        "name": name,
        "speaker": index,
        "address": str(router.address) if router else None,
        "as": router.asn if router else None,
        "sourceAddress": str(source) if source else None,
        "configured": configured,
        "why": why,
        "recordedTrouble": recorded.trouble(peer) if by_record else "",
        "state": report.state if report else None,
        "addPathNegotiated": report.add_path_negotiated if report else None,
        "gracefulRestartNegotiated": report.graceful_restart if report else None,
        "families": list(report.families) if report else [],
        "ipv6NextHops": report.ipv6_next_hops if report else None,
        "holdSeconds": report.hold_seconds if report else None,
        "keepaliveSeconds": report.keepalive_seconds if report else None,
        "bfdState": report.bfd_state if report else "",
        "desiredPaths": len(advertised),
        "desiredPrefixes": len({one["prefix"] for one in advertised}),
        "advertisedPaths": report.advertised_paths if report else None,
        "advertisedPrefixes": report.advertised_prefixes if report else None,
        "receivedPrefixes": report.received_prefixes if report else None,
        "lastError": report.last_error if report else "",
        "drift": apart if configured else None,
        "differs": _differing(desired, found) if desired and found and apart == "differs" else [],
    }


def _why_not(peer: Resource[BgpPeerSpec]) -> str:
    """Return what the manager recorded against a session; "": nothing, or a user's wish."""
    for one in peer.conditions:
        refused = one.type == READY and one.status == "False"
        if refused and warns(one.reason, one.status):
            return one.message
    return ""


def _differing(desired: Neighbor, observed: Neighbor) -> list[str]:
    """Return the fields that differ, as users write them; never a value: one is a password."""
    return sorted(
        field(one.name)
        for one in fields(Neighbor)
        if getattr(desired, one.name) != getattr(observed, one.name)
    )
