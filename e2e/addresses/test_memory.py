"""The status is the record: what was edited behind our back, forged, wiped or born again."""

import time

import pytest

from conftest import Say
from e2e import cluster
from e2e.addresses import words
from e2e.addresses.words import service
from e2e.bed import Bed
from e2e.cluster import CRS, PREFIX, SERVICES
from e2e.witness import Witness

pytestmark = pytest.mark.lab

ADDRESS = "198.51.100.64"
OURS = ("allocated-from", "announced-by", "shared-as", "status")


def test_what_is_wiped_by_hand_comes_back_without_a_flap(lab: Bed) -> None:
    words.apply(lab, service("below"))
    words.has(lab, "below", "198.51.100.0")
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    cluster.delete(lab, "below")  # so that the lowest free address isn't the answer
    before = cluster.notes(cluster.get(lab, "web"))

    def repairs(count: int) -> list[str]:
        """Return what *count* Events say of repairs; an Event follows what it tells of."""
        found = [event[2] for event in cluster.events(lab, "web") if event[1] == "Repaired"]
        assert len(found) == count, f"each repair is an Event: {found}"
        return found

    with Witness(lab) as events:
        words.ingress(lab, "web")
        words.has(lab, "web", address)
        lab.kubectl("annotate", "service", "web", *(f"{PREFIX}{key}-" for key in OURS))
        lab.wait("our notes", lambda: cluster.notes(cluster.get(lab, "web")) == before)
        lab.wait("both Events", lambda: repairs(2))  # a manager that is killed tells nothing more
        lab.fail("manager")
        words.ingress(lab, "web")
        words.apply(lab, service("older-in-line"))
        lab.heal("manager")
        words.has(lab, "web", address)
        words.has(lab, "older-in-line", "198.51.100.0")
    assert events.about(f"{address}/32") == []
    found = lab.wait("three Events", lambda: repairs(3))
    assert sum("allocated-from" in message for message in found) == 1


@pytest.mark.parametrize("lost", ["ingress", "conditions", "both"])
def test_what_is_wiped_while_no_manager_runs_comes_back(lab: Bed, lost: str) -> None:
    """Where both are lost only the annotation is left, and whose it is the API server tells."""
    words.apply(lab, service("below"))
    words.has(lab, "below", "198.51.100.0")
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    cluster.delete(lab, "below")
    with Witness(lab) as events:
        lab.fail("manager")
        gone = {"loadBalancer": {"ingress": None}, "conditions": None}
        status = {"ingress": {"loadBalancer": gone["loadBalancer"]}, "both": gone}
        left = status.get(lost, {"conditions": None})
        lab.api.merge(f"{SERVICES}/web/status", {"status": left})
        lab.heal("manager")
        words.has(lab, "web", address)
        cluster.settled(lab, "web")
    assert events.about(f"{address}/32") == []


def test_a_forged_origin_neither_admits_nor_evicts(lab: Bed) -> None:
    words.eip(lab, "vip", f"{ADDRESS}/30", namespaces=[words.TEAM])
    words.eip(lab, "open", "198.51.100.72/30")
    words.apply(lab, service("rich", notes={"eip": "open"}))
    words.has(lab, "rich", "198.51.100.72")
    notes = {"eip": "vip,open", "allocated-from": f"vip/{ADDRESS},open/198.51.100.72"}
    words.apply(lab, service("forger", notes=notes), service("second", notes={
        "eip": "vip", "allocated-from": f"vip/{ADDRESS}"}))  # fmt: skip
    words.has(lab, "forger", "198.51.100.73")
    words.booked(lab, "forger", "open/198.51.100.73")
    words.refused(lab, "second", "NotAdmitted", "'vip'")
    hoped = cluster.notes(cluster.get(lab, "second"))["allocated-from"]
    assert hoped == f"vip/{ADDRESS}?"  # a wish, marked as one: it had nothing
    words.has(lab, "rich", "198.51.100.72")


def test_of_two_holders_found_at_start_the_older_keeps(lab: Bed) -> None:
    for name in ("elder", "younger"):
        cluster.make(lab, name)
    address = cluster.settled(lab, "elder")
    cluster.settled(lab, "younger")
    words.apply(lab, service("wisher", notes={"addresses": "198.51.100.9"}))
    words.has(lab, "wisher", "198.51.100.9")
    lab.fail("manager")
    lab.kubectl("annotate", "--overwrite", "service/wisher", f"{PREFIX}addresses={address}")
    for name in ("younger", "wisher"):  # without the note beside it the status is the record
        lab.kubectl("annotate", f"service/{name}", f"{PREFIX}allocated-from-")
        words.ingress(lab, name, address)
    with Witness(lab) as events:
        lab.heal("manager")
        words.refused(lab, "wisher", "AddressInUse", address, "default/elder")
        words.has(lab, "wisher")
        other = cluster.settled(lab, "younger")
    assert other != address
    words.has(lab, "elder", address)
    assert events.about(f"{address}/32") == []

    def moved() -> bool:
        found = [event for event in cluster.events(lab, "younger") if event[1] == "Allocated"]
        assert any(other in message for _, _, message in found), f"a move is an Event: {found}"
        return True

    lab.wait("the Event", moved)


def test_a_service_born_again_is_another_one(lab: Bed) -> None:
    words.eip(lab, "one", ADDRESS)
    named = {"eip": "one"}
    words.apply(lab, service("web", notes=named))
    words.has(lab, "web", ADDRESS)
    words.apply(lab, service("waiting", notes=named))
    words.refused(lab, "waiting", "AddressPoolExhausted", "'one'")
    time.sleep(1.0)  # creationTimestamps have whole seconds, and waiting is to be the older one
    before = cluster.get(lab, "web")["metadata"]["uid"]
    lab.fail("manager")  # it never sees the name missing
    cluster.delete(lab, "web")
    words.apply(lab, service("web", notes=named))
    lab.heal("manager")
    words.has(lab, "waiting", ADDRESS)
    words.refused(lab, "web", "AddressPoolExhausted", "'one'")
    after = cluster.get(lab, "web")["metadata"]["uid"]
    about = [item["involvedObject"]["uid"] for item in lab.api.get(cluster.EVENTS)["items"]
             if item["reason"] == "AddressPoolExhausted"
             and item["involvedObject"]["name"] == "web"]  # fmt: skip
    assert before not in about
    assert about == [after]


def test_a_poisoned_service_delays_nobody(lab: Bed, say: Say) -> None:
    words.poison(lab, f"{SERVICES}/poison/status")
    words.poison(lab, f"{CRS}/eips/poison/status")
    words.eip(lab, "poison", f"{ADDRESS}/30")
    cluster.make(lab, "poison")
    names = [f"good-{number}" for number in range(5)]
    took: list[float] = []
    for name in names:
        began = time.monotonic()
        cluster.make(lab, name)
        cluster.settled(lab, name)
        took.append(time.monotonic() - began)
    assert cluster.addresses(lab, "poison") == []
    assert max(took) < cluster.SOON_S
    say(f"beside a poisoned Service: {max(took) * 1000:.0f} ms at most to the first answer")
    words.cure(lab)
    cluster.settled(lab, "poison")


def test_a_controller_that_overwrites_our_address_again_and_again_has_it(
    lab: Bed, say: Say
) -> None:
    cluster.make(lab, "web")
    cluster.make(lab, "other")
    address = cluster.settled(lab, "web")
    cluster.settled(lab, "other")
    theirs = "203.0.113.200"

    rounds: list[str] = []

    def lost() -> bool:
        """Let the other write whenever ours stands there; return whether we gave in."""
        if cluster.addresses(lab, "web") == [address]:
            rounds.append(theirs)
            words.ingress(lab, "web", theirs)
        return any(reason == "ForeignController" for _, reason, _ in cluster.events(lab, "web"))

    with Witness(lab) as events:
        lab.wait("ForeignController", lost)
    assert len(rounds) == 3
    assert cluster.addresses(lab, "web") == [theirs]
    assert events.about(f"{address}/32") == []
    contested = [event for event in cluster.events(lab, "web") if event[1] == "ForeignController"]
    ((kind, _, message),) = contested
    assert kind == "Warning"
    assert theirs in message
    assert "loadBalancerClass" in message
    version = cluster.get(lab, "web")["metadata"]["resourceVersion"]
    cluster.make(lab, "late")
    cluster.settled(lab, "late")
    assert cluster.get(lab, "web")["metadata"]["resourceVersion"] == version
    lab.kubectl("annotate", "service/web", f"{PREFIX}eip=public")
    words.has(lab, "web", address)
    say("a contested Service is left alone, and served again once it is annotated")


def test_another_balancers_service_is_left_alone_and_told_once(lab: Bed) -> None:
    lab.fail("manager")
    words.apply(lab, service("theirs"))
    words.ingress(lab, "theirs", "203.0.113.200")
    before = cluster.get(lab, "theirs")
    lab.heal("manager")

    def complaints() -> list[tuple[str, str, str]]:
        return cluster.events(lab, "theirs")

    ((kind, reason, message),) = lab.wait("an Event", complaints)
    assert (kind, reason) == ("Warning", "ForeignController")
    assert "203.0.113.200" in message
    assert "--require-class" in message
    words.apply(lab, service("own"))
    words.has(lab, "own", "198.51.100.0")
    assert cluster.get(lab, "theirs") == before
    assert len(complaints()) == 1
    assert words.explained(lab, "service", "default/theirs")["why"] == message
