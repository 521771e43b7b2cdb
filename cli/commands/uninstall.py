"""`pointsman uninstall`: take everything of ours off the cluster's objects, and say what remains.

It deletes nothing: programs, CRDs and objects of ours go by kubectl or helm, whose they are.
"""

import argparse
import asyncio
import os
import sys
from typing import Any, Final

from cli.output import tables
from cli.source import cluster
from manager.inspect.cluster import NoCluster
from manager.inspect.reach import away, reached
from manager.planner.plan_json import Json
from pointsman.model.names import DRAIN, GROUP, MANAGER_LABEL, NAMESPACE
from pointsman.runtime.errors import Failed, Misuse
from pointsman.runtime.target import Unavailable
from pointsman.runtime.terminal import asked, say

CHOICES: Final = ("leave", "release")
SHOWN: Final = 20  # sentences on objects that could not be written


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this command's options on *parser*."""
    parser.add_argument(
        "--addresses", choices=CHOICES,
        help="leave: they stay in the Services' status, for whoever comes next; release: they go",
    )  # fmt: skip
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    parser.add_argument(
        "--force", action="store_true",
        help="go on though a manager leads, or though that can't be known",
    )  # fmt: skip
    cluster.access(parser)


def run(given: argparse.Namespace) -> int:
    """Return 0 when nothing of ours is left on any object, else 1."""
    asks = not given.yes or given.addresses is None
    if asks and (given.output != "table" or not sys.stdin.isatty()):
        raise Misuse(
            "Nobody can be asked here: give --yes and --addresses leave or --addresses release."
        )
    kubeconfig = cluster.chosen_kubeconfig(given.kubeconfig, os.environ, files="")
    try:
        return asyncio.run(_uninstall(given, kubeconfig))
    except NoCluster as error:
        raise Failed(str(error)) from error
    except Unavailable as error:
        raise Failed(str(away(error))) from error


async def _uninstall(given: argparse.Namespace, kubeconfig: Any) -> int:
    # Why here: kubernetes_asyncio is slow to load, and help needs none of it.
    from manager.inspect import uninstall

    async with reached(kubeconfig, context=given.context) as api:
        if not given.force and (why := await uninstall.leader(api)) is not None:
            raise Failed(f"{why} Or go on all the same with --force.")
        found = await uninstall.marked(api)
        addresses = given.addresses or _which_addresses()
        if not given.yes and not _agreed(found, addresses, await api.server()):
            say("Nothing was written.", error=True)
            return 1
        outcome = await uninstall.cleaned(api, found, addresses=addresses)
    shape = {
        "addresses": addresses,
        "services": outcome.services,
        "eips": outcome.eips,
        "wrong": outcome.problems,
        "remains": _remains([kind.plural for kind in found.kinds]),
    }
    if not tables.show_value(shape, given.output):
        _show(shape)
    return 1 if outcome.problems else 0


def _which_addresses() -> str:
    answer = asked("Leave the addresses in the Services' status, or release them? [leave/release] ")
    if answer not in CHOICES:
        raise Misuse("Nothing was written: answer leave or release.")
    return answer


def _agreed(found: Any, addresses: str, server: str) -> bool:
    stay = "stay in their status" if addresses == "leave" else "are released"
    say(
        f"{server}: our annotations and conditions are taken off {_count(found.services)}, whose "
        f"addresses {stay}, and our finalizer off {_count(found.eips, 'Eip')}."
    )
    return asked("Go on? [y/N] ").lower() in ("y", "yes")


def _count(objects: Any, kind: str = "Service") -> str:
    return f"{len(objects)} {kind}{'' if len(objects) == 1 else 's'}"


def _show(shape: Json) -> None:
    stay = "left in their status" if shape["addresses"] == "leave" else "released"
    services, eips = shape["services"], shape["eips"]
    say(f"Took our annotations and conditions off {_count(services)}; addresses {stay}.")
    say(f"Took our finalizer off {_count(eips, 'Eip')}.")
    for sentence in shape["wrong"][:SHOWN]:
        say(f"! {sentence}")
    if (more := len(shape["wrong"]) - SHOWN) > 0:
        say(f"! {more} more; -o json has them all.")
    say("What remains, and how it goes:")
    for line in shape["remains"]:
        print(f"  {line}")


def _remains(kinds: list[str]) -> list[str]:
    """Return the commands that take the rest away, in order; kinds that are gone are left out.

    Kinds with their group: MetalLB has bgppeers too, and OpenELB eips, which kubectl may prefer.
    """
    ours = [f"{plural}.{GROUP}" for plural in sorted(kinds)]
    return [
        f"kubectl -n {NAMESPACE} delete deployment/pointsman-manager",
        *([f"kubectl delete {','.join(ours)} --all"] if ours else ()),
        # After the Announcers: without one, an agent takes what is ours off its node's kernel.
        f"kubectl -n {NAMESPACE} delete daemonset/pointsman-agent",
        "kubectl delete -k deploy/  # or: helm uninstall, if you installed the chart",
        *([f"kubectl delete crd {' '.join(ours)}"] if ours else ()),
        f"kubectl label nodes --all {MANAGER_LABEL}-",
        f"kubectl annotate nodes --all {DRAIN}-",
    ]
