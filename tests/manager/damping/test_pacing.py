"""How fast goes out what can wait, and what that is."""

import pytest

from manager.damping.pacing import (
    EVERY_S,
    HANDFUL,
    Handfuls,
    OncePerSecond,
    WithinVolume,
    can_wait,
)
from pointsman.model.record import ConditionValue, ServiceRecord


def sent(pace: Handfuls, count: int, now: float) -> int:
    """Send up to *count* now; return how many went out."""
    done = 0
    while done < count and pace.ready_at(done, now) <= now:
        pace.sent(done, now)
        done += 1
    return done


def test_a_handful_each_second() -> None:
    pace = Handfuls()
    assert sent(pace, 250, 10.0) == HANDFUL
    assert sent(pace, 150, 10.5) == 0
    assert pace.ready_at("next", 10.5) == 10.0 + EVERY_S
    assert sent(pace, 150, 11.0) == HANDFUL
    assert sent(pace, 50, 12.5) == 50
    assert sent(pace, 250, 13.4) == 50  # the rest of that second's


def test_one_object_goes_out_once_a_second_and_delays_no_other() -> None:
    pace = OncePerSecond()
    pace.sent("a", 10.0)
    assert pace.ready_at("a", 10.2) == 11.0
    assert pace.ready_at("b", 10.2) <= 10.2
    pace.sent("b", 11.5)
    assert pace.ready_at("a", 11.5) <= 11.5


def test_so_many_octets_each_second() -> None:
    sizes = {"a": 60, "b": 50, "c": 40, "huge": 300}
    pace = WithinVolume(lambda key: sizes[str(key)], octets=100)
    assert pace.ready_at("a", 10.0) <= 10.0
    pace.sent("a", 10.0)
    assert pace.ready_at("b", 10.2) == 11.0  # 60 + 50 are too many
    assert pace.ready_at("c", 10.2) <= 10.2
    pace.sent("c", 10.2)
    assert pace.ready_at("b", 10.3) == 11.0  # once the first are a second old
    assert pace.ready_at("huge", 10.3) == 11.2  # when nothing else went
    assert pace.ready_at("huge", 11.2) <= 11.2
    assert pace.ready_at("c", 10.3) == 11.2  # the same object once a second
    pace.sent("huge", 11.3)
    assert pace.ready_at("a", 11.4) == 12.3


def record(reason: str, *, ingress: str = "198.51.100.1") -> ServiceRecord:
    condition = ConditionValue("True" if reason == "Announced" else "False", reason, "because")
    return ServiceRecord((ingress,), {}, {"pointsman.dev/Announced": condition})


@pytest.mark.parametrize(
    ("before", "after", "waits"),
    [
        pytest.param(record("Announced"), record("NoSession"), True, id="sessions are gone"),
        pytest.param(record("NoSession"), record("Announced"), True, id="sessions are back"),
        pytest.param(record("Announced"), record("NoEligibleNode"), False, id="another reason"),
        pytest.param(record("NoSession"), record("NoSession"), False, id="no turn at all"),
        pytest.param(None, record("NoSession"), False, id="a first record"),
        pytest.param(
            record("NoSession"),
            record("Announced", ingress="198.51.100.2"),
            False,
            id="an address is at stake",
        ),
    ],
)
def test_what_can_wait(before: ServiceRecord | None, after: ServiceRecord, waits: bool) -> None:
    assert can_wait(after, before) is waits
