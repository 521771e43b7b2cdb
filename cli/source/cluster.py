"""The cluster a command speaks of: files as if they were all of it, or a live one.

It only gathers: what the objects mean is the planner's to say.
"""

import argparse
import asyncio
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cli.source import admission, files
from manager.inspect import cluster
from manager.planner.desired import Plan
from manager.planner.whatif import settle
from manager.snapshot import Observed, Settings, Snapshot
from pointsman.model.printable import clipped
from pointsman.runtime.errors import Failed, Misuse
from pointsman.runtime.terminal import say


@dataclass(frozen=True, slots=True)
class PlannedCluster:
    """A cluster as it is, and as it is once its plan has taken effect."""

    found: Snapshot
    settled: Snapshot
    plan: Plan
    complete: bool  # everything could be read and judged


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where the cluster comes from and how the manager was told to see it."""
    parser.add_argument(
        "-f", "--filename", dest="paths", nargs="+", action="extend", default=[], metavar="PATH",
        help="files or folders of YAML or JSON; - is standard input",
    )  # fmt: skip
    parser.add_argument(
        "--offline", action="store_true", help="the files are the whole cluster; ask no other"
    )
    parser.add_argument(
        "--kubeconfig", metavar="FILE", help="default: $KUBECONFIG, then ~/.kube/config"
    )
    parser.add_argument(
        "--context", metavar="NAME", help="of the kubeconfig (default: its current one)"
    )
    parser.add_argument(
        "--require-class", action="store_true", help="as the manager: leave Services without class"
    )
    parser.add_argument(
        "--drain-taints", metavar="CSV", help="as the manager: taints that drain a node"
    )
    parser.add_argument(
        "--speakers", type=int, default=1, metavar="NUMBER",
        help="how many speakers each manager has (its --gobgp-socket)",
    )  # fmt: skip
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")


def settings(given: argparse.Namespace) -> Settings:
    if given.speakers < 1:
        raise Misuse(f"A manager has one speaker at least: --speakers {given.speakers}.")
    base = Settings(require_class=given.require_class, speakers=given.speakers)
    if given.drain_taints is None:
        return base
    taints = {taint.strip() for taint in given.drain_taints.split(",")}
    return replace(base, drain_taints=frozenset(taints - {""}))


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


def live(given: argparse.Namespace) -> list[object]:
    """Return the objects of the live cluster."""
    try:
        kubeconfig = chosen_kubeconfig(given.kubeconfig, os.environ)
        return asyncio.run(cluster.fetch(kubeconfig, context=given.context))
    except cluster.NoCluster as error:
        raise Failed(str(error)) from error


def chosen_kubeconfig(named: str | None, environment: Mapping[str, str]) -> Path | None:
    """Return the kubeconfig to use; None: this runs in a Pod.

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
        raise Misuse(
            f"There is no kubeconfig {path}: name one with --kubeconfig, or give the objects "
            "with --offline -f PATH."
        )
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
