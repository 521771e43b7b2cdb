"""What is written at most so often: the first at once, the last in the end."""

from pointsman.runtime.pace import REPORT_S, Paced


def test_the_first_change_is_taken_at_once_and_the_next_in_its_time() -> None:
    paced = Paced("")
    assert paced.offer("a conflict", now_s=100.0) is None
    assert paced.value == "a conflict"
    assert paced.offer("another", now_s=103.0) == REPORT_S - 3
    assert paced.value == "a conflict"
    assert paced.offer("another", now_s=100.0 + REPORT_S) is None
    assert paced.value == "another"


def test_what_changed_back_meanwhile_costs_nothing() -> None:
    paced = Paced(0)
    paced.offer(1, now_s=0.0)
    assert paced.offer(2, now_s=1.0) is not None
    assert paced.offer(1, now_s=2.0) is None
    assert paced.offer(3, now_s=REPORT_S) is None
    assert paced.value == 3
