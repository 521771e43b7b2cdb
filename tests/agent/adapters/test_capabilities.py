"""The capability to change a network, as /proc says it."""

from pathlib import Path

import pytest

from agent.adapters.capabilities import may_change_network


@pytest.mark.parametrize(
    ("text", "may"),
    [
        pytest.param("CapPrm:\t000001ffffffffff\nCapEff:\t0000000000001000\n", True, id="it alone"),
        pytest.param("CapEff:\t000001ffffffffff\n", True, id="all"),
        pytest.param("CapPrm:\t0000000000001000\nCapEff:\t0000000000002000\n", False, id="NET_RAW"),
        pytest.param("CapEff:\t0000000000000000\n", False, id="none"),
        pytest.param("CapEff:\n", False, id="no number"),
        pytest.param("CapEff:\tx\n", False, id="no number at all"),
        pytest.param("Name:\tagent\n", False, id="another kernel's"),
    ],
)
def test_it_is_the_effective_set_that_counts(tmp_path: Path, text: str, may: bool) -> None:
    status = tmp_path / "status"
    status.write_text(text)
    assert may_change_network(status) is may


def test_without_proc_nothing_is_tried(tmp_path: Path) -> None:
    assert may_change_network(tmp_path / "none") is False
