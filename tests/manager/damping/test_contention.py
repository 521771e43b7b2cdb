"""Who is written to again, and who is left alone: step by step on a clock of the test's."""

from dataclasses import replace
from datetime import UTC, datetime

from manager.damping.contention import Contention
from manager.snapshot import Ingress
from pointsman.model.record import ConditionValue, ServiceRecord
from pointsman.runtime.clock import Clock
from tests.manager.planner.addresses.addressing import service

OURS, THEIRS = "198.51.100.0", "203.0.113.9"


def record(address: str = OURS) -> ServiceRecord:
    condition = ConditionValue("True", "Allocated", f"has {address}")
    return ServiceRecord((address,), {}, {"pointsman.dev/Allocated": condition})


class Story:
    """One Service that holds our address, and what is done about it."""

    def __init__(self) -> None:
        self.now = 1000.0
        noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
        self.contention = Contention(Clock(monotonic=lambda: self.now, wall=lambda: noon))
        self.web = service("a/web", OURS, uid="u", resource_version="1")
        self.there: ServiceRecord | None = record()
        self.verdicts: list[str] = []

    def overwritten(self, *addresses: str, after_s: float = 1.0) -> None:
        """Somebody else writes the ingress, and nothing else."""
        assert self.there is not None
        self.now += after_s
        self.there = replace(self.there, ingress=addresses)
        self.edit(ingress=tuple(map(Ingress, addresses)))

    def edit(self, **fields) -> None:
        version = str(int(self.web.resource_version) + 1)
        self.web = replace(self.web, **fields, resource_version=version)

    def pass_(self, *, planned: ServiceRecord | None = None, answers: bool = True) -> bool:
        """Let the manager act; return whether it wrote."""
        planned = planned or record()
        may = self.contention.may_write(self.web, planned, self.there)
        if may is not True and may:
            self.verdicts.append(str(may))
        planned_from = self.web
        if may is True and answers:
            self.there = planned
            self.edit(ingress=tuple(map(Ingress, planned.ingress)))
        if may is True:
            self.contention.note(planned_from, planned, self.there)
        return may is True

    def lost(self) -> "Story":
        """Return the story after three rounds of the quarrel."""
        rounds = []
        for _ in range(3):
            self.overwritten(THEIRS)
            rounds.append(self.pass_())
        assert rounds == [True, True, False]
        return self


def test_the_third_time_within_a_minute_it_stays_overwritten_and_that_is_reported_once() -> None:
    story = Story().lost()
    assert [story.pass_() for _ in range(3)] == [False, False, False]
    assert story.verdicts == [
        f"Service a/web is left alone for a while: another controller writes {THEIRS} over {OURS} "
        "again and again. Stop it from serving this Service, or run the manager with "
        "--require-class and set spec.loadBalancerClass, so that each Service has one. Pointsman "
        "tries again now and then, and at once when the Service is changed."
    ]


def test_a_first_grant_that_is_overwritten_counts_as_one_that_stood_there() -> None:
    story = Story()
    story.there = None
    story.edit(ingress=())
    assert story.pass_()
    story.lost()


def test_wipes_count_as_well() -> None:
    story = Story()
    rounds = []
    for _ in range(3):
        story.overwritten()
        rounds.append(story.pass_())
    assert rounds == [True, True, False]
    assert f"another controller takes away {OURS}" in story.verdicts[0]


def test_a_controller_quicker_than_our_look_is_counted() -> None:
    story = Story()
    for number in range(3):
        story.overwritten(THEIRS)
        assert story.pass_(answers=False) is (number < 2)  # ours is gone before it is read back
    assert len(story.verdicts) == 1


def test_a_write_that_fails_is_tried_again_without_being_counted() -> None:
    story = Story()
    story.overwritten(THEIRS)
    assert all(story.pass_(answers=False) for _ in range(10))
    assert story.verdicts == []


def test_three_times_in_more_than_a_minute_are_three_repairs() -> None:
    story = Story()
    for _ in range(6):
        story.overwritten(THEIRS, after_s=31)
        assert story.pass_()
    assert story.verdicts == []


def test_after_a_pause_one_try_is_made_and_each_pause_is_longer_up_to_an_hour() -> None:
    story = Story().lost()
    for pause_s in (60, 120, 240, 480, 960, 1920, 3600, 3600, 3600):
        story.now += pause_s - 1
        assert not story.pass_()
        story.now += 1
        assert story.pass_()
        story.overwritten(THEIRS)
        assert not story.pass_()
    assert len(story.verdicts) == 1


def test_the_try_after_a_pause_is_repeated_while_the_server_refuses_it() -> None:
    story = Story().lost()
    story.now += 30
    story.edit(labels={"of": "no concern"})
    assert not story.pass_()
    story.now += 30
    assert all(story.pass_(answers=False) for _ in range(3))


def test_who_takes_our_conditions_too_is_counted_by_what_we_wrote() -> None:
    story = Story()
    story.there = None
    story.edit(ingress=())
    assert story.pass_()
    for number in range(3):
        story.there = None
        story.edit(ingress=(Ingress(THEIRS),))
        assert story.pass_() is (number < 2)
    assert len(story.verdicts) == 1


def test_a_try_that_holds_for_a_minute_ends_the_quarrel() -> None:
    story = Story().lost()
    story.now += 60
    assert story.pass_()
    story.now += 60
    story.lost()
    assert len(story.verdicts) == 2


def test_a_service_that_its_user_changes_is_written_at_once() -> None:
    story = Story().lost()
    story.edit(labels={"theirs": "1"}, annotations={"example.net/pool": "x"})
    assert not story.pass_()
    story.edit(annotations={"pointsman.dev/eip": "public"})
    assert story.pass_()


def test_another_address_of_ours_is_written_at_once() -> None:
    story = Story().lost()
    assert story.pass_(planned=record("198.51.100.1"))


def test_what_does_not_touch_the_addresses_is_written_all_the_while() -> None:
    story = Story().lost()
    story.there = record()
    story.edit(ingress=(Ingress(OURS),))
    assert story.pass_(planned=replace(record(), annotations={"pointsman.dev/status": "new"}))


def test_others_are_not_concerned() -> None:
    story = Story().lost()
    assert story.contention.may_write(service("a/other", uid="o"), record(), None) is True


def test_words_of_another_version_make_no_difference() -> None:
    story = Story()
    assert story.there is not None
    old = ConditionValue("True", "Allocated", f"an older version says that it got {OURS} here")
    story.there = replace(story.there, conditions={"pointsman.dev/Allocated": old})
    rounds = []
    for _ in range(3):
        story.overwritten(THEIRS)
        rounds.append(story.pass_(answers=False))
    assert rounds == [True, True, False]


def test_a_fight_over_an_empty_status_has_the_same_limits() -> None:
    full = ConditionValue("False", "AddressPoolExhausted", "Eip public is full")
    empty = ServiceRecord((), {}, {"pointsman.dev/Allocated": full})
    story = Story()
    story.there = empty
    story.edit(ingress=())
    rounds = []
    for _ in range(4):
        story.overwritten(THEIRS)
        rounds.append(story.pass_(planned=empty))
    assert rounds == [True, True, False, False]
    assert [THEIRS in one and "leaves empty" in one for one in story.verdicts] == [True]


def test_what_is_given_up_is_written_at_once() -> None:
    gone = ConditionValue("False", "NotAdmitted", "not admitted any more")
    story = Story().lost()
    assert story.pass_(planned=ServiceRecord((), {}, {"pointsman.dev/Allocated": gone}))
