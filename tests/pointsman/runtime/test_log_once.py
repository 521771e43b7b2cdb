import logging

import pytest

from pointsman.runtime.log_once import LogOnce
from pointsman.runtime.target import Unavailable


def test_a_reason_for_waiting_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    log_once = LogOnce(logging.getLogger("manager"))
    with caplog.at_level(logging.INFO):
        for sentence in ("away", "away", "slow", "away"):
            log_once.log(Unavailable(sentence))
    assert [record.message for record in caplog.records] == [
        "waiting: away",
        "waiting: slow",
        "waiting: away",
    ]
