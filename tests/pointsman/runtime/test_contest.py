"""Two that write one thing: told apart from one who edits it, and no war."""

from pointsman.runtime.contest import FIRST_S, FORGOTTEN_S, LONGEST_S, Contest


def test_what_was_overwritten_once_is_repaired_at_once() -> None:
    one = Contest()
    assert one.wait_s(100.0) == 0.0
    one.wrote()
    assert not one.is_on(100.0)
    assert one.wait_s(100.0 + FORGOTTEN_S) == 0.0  # the next time, long after, too


def test_each_further_time_waits_twice_as_long_up_to_a_limit() -> None:
    one, now, waits = Contest(), 0.0, []
    for _ in range(12):
        waits.append(one.wait_s(now))
        assert one.wait_s(now + 1.0) == max(0.0, waits[-1] - 1.0)  # it runs, whoever asks
        now += waits[-1]
        assert one.wait_s(now) == 0.0
        one.wrote()
    assert waits[:4] == [0.0, FIRST_S, 2 * FIRST_S, 4 * FIRST_S]
    assert waits[-2:] == [LONGEST_S, LONGEST_S]
    assert one.is_on(now)
    assert not one.is_on(now + FORGOTTEN_S)


def test_twins_write_a_handful_of_times_and_then_hardly_ever() -> None:
    """Each sees the other's write at once; both look ten times a second."""
    twins, holder, writes = (Contest(), Contest()), 0, []
    for tick in range(10 * 3600):
        now = tick / 10
        other = 1 - holder
        if twins[other].wait_s(now) == 0.0:
            twins[other].wrote()
            holder = other
            writes.append(now)
    assert len([at for at in writes if at < 20]) <= 8
    assert len([at for at in writes if at >= 1800]) <= 6
