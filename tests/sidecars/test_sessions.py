"""What the parent makes of gobgpd's log: reasons, refusals, and nothing of nonsense."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecars.gobgp import hung, journal, reasons
from sidecars.gobgp.backoff import STEADY_S, Backoff
from sidecars.gobgp.sessions import Sessions, Turn

R = "192.0.2.1"


def raw(message: str, key: str = R, **fields: object) -> bytes:
    entry = {"time": "t", "level": "INFO", "msg": message, "Topic": "Peer", "Key": key, **fields}
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"


def heard(*entries: tuple[str, dict[str, Any]]) -> Sessions:
    sessions = Sessions()
    for message, fields in entries:
        line = journal.read(raw(message, **fields))
        assert line is not None, message
        sessions.hear(line, 0.0)
    return sessions


ADD: tuple[str, dict[str, Any]] = ("Add a peer configuration", {})
UP: tuple[str, dict[str, Any]] = ("Peer Up", {})
DOWN: tuple[str, dict[str, Any]] = ("Peer Down", {"Reason": "read-failed"})
LIMIT: tuple[str, dict[str, Any]] = ("received notification", {"Code": 6, "Subcode": 1})
REFUSED: tuple[str, dict[str, Any]] = (
    "failed to connect",
    {"Error": "dial tcp 192.0.2.9:0->192.0.2.1:179: connect: connection refused"},
)


@given(st.binary(max_size=300) | st.text().map(str.encode))
def test_any_line_is_read_or_is_nothing(line: bytes) -> None:
    journal.is_detail(line)
    found = journal.read(line)
    assert found is None or found.message in journal.HEARD


@given(
    st.sampled_from(sorted(journal.HEARD)),
    st.dictionaries(
        st.sampled_from(["Code", "Subcode", "Error", "Reason", "State", "old", "new", "Addr"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()),
    ),
)
def test_any_fields_give_one_printable_line(message: str, fields: dict[str, Any]) -> None:
    sessions = heard((message, fields))
    assert all(why.isprintable() and len(why) < 400 for why in sessions.reasons().values())


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        pytest.param([ADD], None, id="nothing yet"),
        pytest.param([ADD, REFUSED], reasons.connecting(REFUSED[1]["Error"]), id="no connection"),
        pytest.param(
            [ADD, UP, LIMIT, DOWN, REFUSED],
            f"{reasons.notification(6, 1, sent=False)}; since then "
            f"{reasons.connecting(REFUSED[1]['Error'])}",
            id="a NOTIFICATION, and what came after it",
        ),
        pytest.param(
            [ADD, REFUSED, LIMIT], reasons.notification(6, 1, sent=False), id="the later one counts"
        ),
        pytest.param([ADD, UP, LIMIT, DOWN, UP, DOWN], reasons.CLOSED, id="a new story after Up"),
        pytest.param(
            [ADD, REFUSED, UP], reasons.connecting(REFUSED[1]["Error"]), id="kept when up"
        ),
        pytest.param([ADD, REFUSED, ADD], None, id="changed: forgotten"),
    ],
)
def test_the_reason_is_of_the_last_story(
    entries: list[tuple[str, dict[str, Any]]], why: str
) -> None:
    assert heard(*entries).reasons().get(R) == why


def test_the_address_has_one_form() -> None:
    line = journal.read(raw("Peer Up", key="2001:db8:0::0001"))
    assert line is not None
    assert line.neighbor == "2001:db8::1"


def test_a_thousand_neighbors_are_told_of_and_no_more() -> None:
    sessions = Sessions()
    for number in range(1100):
        line = journal.read(
            raw("failed to connect", key=f"10.0.{number >> 8}.{number & 255}", Error="x")
        )
        assert line is not None
        sessions.hear(line, 0.0)
    assert len(sessions.reasons()) == 1000


def attempts(backoff: Backoff, count: int, *, up_s: float | None) -> list[float]:
    """Return the pauses between a router's refusals: on again, gobgpd takes 7 s to connect."""
    now, pauses = 0.0, []
    for _ in range(count):
        if up_s is not None:
            backoff.hear(R, Turn.UP, now)
            now += up_s
        off = backoff.hear(R, Turn.REFUSED, now)
        before = now
        while backoff.is_off(R):
            now += 0.5
            assert backoff.due(now) == ([] if backoff.is_off(R) else [R])
        assert off == (now > before)
        now += 7
        pauses.append(now - before)
    return pauses


def test_who_refuses_is_asked_ever_later() -> None:
    assert attempts(Backoff(), 6, up_s=None) == [7.5, 15, 30, 60, 60, 60]
    assert attempts(Backoff(), 5, up_s=1) == [7, 15, 30, 60, 60]


def test_a_session_that_lasted_is_a_success() -> None:
    assert attempts(Backoff(), 3, up_s=STEADY_S) == [7, 7, 7]


def test_a_changed_neighbor_is_asked_at_once() -> None:
    backoff = Backoff()
    attempts(backoff, 3, up_s=None)
    assert backoff.hear(R, Turn.REFUSED, 100)
    assert backoff.due(101) == []
    assert not backoff.hear(R, Turn.CHANGED, 101)  # its timers, say: gobgpd leaves it off
    assert backoff.due(101) == [R]
    assert attempts(backoff, 2, up_s=None) == [7.5, 15]


def test_what_is_lost_is_no_refusal() -> None:
    for code, subcode in ((4, 0), (6, 7), (6, 10)):
        sessions = heard(ADD, UP)
        line = journal.read(raw("sent notification", Code=code, Subcode=subcode))
        assert line is not None
        assert sessions.hear(line, 1.0) is None


@pytest.mark.parametrize(
    ("fields", "turn", "words"),
    [
        pytest.param(
            {"Subcode": 4},
            None,
            "Cease, Administrative Reset (6/4): the session was reset there",
            id="a router that is asked to clear the session refuses nobody",
        ),
        pytest.param(
            {"Subcode": 9, "Data": "BgQ="},
            None,
            "Cease, Hard Reset (6/9) for Cease, Administrative Reset (6/4): the session was reset",
            id="nor does it by a hard reset",
        ),
        pytest.param(
            {"Subcode": 9, "Data": "BgEAAQEAAAAB"},
            Turn.REFUSED,
            "Cease, Hard Reset (6/9) for Cease, Maximum Number of Prefixes Reached (6/1): it takes",
            id="too many prefixes are a refusal, in a hard reset too",
        ),
        pytest.param(
            {"Subcode": 9, "Data": "?"},
            Turn.REFUSED,
            "Cease, Hard Reset (6/9)",
            id="a hard reset of nobody knows what",
        ),
        pytest.param(
            {"Subcode": 7},
            None,
            "Connection Collision Resolution (6/7): it has another connection from our address",
            id="another connection with our address",
        ),
    ],
)
def test_how_a_router_ends_a_session(fields: dict[str, Any], turn: Turn | None, words: str) -> None:
    sessions = heard(ADD, UP)
    line = journal.read(raw("received notification", Code=6, **fields))
    assert line is not None
    assert sessions.hear(line, 1.0) is turn
    assert words in sessions.reasons()[R]


@pytest.mark.parametrize("subcode", [2, 3, 4, 6, 9])
def test_what_we_end_ourselves_is_no_failure(subcode: int) -> None:
    sessions = heard(ADD, UP)
    line = journal.read(raw("sent notification", Code=6, Subcode=subcode))
    assert line is not None
    assert sessions.hear(line, 1.0) is None
    assert sessions.reasons() == {}


def test_a_router_that_hangs_up_after_a_notification_is_guessed_at_no_more() -> None:
    hung_up: tuple[str, dict[str, Any]] = ("outgoing connection IO error", {})
    assert "most likely" in heard(ADD, hung_up).reasons()[R]
    both = heard(ADD, UP, ("received notification", {"Code": 6, "Subcode": 2}), DOWN, hung_up)
    assert both.reasons()[R].endswith("; since then it closes our connections without a word")


def test_cpu_ticks_of_nobody_are_none() -> None:
    assert hung.cpu_ticks(2**22 + 1) is None
