"""`pointsman migrate`: another load balancer's objects in, ours out, with the addresses kept.

It prints what it makes of them, the proof that no address moves, what can't be carried over, and
the cut-over step by step. It changes nothing, unless --apply is given and confirmed, and never
what is theirs.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from cli.migration import files as out
from cli.migration.migrate import Migration, migrate
from cli.output import tables
from cli.source import cluster, files
from manager.inspect import migration
from manager.inspect.cluster import NoCluster
from manager.planner.plan_json import Json
from pointsman.api.eip import Protocol
from pointsman.model.dialects import DIALECTS
from pointsman.model.printable import clipped
from pointsman.runtime.errors import Failed, Misuse
from pointsman.runtime.terminal import asked, say

FOLDER: Final = "DIR"  # where none is given
FORMS: Final = ("json", "yaml", "table")
PROTOCOLS: Final = tuple(Protocol)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this command's options on *parser*."""
    parser.add_argument(
        "--from", dest="dialect", required=True, choices=sorted(DIALECTS), help="whose objects"
    )
    parser.add_argument(
        "-f", "--filename", dest="paths", nargs="+", action="extend", default=[], metavar="PATH",
        help="files or folders of YAML or JSON with their objects and the Services; - is standard "
        "input (default: the live cluster)",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", default="table", metavar="DIR|json|yaml",
        help="write the objects as YAML files into this folder; json, yaml: print everything so",
    )  # fmt: skip
    parser.add_argument(
        "--protocol", choices=PROTOCOLS, default="",
        help="how addresses are announced, where their objects don't say (kube-vip, PureLB)",
    )  # fmt: skip
    parser.add_argument(
        "--their-class", default="", metavar="NAME",
        help="loadBalancerClass of their Services, if one was chosen",
    )  # fmt: skip
    parser.add_argument(
        "--apply", action="store_true", help="make the objects in the live cluster; asks first"
    )
    parser.add_argument("--yes", action="store_true", help="with --apply: don't ask")
    cluster.which(parser)


def run(given: argparse.Namespace) -> int:
    """Return 0, or 1 if nothing is made, an address would move, something waits, or was refused."""
    if given.yes and not given.apply:
        raise Misuse("migrate --yes goes with --apply only.")
    if given.paths and given.apply:
        raise Misuse(
            "migrate --apply is for a live cluster: leave out -f, or apply the files of -o."
        )
    folder = None if given.output in FORMS else Path(given.output)
    if not given.output:
        raise Misuse("'' is no folder: name one with -o DIR.")
    if given.output == "-":
        raise Misuse("migrate writes several files: name a folder with -o DIR, or print all of "
                     "them with -o yaml.")  # fmt: skip
    sources, broken = _sources(given)
    made = migrate(
        sources, DIALECTS[given.dialect], protocol=given.protocol,
        their_class=given.their_class, folder=str(folder or FOLDER),
    )  # fmt: skip
    for problem in (*broken, *made.problems, *made.proof.problems):
        say(problem, error=True)
    written = out.write(made.draft, made.served, folder) if folder is not None else []
    if not tables.show_value(_shape(made), given.output):
        for line in _report(made, written):
            say(line)
    wrong = bool(broken or made.empty or made.problems or made.proof.problems or made.proof.moves
                 or made.proof.waiting or made.proof.unready)  # fmt: skip
    if given.apply:
        return max(int(wrong), _apply(given, made))
    return int(wrong)


def _sources(given: argparse.Namespace) -> tuple[list[tuple[str, object]], list[str]]:
    if given.paths:
        for flag in ("kubeconfig", "context"):
            if getattr(given, flag):
                raise Misuse(f"migrate -f asks no cluster: leave out -f or --{flag}.")
        return files.read(given.paths)
    try:
        return [("cluster", raw) for raw in asyncio.run(_fetch(given))], []
    except NoCluster as error:
        raise Failed(str(error)) from error


async def _fetch(given: argparse.Namespace) -> list[object]:
    kubeconfig = cluster.chosen_kubeconfig(given.kubeconfig, os.environ, files="-f PATH")
    async with migration.reached(kubeconfig, context=given.context) as api:
        return await migration.fetch(api, given.dialect)


# --- what is printed -------------------------------------------------------------------------


def _report(made: Migration, written: Iterable[Path]) -> Iterator[str]:
    title = "WHAT IS MADE"
    objects, annotated = made.draft.ordered(), out.annotations(made.draft)
    yield title
    for one in (*objects, *annotated):
        yield f"  {_called(one)}: {_gist(one)}"
    if made.empty:
        yield (
            "  nothing: what was found of theirs can't be carried over, as said below"
            if made.notes else "  nothing: none of their objects was found"
        )  # fmt: skip
    for path in written:
        yield f"  wrote {path}"
    yield from ("", "ADDRESSES")
    yield f"  {len(made.proof.moves)} of {made.proof.holding} Services that hold addresses move."
    yield from (f"  ! {one}" for one in (*made.proof.moves, *made.proof.waiting))
    yield from (f"  ! {one}" for one in made.proof.unready)
    yield from ("", "NOT CARRIED OVER AS IT IS")
    yield from (f"  {note}" for note in made.notes) if made.notes else ("  nothing",)
    yield from ("", "THE CUT-OVER")
    yield from (f"  {number}. {step}" for number, step in enumerate(made.steps, start=1))


def _called(one: Json) -> str:
    meta = one["metadata"]
    where = f"{clipped(meta['namespace'])}/" if one["kind"] == "Service" else ""
    return f"{one['kind']} {where}{clipped(meta['name'])}"


def _gist(one: Json) -> str:
    if one["kind"] == "Secret":
        return "a password"
    values = one["metadata"]["annotations"] if one["kind"] == "Service" else one["spec"]
    return clipped(", ".join(f"{key} {_short(value)}" for key, value in values.items()), 200)


def _short(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_short, value))
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_short(one)}' for key, one in value.items())}}}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shape(made: Migration) -> Json:
    proof = made.proof
    hidden = [
        {**one, "stringData": dict.fromkeys(one["stringData"], "(secret)")}
        if one["kind"] == "Secret" else one for one in made.draft.ordered()
    ]  # fmt: skip
    return {
        "objects": [*hidden, *out.services(made.draft, made.served)],
        "moves": list(proof.moves), "holding": proof.holding, "waiting": list(proof.waiting),
        "notReady": list(proof.unready),
        "notCarried": [{"of": n.subject, "field": n.field, "why": n.text} for n in made.notes],
        "steps": list(made.steps),
    }  # fmt: skip


# --- what is applied -------------------------------------------------------------------------


def _apply(given: argparse.Namespace, made: Migration) -> int:
    objects, annotated = made.draft.ordered(), out.annotations(made.draft)
    if not objects and not annotated:
        raise Failed("There is nothing to apply.")
    if made.proof.moves:
        raise Failed("Nothing was applied, as addresses would move: see above.")
    if not given.yes:
        if not sys.stdin.isatty():
            raise Misuse("migrate --apply asks before it writes, and nobody is there: add --yes.")
        count = len(objects)
        question = f"Make {count} objects and annotate {len(annotated)} Services? [y/N] "
        if asked(question).lower() not in ("y", "yes"):
            raise Failed("Nothing was applied.")
    try:
        return asyncio.run(_write(given, objects, annotated))
    except NoCluster as error:
        raise Failed(str(error)) from error


async def _write(given: argparse.Namespace, objects: list[Json], annotated: list[Json]) -> int:
    kubeconfig = cluster.chosen_kubeconfig(given.kubeconfig, os.environ, files="-f PATH")
    status = 0
    async with migration.reached(kubeconfig, context=given.context) as api:
        async for fine, sentence in migration.apply(api, objects, annotated):
            say(sentence, error=not fine)
            status = status if fine else 1
    return status
