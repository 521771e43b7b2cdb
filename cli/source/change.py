"""A cluster before and after files were applied to it, each with its plan."""

import argparse
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from cli.source import apply, cluster
from cli.source.cluster import PlannedCluster
from manager.inspect.cluster import Reading


def before_and_after(
    given: argparse.Namespace,
    present: Sequence[tuple[str, object]],
    *,
    documents: Iterable[tuple[str, object]],
    broken: Iterable[str],
) -> tuple[PlannedCluster, PlannedCluster]:
    """Return what *present* comes to, now and with *documents* applied to it.

    *broken*: what could not be read of those, which is among the problems of the second.
    """
    before = cluster.understood(given, present)
    # A second from now: API servers count whole ones, and a tie would be decided by names.
    soon = datetime.now(UTC) + timedelta(seconds=1)
    live = [raw for _, raw in present]
    after = cluster.understood(given, apply.applied(live, documents, now=soon))
    problems = (*broken, *after.problems)
    after = cluster.tell(Reading(after.snapshot, problems, after.passed_over))
    now = cluster.settled(before)
    return now, cluster.settled(after, after=now)
