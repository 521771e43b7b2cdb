"""How many frames a rate allows."""

import pytest

from pointsman.responder.bucket import TokenBucket


def sendable(bucket: TokenBucket, until_s: float) -> list[float]:
    """Return the times at which a sender that always has something sends."""
    times = [0.0] * 0
    while (at := max(bucket.ready_s(), times[-1] if times else 0.0)) < until_s:
        assert bucket.take(at), "ready, and refused"
        times.append(at)
    return times


@pytest.mark.parametrize(
    ("rate", "burst"),
    [
        pytest.param(500, 500, id="a usual rate may be sent at once"),
        pytest.param(100, 100, id="the least of those"),
        pytest.param(10, 2, id="a port with inspection counts every second"),
        pytest.param(1, 1, id="never less than one"),
    ],
)
def test_a_burst_and_then_the_rate(rate: int, burst: int) -> None:
    times = sendable(TokenBucket(rate, now_s=0.0), 10.0)
    assert sum(at == 0.0 for at in times) == burst
    assert len(times) == pytest.approx(burst + 10 * rate, abs=1)


def test_nothing_is_saved_beyond_the_burst() -> None:
    bucket = TokenBucket(10, now_s=0.0)
    assert [bucket.take(1000.0) for _ in range(3)] == [True, True, False]


def test_a_lower_rate_holds_at_once() -> None:
    bucket = TokenBucket(500, now_s=0.0)
    bucket.limit(10, now_s=0.0)
    assert [bucket.take(0.0) for _ in range(3)] == [True, True, False]
    assert bucket.ready_s() == pytest.approx(0.1)


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    bucket = TokenBucket(1, now_s=5.0)
    assert bucket.take(5.0)
    assert not bucket.take(5.0)
    assert not bucket.take(1.0)
    assert bucket.take(6.0)
