"""Which FRR keeps stale paths, as far as a session tells."""

import pytest

from pointsman.model.frr_quirks import may_keep_stale
from pointsman.model.route import SessionReport


@pytest.mark.parametrize(
    ("host_named", "software", "suspected"),
    [
        pytest.param(False, "", False, id="tells nothing: not FRR"),
        pytest.param(True, "", True, id="tells its host name: may be FRR"),
        pytest.param(True, "FRRouting/8.4.4", True, id="8.4.4"),
        pytest.param(True, "FRRouting/8.5", True, id="8.5"),
        pytest.param(True, "FRRouting/9.0.4", True, id="9.0.4"),
        pytest.param(True, "FRRouting/9.0.5-0~deb12u1", False, id="9.0.5"),
        pytest.param(True, "FRRouting/9.1.2", True, id="9.1.2"),
        pytest.param(True, "FRRouting/9.1.3", False, id="9.1.3"),
        pytest.param(True, "FRRouting/10.0.2", True, id="10.0.2"),
        pytest.param(True, "FRRouting/10.0.3", False, id="10.0.3"),
        pytest.param(True, "FRRouting/10.1", True, id="10.1"),
        pytest.param(True, "FRRouting/10.1.2", False, id="10.1.2"),
        pytest.param(True, "FRRouting/10.2", False, id="10.2"),
        pytest.param(True, "FRRouting/11.0.1", False, id="11"),
        pytest.param(True, "GoBGP/4.8.0", False, id="says that it is another"),
    ],
)
def test_who_may_keep_stale_paths(host_named: bool, software: str, suspected: bool) -> None:
    report = SessionReport("Established", host_named=host_named, software=software)
    assert may_keep_stale(report) is suspected
