"""What a router is asked for, clause by clause: the names that `peers --check` has for them."""

from collections.abc import Iterable, Mapping
from enum import StrEnum


class Clause(StrEnum):
    """One thing that a router is configured with for us."""

    NEIGHBOR = "neighbor"
    AS = "AS"
    PASSWORD = "password"
    HOPS = "distance"
    LISTENING = "port"
    LIMIT = "limit"
    SEVERAL_PATHS = "several paths"
    FAMILIES = "families"
    IPV6_NEXT_HOPS = "IPv6 next hops"
    BFD = "BFD"
    NOTHING_TO_US = "nothing to us"
    GRACEFUL_RESTART = "graceful restart"


def marked(
    lines: Iterable[str], marks: Mapping[Clause, tuple[str, ...]]
) -> dict[Clause, tuple[str, ...]]:
    """Return which of *lines* are about each clause: those with one of its marks."""
    found = [line.strip() for line in lines]
    chosen = {
        clause: tuple(dict.fromkeys(one for one in found if any(mark in one for mark in of)))
        for clause, of in marks.items()
    }
    return {clause: of for clause, of in chosen.items() if of}
