"""The command `pointsman lab`, also `python -m lab`: words in, sentences out.

Exit status 0: fine; 1: something is wrong; 2: misuse. What it does is
`lab.handle`; it refuses to know how.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

from lab import demo, handle
from lab.errors import Broken
from lab.network.topology import PODS_PER_NODE, RouterKind
from lab.options import OMITTABLE, Options, given_api
from lab.routers.other_versions import given_parts
from lab.story import replies, tally
from lab.supervision import lifecycle
from pointsman.runtime import terminal
from pointsman.runtime.errors import Misuse
from pointsman.runtime.usage import Parser, examples

Given = argparse.Namespace
EXAMPLES: Final = {
    "up": "pointsman lab up --detach --nodes 3 --router bird",
    "down": "pointsman lab down --name lab",
    "status": "pointsman lab status -o json",
    "exec": "pointsman lab exec router -- ip route",
    "kubeconfig": "export KUBECONFIG=$(pointsman lab kubeconfig)",
    "endpoints": "pointsman lab endpoints default/web node1:2 node3:1:unready",
    "get": "pointsman lab get 198.51.100.0 --count 30 --from client",
    "fail": "pointsman lab fail node2",
    "heal": "pointsman lab heal node2",
    "logs": "pointsman lab logs manager --follow",
    "demo": "pointsman lab demo --router bird --keep",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    command: list[str] = []
    if "--" in words:  # everything after it is somebody else's
        cut = words.index("--")
        words, command = words[:cut], words[cut + 1 :]
    try:
        given = parser().parse_args(words)
    except SystemExit as refusal:  # argparse has said why
        return int(refusal.code or 0)
    if command and given.verb != "exec":
        print(f"lab {given.verb} takes nothing after '--'.", file=sys.stderr)
        return 2
    given.command = [*getattr(given, "command", []), *command]
    verb: Callable[[Given], int] = given.run
    try:
        with lifecycle.ended_like_ctrl_c():
            return verb(given)
    except Misuse as misuse:
        print(misuse, file=sys.stderr)
        return 2
    except Broken as broken:
        print(broken, file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"A lab is root's: {error}. Run this as root.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        lifecycle.end()
        print("interrupted", file=sys.stderr)
        return 1


def up(given: Given) -> int:
    api, path = given_api(given.kubeconfig)
    options = Options(
        name=given.name,
        nodes=given.nodes,
        router=RouterKind(given.router),
        subnets=given.subnets,
        managers=given.managers,
        speakers=given.speakers,
        routers=given.routers,
        racks=given.racks,
        pods=given.pods,
        require_class=given.require_class,
        central=given.central,
        kernel=given.kernel,
        manager_args=tuple(given.manager_arg),
        agent_args=tuple(given.agent_arg),
        without=tuple(sorted({part for part in given.without.split(",") if part})),
        api=api,
        api_path=path,
        parts=given_parts(given.parts),
    )
    lab = handle.Lab.up(options, attached=not given.detach, progress=_say(given.name))
    print(f"{given.name}: up. export KUBECONFIG={lab.kubeconfig}")
    if not given.detach and lifecycle.attached():
        try:
            print(f"{given.name}: Ctrl-C takes it down", flush=True)
            lifecycle.stay()
        except KeyboardInterrupt:  # the usual way to end it
            lifecycle.end()
    return 0


def down(given: Given) -> int:
    gone = lifecycle.down(given.name)
    print(f"{given.name}: {'down' if gone else 'was not up'}")
    return 0


def status(given: Given) -> int:
    answer = handle.Lab.running(given.name).status()
    wrong = [p for p in answer["processes"] if p["state"] not in ("running", "failed")]
    if given.output == "json":
        print(json.dumps(answer, indent=2, sort_keys=True))
        return 1 if wrong else 0
    print(f"lab {answer['name']}  API {answer['api'] or 'none'}  KUBECONFIG {answer['kubeconfig']}")
    columns = ("name", "machine", "state", "pid", "uid", "capabilities", "restarts")
    rows = [[column.upper() for column in columns]]
    rows += [[_cell(process[column]) for column in columns] for process in answer["processes"]]
    print(_table(rows))
    if answer["failed"]:
        print(f"failed on purpose: {', '.join(answer['failed'])}")
    return 1 if wrong else 0


def execute(given: Given) -> int:
    if not given.command:
        raise Misuse("lab exec needs a command: lab exec router -- ip route.")
    lab = handle.Lab.running(given.name)
    argv = lab.command(given.machine, given.command)
    sys.stdout.flush()
    os.execvpe(argv[0], argv, lab.environment())


def kubeconfig(given: Given) -> int:
    print(handle.Lab.running(given.name).kubeconfig)
    return 0


def endpoints(given: Given) -> int:
    handle.Lab.running(given.name).endpoints(given.service, *given.pods)
    return 0


def get(given: Given) -> int:
    lab = handle.Lab.running(given.name)
    if given.count < 1:
        raise Misuse(f"--count {given.count} asks for nothing: use 1 or more.")
    print(tally(replies(lab, given.address, given.count, machine=given.machine)))
    return 0


def fail(given: Given) -> int:
    handle.Lab.running(given.name).fail(given.target)
    return 0


def heal(given: Given) -> int:
    handle.Lab.running(given.name).heal(given.target)
    return 0


def logs(given: Given) -> int:
    files = handle.Lab.running(given.name).log_files(given.program)
    if given.follow:
        sys.stdout.flush()
        os.execvp("tail", ["tail", "-n", "+1", "-F", *map(str, files)])
    for file in files:
        if len(files) > 1:
            print(f"==> {file.stem} <==")
        sys.stdout.write(file.read_text(errors="replace"))
    return 0


def tell(given: Given) -> int:
    router, parts = RouterKind(given.router), given_parts(given.parts)
    options = Options(name=given.name, router=router, parts=parts)
    return demo.run(options, keep=given.keep, progress=_say(given.name))


def parser() -> argparse.ArgumentParser:
    """Return the command line of the lab."""
    top = Parser(
        prog="pointsman lab",
        description="A small data centre on one machine, out of network namespaces.",
        epilog=examples(*(EXAMPLES[name] for name in ("demo", "up", "exec", "fail", "down"))),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, run: Callable[[Given], int], text: str) -> argparse.ArgumentParser:
        parser = verbs.add_parser(
            name, help=text, description=text, epilog=examples(EXAMPLES[name]),
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
        )  # fmt: skip
        parser.set_defaults(run=run)
        parser.add_argument("--name", default="lab", help="which lab (default: %(default)s)")
        return parser

    _up_flags(verb("up", up, "build a lab; without --detach, until Ctrl-C"))
    verb("down", down, "take a lab down, with every trace of it")
    shown = verb("status", status, "list its processes: state, uid, capabilities")
    shown.add_argument("-o", "--output", choices=("table", "json"), default="table")
    run = verb("exec", execute, "run a command on a machine: lab exec router -- ip route")
    run.add_argument(
        "machine", metavar="MACHINE", help="client, router, switch, manager, node1, node1-pods, ..."
    )
    run.add_argument("command", nargs="*", metavar="COMMAND")
    verb("kubeconfig", kubeconfig, "print the path of its kubeconfig")
    written = verb("endpoints", endpoints, "write the EndpointSlices of a Service")
    written.add_argument("service", metavar="NS/NAME")
    written.add_argument("pods", nargs="*", metavar="NODE:COUNT[:unready|:terminating]")
    asked = verb("get", get, "ask an address for a page, and count which pods answered")
    asked.add_argument("address", metavar="ADDRESS")
    asked.add_argument("--count", type=int, default=1)
    asked.add_argument("--from", dest="machine", default="client", metavar="MACHINE")
    for name, act, text in (
        ("fail", fail, "break a part: node2, link:node2, manager, sidecar, agent:node2, api"),
        ("heal", heal, "undo `fail`"),
    ):
        verb(name, act, text).add_argument("target", metavar="TARGET")
    read = verb("logs", logs, "print what a program said; `all` for every one")
    read.add_argument("program", metavar="PROGRAM")
    read.add_argument("-f", "--follow", action="store_true")
    story = verb("demo", tell, "build a lab, tell what Pointsman does in it, take it down")
    story.set_defaults(name="demo")
    story.add_argument("--router", choices=[kind.value for kind in RouterKind], default="frr")
    _parts_flag(story)
    story.add_argument("--keep", action="store_true", help="leave the lab up")
    return top


def _up_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--detach", action="store_true", help="return once it is up")
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--router", choices=[kind.value for kind in RouterKind], default="frr")
    _parts_flag(parser)
    parser.add_argument("--subnets", type=int, default=1, help="2: even nodes on a second LAN")
    parser.add_argument("--managers", type=int, default=1)
    parser.add_argument("--speakers", type=int, default=1, help="sidecars of each manager")
    parser.add_argument("--routers", type=int, default=1, help="2: a BIRD beside it, .2, AS 64502")
    parser.add_argument("--pods", type=int, default=PODS_PER_NODE, help="on each node")
    parser.add_argument("--racks", type=int, default=1, help="2: a router each, and a spine")
    parser.add_argument("--require-class", action="store_true", help="given to the manager")
    parser.add_argument("--central", action="store_true", help="managers may answer ARP and NDP")
    parser.add_argument("--kernel", action="store_true", help="agents may change addresses, routes")
    for program in ("manager", "agent"):
        parser.add_argument(
            f"--{program}-arg",
            action="append",
            default=[],
            metavar="FLAG",
            help=f"one more flag for every {program}: --{program}-arg=--x=y",
        )
    parser.add_argument("--without", default="", metavar="LIST", help=", ".join(OMITTABLE))
    parser.add_argument("--kubeconfig", help="use this cluster's API, which has no Nodes yet")


def _parts_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--parts", metavar="DIR", help="routers of another version, unpacked there")


def _say(name: str) -> Callable[[str], None]:
    def say(step: str) -> None:
        print(f"{name}: {step}", flush=True)

    return say


def _cell(value: Any) -> str:
    return "-" if value is None or value == "" else str(value)


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(r, widths, strict=True)) for r in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


if __name__ == "__main__":
    try:
        with terminal.guarded():
            ended = main()
            sys.stdout.flush()
    except terminal.Unwritable as error:
        terminal.forget(sys.stdout)
        terminal.say(f"pointsman lab: {error}", error=True)
        ended = 1
    sys.exit(ended)
