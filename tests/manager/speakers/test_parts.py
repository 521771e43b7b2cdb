"""In which parts the work of a speaker is done."""

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from manager.speakers import parts
from manager.work import SpeakerWork
from pointsman.model.delta import Delta
from pointsman.model.route import PathAttributes, Route, RouteKey

keys = st.builds(
    lambda host, hop: RouteKey(IPv4Network((0xC6336400 + host, 32)), IPv4Address(0xC0000200 + hop)),
    st.integers(0, 9),
    st.integers(1, 3),
)
ROUTE = Route(PathAttributes(), frozenset())


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "AT_ONCE", 4)


def routes_of(work: Delta[RouteKey, Route]) -> list[Delta[RouteKey, Route]]:
    nothing: Delta[object, object] = Delta({}, frozenset())
    made = SpeakerWork(exports=nothing, routes=work, neighbors=nothing)  # type: ignore[arg-type]
    return [part.work for part in parts.parts(made)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.frozensets(keys), st.frozensets(keys))
def test_every_path_is_in_one_part_and_what_must_go_waits_for_nothing(
    put: frozenset[RouteKey], drop: frozenset[RouteKey]
) -> None:
    found = routes_of(Delta(dict.fromkeys(put, ROUTE), drop - put))
    assert sum(len(part.put) + len(part.drop) for part in found) == len(put | drop)
    assert {key for part in found for key in part.put} == put
    assert {key for part in found for key in part.drop} == drop - put
    whole = [{key.prefix for key in (*part.put, *part.drop)} for part in found]
    assert sum(map(len, whole)) == len(set().union(*whole))  # none is in two parts
    assert all(len(part.put) + len(part.drop) >= 4 for part in found[:-1])
    losing = [bool(part.drop) for part in found]
    assert losing == sorted(losing, reverse=True)
