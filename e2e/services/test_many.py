"""200 Services at once: all routed, at most two PATCHes each; what it cost is printed."""

import pytest

from conftest import Say
from e2e import cluster, fleet
from e2e.bed import Bed

pytestmark = pytest.mark.lab


def test_two_hundred_services(lab: Bed, say: Say) -> None:
    measured = fleet.measure(lab, 200, patience_s=180)
    for line in measured.lines():
        say(line)
    # Two each; a slice that comes just when its Service is judged costs that one a third.
    assert measured.most_patches <= 3
    assert measured.patches <= 2.1 * 200
    assert measured.refused == 0
    names = sorted(cluster.versions(lab))
    for name in names[::40]:
        cluster.settled(lab, name)
    before = cluster.versions(lab)
    cluster.judged(lab)
    assert cluster.versions(lab) == before


def test_each_verdict_costs_one_patch_also_when_endpoints_come_later(lab: Bed) -> None:
    """It has an address (its slice is awaited); nothing serves; it is announced."""
    names = [f"late-{number}" for number in range(5)]
    lab.api.request("DELETE", "/_stats")
    for name in names:
        cluster.make(lab, name, "node1:1:unready")
    for name in names:
        cluster.reported(lab, name, "Announced", "False", "NoServingEndpoint")
    for name in names:
        lab.endpoints(f"default/{name}", *cluster.EVERYWHERE)
    for name in names:
        cluster.settled(lab, name)
    cluster.judged(lab)
    written = fleet.patches(lab.api.get("/_stats"))
    assert max(written[f"default/{name}"] for name in names) <= 3, written
