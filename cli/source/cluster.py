"""The cluster a command speaks of: files as if they were all of it, or a live one.

It only gathers: what the objects mean is the planner's to say.
"""

import argparse
import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cli.source import admission, files
from manager.inspect import cluster
from manager.planner.desired import Plan
from manager.planner.whatif import settle
from manager.snapshot import Observed, Settings, Snapshot
from pointsman.api.taint_keys import taint_keys
from pointsman.model import dialects
from pointsman.model.printable import clipped
from pointsman.runtime.errors import Failed, Misuse
from pointsman.runtime.terminal import say

SPEAKERS_MAX: Final = 64  # of one manager; each costs a plan of its own


@dataclass(frozen=True, slots=True)
class PlannedCluster:
    """A cluster as it is, and as it is once its plan has taken effect."""

    found: Snapshot
    settled: Snapshot
    plan: Plan
    complete: bool  # everything could be read and judged


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where the cluster comes from, how the manager sees it, and the answer's form."""
    sources(parser)
    _form(parser)


def hide_files(parser: argparse.ArgumentParser) -> None:
    """Leave -f and --offline out of the help of a command that refuses them with a sentence."""
    for action in parser._actions:
        if action.dest in ("paths", "offline"):
            action.help = argparse.SUPPRESS


def sources(parser: argparse.ArgumentParser) -> None:
    """Declare where the cluster comes from and how the manager was told to see it."""
    parser.add_argument(
        "-f", "--filename", dest="paths", nargs="+", action="extend", default=[], metavar="PATH",
        help="files or folders of YAML or JSON, or of support-dump; - is standard input",
    )  # fmt: skip
    parser.add_argument(
        "--offline", action="store_true", help="the files are the whole cluster; ask no other"
    )
    which(parser)
    parser.add_argument(
        "--require-class", action="store_true", help="as the manager: leave Services without class"
    )
    parser.add_argument(
        "--drain-taints", metavar="CSV", help="as the manager: taints that drain a node"
    )
    parser.add_argument(
        "--honour-annotations", default="", metavar="CSV",
        help="as the manager: understand annotations of these load balancers",
    )  # fmt: skip
    parser.add_argument(
        "--speakers", type=int, default=1, metavar="NUMBER",
        help="how many speakers each manager has (its --gobgp-socket)",
    )  # fmt: skip


def access(parser: argparse.ArgumentParser) -> None:
    """Declare which live cluster is meant, and the form of the answer."""
    which(parser)
    _form(parser)


def which(parser: argparse.ArgumentParser) -> None:
    """Declare which live cluster is meant."""
    parser.add_argument(
        "--kubeconfig", metavar="FILE", help="default: $KUBECONFIG, then ~/.kube/config"
    )
    parser.add_argument(
        "--context", type=_or_none, metavar="NAME",
        help="of the kubeconfig (default: its current one)",
    )  # fmt: skip


def _or_none(text: str) -> str | None:
    """Return *text*; an empty one, of a variable that isn't set, is the default: as for kubectl."""
    return text or None


def _form(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", choices=("table", "json", "yaml"), default="table")


def settings(given: argparse.Namespace) -> Settings:
    """Return how the manager sees the cluster.

    Raises:
        Misuse: a flag that can't be meant.
    """
    if not 1 <= given.speakers <= SPEAKERS_MAX:
        raise Misuse(
            f"--speakers {given.speakers} can't be meant: give how often the manager has "
            f"--gobgp-socket, from 1 to {SPEAKERS_MAX}."
        )
    try:
        honoured = dialects.listed(given.honour_annotations)
    except ValueError as error:
        raise Misuse(f"--honour-annotations: {error}") from None
    base = Settings(require_class=given.require_class, speakers=given.speakers, honoured=honoured)
    if given.drain_taints is None:
        return base
    try:
        return replace(base, drain_taints=taint_keys(given.drain_taints))
    except ValueError as error:
        raise Misuse(f"--drain-taints: {error}") from None


def read(given: argparse.Namespace) -> cluster.Reading:
    """Return what is there: with --offline the files, else the live cluster alone.

    Problems are said on stderr; they are among those of the result too.
    """
    if given.offline:
        documents, broken = from_files(given)
        reading = understood(given, documents)
        return tell(cluster.Reading(reading.snapshot, (*broken, *reading.problems),
                                    reading.passed_over))  # fmt: skip
    return tell(understood(given, (("cluster", raw) for raw in live(given))))


def understood(given: argparse.Namespace, sources: Iterable[tuple[str, object]]) -> cluster.Reading:
    """Return the cluster that *sources* make, with as many managers as have written there.

    Their number decides whether graceful restart is offered. Each writes its own entries
    into the BgpPeers' status, one per speaker, which a leader removes with it.
    """
    reading = cluster.read(sources, settings(given))
    reported = (one.status.get("speakers") for one in reading.snapshot.bgp_peers.values())
    entries = (one for some in reported if isinstance(some, list) for one in some)
    names = {str(one.get("name")).partition("/")[0] for one in entries if isinstance(one, dict)}
    known = replace(reading.snapshot.settings, replicas=max(1, len(names)))
    return replace(reading, snapshot=replace(reading.snapshot, settings=known))


def from_files(given: argparse.Namespace) -> tuple[list[tuple[str, object]], list[str]]:
    if not given.paths:
        raise Misuse("Name files with -f PATH; with --offline they are the whole cluster.")
    for flag in ("kubeconfig", "context"):
        if given.offline and getattr(given, flag):
            raise Misuse(f"--offline asks no cluster: leave out --offline or --{flag}.")
    documents, broken = files.read(given.paths)
    return _admitted(documents, broken, shortened=given.offline)


def changes(paths: Iterable[str]) -> tuple[list[tuple[str, object]], list[str]]:
    """Return the objects of files as they would be applied, and what is wrong with others."""
    named = list(paths)
    return _admitted(*something(named, *files.read(named)), shortened=False)


def something(
    paths: Iterable[str], documents: list[tuple[str, object]], broken: list[str]
) -> tuple[list[tuple[str, object]], list[str]]:
    """Return what was read as it is; that nothing was is said: no such change is a fine one."""
    if not documents and not broken:  # a template that rendered to nothing
        broken = [f"No object is in {clipped(', '.join(paths), 256)}."]
    return documents, broken


def _admitted(
    documents: Iterable[tuple[str, object]], broken: Iterable[str], *, shortened: bool
) -> tuple[list[tuple[str, object]], list[str]]:
    """Return the objects that `kubectl apply` takes, and the problems with what it doesn't."""
    taken: list[tuple[str, object]] = []
    problems = list(broken)
    for where, document in documents:
        for raw in cluster.flattened(document):
            found = admission.judge(raw, shortened=shortened)
            subject = f"{where}: {admission.called(raw)}"
            problems += [
                f"{subject}: {_ended(fault)}" for fault in (*found.refused, *found.reported)
            ]
            if not found.refused:
                taken.append((where, raw))
    return taken, problems


def _ended(clause: str) -> str:
    return clause if clause.endswith((".", "?")) else f"{clause}."


def _aside(sentence: str) -> None:
    say(sentence, error=True)


def live(given: argparse.Namespace, *, differing: Callable[[str], None] = _aside) -> list[object]:
    """Return the objects of the live cluster.

    *differing* is told that a manager of another version leads, if one does.
    """
    try:
        kubeconfig = chosen_kubeconfig(given.kubeconfig, os.environ)
        return asyncio.run(
            cluster.fetch(kubeconfig, context=given.context, waiting=_aside, differing=differing)
        )
    except cluster.NoCluster as error:
        raise Failed(str(error)) from error


def chosen_kubeconfig(
    named: str | None, environment: Mapping[str, str], *, files: str = "--offline -f PATH"
) -> Path | None:
    """Return the kubeconfig to use; None: this runs in a Pod.

    *files*: the options with which the command takes files instead; "" where it takes none.

    Raises:
        Misuse: there is none.
    """
    usual = Path(environment.get("HOME", "/")) / ".kube" / "config"
    chosen = named or environment.get("KUBECONFIG")
    if not chosen and not os.path.exists(usual) and environment.get("KUBERNETES_SERVICE_HOST"):
        return None
    path = Path(chosen) if chosen else usual
    # $KUBECONFIG may name several files, which kubernetes_asyncio then merges. Not asked of
    # Path, which raises where a folder on the way is closed to us, as root's home to others.
    if not any(os.path.isfile(part) for part in str(path).split(os.pathsep)):
        instead = f", or give the objects with {files}" if files else ""
        raise Misuse(f"There is no kubeconfig {path}: name one with --kubeconfig{instead}.")
    return path


def tell(reading: cluster.Reading) -> cluster.Reading:
    """Say on stderr what could not be read and what was passed over; return *reading*."""
    for problem in reading.problems:
        say(problem, error=True)
    if reading.passed_over:
        kinds = ", ".join(f"{count} {clipped(kind)}" for kind, count in reading.passed_over.items())
        say(f"Passed over, as Pointsman does not look at these kinds: {kinds}.", error=True)
    return reading


def settled(reading: cluster.Reading, *, after: PlannedCluster | None = None) -> PlannedCluster:
    """Return the cluster that *reading* comes to; faults in judging are said on stderr.

    Sessions that further speakers have *after* that one stay where they are.
    """
    found = reading.snapshot
    if after is not None:
        further = tuple(Observed(neighbors=one.neighbors) for one in after.settled.speakers[1:])
        found = replace(found, speakers=(found.speakers[0], *further))
    snapshot, plan = settle(found)
    for subject, error in plan.failures:
        say(
            f"{subject} could not be judged: {type(error).__name__}: {error}. "
            "This is a fault of Pointsman; please report it.",
            error=True,
        )
    return PlannedCluster(reading.snapshot, snapshot, plan, not (reading.problems or plan.failures))
