"""`pointsman status`: peers, pools, services and nodes at a glance.

It reads what the manager and the agents recorded in the API and judges one thing only:
whether somebody should look. Without a manager running it shows what was last recorded.
"""

import argparse
from collections.abc import Iterable, Mapping

from cli.commands.plan import cell
from cli.output import tables
from cli.output.plan_json import Json
from cli.output.tables import Table
from cli.source import cluster
from manager.planner.addresses.claims import read_claim
from manager.planner.addresses.ownership import partition_services
from manager.planner.addresses.pools import read_pools
from manager.snapshot import BgpPeer, Condition, Eip, Node, Service, ServiceKey, Snapshot
from pointsman.api import Scope
from pointsman.model.names import (
    ADD_PATH,
    ALLOCATED,
    ANNOUNCED,
    ESTABLISHED,
    NEXT_HOPS_UNVERIFIED,
    READY,
)
from pointsman.model.printable import clipped
from pointsman.model.verdicts.severity import warns
from pointsman.runtime.errors import Misuse
from pointsman.runtime.terminal import say

UNKNOWN = {"status": "Unknown", "reason": "NotRecorded",
          "message": "Nothing is recorded yet: is the manager running?"}  # fmt: skip
ASPECTS = {READY, ESTABLISHED, ADD_PATH}  # of a BgpPeer; its others are there only while true


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this command's options on *parser*."""
    cluster.arguments(parser)


def run(given: argparse.Namespace) -> int:
    """Return 0, or 1 if something is wrong."""
    if given.paths and not given.offline:
        raise Misuse("status reads files with --offline only: --offline -f PATH.")
    reading = cluster.read(given)
    shape = status_json(reading.snapshot)
    if given.output == "json":
        tables.show_json(shape)
    else:
        tables.show(_tables(shape))
        for sentence in shape["wrong"]:
            say(f"! {sentence}")
    return 1 if shape["wrong"] or reading.problems else 0


def status_json(snapshot: Snapshot) -> Json:
    """Return what is recorded, by kind and name; `wrong` has one sentence for each trouble."""
    services = partition_services(snapshot, read_pools(snapshot)).ours
    shape: Json = {
        "peers": {name: _peer(one) for name, one in sorted(snapshot.bgp_peers.items())},
        "eips": {name: _eip(one) for name, one in sorted(snapshot.eips.items())},
        "services": {key: _service(one) for key, one in services.items()},
        "nodes": {name: _node(snapshot, one) for name, one in sorted(snapshot.nodes.items())},
    }
    twins = sorted(_twins(snapshot))
    contested = [one.contested for _, one in sorted(snapshot.announcers.items()) if one.contested]
    wrong = [*_confs(snapshot), *_wrong(shape), *_overwritten(services), *contested, *twins]
    return {**shape, "wrong": wrong}


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
    }


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


def _tables(shape: Json) -> Iterable[Table]:
    yield Table(
        "PEERS",
        ("PEER", "ADDRESS", "AS", "ESTABLISHED", "ADD-PATH", "PREFIXES", "PATHS"),
        tuple(
            (
                name,
                one["address"] or "",
                str(one["as"] or ""),
                "disabled" if one["disabled"] else cell(one["established"]),
                cell(one["addPathNegotiated"]),
                *_advertised(one["speakers"]),
            )
            for name, one in shape["peers"].items()
        ),
    )
    yield Table(
        "EIPS",
        ("EIP", "PROTOCOL", "ADDRESSES", "READY", "ALLOCATED", "AVAILABLE", "SERVICES"),
        tuple(
            (
                name,
                one["protocol"] or "",
                ",".join(one["addresses"]),
                cell(one["ready"]),
                _count(one["allocated"]),
                _count(one["available"]),
                "" if one["services"] is None else str(one["services"]),
            )
            for name, one in shape["eips"].items()
        ),
    )
    yield Table(
        "SERVICES",
        ("SERVICE", "ADDRESSES", "ALLOCATED", "ANNOUNCED"),
        tuple(
            (key, ",".join(one["addresses"]), cell(one["allocated"]), cell(one["announced"]))
            for key, one in shape["services"].items()
        ),
    )
    yield Table(
        "NODES",
        ("NODE", "READY", "AGENT", "INTERFACES", "PROXY"),
        tuple(
            (
                name,
                one["ready"],
                str(one["agent"]),
                ",".join(one["interfaces"]),
                {True: "healthy", False: "failing", None: ""}[one["proxyHealthy"]],
            )
            for name, one in shape["nodes"].items()
        ),
    )


def _advertised(speakers: list[object]) -> tuple[str, str]:
    """Return what the router is told, by speaker: `3` or, from two replicas, `3/3`."""
    entries = [one for one in speakers if isinstance(one, dict)]
    prefixes, paths = (
        "/".join(str(one[key]) for one in entries if key in one)
        for key in ("advertisedPrefixes", "advertisedPaths")
    )
    return prefixes, paths


def _count(counts: object) -> str:
    if not isinstance(counts, dict):
        return ""
    return " + ".join(f"{counts.get(family, '?')} {family}" for family in ("ipv4", "ipv6"))
