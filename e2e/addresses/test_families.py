"""From one family to two and back: the family that stays is never touched."""

import pytest

from e2e import cluster
from e2e.addresses import words
from e2e.addresses.words import service
from e2e.bed import Bed
from e2e.witness import Witness

pytestmark = pytest.mark.lab

FOUR, SIX = "198.51.100.64", "2001:db8:100::64"
NOTES = {"eip": "four,six"}


def policy(lab: Bed, name: str, text: str, *families: str) -> None:
    spec = {"ipFamilyPolicy": text} | ({"ipFamilies": list(families)} if families else {})
    words.patch(lab, f"service/{name}", {"spec": spec})


def test_the_family_that_stays_is_not_touched(lab: Bed) -> None:
    words.eip(lab, "four", f"{FOUR}/30")
    words.eip(lab, "six", f"{SIX}/126")
    cluster.make(lab, "web", notes=NOTES)
    assert cluster.settled(lab, "web") == FOUR
    with Witness(lab) as events:
        policy(lab, "web", "PreferDualStack")
        words.has(lab, "web", FOUR, SIX)
        cluster.routed(lab, SIX, "123")
        policy(lab, "web", "RequireDualStack")
        policy(lab, "web", "PreferDualStack")
        policy(lab, "web", "SingleStack", "IPv4")
        words.has(lab, "web", FOUR)
        cluster.routed(lab, SIX, "")
        policy(lab, "web", "RequireDualStack", "IPv4", "IPv6")
        words.has(lab, "web", FOUR, SIX)
        cluster.routed(lab, SIX, "123")
        policy(lab, "web", "SingleStack", "IPv4")
        words.has(lab, "web", FOUR)
    assert events.about(f"{FOUR}/32") == []
    words.booked(lab, "web", f"four/{FOUR}")


def test_a_family_comes_when_there_is_one(lab: Bed) -> None:
    words.eip(lab, "four", f"{FOUR}/30")
    words.apply(
        lab,
        service("prefers", notes=NOTES, ipFamilyPolicy="PreferDualStack"),
        service("requires", notes=NOTES, ipFamilyPolicy="RequireDualStack"),
        service("six-first", notes=NOTES, ipFamilyPolicy="PreferDualStack",
                ipFamilies=["IPv6", "IPv4"]),
    )  # fmt: skip
    words.has(lab, "prefers", FOUR)
    later = "An IPv6 address follows when there is one"
    cluster.reported(
        lab, "prefers", "Allocated", "True", "Allocated", later, "there is no Eip 'six'"
    )
    words.refused(lab, "requires", "WaitingForFamily", "no address", "there is no Eip 'six'")
    words.has(lab, "six-first", "198.51.100.65")
    words.eip(lab, "six", SIX)  # one, for three
    lab.wait(
        "one that has both", lambda: any(len(cluster.addresses(lab, n)) == 2 for n in ("prefers",
        "requires", "six-first")),
    )  # fmt: skip
    words.eip(lab, "six", f"{SIX}/126")
    words.has(lab, "requires", "198.51.100.66", cluster.held(lab, "requires", 2)[1])
    words.has(lab, "prefers", FOUR, cluster.held(lab, "prefers", 2)[1])
    words.has(lab, "six-first", cluster.held(lab, "six-first", 2)[0], "198.51.100.65")
    # and a family that is gone for others stays here
    lab.kubectl("delete", "eip", "six", "--wait=false")
    words.ready(lab, "six", "InUse")
    assert len(cluster.addresses(lab, "prefers")) == 2
