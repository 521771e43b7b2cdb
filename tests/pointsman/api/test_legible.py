"""What of an Eip that cannot be read can be read alone: whatever it is made of."""

import pytest

from pointsman.api.legible import ENTRIES_MAX, Legible, legible


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        pytest.param(
            {"addresses": ["192.0.2.1", 7, None, ["192.0.2.2"], "x"], "default": True},
            Legible(default=True, addresses=("192.0.2.1", "x")), id="entries that are text",
        ),
        pytest.param({"default": "true"}, Legible(), id="a mark that is none"),
        pytest.param({"default": 1, "addresses": "192.0.2.1"}, Legible(), id="other types"),
        pytest.param({"default": True, "addresses": {"a": "b"}}, Legible(default=True), id="a map"),
        pytest.param(
            {"addresses": ["x"] * (ENTRIES_MAX + 1)}, Legible(addresses=("x",) * ENTRIES_MAX),
            id="too many",
        ),
        pytest.param(None, Legible(), id="no spec"),
        pytest.param([{"default": True}], Legible(), id="a list"),
    ],
)  # fmt: skip
def test_what_can_be_read_alone(spec: object, found: Legible) -> None:
    assert legible(spec) == found
