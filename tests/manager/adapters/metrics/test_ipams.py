"""What is shown of IPAMs: whether each answers, what it lacks, who waits for it."""

from dataclasses import replace
from typing import Any

import pytest

from manager.adapters.metrics.ipam import ipam_metrics
from manager.planner.desired import Finished
from manager.planner.plan import plan
from manager.snapshot import EipName, Snapshot
from pointsman.model.ranges import read_disjoint
from pointsman.model.reservation import Reservation, SourcePlan, SourceReading
from tests.manager.ipam.driven import ask, hold, holder, key, together

A = "192.0.2.1"
BLOCKS = read_disjoint(("192.0.2.0/24",))
IN_USE = hold(web=A)
(ADDRESS,) = IN_USE.held
RIGHT = Reservation("1", ADDRESS, key("web"), holder=holder("web"))


def finished(wanted: SourcePlan, reading: SourceReading) -> Finished:
    """Return a plan that has *wanted* for the IPAM of Eip public, made from *reading*."""
    snapshot = Snapshot(sources={EipName("public"): reading})
    return Finished(snapshot, replace(plan(snapshot), sources={EipName("public"): wanted}))


@pytest.mark.parametrize(
    ("wanted", "reading", "up", "drift", "waiting"),
    [
        pytest.param(IN_USE, {"reservations": (RIGHT,)}, 1, 0, 0, id="at rest"),
        pytest.param(IN_USE, {}, 1, 1, 0, id="an entry was deleted"),
        pytest.param(
            IN_USE, {"reservations": (replace(RIGHT, key=None),)}, 1, 1, 0, id="and edited"
        ),
        pytest.param(
            together(ask("a", "b"), IN_USE), {"reservations": (RIGHT,)}, 1, 0, 2, id="asked"
        ),
        pytest.param(
            IN_USE, {"reservations": (RIGHT,), "problem": "it is away"}, 0, 0, 0, id="away"
        ),
        pytest.param(IN_USE, {"blocks": None}, 0, None, 0, id="never read: nothing is known"),
    ],
)
def test_the_metrics_of_an_ipam(
    wanted: SourcePlan, reading: dict[str, Any], up: int, drift: int | None, waiting: int
) -> None:
    made = finished(wanted, SourceReading(**{"blocks": BLOCKS, **reading}))
    found = {one.name: [s.value for s in one.samples] for one in ipam_metrics(made)}
    assert found == {
        "pointsman_ipam_up": [up],
        "pointsman_ipam_drift": [] if drift is None else [drift],
        "pointsman_ipam_waiting": [waiting],
    }
