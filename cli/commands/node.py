"""`pointsman node drain` and `undrain`: take a node out of all routes, and know when it is out.

The one command that writes to a cluster: an annotation of one Node. Which Services stay on
the node because nobody else can carry them is the planner's answer.
"""

import argparse
import asyncio
import os
import re
from datetime import timedelta
from typing import Final

from cli.output import tables
from cli.output.arriving import Comers
from cli.source import cluster
from manager.inspect.cluster import NoCluster
from manager.inspect.drain import NoNode, Quietness, reached
from manager.inspect.quiet import Listening
from manager.planner.addresses.pools import read_pools
from manager.planner.desired import Plan
from manager.planner.nodes.eligible import drains
from manager.planner.nodes.watched import watched
from manager.planner.plan_json import Json
from manager.planner.protocols import lets_go
from manager.snapshot import NodeName, ServiceKey
from pointsman.model.assignment import MOST_WATCHED
from pointsman.model.names import DRAIN
from pointsman.runtime.errors import Failed, Misuse
from pointsman.runtime.terminal import say

NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")  # RFC 1123 subdomain
DURATION: Final = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)
LONGEST_S: Final = 24 * 3600
SHOWN: Final = 5  # Services by name in a sentence
TOO_MANY: Final = (
    f"The Eips come to more than {MOST_WATCHED:,} prefixes, so wider ones are looked at: flows to "
    "addresses between them count, too."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this command's options on *parser*."""
    parser.add_argument(
        "verb", choices=("drain", "undrain"), metavar="drain|undrain",
        help="drain: annotate it; undrain: take that away",
    )  # fmt: skip
    parser.add_argument("name", metavar="NAME", help="of the Node")
    parser.add_argument(
        "--wait", metavar="60s",
        help="drain: return when no router is told this node any more, or after this time",
    )  # fmt: skip
    parser.add_argument(
        "--quiet", metavar="10s",
        help="with --wait: and when no new flow has come to it for so long",
    )  # fmt: skip
    cluster.arguments(parser)
    cluster.hide_files(parser)


def run(given: argparse.Namespace) -> int:
    """Return 0 when it is done, 1 when something is missing, and say what."""
    if given.offline or given.paths:
        raise Misuse("node drains a node of a live cluster: leave out -f and --offline.")
    if not NAME.fullmatch(given.name):
        raise Misuse(f"{given.name!r} can't be the name of a Node: write it as kubectl prints it.")
    within_s = _duration_s("--wait", given.wait) if given.wait is not None else None
    quiet_s = _duration_s("--quiet", given.quiet) if given.quiet is not None else None
    if given.verb == "undrain" and (within_s or quiet_s):
        option = "--wait" if within_s else "--quiet"
        raise Misuse(f"{option} is for drain: an undrained node is told again at once.")
    if quiet_s is not None and within_s is None:
        raise Misuse("--quiet counts while --wait waits: give both, such as --wait 60s.")
    if quiet_s is not None and within_s is not None and quiet_s >= within_s:
        raise Misuse(
            f"--wait {given.wait} is over before the node can have been quiet for {given.quiet}: "
            "give --wait more time than --quiet."
        )
    if given.verb == "undrain":
        return _undrain(given)
    return _drain(given, within_s, quiet_s)


def _drain(given: argparse.Namespace, within_s: float | None, quiet_s: float | None) -> int:
    changed = asyncio.run(_annotate(given, drains=True))
    try:
        found = cluster.settled(cluster.read(given))
        if not changed:
            say(f"Node {given.name} drains already.", error=True)
        staying = _staying(given.name, found.plan)
        if within_s is None or staying:
            return _drained(given, staying)
        if quiet_s is None:
            missing = asyncio.run(_until_withdrawn(given, within_s))
            return _withdrawn(given, missing)
        return _quiet(given, found, within_s, quiet_s)
    except KeyboardInterrupt:  # whoever waits no longer may believe that it is undone
        say(f"Node {given.name} drains all the same; undrain takes that back.", error=True)
        raise


def _drained(given: argparse.Namespace, staying: list[ServiceKey]) -> int:
    """Return what became of a node that nobody waits for, or that goes on carrying."""
    wrong = [_guarded(given.name, staying)] if staying else []
    # Nobody waits for it, or it is not to be waited for.
    done = False if staying and given.wait is not None else None
    shape: Json = {"node": given.name, "draining": True, "withdrawn": done, "wrong": wrong}
    _show(given, shape, _begun(given.name))
    return 1 if wrong else 0


def _withdrawn(given: argparse.Namespace, missing: tuple[str, ...]) -> int:
    shape: Json = {
        "node": given.name, "draining": True, "withdrawn": not missing, "wrong": [*missing],
    }  # fmt: skip
    _show(given, shape, _begun(given.name) if missing else _out(given.name))
    return 1 if missing else 0


def _quiet(
    given: argparse.Namespace, found: cluster.PlannedCluster, within_s: float, quiet_s: float
) -> int:
    """Return what became of a node that is to be out of all routes, and quiet."""
    snapshot, allocations, node = found.settled, found.plan.allocations, given.name
    looked_for = watched(lets_go, read_pools(snapshot), allocations)
    if looked_for.widened:
        say(TOO_MANY, error=True)
    comers = Comers(allocations)
    listening = Listening(node, timedelta(seconds=quiet_s), bool(looked_for.prefixes))
    end = asyncio.run(_until_quiet(given, within_s, listening, comers))
    judged = end.judged
    still = [] if judged.quiet else [judged.why, *map(comers.sentence, judged.comers)]
    shape: Json = {
        "node": node,
        "draining": True,
        "withdrawn": not end.missing,
        "quiet": judged.quiet,
        "arriving": comers.shape(judged.comers),
        "wrong": [*end.missing, *still],
    }
    out = _begun(node) if end.missing else _out(node)
    if judged.quiet and not end.missing:
        out += f" No new flow has come to it for {given.quiet}, as its agent says."
    _show(given, shape, out)
    return 1 if shape["wrong"] else 0


def _begun(node: str) -> str:
    return f"Node {node} drains (annotation {DRAIN})."


def _out(node: str) -> str:
    return f"Node {node} is out of all routes: every speaker's table was read back without it."


def _undrain(given: argparse.Namespace) -> int:
    changed = asyncio.run(_annotate(given, drains=False))
    found = cluster.read(given).snapshot
    node = found.nodes.get(NodeName(given.name))
    clause = drains(node, found.settings) if node is not None else ""
    wrong = [f"Still, {clause}: take that away, too."] if clause else []
    done = "no longer drains" if changed else "did not drain by its annotation"
    shape: Json = {"node": given.name, "draining": bool(clause), "wrong": wrong}
    _show(given, shape, f"Node {given.name} {done}.")
    return 1 if wrong else 0


def _show(given: argparse.Namespace, shape: Json, sentence: str) -> None:
    if tables.show_value(shape, given.output):
        return
    say(sentence)
    for one in shape["wrong"]:
        say(f"! {one}")


def _staying(node: str, plan: Plan) -> list[ServiceKey]:
    """Return the Services that the node goes on carrying: the plan keeps the last ones."""
    return [
        key
        for key, announcement in plan.announcements.items()
        if any(
            one.node == node and not one.excluded_by and one.despite
            for one in announcement.candidates
        )
    ]


def _guarded(node: str, staying: list[ServiceKey]) -> str:
    shown = ", ".join(staying[:SHOWN])
    more = f" and {len(staying) - SHOWN} more" if len(staying) > SHOWN else ""
    return (
        f"Node {node} goes on carrying {shown}{more}: no node that doesn't drain can. Undrain "
        "another one, or give these Services endpoints elsewhere."
    )


async def _annotate(given: argparse.Namespace, *, drains: bool) -> bool:
    kubeconfig = cluster.chosen_kubeconfig(given.kubeconfig, os.environ, files="")
    try:
        async with reached(kubeconfig, given.name, context=given.context) as node:
            return await node.annotate(drains=drains)
    except (NoCluster, NoNode) as error:
        raise Failed(str(error)) from error


async def _until_withdrawn(given: argparse.Namespace, within_s: float) -> tuple[str, ...]:
    kubeconfig = cluster.chosen_kubeconfig(given.kubeconfig, os.environ, files="")
    try:
        async with reached(kubeconfig, given.name, context=given.context) as node:
            return await node.until_withdrawn(within_s)
    except (NoCluster, NoNode) as error:
        raise Failed(str(error)) from error


async def _until_quiet(
    given: argparse.Namespace, within_s: float, listening: Listening, comers: Comers
) -> Quietness:
    kubeconfig = cluster.chosen_kubeconfig(given.kubeconfig, os.environ, files="")
    try:
        async with reached(kubeconfig, given.name, context=given.context) as node:
            return await node.until_quiet(within_s, listening, comers.seen)
    except (NoCluster, NoNode) as error:
        raise Failed(str(error)) from error


def _duration_s(option: str, text: str) -> float:
    """Return the seconds that "90s", "2m" or "1m30s" means.

    Raises:
        Misuse: it is no such thing.
    """
    found = DURATION.fullmatch(text)
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    total_s = 3600 * hours + 60 * minutes + seconds
    if not 0 < total_s <= LONGEST_S:
        raise Misuse(f"{option} {text!r} is no time to wait: write 60s, 2m or 1m30s, at most 24h.")
    return total_s
