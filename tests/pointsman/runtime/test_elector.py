from dataclasses import replace

import pytest

from pointsman.runtime import elector
from pointsman.runtime.elector import Lease, State, Take, Terms, Wait, decide, has_twin

FREE = Lease("", 1, "r0", 3, "v1")
THEIRS = Lease("b", 15, "r1", 4, "v2")
OURS = Lease("a", 15, "r1", 4, "v2")
FRESH = State(Terms("a", 15))


def leading(at: float = 100.0) -> State:
    state, _ = decide(FRESH, None, at)
    return elector.renewed(elector.attempted(state, "r1"), at)


@pytest.mark.parametrize(
    ("lease", "action"),
    [
        pytest.param(None, Take("", 0, renewal=False), id="no lease: create one"),
        pytest.param(FREE, Take("v1", 4, renewal=False), id="a released one is taken at once"),
        pytest.param(THEIRS, Wait(1), id="somebody's is watched, however old its stamp looks"),
        pytest.param(OURS, Take("v2", 4, renewal=True), id="a restarted process inherits its own"),
    ],
)
def test_the_first_look(lease: Lease | None, action) -> None:
    assert decide(FRESH, lease, 100)[1] == action


def test_a_holder_is_waited_out_by_our_own_clock_and_its_own_duration() -> None:
    slow = replace(THEIRS, duration_s=40)
    state, _ = decide(FRESH, slow, 100)
    state, action = decide(state, slow, 139.9)
    assert action == Wait(1)
    state, action = decide(state, slow, 140)
    assert action == Take("v2", 5, renewal=False)


def test_every_renewal_starts_the_wait_anew() -> None:
    state, _ = decide(FRESH, THEIRS, 100)
    state, _ = decide(state, replace(THEIRS, renewed="r2"), 114)
    assert decide(state, replace(THEIRS, renewed="r2"), 128)[1] == Wait(1)


def test_a_stamp_from_a_clock_that_went_backwards_is_a_renewal_too() -> None:
    state, _ = decide(FRESH, replace(THEIRS, renewed="9"), 100)
    state, _ = decide(state, replace(THEIRS, renewed="1"), 114)
    assert state.seen_at == 114


def test_a_touch_that_is_no_renewal_starts_nothing_anew() -> None:
    state, _ = decide(FRESH, THEIRS, 100)
    state, action = decide(state, replace(THEIRS, version="v9"), 115)
    assert action == Take("v9", 5, renewal=False)


def test_leadership_counts_from_before_the_renewal_was_sent() -> None:
    state = leading(at=100)
    assert elector.leads_until(state) == 115
    assert elector.may_write(state, 109.9, within_s=5)
    assert not elector.may_write(state, 110, within_s=5)
    assert not elector.may_write(elector.released(state), 101, within_s=0)


def test_a_renewal_is_due_after_a_third() -> None:
    state, action = decide(leading(at=100), OURS, 102)
    assert action == Wait(2.25)
    assert decide(state, OURS, 105)[1] == Take("v2", 4, renewal=True)


def test_an_answer_lost_on_the_way_is_recognised_by_its_stamp() -> None:
    state = elector.attempted(leading(at=100), "r2")  # sent, no answer
    _, action = decide(state, replace(OURS, renewed="r2", version="v3"), 106)
    assert action == Take("v3", 4, renewal=True)


def test_a_leader_that_was_replaced_stops_at_once() -> None:
    state, action = decide(leading(), THEIRS, 101)
    assert action == Wait(1)
    assert elector.leads_until(state) is None


def test_a_deleted_lease_ends_leadership() -> None:
    assert elector.leads_until(decide(leading(), None, 101)[0]) is None


def test_a_twin_is_known_from_a_predecessor() -> None:
    theirs = replace(OURS, renewed="twin")
    assert has_twin(leading(at=100), theirs)
    assert not has_twin(leading(at=100), None)
    assert not has_twin(leading(at=100), replace(theirs, holder="other"))
    assert not has_twin(FRESH, theirs)  # just started: a predecessor's


def test_a_twin_under_our_name_is_not_us() -> None:
    state, action = decide(leading(at=100), replace(OURS, renewed="twin"), 105)
    assert action == Wait(1)
    assert elector.leads_until(state) is None


def test_nobody_took_over_while_we_were_away() -> None:
    _, action = decide(leading(at=100), OURS, 500)
    assert action == Take("v2", 4, renewal=True)


@pytest.mark.parametrize(
    ("looks", "fresh"),
    [
        pytest.param([], False, id="nothing was seen"),
        pytest.param([(100, "r1")], False, id="one look shows no advance"),
        pytest.param([(100, "r1"), (104, "r2")], True, id="the stamp advanced"),
        pytest.param([(80, "r1"), (84, "r2")], False, id="it advanced too long ago"),
    ],
)
def test_a_lease_is_fresh_while_its_renewals_are_seen(
    looks: list[tuple[float, str]], fresh: bool
) -> None:
    state = FRESH
    for at, stamp in looks:
        state, _ = decide(state, replace(THEIRS, renewed=stamp), at)
    assert elector.is_fresh(state, 104) is fresh


def test_a_release_is_no_sign_of_life() -> None:
    state, _ = decide(FRESH, THEIRS, 100)
    state, _ = decide(state, FREE, 101)
    assert not elector.is_fresh(state, 101)


def test_a_lease_is_ours_by_a_stamp_that_we_wrote() -> None:
    assert elector.holds(leading(at=100), OURS)
    assert not elector.holds(leading(at=100), replace(OURS, renewed="twin"))
    assert not elector.holds(leading(at=100), replace(OURS, holder="other"))
    assert not elector.holds(leading(at=100), None)
    assert not elector.holds(FRESH, OURS)  # a predecessor's: it says nothing of us
