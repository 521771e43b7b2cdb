"""Which routers are tried, from which suite, and which stand in a lab together: values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tools import parts

NAMES: Final = {
    "frr": "FRR",
    "bird": "BIRD",
    "openbgpd": "OpenBGPD",
}  # a kind, and what it is called


@dataclass(frozen=True, slots=True)
class Release:
    """A router as a suite has it: *package* is unpacked with all that it depends on.

    Without a package it is the one that `make setup` unpacked.
    """

    kind: str
    suite: str
    package: str = ""


@dataclass(frozen=True, slots=True)
class Bed:
    """The routers of one run of the rows; a kind that isn't named is the usual one."""

    name: str
    releases: tuple[Release, ...]


# Two at a time, an FRR and a BIRD: a run takes as long with one as with both. The first has the
# versions that `make test` runs on.
BEDS: Final = (
    Bed(
        "debian12",
        (
            Release("frr", parts.FRR.suite),
            Release("bird", parts.BIRD.suite),
            Release("openbgpd", "bookworm", "openbgpd"),
        ),
    ),
    Bed(
        "debian13",
        (
            Release("frr", "trixie", "frr"),
            Release("bird", "trixie", "bird2"),
            Release("openbgpd", "trixie", "openbgpd"),
        ),
    ),
    Bed(
        "sid",
        (
            Release("frr", "sid", "frr"),
            Release("bird", "sid", "bird3"),
            Release("openbgpd", "sid", "openbgpd"),
        ),
    ),
)
