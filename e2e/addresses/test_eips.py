"""Eips that change while they are in use: what is held stays, what waits is served."""

from functools import partial

import pytest

from e2e import cluster
from e2e.addresses import words
from e2e.addresses.words import service
from e2e.bed import Bed
from e2e.cluster import CRS
from e2e.witness import Witness

pytestmark = pytest.mark.lab

FIRST, SECOND, THIRD = "198.51.100.64", "198.51.100.65", "198.51.100.66"
BLOCK = "198.51.100.64/29"
FINALIZER = "pointsman.dev/in-use"


def test_no_edit_of_an_eip_moves_what_is_held(lab: Bed) -> None:
    words.eip(lab, "pool", f"{FIRST}-{SECOND}")
    for name in ("one", "two"):
        cluster.make(lab, name, notes={"eip": "pool"})
    holders = {name: cluster.settled(lab, name) for name in ("one", "two")}
    assert sorted(holders.values()) == [FIRST, SECOND]
    words.apply(lab, service("three", notes={"eip": "pool"}))
    words.refused(lab, "three", "AddressPoolExhausted", "'pool'")
    before = cluster.events(lab, "tor-1")
    with Witness(lab) as events:
        edited(lab, holders, addresses=[BLOCK])
        words.has(lab, "three", THIRD)  # grown: whoever waits is served
        holders["three"] = THIRD
        edited(lab, holders, addresses=["198.51.100.70"])  # shrunk below what is held
        words.apply(lab, service("four", notes={"eip": "pool"}))
        words.has(lab, "four", "198.51.100.70")
        edited(lab, holders, addresses=[BLOCK], exclude=[f"{FIRST}-{THIRD}"], disabled=True)
        words.apply(lab, service("five", notes={"eip": "pool"}))
        words.refused(lab, "five", "EipDisabled", "'pool' is disabled")
        lab.kubectl("delete", "eip", "pool", "--wait=false")
        words.restarted(lab)
        words.ready(lab, "pool", "InUse", "default/four")
        assert held_by(lab, "pool") == [FINALIZER]
        stays(lab, holders)
    for address in holders.values():
        assert events.about(address) == []
    assert cluster.events(lab, "tor-1") == before, "a manager that starts unsays no session"
    for name in ("one", "two"):
        lab.wait(f"an answer of {name}", partial(lab.get, holders[name]))
    for name in (*holders, "four"):
        assert lab.api.find(f"{CRS}/eips/pool"), "it went before its last address did"
        cluster.delete(lab, name)
    words.gone(lab, "pool")
    cluster.reported(lab, "five", "Allocated", "False", "EipNotFound", "'pool'")


def edited(lab: Bed, holders: dict[str, str], **spec: object) -> None:
    """Edit Eip pool, and kill the manager at once; return when the next one judged it."""
    words.patch(lab, "eip/pool", {"spec": spec})
    words.restarted(lab)
    words.read(lab, "pool")
    stays(lab, holders)


def stays(lab: Bed, holders: dict[str, str]) -> None:
    assert {name: cluster.addresses(lab, name) for name in holders} == {
        name: [address] for name, address in holders.items()
    }


def held_by(lab: Bed, name: str) -> list[str]:
    found: list[str] = lab.api.get(f"{CRS}/eips/{name}")["metadata"]["finalizers"]
    return found


def test_the_finalizer_is_there_before_the_first_address(lab: Bed) -> None:
    words.eip(lab, "pool", BLOCK)
    words.read(lab, "pool")
    path = f"{CRS}/eips/pool"
    assert "finalizers" not in lab.api.get(path)["metadata"]
    words.poison(lab, path)
    words.apply(lab, service("early", notes={"eip": "pool"}))
    words.apply(lab, service("other"))
    words.has(lab, "other", "198.51.100.0")  # the pass that could not hold the Eip is over
    assert cluster.addresses(lab, "early") == []
    words.cure(lab)
    words.has(lab, "early", FIRST)
    assert held_by(lab, "pool") == [FINALIZER]


def test_renamed_and_split_eips_take_the_books_over_and_not_the_addresses(lab: Bed) -> None:
    words.eip(lab, "old", BLOCK)
    cluster.make(lab, "low", notes={"addresses": FIRST})
    cluster.make(lab, "high", notes={"addresses": "198.51.100.71"})
    assert cluster.settled(lab, "low") == FIRST
    assert cluster.settled(lab, "high") == "198.51.100.71"
    words.booked(lab, "low", f"old/{FIRST}")
    with Witness(lab) as events:
        words.eip(lab, "renamed", BLOCK)
        words.ready(lab, "renamed", "Overlap", "'old'")
        words.booked(lab, "low", f"old/{FIRST}")
        lab.kubectl("delete", "eip", "old", "--wait=false")
        words.booked(lab, "low", f"renamed/{FIRST}")
        words.booked(lab, "high", "renamed/198.51.100.71")
        words.gone(lab, "old")
        words.ready(lab, "renamed", "Ready")
        words.eip(lab, "upper", "198.51.100.68/30")
        words.ready(lab, "upper", "Overlap", "'renamed'", "198.51.100.68")
        words.patch(lab, "eip/renamed", {"spec": {"addresses": ["198.51.100.64/30"]}})
        words.restarted(lab)
        words.booked(lab, "high", "upper/198.51.100.71")
        words.booked(lab, "low", f"renamed/{FIRST}")
        lab.wait(
            "the books",
            lambda: lab.api.get(f"{CRS}/eips/upper")["status"]["allocated"]["ipv4"] == "1",
        )
    assert events.about(BLOCK) == []
    assert cluster.addresses(lab, "low") == [FIRST]
    assert cluster.addresses(lab, "high") == ["198.51.100.71"]


def test_of_two_overlapping_eips_the_younger_gives_out_nothing(lab: Bed) -> None:
    words.eip(lab, "aaa", "198.51.100.14-198.51.100.20", default=True, priority=1)
    words.ready(lab, "aaa", "Overlap", "'public'", "198.51.100.14-198.51.100.15")
    words.ready(lab, "public", "Ready")
    words.apply(lab, service("plain"), service("named", notes={"eip": "aaa"}))
    words.has(lab, "plain", "198.51.100.0")
    words.refused(lab, "named", "EipDisabled", "'aaa' is not Ready (Overlap)")
    words.patch(lab, "eip/aaa", {"spec": {"exclude": ["198.51.100.14/31"]}})
    words.ready(lab, "aaa", "Ready")
    words.has(lab, "named", "198.51.100.16")
    words.has(lab, "plain", "198.51.100.0")  # a better Eip since: held is held


def test_an_eip_with_the_clusterip_of_a_service_is_ready_and_warns(lab: Bed) -> None:
    words.apply(lab, words.service("inner", type="ClusterIP"))
    inside = cluster.get(lab, "inner")["spec"]["clusterIP"]
    words.eip(lab, "odd", inside)
    words.ready(lab, "odd", "Ready", f"{inside} is the ClusterIP of Service default/inner")
