"""`pointsman routes`: which paths each router is told, desired beside observed."""

import argparse

from cli.output import drift, tables
from cli.output.tables import Table
from manager.snapshot import BgpConf
from pointsman.runtime.errors import Misuse
from pointsman.runtime.terminal import say


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this command's options on *parser*."""
    drift.arguments(parser)
    parser.add_argument("--peer", metavar="NAME", help="only what this BgpPeer is told")


def run(given: argparse.Namespace) -> int:
    """Return 0, or 1 if the speaker holds anything else than it should."""
    both = drift.sides(given, "routes")
    if given.peer is not None and given.peer not in both.snapshot.bgp_peers:
        raise Misuse(f"There is no BgpPeer {given.peer!r}.")
    found = drift.routes_json(both, given.peer)
    drifting = [one for one in found if one["drift"]]
    if not tables.show_value({"routes": found, "asked": both.observed is not None}, given.output):
        several = len(both.plan.speakers) > 1
        speaker_column = ("SPEAKER",) if several else ()
        columns = (
            *("PREFIX", "NEXT HOP", "NODE", *speaker_column),
            *("PEERS", "COMMUNITIES", "WEIGHT", "DRIFT"),
        )
        rows = tuple(
            (
                one["prefix"],
                one["nextHop"],
                one["node"] or "",
                *([str(one["speaker"])] if several else []),
                ",".join(one["peers"]),
                ",".join(one["communities"]),
                "" if one["weight"] is None else str(one["weight"]),
                one["drift"] or ("" if both.observed is None else "none"),
            )
            for one in found
        )
        tables.show([Table("Routes", columns, rows)])
        conf = both.snapshot.bgp_confs.get("default")
        if both.observed is None and (conf is None or conf.spec is None):
            say(_retained(conf))
        for one in drifting:
            say(f"! {one['prefix']} via {one['nextHop']} is {WORDS[one['drift']]}.")
    return 1 if drifting or not both.complete else 0


def _retained(conf: BgpConf | None) -> str:
    """Return the sentence where no BgpConf can be used; *conf*: the one that cannot be read."""
    why, cure = "There is no usable BgpConf named 'default'", "Create a BgpConf with spec.as"
    if conf is not None:
        why, cure = f"BgpConf 'default' cannot be read: {conf.invalid}", "Correct it"
    return (
        f"! {why}, so nothing is planned anew, and speakers keep what they were told. What that "
        f"is, --gobgp-socket shows. {cure}."
    )


WORDS = {
    "missing": "desired, and the speaker does not hold it",
    "extra": "held by the speaker, and nothing asks for it",
    "differs": "held by the speaker with other attributes or for other peers than desired",
}
