"""`pointsman support-dump FILE`: one file from which others see what you see, without secrets.

It writes that file and nothing else. What this user may not read is missing in it, and said.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Iterable
from typing import Any, Final

from cli.output import drift, tables
from cli.source import archive, cluster
from manager.inspect.cluster import NoCluster
from manager.planner.plan_json import Json, plan_json
from pointsman.runtime.errors import Failed, Misuse
from pointsman.runtime.terminal import say
from pointsman.runtime.usage import path
from pointsman.runtime.version import version

LINES: Final = 2000
LINES_MAX: Final = 1_000_000  # of each container; they are held in memory until they are written
README: Final = """Made by `pointsman support-dump`.

objects/    what a plan is made of; `pointsman plan --offline -f THIS_FILE` and
            `pointsman explain … --offline -f THIS_FILE` read it
beside/     Leases, Events and CRDs of Pointsman, its Pods without environment and arguments
plan.json   what the command made of the objects
speakers.json   sessions and paths as they should be and, if asked for, as the speakers have them
logs/       the last lines of our containers
versions.json, missing.txt

Secrets are never read. Annotations that no load balancer reads are replaced by (removed).
Names, labels, addresses and what programs logged are in it: look before you hand it on.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this command's options on *parser*."""
    parser.add_argument("file", type=path, metavar="FILE", help="to be made: NAME.tar.gz")
    parser.add_argument(
        "--log-lines", type=int, default=LINES, metavar="NUMBER",
        help=f"of each container's log; 0: none (default: {LINES})",
    )  # fmt: skip
    drift.arguments(parser)
    cluster.hide_files(parser)


def run(given: argparse.Namespace) -> int:
    """Return 0 when everything is in the file, else 1, and say what is missing."""
    if given.offline or given.paths:
        raise Misuse("support-dump reads a live cluster: leave out -f and --offline.")
    if not 0 <= given.log_lines <= LINES_MAX:
        raise Misuse(
            f"--log-lines {given.log_lines} can't be taken: give 0 to {LINES_MAX}, 0 for no logs."
        )
    if not archive.is_archive(given.file):
        raise Misuse(f"Name a file that ends in {' or '.join(archive.SUFFIXES)}: {given.file}.")
    if os.path.lexists(given.file):
        raise Misuse(f"There is {given.file} already: name another file.")
    if not os.path.isdir(folder := given.file.parent):  # known before a cluster is read
        raise Misuse(f"{given.file} cannot be written: there is no folder {folder}.")
    files, missing = _files(given)
    size = archive.write(given.file, files)
    if not tables.show_value(
        {"file": str(given.file), "bytes": size, "files": sorted(files), "missing": missing},
        given.output,
    ):
        say(f"Wrote {given.file}: {len(files)} files, {size:,} bytes, no Secret among them.")
        for sentence in missing:
            say(f"! {sentence}")
    return 1 if missing else 0


def _files(given: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """Return the files by name, and what is missing in them."""
    # Why here: kubernetes_asyncio is slow to load, and help needs none of it.
    from manager.inspect.support import gathered

    kubeconfig = cluster.chosen_kubeconfig(given.kubeconfig, os.environ, files="")
    try:
        found = asyncio.run(gathered(kubeconfig, context=given.context, log_lines=given.log_lines))
    except NoCluster as error:
        raise Failed(str(error)) from error
    missing = found.problems
    if not found.planned:
        raise Failed(f"Nothing can be read of the cluster. {missing[0]}")
    reading = cluster.understood(given, found.planned.items())
    missing += reading.problems
    seen = cluster.settled(reading)
    files: dict[str, Any] = {
        "README.txt": README,
        "versions.json": _versions(given, found.server),
        **{f"{archive.OBJECTS}{name}.json": one for name, one in found.planned.items()},
        **{f"beside/{name}.json": one for name, one in found.beside.items()},
        **{f"logs/{name}.log": text for name, text in found.logs.items()},
        "plan.json": plan_json(seen.settled, seen.plan),
    }
    try:
        both = drift.compared(given, reading)
        files["speakers.json"] = {
            "asked": both.observed is not None,
            "peers": drift.peers_json(both),
            "routes": drift.routes_json(both),
        }
    except Failed as error:
        missing.append(f"The speakers' tables are missing: {error}")
    files["missing.txt"] = _lines(missing)
    return files, missing


def _lines(sentences: Iterable[str]) -> str:
    return "".join(f"{one}\n" for one in sentences) or "Nothing is missing.\n"


def _versions(given: argparse.Namespace, server: str) -> Json:
    try:
        kubernetes = json.loads(server) if server else None
    except ValueError:
        kubernetes = None
    return {
        "pointsman": version(),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "kubernetes": kubernetes,
        "asked": {
            "requireClass": given.require_class,
            "drainTaints": given.drain_taints,
            "honourAnnotations": given.honour_annotations,
            "speakers": given.speakers,
        },
    }
