"""What came of all Services, those included that nobody could judge."""

from manager.planner.contribution import Judged
from manager.snapshot import ServiceKey

ONE, TWO = ServiceKey("a/one"), ServiceKey("a/two")


def test_what_is_retained_stands_among_the_hops_in_order() -> None:
    judged = Judged({TWO: ("new",)}, {ONE: "old"}, {})
    assert list(judged.of_all().items()) == [(ONE, ("old",)), (TWO, ("new",))]


def test_while_all_is_judged_it_is_the_very_same() -> None:
    judged = Judged({TWO: ("new",)}, {}, {})
    assert judged.of_all() is judged.hops
