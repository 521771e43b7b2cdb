"""What the condition Ready of an Eip says of its IPAM, and whether that has entries of it."""

from manager.planner.addresses.pool import Pool, name_of
from manager.planner.addresses.source_index import LONGEST, SourceIndex
from pointsman.model.address import address_order
from pointsman.model.printable import clipped
from pointsman.model.verdicts.address import Ready
from pointsman.model.verdicts.base import Verdict
from pointsman.model.verdicts.source import (
    ForeignChange,
    NotReleased,
    SourceNotRead,
    SourceUnavailable,
)


def source_ready(pool: Pool, index: SourceIndex | None) -> Verdict:
    """Return the verdict on *pool*, which is not being deleted, by what its IPAM says.

    What is wrong with the Eip itself comes first. One that only publishes is as ready as ever.
    """
    if not pool.source or not isinstance(pool.ready, Ready):
        return pool.ready
    reading = None if index is None else index.reading
    if reading is not None and reading.problem:
        problem = clipped(reading.problem, LONGEST)
        return SourceUnavailable(pool.name, pool.source, problem, reading.since)
    if not pool.known:
        return SourceNotRead(pool.name, pool.source)
    if reading is not None and reading.changed:
        changes = tuple(
            f"{address}: {clipped(reading.changed[address], LONGEST)}"
            for address in sorted(reading.changed, key=address_order)
        )
        return ForeignChange(pool.name, name_of(pool), changes)
    if reading is not None and reading.unreleased:
        clauses = tuple(clipped(one, LONGEST) for one in reading.unreleased)
        return NotReleased(pool.name, name_of(pool), clauses, reading.withheld)
    return pool.ready


def has_entries(pool: Pool, index: SourceIndex | None) -> bool:
    """Whether the IPAM has entries of *pool*: it does not go before they are released.

    But one that is being deleted does not wait for an IPAM that does not answer, or keeps them.
    """
    if index is None or not index.reading.reservations:
        return False
    stays = bool(index.reading.problem or index.reading.unreleased)
    return not (pool.deleting and stays)
