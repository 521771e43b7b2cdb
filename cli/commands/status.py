"""`pointsman status`: peers, pools, services and nodes at a glance.

It reads what the manager and the agents recorded in the API and judges one thing only:
whether somebody should look. Without a manager running it shows what was last recorded.
"""

import argparse
import asyncio
import logging
import os
import signal
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from cli.explain.node import loose, not_drained
from cli.output import tables
from cli.output.screen import Screen
from cli.output.status_tables import status_tables
from cli.source import cluster
from manager.inspect.cluster import NoCluster, Reading
from manager.inspect.leading import Leading, leading
from manager.inspect.reach import reached
from manager.planner.addresses.claims import read_claim
from manager.planner.addresses.ownership import partition_services
from manager.planner.addresses.pools import read_pools
from manager.planner.plan_json import Json
from manager.snapshot import (
    Announcer,
    BgpPeer,
    Condition,
    Eip,
    Node,
    Service,
    ServiceKey,
    Snapshot,
)
from pointsman.api import Scope
from pointsman.model.names import (
    ADD_PATH,
    AGGREGATES_REFUSED,
    AGGREGATES_UNGUARDED,
    ALLOCATED,
    ANNOUNCED,
    ESTABLISHED,
    NEXT_HOPS_UNVERIFIED,
    READY,
)
from pointsman.model.printable import clipped
from pointsman.model.verdicts.severity import warns
from pointsman.runtime.errors import Failed, Misuse
from pointsman.runtime.terminal import say

UNKNOWN = {"status": "Unknown", "reason": "NotRecorded",
          "message": "Nothing is recorded yet: is the manager running?"}  # fmt: skip
AGGREGATES = {AGGREGATES_REFUSED, AGGREGATES_UNGUARDED}  # of an Eip; there only while true
ASPECTS = {READY, ESTABLISHED, ADD_PATH}  # of a BgpPeer; its others are there only while true


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this command's options on *parser*."""
    parser.add_argument(
        "-w", "--watch", action="store_true", help="go on, and show every change; Ctrl-C ends it"
    )
    cluster.arguments(parser)


def run(given: argparse.Namespace) -> int:
    """Return 0, or 1 if something is wrong."""
    if given.paths and not given.offline:
        raise Misuse("status reads files with --offline only: --offline -f PATH.")
    if given.watch:
        return _watch(given)
    reading = cluster.read(given) if given.offline else _recorded(given)
    who = None if given.offline else asyncio.run(_leading(given))
    shape = status_json(reading.snapshot, who)
    if not tables.show_value(shape, given.output):
        tables.show(status_tables(shape))
        for sentence in shape["wrong"]:
            say(f"! {sentence}")
    return 1 if shape["wrong"] or reading.problems else 0


def _recorded(given: argparse.Namespace) -> Reading:
    """Return the live cluster; a manager of another version is among what is wrong."""
    objects = cluster.live(given, differing=lambda _: None)
    return cluster.tell(cluster.understood(given, (("cluster", raw) for raw in objects)))


async def _leading(given: argparse.Namespace) -> Leading:
    kubeconfig = cluster.chosen_kubeconfig(given.kubeconfig, os.environ)
    async with reached(kubeconfig, context=given.context) as api:
        return await leading(api, now=datetime.now(UTC))


def _watch(given: argparse.Namespace) -> int:
    if given.offline or given.output != "table":
        raise Misuse("--watch shows tables of a live cluster: leave out --offline and -o.")
    kubeconfig = cluster.chosen_kubeconfig(given.kubeconfig, os.environ)
    screen, wrong = Screen(), [""]

    def show(reading: Reading, who: Leading) -> None:
        shape = status_json(reading.snapshot, who)
        wrong[:] = [*reading.problems, *shape["wrong"]]
        found = "nothing is wrong" if not wrong else f"{len(wrong)} wrong"
        screen.show(
            [
                *tables.sentences(wrong, width=screen.width),
                *tables.lines(status_tables(shape), width=screen.width),
            ],
            heading=f"{datetime.now().astimezone():%H:%M:%S}  {found}",
        )

    async def follow() -> None:
        # Why here: kubernetes_asyncio is slow to load, and files need none of it.
        from manager.inspect.watching import Watched

        watched, loop = Watched(cluster.settings(given), show), asyncio.get_running_loop()
        following = asyncio.ensure_future(watched.run(kubeconfig, context=given.context))
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, following.cancel)
        loop.add_signal_handler(signal.SIGWINCH, watched.wake)
        with suppress(asyncio.CancelledError):
            await following

    # A library's warning would be written across the screen; what can't be read is on it.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        with screen.held():
            asyncio.run(follow())
    except NoCluster as error:
        raise Failed(str(error)) from error
    return 1 if wrong else 0


def status_json(snapshot: Snapshot, who: Leading | None = None) -> Json:
    """Return what is recorded, by kind and name; `wrong` has one sentence for each trouble.

    *who*: which manager leads; None: nobody was asked.
    """
    services = partition_services(snapshot, read_pools(snapshot)).ours
    shape: Json = {
        "peers": {name: _peer(one) for name, one in sorted(snapshot.bgp_peers.items())},
        "eips": {name: _eip(one) for name, one in sorted(snapshot.eips.items())},
        "services": {key: _service(one) for key, one in services.items()},
        "nodes": {name: _node(snapshot, one) for name, one in sorted(snapshot.nodes.items())},
    }
    twins = sorted(_twins(snapshot))
    contested = [one.contested for _, one in sorted(snapshot.announcers.items()) if one.contested]
    unheard = [one.unheard for _, one in sorted(snapshot.announcers.items()) if one.unheard]
    strict = [loose(one) for _, one in sorted(snapshot.announcers.items()) if not _is_strict(one)]
    undrained = [one for _, n in sorted(snapshot.nodes.items()) for one in not_drained(n)]
    wrong = [
        *([who.trouble] if who is not None and who.trouble else ()),
        *(*_confs(snapshot), *_wrong(shape), *_overwritten(services)),
        *(*undrained, *contested, *unheard, *strict, *twins),
    ]
    manager = None if who is None else {"holder": who.holder, "version": who.version}
    return {**shape, "manager": manager, "wrong": wrong}


def _peer(peer: BgpPeer) -> Json:
    spec, speakers = peer.spec, peer.status.get("speakers")
    ready = _condition(peer.conditions, READY)
    if spec is None:
        ready = {"status": "False", "reason": "Invalid", "message": peer.invalid}
    return {
        "address": str(spec.address) if spec else None,
        "as": spec.asn if spec else None,
        "disabled": spec.disabled if spec else False,
        "ready": ready,
        "established": _condition(peer.conditions, ESTABLISHED),
        "addPathNegotiated": _condition(peer.conditions, ADD_PATH),
        "troubles": [
            one.message
            for one in peer.conditions
            if one.type not in ASPECTS and warns(one.reason, one.status) and not _wanted(peer, one)
        ],
        "speakers": speakers if isinstance(speakers, list) else [],
    }


def _wanted(peer: BgpPeer, condition: Condition) -> bool:
    """Whether somebody asked for what *condition* warns of: all nodes, wherever they are."""
    everybody = peer.spec is not None and peer.spec.next_hops.scope is Scope.ALL
    return condition.type == NEXT_HOPS_UNVERIFIED and everybody


def _eip(eip: Eip) -> Json:
    keys = ("capacity", "allocated", "available", "services")
    return {
        "protocol": str(eip.spec.protocol) if eip.spec else None,
        "default": eip.spec.default if eip.spec else False,
        "addresses": [str(block) for block in eip.spec.addresses] if eip.spec else [],
        "ready": _condition(eip.conditions, READY),
        "troubles": [
            one.message
            for one in eip.conditions
            if one.type in AGGREGATES and warns(one.reason, one.status)
        ],
        **{key: eip.status.get(key) for key in keys},
    }


def _service(service: Service) -> Json:
    return {
        "addresses": [entry.ip or clipped(entry.hostname) for entry in service.ingress],
        "allocated": _condition(service.conditions, ALLOCATED),
        "announced": _condition(service.conditions, ANNOUNCED),
    }


def _node(snapshot: Snapshot, node: Node) -> Json:
    announcer = snapshot.announcers.get(node.name)
    reported = announcer is not None and announcer.reported
    return {
        "ready": node.ready,
        "agent": reported,
        "interfaces": sorted(clipped(i.name) for i in announcer.interfaces) if announcer else [],
        "proxyHealthy": announcer.proxy_healthy if announcer else None,
        "answersFor": announcer.assigned if announcer else 0,
        "routes": len(announcer.unreachable) if announcer else 0,
        "netAdmin": announcer.net_admin if announcer else None,
    }


def _is_strict(announcer: Announcer) -> bool:
    return announcer.strict_arp is not False


def _condition(conditions: Iterable[Condition], name: str) -> Json:
    for one in conditions:
        if one.type == name:
            return {"status": one.status, "reason": one.reason, "message": one.message}
    return dict(UNKNOWN)


def _confs(snapshot: Snapshot) -> Iterable[str]:
    conf = snapshot.bgp_confs.get("default")
    if conf is None:
        if snapshot.bgp_peers:
            yield "There is no BgpConf default, so no session is opened: create one with spec.as."
    elif conf.spec is None:
        yield f"BgpConf default cannot be read: {conf.invalid}"
    elif (ready := _condition(conf.conditions, READY))["status"] == "False":
        yield f"BgpConf default: {ready['message']}"


def _overwritten(services: Mapping[ServiceKey, Service]) -> Iterable[str]:
    for key, service in services.items():
        claim = read_claim(service)
        if claim.overwritten:
            has = ", ".join(i.ip or clipped(i.hostname) for i in service.ingress) or "no address"
            ours = ", ".join(str(address) for _, address in claim.hints)
            yield (
                f"Service {key}: its status has {has}, and Pointsman gave it {ours}: another "
                "controller writes it, or no manager is running. See the Service's events."
            )


def _twins(snapshot: Snapshot) -> set[str]:
    """Return what the entries of managers say that share a name."""
    found = (one.status.get("speakers") for one in snapshot.bgp_peers.values())
    entries = (entry for some in found if isinstance(some, list) for entry in some)
    return {str(e["contested"]) for e in entries if isinstance(e, dict) and e.get("contested")}


def _wrong(shape: Json) -> Iterable[str]:
    for name, peer in shape["peers"].items():
        aspects = () if peer["disabled"] else ("ready", "established", "addPathNegotiated")
        yield from _first_wrong(f"BgpPeer {name}", peer, aspects)
        yield from peer["troubles"]
    for name, eip in shape["eips"].items():
        yield from _first_wrong(f"Eip {name}", eip, ("ready",))
        yield from eip["troubles"]
    for key, service in shape["services"].items():
        yield from _first_wrong(f"Service {key}", service, ("allocated", "announced"))
    for name, node in shape["nodes"].items():
        if node["ready"] != "True":
            yield f"Node {name} is not Ready ({node['ready']})."
        if not node["agent"]:
            yield f"Node {name} has no report of an agent: is one running there?"
        if node["proxyHealthy"] is False:
            yield f"Node {name} has a service proxy that fails its health check."


def _first_wrong(subject: str, one: Json, aspects: Iterable[str]) -> Iterable[str]:
    for aspect in aspects:
        condition = one[aspect]
        # A missing AddPathNegotiated is told by Established.
        if aspect == "addPathNegotiated" and condition == UNKNOWN:
            continue
        if warns(condition["reason"], condition["status"]):
            yield f"{subject}: {condition['message']}"
            return
