"""What counts as held by a speaker, by what was read last and for how long it is away."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest

from manager.snapshot import Observed
from manager.speakers.availability import GRACE_S, SESSIONS_UNKNOWN_S
from manager.speakers.reading import reading, unchanged
from manager.speakers.sessions import Sessions
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey, SessionReport
from tests.manager.dict_speaker import TOR, UP, WHO

PREFIX = IPv4Network("198.51.100.0/32")
ROUTES = {
    RouteKey(PREFIX, IPv4Address("192.0.2.11")): Route(PathAttributes(), frozenset({TOR})),
}
LAST = Observed(identity=WHO, routes=ROUTES, sessions={TOR: UP})
NEVER = Observed(fresh=False, known=False)


def sessions() -> Sessions:
    """Return what a speaker reported at second 0, as it is at second 7."""
    times = iter([0.0, 7.0, 7.0])
    made = Sessions(lambda: next(times))
    made.note({TOR: UP, PeerName("leaf"): SessionReport("Active")})
    return made


@pytest.mark.parametrize(
    ("silent_s", "fresh", "unknown", "routes"),
    [
        pytest.param(None, True, False, True, id="it answers"),
        pytest.param(SESSIONS_UNKNOWN_S, False, False, True, id="away for a moment"),
        pytest.param(SESSIONS_UNKNOWN_S + 0.1, False, True, True, id="its sessions are unknown"),
        pytest.param(GRACE_S, False, True, True, id="routers may still believe its routes"),
        pytest.param(GRACE_S + 0.1, False, True, False, id="it blocks nobody any longer"),
    ],
)
def test_a_speaker_that_was_read(
    silent_s: float | None, fresh: bool, unknown: bool, routes: bool
) -> None:
    found = reading(LAST, sessions(), putting=frozenset(), silent_s=silent_s)
    assert (found.fresh, found.sessions_unknown, found.known) == (fresh, unknown, True)
    assert found.silent_s == silent_s
    assert found.routes == (ROUTES if routes else {})
    assert found.sessions == ({} if unknown else {TOR: UP})


@pytest.mark.parametrize(("silent_s", "known"), [(SESSIONS_UNKNOWN_S, False), (GRACE_S, True)])
def test_one_that_was_never_read_is_known_by_its_absence(silent_s: float, known: bool) -> None:
    found = reading(NEVER, sessions(), putting=frozenset(), silent_s=silent_s)
    assert (found.fresh, found.known, found.sessions_unknown) == (False, known, known)
    assert not found.routes


@pytest.mark.parametrize("silent_s", [None, GRACE_S])
def test_what_is_on_its_way_counts_until_nothing_does(silent_s: float | None) -> None:
    coming = frozenset({PREFIX})
    assert reading(LAST, sessions(), putting=coming, silent_s=silent_s).putting == coming
    late = reading(LAST, sessions(), putting=coming, silent_s=GRACE_S + 1)
    assert late.putting == frozenset()


def test_one_that_answers_is_told_apart_by_what_it_holds() -> None:
    up = Sessions(lambda: 0.0)
    up.note({TOR: UP})
    coming = frozenset({PREFIX})
    now = reading(LAST, up, putting=coming, silent_s=None)
    assert unchanged(now, reading(LAST, up, putting=frozenset({PREFIX}), silent_s=None))
    assert not unchanged(now, reading(LAST, up, putting=frozenset(), silent_s=None))
    assert not unchanged(now, reading(LAST, up, putting=coming, silent_s=0.0))
    other = replace(LAST, routes=dict(ROUTES))  # equal, and another object: identity counts
    assert not unchanged(now, reading(other, up, putting=coming, silent_s=None))
    refused = replace(LAST, refused="no such port")
    assert not unchanged(now, reading(refused, up, putting=coming, silent_s=None))


def test_time_that_went_by_is_another_reading() -> None:
    aged = sessions()
    last = Observed(identity=WHO, sessions=aged.now)
    first = reading(last, aged, putting=frozenset(), silent_s=None)
    assert not unchanged(first, reading(last, aged, putting=frozenset(), silent_s=None))
    away = reading(LAST, sessions(), putting=frozenset(), silent_s=GRACE_S + 1)
    assert not unchanged(away, replace(away, silent_s=GRACE_S + 2))


def test_sessions_that_are_down_have_an_age() -> None:
    last = Observed(identity=WHO, sessions={PeerName("leaf"): SessionReport("Active"), TOR: UP})
    found = reading(last, sessions(), putting=frozenset(), silent_s=None)
    assert found.sessions[PeerName("leaf")].down_s == 7.0
    assert found.sessions[TOR].down_s is None
