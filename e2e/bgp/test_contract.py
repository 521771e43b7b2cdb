"""`peers --check`: an FRR that lacks one line of what we print, and the clause that says so.

That it finds nothing at one that has all of them is seen where these are loaded
(`test_routerconfig.py`).
"""

from collections.abc import Iterator

import pytest

from e2e import cluster
from e2e.bed import Bed, Broken
from e2e.bgp import loading
from e2e.bgp.test_paths import pool
from e2e.bgp.test_routerconfig import US, first_router

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab(whole: Bed) -> Iterator[Bed]:
    """The folder's lab with two Services of both families."""
    pool(whole, "six", "2001:db8:100::/124")
    for name in ("web", "more"):
        cluster.make(whole, name, notes={"eip": "public,six"}, ipFamilyPolicy="RequireDualStack")
    cluster.held(whole, "more", 2)
    yield whole
    cluster.tidy(whole)


SEVERAL = {
    "  neighbor pointsman maximum-prefix 100": "  neighbor pointsman maximum-prefix 100\n"
    "  neighbor pointsman disable-addpath-rx",
    " address-family ipv6 unicast\n  neighbor pointsman activate": " address-family ipv6 unicast",
    "prefix-list nothing-v4 out": "prefix-list nothing-v4 out\n  redistribute connected",
    "nothing-v4 seq 5 deny any": "nothing-v4 seq 5 permit any",
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param(
            SEVERAL,
            {
                "several paths": "without: neighbor pointsman disable-addpath-rx",
                "families": "address-family ipv6 unicast",
                "nothing to us": "neighbor pointsman prefix-list nothing-v4 out",
            },
            id="three at once",
        ),
        pytest.param(
            {"maximum-prefix 100": "maximum-prefix 1"},
            {"limit": "neighbor pointsman maximum-prefix 100"},
            id="a small limit",
        ),
        pytest.param(
            {"remote-as 64501": "remote-as 64999"},
            {"AS": "neighbor pointsman remote-as 64501"},
            id="another AS",
        ),
    ],
)
def test_a_router_that_was_told_otherwise(
    lab: Bed, changed: dict[str, str], expected: dict[str, str]
) -> None:
    # A BgpPeer of its own each time: who was refused is tried later and later.
    with first_router(lab, address="192.0.2.1", asn=64500, **US):
        text = loading.printed(lab, "frr", "tor-1")
        for line, instead in changed.items():
            assert line in text
            text = text.replace(line, instead)
        with loading.frr(lab, text):

            def found() -> bool:
                clauses = loading.checked(lab)
                states = {one["clause"]: one["state"] for one in clauses}
                violated = {one["clause"]: one for one in clauses if one["state"] == "violated"}
                if set(violated) != set(expected):
                    raise Broken(f"found: {states}")
                return all(line in violated[one]["lines"]["frr"] for one, line in expected.items())

            lab.wait("these clauses", found)
