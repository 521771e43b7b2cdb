"""`pointsman explain`: what was decided about an object or an address, with every reason.

The reasons are the planner's own; nothing is judged here.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from cli.explain import address, eip, node, peer, service
from cli.explain.explanation import Explanation
from cli.output import tables
from cli.source import cluster
from cli.source.cluster import PlannedCluster
from manager.planner.plan_json import Json
from pointsman.runtime.errors import Misuse
from pointsman.runtime.terminal import say


def _named(text: str, _: str | None) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be explained: how it is written, what is known of it, and how that is put."""

    usage: str
    names: tuple[str, ...]
    story: Callable[[PlannedCluster, Any], Json]
    explanation: Callable[[Json], Explanation]
    subject: Callable[[str, str | None], Any] = _named  # of what is written, and -n


KINDS: Final = (
    Kind(
        "service NAMESPACE/NAME", ("service", "services", "svc"),
        service.story, service.explanation, service.key_of,
    ),
    Kind(
        "address IP", ("address", "addresses", "addr", "ip"),
        address.story, address.explanation, address.address_of,
    ),
    Kind("node NAME", ("node", "nodes", "no"), node.story, node.explanation),
    Kind("peer NAME", ("peer", "peers", "bgppeer", "bgppeers"), peer.story, peer.explanation),
    Kind("eip NAME", ("eip", "eips"), eip.story, eip.explanation),
)  # fmt: skip
USAGES: Final = ", ".join(kind.usage for kind in KINDS[:-1]) + f" or {KINDS[-1].usage}"
BY_NAME: Final = {name: kind for kind in KINDS for name in kind.names}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this command's options on *parser*."""
    parser.add_argument("kind", metavar="KIND", help=f"{USAGES}; KIND/NAME, too")
    parser.add_argument("name", nargs="?", metavar="NAME", help="of one, where KIND has none")
    # So that it can be refused in a sentence.
    parser.add_argument("more", nargs="*", default=[], help=argparse.SUPPRESS)
    parser.add_argument(
        "-n", "--namespace", metavar="NAMESPACE", help="of a Service named without its own"
    )
    cluster.arguments(parser)


def run(given: argparse.Namespace) -> int:
    """Return 0 when the answer is complete; a refusal explained is an answer."""
    if given.paths and not given.offline:
        raise Misuse("explain reads files with --offline only: --offline -f PATH.")
    kind, name = _subject(given.kind, given.name, given.more)
    subject = kind.subject(name, given.namespace)
    seen = cluster.settled(cluster.read(given))
    story = kind.story(seen, subject)
    if not tables.show_value(story, given.output):
        found = kind.explanation(story)
        for line in found.lines:
            say(line)
        if found.tables:
            print()
            tables.show(found.tables)
    return 0 if seen.complete else 1


def _subject(kind: str, name: str | None, more: list[str]) -> tuple[Kind, str]:
    """Return what to explain, and its name: `service default/web`, `svc web`, `service/web`."""
    if name is None:
        kind, _, name = kind.partition("/")
    known = BY_NAME.get(kind.lower())
    if known is None:
        raise Misuse(f"{kind!r} cannot be explained; write {USAGES}.")
    if more or not name:
        raise Misuse(f"explain takes one {known.names[0]}: explain {known.usage}.")
    return known, name
