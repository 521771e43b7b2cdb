"""What of a report is worth a line of the log, and how bad it is."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from agent.changes import Change, changes
from agent.planner.desired import Report
from agent.snapshot import AddressConflict, Withheld
from pointsman.model.record import ConditionValue

VIP = ip_address("198.51.100.7")
READY = ConditionValue("True", "Reporting", "It reports.")
EMPTY = Report("1")


def report(**more: object) -> Report:
    return replace(EMPTY, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(
            None, report(conditions={"Ready": READY}),
            [Change("Reporting", "It reports.", False)], id="the first report",
        ),
        pytest.param(
            report(conditions={"Ready": READY}),
            report(conditions={"Ready": replace(READY, message="Other words.")}, version="2"),
            [], id="other words for the same are no news",
        ),
        pytest.param(
            report(conditions={"Ready": READY}),
            report(conditions={"Ready": ConditionValue("False", "NoAddress", "None.")}),
            [Change("NoAddress", "None.", True)], id="what is bad is a warning",
        ),
        pytest.param(
            EMPTY, report(conditions={"Contested": ConditionValue("True", "AnotherAgent", "Two.")}),
            [Change("AnotherAgent", "Two.", True)], id="and so it is when the condition is True",
        ),
        pytest.param(
            EMPTY,
            report(conditions={"H": ConditionValue("False", "NoManagerListens", "Nobody.")}),
            [Change("NoManagerListens", "Nobody.", False)], id="and what is normal is none",
        ),
        pytest.param(
            EMPTY, report(withheld=(Withheld(VIP, "No interface."),)),
            [Change("Withheld", f"{VIP} is withheld: No interface.", True)], id="withheld",
        ),
        pytest.param(
            report(withheld=(Withheld(VIP, "No interface."),)),
            report(withheld=(Withheld(VIP, "Forbidden."),)),
            [Change("Withheld", f"{VIP} is withheld: Forbidden.", True)], id="for another reason",
        ),
        pytest.param(
            EMPTY, report(withheld=(Withheld(VIP, "No interface.", VIP + 9),)),
            [Change("Withheld",
                    f"what is assigned of {VIP} to {VIP + 9} is withheld: No interface.", True)],
            id="many at once",
        ),
        pytest.param(
            report(withheld=(Withheld(VIP, "No interface."),)), EMPTY,
            [Change("NotWithheld", f"{VIP} is not withheld any more", False)], id="no more",
        ),
        pytest.param(
            EMPTY, report(conflicts=(AddressConflict(VIP, "eth\n0", "02:00:00:00:00:01", "t"),)),
            [Change("AddressConflict", "02:00:00:00:00:01 on eth\\n0 claims 198.51.100.7, which "
                    "this node answers for", True)], id="claimed",
        ),
        pytest.param(
            report(conflicts=(AddressConflict(VIP, "eth0", "02:00:00:00:00:01", "t"),)), EMPTY,
            [Change("NoAddressConflict", "02:00:00:00:00:01 claims 198.51.100.7 no more", False)],
            id="claimed no more",
        ),
    ],
)  # fmt: skip
def test_what_is_said(before: Report | None, after: Report, expected: list[Change]) -> None:
    assert list(changes(before, after)) == expected
    assert list(changes(after, after)) == []
