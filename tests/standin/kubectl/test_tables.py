"""Ages and printer columns."""

from datetime import UTC, datetime, timedelta

import pytest

from standin.grammar.jsonpath import find
from standin.kubectl.tables import age

AT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "shown"),
    [
        (timedelta(seconds=0), "0s"),
        (timedelta(seconds=119), "119s"),
        (timedelta(seconds=120), "2m"),
        (timedelta(seconds=303), "5m3s"),
        (timedelta(minutes=10), "10m"),
        (timedelta(minutes=179), "179m"),
        (timedelta(hours=3), "3h"),
        (timedelta(hours=4, minutes=7), "4h7m"),
        (timedelta(hours=47), "47h"),
        (timedelta(days=2), "2d"),
        (timedelta(days=3, hours=5), "3d5h"),
        (timedelta(days=8), "8d"),
        (timedelta(days=800), "2y70d"),
        (timedelta(days=365 * 9), "9y"),
    ],
    ids=lambda value: str(value),
)
def test_an_age_is_printed_as_kubectl_prints_it(ago: timedelta, shown: str) -> None:
    stamp = (AT - ago).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert age(stamp, at=AT) == shown


def test_age_of_nothing_and_of_nonsense() -> None:
    assert age(None) == "<unknown>"
    assert age("yesterday") == "<invalid>"


OBJECT = {
    "spec": {"list": [{"name": "a", "n": 1}, {"name": "b", "n": 2}], "dotted.key": "x"},
    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param(".spec.list[0].name", ["a"], id="by index"),
        pytest.param(".spec.list[-1].name", ["b"], id="from the end"),
        pytest.param(".spec.list[5].name", [], id="out of range"),
        pytest.param(".spec.list[*].name", ["a", "b"], id="all"),
        pytest.param('.status.conditions[?(@.type=="Ready")].status', ["True"], id="filter"),
        pytest.param(".spec.list[?(@.name!='a')].n", [2], id="filter by inequality"),
        pytest.param(".spec['dotted.key']", ["x"], id="quoted"),
        pytest.param(r".spec.dotted\.key", ["x"], id="escaped"),
        pytest.param(".spec.nothing.below", [], id="nothing there"),
        pytest.param("spec", [], id="no path"),
    ],
)
def test_a_column_path_finds_its_value(path: str, found: list) -> None:
    assert find(OBJECT, path) == found
