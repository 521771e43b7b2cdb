"""What is withheld, as it is reported: an Announcer takes no more entries, nor longer reasons."""

from dataclasses import replace
from ipaddress import ip_address

from agent.planner.report import report
from agent.planner.withheld import listed
from agent.snapshot import Assignment, NodeName, Settings, Snapshot, Withheld
from pointsman.model.report import LONGEST_REASON, MOST_WITHHELD


def test_a_reason_too_long_for_an_announcer_is_cut_and_not_the_whole_report_refused() -> None:
    withheld = Withheld(ip_address("198.51.100.7"), "It can't be so. " * 30 + "Do this.")
    settings = Settings(NodeName("node1"), "1.2.3")
    (cut,) = report(Snapshot(settings, withheld=(withheld,))).withheld
    assert len(cut.reason) <= LONGEST_REASON
    assert cut.reason.endswith("Do this.")


def at(number: int, why: str = "It is in use.") -> Withheld:
    return Withheld(ADDRESSES[number], why)


ADDRESSES = [ip_address("198.51.100.0") + number for number in range(200)]
ASSIGNED = Assignment(kernel=frozenset(ADDRESSES))
MANY = MOST_WITHHELD + 10


def test_as_many_as_an_announcer_takes_are_said_one_by_one() -> None:
    few = [at(number) for number in range(MOST_WITHHELD)]
    assert listed(reversed(few), ASSIGNED) == tuple(few)


def test_more_are_runs_of_neighbors_among_what_is_assigned() -> None:
    found = listed([*(at(n) for n in range(MANY)), at(MANY + 1)], ASSIGNED)
    assert found == (replace(at(0), through=ADDRESSES[MANY - 1]), at(MANY + 1))


def test_a_run_has_one_reason_whatever_address_its_sentence_names() -> None:
    here = [at(n, f"{ADDRESSES[n]} is here.") for n in range(MANY)]
    there = [at(n, f"{ADDRESSES[n]} is there.") for n in range(MANY, 2 * MANY)]
    first, second = listed([*here, *there], ASSIGNED)
    assert (first.reason, second.reason) == (here[0].reason, there[0].reason)
    assert (first.through, second.address) == (ADDRESSES[MANY - 1], ADDRESSES[MANY])


def test_runs_of_several_reasons_where_those_of_one_are_too_many() -> None:
    each = [at(n, f"Somebody else has it: {n}.") for n in range(MANY)]
    assert listed(each, ASSIGNED) == (replace(each[0], through=ADDRESSES[MANY - 1]),)


def test_of_too_many_runs_the_last_covers_the_rest() -> None:
    found = listed([at(2 * n) for n in range(MANY)], ASSIGNED)
    assert [one.address for one in found] == [ADDRESSES[2 * n] for n in range(MOST_WITHHELD)]
    assert [one.through for one in found] == [None] * 63 + [ADDRESSES[2 * MANY - 2]]
