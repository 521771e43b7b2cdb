import logging

import pytest

from pointsman.runtime.log_once import Complaints
from pointsman.runtime.target import Unavailable


def test_a_reason_for_waiting_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    complaints = Complaints(logging.getLogger("manager"))
    with caplog.at_level(logging.INFO):
        for sentence in ("away", "away", "slow", "away"):
            complaints.say(Unavailable(sentence))
    assert [record.message for record in caplog.records] == [
        "waiting: away",
        "waiting: slow",
        "waiting: away",
    ]
