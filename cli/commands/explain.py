"""`pointsman explain`: what was decided about a Service or an address, with every reason.

The reasons are the planner's own; nothing is judged here.
"""

import argparse
from typing import Any, Final

from cli.commands.plan import PATH_COLUMNS, cell
from cli.output import tables
from cli.output.plan_json import Json, paths_json, service_json, verdict_json
from cli.output.tables import Table
from cli.source import cluster
from cli.source.cluster import PlannedCluster
from manager.planner.addresses.explain import AddressExplanation, explain_address, explain_eips
from manager.snapshot import Service, ServiceKey
from pointsman.api import dialect
from pointsman.model.names import ALLOCATED, ANNOUNCED, LOAD_BALANCER, LOAD_BALANCER_CLASS
from pointsman.model.printable import clipped
from pointsman.runtime.errors import Failed, Misuse
from pointsman.runtime.terminal import say

KINDS: Final = {
    **dict.fromkeys(("service", "services", "svc"), "service"),
    **dict.fromkeys(("address", "addresses", "addr", "ip"), "address"),
}
WRITTEN: Final = {"service": "explain service NAMESPACE/NAME", "address": "explain address IP"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this command's options on *parser*."""
    parser.add_argument(
        "words", nargs="+", metavar="KIND NAME",
        help="service NAMESPACE/NAME, svc NAME, service/NAME or address IP",
    )  # fmt: skip
    parser.add_argument(
        "-n", "--namespace", metavar="NAMESPACE", help="of a Service named without its own"
    )
    cluster.arguments(parser)


def run(given: argparse.Namespace) -> int:
    """Return 0 when the answer is complete; a refusal explained is an answer."""
    if given.paths and not given.offline:
        raise Misuse("explain reads files with --offline only: --offline -f PATH.")
    kind, subject = _subject(given.words)
    return _service(given, subject) if kind == "service" else _address(given, subject)


def _subject(words: list[str]) -> tuple[str, str]:
    """Return what to explain, and its name: `service default/web`, `svc web`, `service/web`."""
    kind, name = words[0], " ".join(words[1:])
    if len(words) == 1:
        kind, _, name = kind.partition("/")
    known = KINDS.get(kind.lower())
    if known is None:
        raise Misuse(f"{kind!r} cannot be explained; write service NAMESPACE/NAME or address IP.")
    if len(words) > 2 or not name:
        raise Misuse(f"explain takes one {known}: {WRITTEN[known]}.")
    return known, name


def _service(given: argparse.Namespace, subject: str) -> int:
    namespace, slash, name = subject.rpartition("/")
    if not name or (slash and not namespace) or "/" in namespace:
        raise Misuse(f"{subject!r} names no Service: write NAMESPACE/NAME.")
    if namespace and given.namespace and namespace != given.namespace:
        raise Misuse(f"{subject!r} is not in namespace {given.namespace!r}: leave out one of both.")
    key = ServiceKey(f"{namespace or given.namespace or 'default'}/{name}")
    seen = cluster.settled(cluster.read(given))
    service = seen.found.services.get(key)
    if service is None:
        raise Failed(f"There is no Service {key}.")
    story = service_story(seen, service)
    if given.output == "json":
        tables.show_json(story)
    else:
        _tell_service(key, story)
    return 0 if seen.complete else 1


def service_story(seen: PlannedCluster, service: Service) -> Json:
    """Return everything that was decided about *service*; `ours` False: nothing was."""
    plan, key = seen.plan, service.key
    if key not in plan.allocations.services:
        return {"service": key, "ours": False, "why": _not_ours(seen, service)}
    allocation, announcement = plan.allocations.services[key], plan.announcements[key]
    mine = {f"{a}/{a.max_prefixlen}" for a in (g.address for g in allocation.grants)}
    recorded = {
        c.type: {"status": c.status, "reason": c.reason, "message": c.message}
        for c in service.conditions
        if c.type in (ALLOCATED, ANNOUNCED)
    }
    return {
        "service": key,
        "ours": True,
        **service_json(plan, key),
        "recorded": {
            "addresses": [i.ip or clipped(i.hostname) for i in service.ingress],
            **recorded,
        },
        "candidates": [
            {
                "node": one.node,
                "carries": not one.excluded_by,
                "excludedBy": one.excluded_by,
                "despite": one.despite,
            }
            for one in announcement.candidates
        ],
        "refusals": [{"candidate": r.candidate, "why": r.why} for r in allocation.refusals],
        "eips": [
            {"eip": one.eip, "family": one.family, "why": one.why}
            for one in explain_eips(seen.settled, service)
        ],
        "paths": {
            peer: [path for path in paths_json(plan, peer) if path["prefix"] in mine]
            for peer in sorted(seen.settled.bgp_peers)
        },
    }


def _not_ours(seen: PlannedCluster, service: Service) -> str:
    if service.key in seen.plan.left_alone:
        return str(seen.plan.left_alone[service.key])
    if service.type != LOAD_BALANCER:
        return (
            f"Service {service.key} is of type {clipped(service.type)}. Pointsman serves type "
            "LoadBalancer."
        )
    if service.load_balancer_class is not None:
        return (
            f"Service {service.key} has loadBalancerClass "
            f"{clipped(service.load_balancer_class)}. "
            f"Pointsman serves {LOAD_BALANCER_CLASS}."
        )
    return (
        f"Service {service.key} has no loadBalancerClass, and --require-class asks for "
        f"{LOAD_BALANCER_CLASS}."
    )


def _tell_service(key: str, story: Json) -> None:
    if not story["ours"]:
        say(story["why"])
        return
    say(f"Service {key}")
    for aspect in ("allocated", "announced"):
        verdict = story[aspect]
        say(f"  {aspect}: {verdict['status']} ({verdict['reason']})")
        say(f"    {verdict['message']}")
    for difference in _unwritten(story):
        say(f"  not written yet: {difference}")
    paths = (
        (peer, path["prefix"], path["nextHop"], path["node"] or "", " ".join(path["communities"]))
        for peer, of_peer in story["paths"].items()
        for path in of_peer
    )
    grants = zip(story["addresses"], story["allocatedFrom"], strict=True)
    print()
    tables.show(
        (
            Table("ADDRESSES", ("ADDRESS", "EIP"), tuple((a, e or "") for a, e in grants)),
            _listed("REFUSED", ("CANDIDATE", "WHY"), story["refusals"], ("candidate", "why")),
            Table(
                "EIPS, FOR ONE MORE ADDRESS",
                ("EIP", "FAMILY", "CAN GIVE", "WHY"),
                tuple((e["eip"], e["family"], str(not e["why"]), e["why"]) for e in story["eips"]),
            ),
            Table("NODES", ("NODE", "CARRIES", "WHY"), tuple(map(_node, story["candidates"]))),
            Table("PATHS", PATH_COLUMNS, tuple(paths)),
        )
    )


def _node(one: Json) -> tuple[str, str, str]:
    if one["carries"]:
        return one["node"], "True", f"although {one['despite']}" if one["despite"] else ""
    return one["node"], "False", one["excludedBy"]


def _unwritten(story: Json) -> list[str]:
    """Return where the object in the cluster does not say yet what was decided."""
    recorded = story["recorded"]
    found = []
    if recorded["addresses"] != story["addresses"]:
        has = ", ".join(recorded["addresses"]) or "no address"
        found.append(f"its status has {has}")
    for aspect, condition in (("allocated", ALLOCATED), ("announced", ANNOUNCED)):
        stands = recorded.get(condition)
        if stands is not None and stands != story[aspect]:
            found.append(f"its condition {condition} is {cell(stands)}: {stands['message']}")
    return found


def _address(given: argparse.Namespace, subject: str) -> int:
    address = dialect.read_ip(subject)
    if address is None:
        raise Misuse(f"{subject!r} is no IP address: write 192.0.2.1 or 2001:db8::1.")
    seen = cluster.settled(cluster.read(given))
    story = explain_address(seen.settled, seen.plan.allocations, address)
    if given.output == "json":
        tables.show_json(_address_json(story))
    else:
        _tell_address(story)
    return 0 if seen.complete else 1


def _address_json(story: AddressExplanation) -> Json:
    return {
        "address": str(story.address),
        "summary": story.summary,
        "bookedOn": story.eip,
        "holders": list(story.holders),
        "recorded": list(story.recorded),
        "routed": story.routed,
        "eips": [
            {
                "eip": source.eip,
                "ready": verdict_json(source.ready),
                "withheld": source.withheld,
            }
            for source in story.sources
        ],
        "waiting": [{"candidate": one.candidate, "why": one.why} for one in story.waiting],
    }


def _tell_address(story: AddressExplanation) -> None:
    say(story.summary)
    if story.eip is not None:
        say(f"It is booked on Eip '{story.eip}'.")
    shape = _address_json(story)
    print()
    tables.show(
        (
            Table(
                "EIPS",
                ("EIP", "READY", "WITHHELD", "MESSAGE"),
                tuple(
                    (e["eip"], cell(e["ready"]), e["withheld"], e["ready"]["message"])
                    for e in shape["eips"]
                ),
            ),
            _listed("WAITING FOR IT", ("SERVICE", "WHY"), shape["waiting"], ("candidate", "why")),
        )
    )


def _listed(
    title: str, columns: tuple[str, ...], entries: list[Any], keys: tuple[str, ...]
) -> Table:
    return Table(title, columns, tuple(tuple(str(e[key]) for key in keys) for e in entries))
