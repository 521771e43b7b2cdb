"""Which version of the daemon is taken, and when none is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from pointsman.runtime.errors import Failed
from tools.parts import choose_gobgp, newest, upstream


def test_newest_follows_debian_order():
    assert newest(["4.8.0-1", "4.10.0-1", "4.10.0~rc1-1"]) == "4.10.0-1"
    assert newest([]) is None


@pytest.mark.parametrize(
    ("package", "version"),
    [("4.8.0-1~bpo13+1", "4.8.0"), ("1:2.0-3-4", "2.0-3"), ("7", "7")],
)
def test_a_package_version_names_its_upstream_version(package: str, version: str):
    assert upstream(package) == version


class Shelf:
    """An archive without files: which suite offers which versions."""

    def __init__(self, offers: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        self.offers = offers
        self.read: list[str] = []

    def update(self, suite: str) -> None:
        self.read.append(suite)

    def versions(self, package: str) -> list[str]:
        return [v for suite in self.read for v in self.offers.get(suite, {}).get(package, ())]


@pytest.mark.parametrize(
    ("offers", "version", "read"),
    [
        pytest.param(
            {"trixie-backports": {"gobgpd": ["4.8.0-1~bpo13+1", "4.9.0-1~bpo13+1"]}},
            "4.9.0-1~bpo13+1",
            ["trixie-backports"],
            id="backports are enough, and the newest of them is taken",
        ),
        pytest.param(
            {
                "trixie-backports": {"gobgpd": ["4.7.0-1"]},
                "sid": {"gobgpd": ["4.8.0-2", "5.0.0-1"]},
            },
            "4.8.0-2",
            ["trixie-backports", "sid"],
            id="older than 4.8 is passed over, sid is asked, 5 is too new",
        ),
    ],
)
def test_the_newest_gobgpd_that_we_know_is_taken(offers, version: str, read: list[str]):
    shelf = Shelf(
        {
            s: {"gobgpd": o["gobgpd"], "golang-github-osrg-gobgp-dev": o["gobgpd"]}
            for s, o in offers.items()
        }
    )
    assert choose_gobgp(shelf) == version
    assert shelf.read == read


def test_no_gobgpd_in_range_is_a_sentence():
    with pytest.raises(Failed, match=r"No gobgpd from 4\.8 up to, not including, 5 in trixie-b"):
        choose_gobgp(Shelf({"sid": {"gobgpd": ["3.36.0-1", "5.1.0-1"]}}))


def test_daemon_and_proto_of_different_versions_are_a_sentence():
    offers = {"gobgpd": ["4.9.0-1"], "golang-github-osrg-gobgp-dev": ["4.8.0-1"]}
    with pytest.raises(Failed, match=r"gobgpd is offered as 4\.9\.0-1, .* only as 4\.8\.0-1"):
        choose_gobgp(Shelf({"trixie-backports": offers}))
