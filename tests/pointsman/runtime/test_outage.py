import logging

import pytest

from pointsman.runtime.outage import Outage

log = logging.getLogger("test.outage")


@pytest.mark.parametrize(
    ("ends", "outages"),
    [
        pytest.param([(0, True), (9, True)], [], id="no outage"),
        pytest.param([(0, False), (1, False), (9, True)], ["9"], id="once it is over"),
        pytest.param([(0, False), (9, True), (10, True), (99, True)], ["9"], id="one line"),
        pytest.param([(0, False), (2, True), (3, False), (5, True)], [], id="hiccups are none"),
        pytest.param(
            [(0, False), (2, True), (3, False), (9, True)], ["6"], id="it begins after an answer"
        ),
        pytest.param(
            [(0, False), (9, True), (20, False), (30, True)], ["9", "10"], id="each one is told"
        ),
    ],
)
def test_the_end_of_an_outage_is_told_once(
    ends: list[tuple[float, bool]], outages: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    outage = Outage("the API server", log=log, monotonic=lambda: now)
    with caplog.at_level(logging.INFO):
        for now, answered in ends:  # noqa: B007 - the clock reads it
            outage.note(answered=answered)
    assert [record.getMessage() for record in caplog.records] == [
        f"the API server answers again, after {seconds} s" for seconds in outages
    ]
