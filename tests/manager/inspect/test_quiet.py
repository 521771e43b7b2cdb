"""Whether a node is quiet is its agent's word, and nobody else's."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.status_codec import to_status
from agent.arriving import Arrivals
from agent.planner.desired import Report
from manager.inspect.quiet import SILENCE_S, TRANSIENT_S, Listening
from pointsman.model.address import Address
from pointsman.model.assignment import Arriving, Quiet
from pointsman.model.ranges import read_address
from pointsman.model.timestamps import format_micro_time

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
TEN = timedelta(seconds=10)
VIP, CLIENT = "198.51.100.1", "203.0.113.10"
ASKED = {"watched": ["198.51.100.0/28"]}


def at(second: float) -> str:
    return format_micro_time(AT + timedelta(seconds=second))


def announcer(
    since: float | None = None,
    until: float = 0,
    *,
    came: float | None = None,
    generation: int = 2,
    executes: int = 2,
    spec: Any = ASKED,
    **more: Any,
) -> dict[str, Any]:
    """Return one whose agent says that nothing came between two seconds of its clock."""
    status: dict[str, Any] = {"agentVersion": "1.2.3", **more}
    if since is not None:
        quiet = {"observedGeneration": executes, "since": at(since), "until": at(until)}
        status["quiet"] = quiet
    if came is not None:
        status["arriving"] = [{"address": VIP, "source": CLIENT, "last": at(came)}]
    return {"metadata": {"generation": generation}, "spec": spec, "status": status}


def test_quiet_counts_from_the_first_word_that_is_said_afterwards() -> None:
    listening = Listening("node1", TEN)
    # What was said before may be old: nobody knows when that was.
    assert not listening.judge(announcer(0, 100), 0).quiet
    assert not listening.judge(announcer(0, 100), 1).quiet
    assert not listening.judge(announcer(0, 115), 2).quiet
    found = listening.judge(announcer(0, 124.9), 12)
    assert not found.quiet
    assert found.why == "Node node1 has been quiet for 10 s of 10 s, as its agent says."
    assert listening.judge(announcer(0, 125), 12).quiet


def test_who_comes_is_named_and_begins_it_anew() -> None:
    listening = Listening("node1", TEN)
    listening.judge(announcer(), 0)
    listening.judge(announcer(0, 1), 1)
    found = listening.judge(announcer(9, 9.5, came=9), 9)
    assert [(str(one.address), str(one.source), one.last) for one in found.comers] == [
        (VIP, CLIENT, AT + timedelta(seconds=9))
    ]
    assert found.why == "Node node1 has been quiet for 0 s of 10 s, as its agent says."
    assert not listening.judge(announcer(9, 18.9, came=9), 19).quiet
    found = listening.judge(announcer(9, 19, came=9), 19)
    assert (found.quiet, found.comers) == (True, ())


def test_a_router_that_is_told_again_begins_it_anew() -> None:
    listening = Listening("node1", TEN)
    listening.judge(announcer(), 0)
    listening.judge(announcer(0, 1), 1)
    listening.anew()
    assert not listening.judge(announcer(0, 12), 12).quiet
    assert not listening.judge(announcer(0, 21), 21).quiet
    assert not listening.judge(announcer(0, 30), 30).quiet
    assert listening.judge(announcer(0, 31), 31).quiet


def test_a_word_of_an_older_spec_says_nothing() -> None:
    listening = Listening("node1", TEN)
    listening.judge(announcer(generation=5), 0)
    for second in range(1, 30):
        found = listening.judge(announcer(0, second, executes=4, generation=5), second)
        assert not found.quiet
    assert "has not taken up yet what it is to look for" in found.why
    assert listening.judge(announcer(0, 40, executes=5, generation=9), 40).quiet
    wider = {"watched": ["198.51.100.0/28", "192.0.2.0/24"]}
    assert not listening.judge(announcer(0, 60, executes=9, generation=10, spec=wider), 60).quiet
    assert listening.judge(announcer(0, 70, executes=10, generation=10, spec=wider), 70).quiet


SILENT = [
    pytest.param(None, "There is no Announcer node1: no manager has made one", id="no Announcer"),
    pytest.param(
        announcer(spec={}), "No manager has asked the agent of node node1 to look", id="no manager"
    ),
    pytest.param(
        {**announcer(), "status": {}},
        "The agent of node node1 has never reported: does its Pod run?",
        id="no agent",
    ),
    pytest.param(
        announcer(),
        "The agent of node node1 (version 1.2.3) does not say what arrives",
        id="an old agent",
    ),
    pytest.param(
        announcer(0, 50),
        "The agent of node node1 has said nothing since 2026-11-23T09:00:50Z, so whether",
        id="a dead agent",
    ),
    pytest.param(
        announcer(0, 50, executes=1),
        "The agent of node node1 has said nothing since",
        id="a dead agent that knew another spec",
    ),
    pytest.param({"metadata": 7, "spec": [], "status": "x"}, "No manager has asked", id="odd"),
]


@pytest.mark.parametrize(("found", "sentence"), SILENT)
def test_silence_is_never_quiet_and_nobody_waits_for_ever(found: Any, sentence: str) -> None:
    listening = Listening("node1", TEN)
    for second in range(int(SILENCE_S)):
        judged = listening.judge(found, second)
        assert (judged.quiet, judged.final) == (False, False)
    judged = listening.judge(found, SILENCE_S)
    assert (judged.quiet, judged.final) == (False, True)
    assert judged.why.startswith(sentence)


def test_what_cannot_be_measured_is_spoken_soon() -> None:
    listening = Listening("node1", TEN)
    hidden = announcer(came=3, arrivingUnmeasured="An XDP program on eth0 may take packets.")
    judged = listening.judge(hidden, 0)
    assert not judged.final  # an interface that is just coming up
    judged = listening.judge(announcer(0, 1), 2)
    judged = listening.judge(hidden, 3)
    assert not judged.final
    judged = listening.judge(hidden, 3 + TRANSIENT_S)
    assert (judged.quiet, judged.final) == (False, True)
    assert judged.why == (
        "Whether node node1 is quiet is not measurable here: An XDP program on eth0 may take "
        "packets."
    )
    assert [str(one.address) for one in judged.comers] == [VIP]


def test_where_nothing_is_ours_everything_is_quiet() -> None:
    assert Listening("node1", TEN, looked_for=False).judge(None, 0).quiet


@pytest.mark.parametrize("status", [{"arriving": 7}, {"arriving": [7, {"address": "x"}, {}]}])
def test_odd_entries_are_passed_over(status: dict[str, Any]) -> None:
    listening = Listening("node1", TEN)
    assert listening.judge(announcer(0, 1, **status), 0).comers == ()
    odd = announcer(0, 1)
    odd["status"]["quiet"] = {"observedGeneration": "2", "since": 1, "until": None}
    assert not listening.judge(odd, 1).quiet


@given(
    knocks=st.lists(st.floats(0, 90), max_size=12),
    ahead_s=st.floats(-1e6, 1e6),
    lag_s=st.floats(0, 3),
    out_s=st.floats(0, 20),
)
def test_it_is_never_said_before_and_always_in_the_end(
    knocks: list[float], ahead_s: float, lag_s: float, out_s: float
) -> None:
    """An agent of ours with a clock of its own, whose words come late; routers know it to *out*."""
    arrivals, listening = Arrivals(2, 0.0), Listening("node1", TEN)
    written: list[tuple[float, dict[str, Any]]] = [(0.0, announcer())]
    came, waiting = [0.0], sorted(knocks)
    vip: Address = read_address(VIP)

    def wall(then_s: float) -> str:
        return format_micro_time(AT + timedelta(seconds=then_s + ahead_s))

    for tick in range(1000):
        now_s = tick * 0.2
        while waiting and waiting[0] <= now_s:
            came.append(waiting.pop(0))
            arrivals.saw(vip, read_address(CLIENT), now_s)
        if (word := arrivals.due(now_s)) is not None:
            arriving = tuple(Arriving(a, s.source, wall(s.at_s)) for a, s in word.seen.items())
            quiet = Quiet(2, wall(word.since_s), wall(word.until_s))
            status = to_status(Report("1", arriving=arriving, quiet=quiet), {}, now=AT)
            written.append((now_s + lag_s, {**announcer(), "status": status}))
        if now_s < out_s:
            listening.anew()
        spoken_s, seen = max((one for one in written if one[0] <= now_s), key=lambda one: one[0])
        if listening.judge(seen, now_s).quiet:
            looked_until_s = spoken_s - lag_s
            assert all(one <= looked_until_s - 10 for one in came if one <= looked_until_s)
            assert now_s >= out_s + 10
            break
    else:
        raise AssertionError("never quiet")
