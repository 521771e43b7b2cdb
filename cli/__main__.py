"""The command `pointsman`, also a kubectl plugin: words in, an exit status out.

0: fine; 1: something is wrong; 2: misuse, with a sentence. It is installed as
`kubectl-pointsman` too, which kubectl runs for `kubectl pointsman`. It imports a command's
code only when that command runs.
"""

import argparse
import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Final

from pointsman.runtime import terminal
from pointsman.runtime.errors import Failed, Misuse
from pointsman.runtime.usage import Parser, examples

PROGRAMS: Final = {  # they read their own command line
    "manager": "decide and speak BGP; one or more in a cluster",
    "agent": "report the interfaces of a node; one on every node",
    "lab": "a small data centre on this machine, out of network namespaces",
}
COMMANDS: Final = {
    "status": "peers, pools, services and nodes at a glance",
    "explain": "why a Service, an address, a node, a router or an Eip is as it is",
    "peers": "the sessions with routers, as they should be and as the speaker has them",
    "routes": "the paths routers are told, desired beside observed",
    "plan": "what would change if objects were applied; applies nothing",
    "node": "drain a node or undrain it, and wait until no router is told it, or nobody comes",
    "migrate": "OpenELB, MetalLB, PureLB or kube-vip objects in, ours out, addresses kept",
    "crds": "print the CRDs, for `pointsman crds | kubectl apply -f -`",
    "support-dump": "one file with everything that others need to help, without secrets",
    "map": "the network as one HTML page: who carries what, and who is refused",
    "completion": "a script that completes commands and options in bash, zsh or fish",
    "uninstall": "take everything of ours off Services and Eips; asks first",
}
EXAMPLES: Final = {
    "status": ("pointsman status", "pointsman status --watch --context prod"),
    "explain": (
        "pointsman explain service default/web", "pointsman explain svc web -n default",
        "pointsman explain address 198.51.100.7", "pointsman explain peer tor-1 -o yaml",
    ),
    "peers": ("pointsman peers", "pointsman peers --check",
              "pointsman peers --gobgp-socket /run/pointsman/gobgp.sock"),
    "routes": ("pointsman routes --peer tor-1", "pointsman routes -o json"),
    "plan": (
        "pointsman plan -f change.yaml", "pointsman plan --offline -f manifests/ cluster.yaml",
        "kubectl get svc,eip -A -o yaml | pointsman plan --offline -f -",
        "pointsman plan --router-config frr --peer tor-1",
    ),
    "node": (
        "pointsman node drain node1 --wait 60s",
        "pointsman node drain node1 --wait 5m --quiet 10s",
        "pointsman node undrain node1",
    ),
    "migrate": ("pointsman migrate --from metallb -f dump.yaml -o pointsman",),
    "crds": ("pointsman crds | kubectl apply -f -",),
    "support-dump": ("pointsman support-dump dump.tar.gz",
                     "pointsman plan --offline -f dump.tar.gz"),
    "map": ("pointsman map -o map.html", "pointsman map -f dump.tar.gz --change change.yaml"),
    "completion": ("pointsman completion bash > /etc/bash_completion.d/pointsman",
                   "pointsman completion fish > ~/.config/fish/completions/pointsman.fish"),
    "uninstall": ("pointsman uninstall", "pointsman uninstall --addresses leave --yes"),
}  # fmt: skip
GENERATED: Final = "pointsman.gobgp_api"
EXTRAS: Final = {"agent": "agent", "lab": "lab"}  # any other command: manager


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        with terminal.guarded():
            try:
                status = _run(words)
            except SystemExit as end:  # argparse has said why
                status = end.code if isinstance(end.code, int) else 0
            sys.stdout.flush()  # a full disk is noticed here, not at exit
    except BrokenPipeError:  # `pointsman status --watch | head`
        return 0
    except terminal.Unwritable as error:
        terminal.forget(sys.stdout)
        terminal.say(f"pointsman: {error}", error=True)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 1
    return status


def _run(words: Sequence[str]) -> int:
    prog = "pointsman"
    if os.path.basename(sys.argv[0]) == "kubectl-pointsman":
        prog = "kubectl pointsman"
    command = words[0] if words else ""
    try:
        if command in PROGRAMS:
            return int(importlib.import_module(f"{command}.__main__").main(words[1:]))
        if command in COMMANDS:
            return _ask(f"{prog} {command}", command, words[1:])
    except ModuleNotFoundError as error:
        return _not_installed(command, error)
    except Misuse as misuse:
        terminal.say(f"{prog} {command}: {misuse}", error=True)
        return 2
    except Failed as failure:
        terminal.say(f"{prog} {command}: {failure}", error=True)
        return 1
    if not words:
        _overview(prog).print_help(sys.stderr)
        return 2
    _overview(prog).parse_args(words)
    return 0


def _ask(prog: str, command: str, words: Sequence[str]) -> int:
    module = _module(command)
    parser = Parser(
        prog=prog,
        description=_sentence(COMMANDS[command]),
        epilog=examples(*EXAMPLES[command]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.arguments(parser)
    parser.set_defaults(whole=_whole)
    # Options stand anywhere, as for kubectl: `explain service -n shop web`.
    return int(module.run(parser.parse_intermixed_args(words)))


def _whole() -> argparse.ArgumentParser:
    """Return one parser of everything, every command and verb with its options."""
    parser = _overview("pointsman")
    (commands,) = (one for one in parser._actions if one.dest == "command")
    found = commands.choices
    assert isinstance(found, dict), "it is an action of sub-parsers"
    for name in COMMANDS:
        _module(name).arguments(found[name])
    for name in PROGRAMS:
        found[name] = importlib.import_module(f"{name}.__main__").parser()
    return parser


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"cli.commands.{command.replace('-', '_')}")


def _overview(prog: str) -> argparse.ArgumentParser:
    parser = Parser(
        prog=prog,
        description="External addresses for Kubernetes Services on bare metal.",
        epilog="Exit status: 0 fine, 1 something is wrong, 2 misuse. Also a kubectl plugin:\n"
        f"kubectl pointsman.\n\n{examples(*(EXAMPLES[name][0] for name in COMMANDS))}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, text in (COMMANDS | PROGRAMS).items():
        commands.add_parser(name, help=text)
    return parser


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _not_installed(command: str, error: ModuleNotFoundError) -> int:
    """Say which extra a command needs; a missing module of our own is a bug.

    But for what is generated: a checkout that isn't set up has none.
    """
    if (error.name or "").startswith(GENERATED):
        print(
            f"`pointsman {command}` needs {GENERATED}, which is generated and isn't here: "
            "run `make setup` in the checkout.",
            file=sys.stderr,
        )
        return 2
    missing = (error.name or "").partition(".")[0]
    if missing == "lab" and importlib.util.find_spec("lab") is None:  # as in our image
        print(
            f"`pointsman {command}` is not in this installation: run it in a checkout of "
            "Pointsman, after `make setup`.",
            file=sys.stderr,
        )
        return 2
    if missing in ("pointsman", "manager", "agent", "cli", "lab", "sidecars"):
        raise error
    extra = EXTRAS.get(command, "manager")
    print(
        f"`pointsman {command}` needs the package {missing}, which is not installed here: "
        f"install pointsman[{extra}].",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    sys.exit(main())
