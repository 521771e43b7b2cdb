"""The speaker is away: what was freed isn't given again before its routes are surely gone.

Everything else goes on meanwhile, and that is told here too: the outage must last longer
than the grace, and other stories about addresses need no router.
"""

import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from conftest import Say
from e2e import cluster
from e2e.addresses import words
from e2e.addresses.words import service
from e2e.bed import Bed
from e2e.route_events import session
from manager.speakers.availability import GRACE_S

pytestmark = pytest.mark.lab

FREED = "198.51.100.80"
SLACK_S = 10.0


@pytest.fixture(scope="module")
def away(whole: Bed) -> Iterator[tuple[Bed, float]]:
    """The sidecar is gone since the moment that is given; FREED was given up after it went."""
    # FRR 8.4 keeps stale ADD-PATH paths until its timer ends: that is told in e2e/bgp
    restarts(whole, "Never")
    words.eip(whole, "one", FREED)
    cluster.make(whole, "had", notes={"eip": "one"})
    assert cluster.settled(whole, "had") == FREED
    whole.fail("sidecar")
    since = time.time()
    cluster.delete(whole, "had")
    words.apply(
        whole,
        service("wants", notes={"addresses": FREED}),
        service("pools", notes={"eip": "one"}),
    )
    yield whole, since
    words.tidy(whole)  # which heals it, too
    restarts(whole, "Auto")
    cluster.judged(whole)


def restarts(lab: Bed, enabled: str) -> None:
    """Turn graceful restart on or off, and wait for the session that has it so."""
    before = lab.wait("a session", lambda: session(lab, cluster.MANAGER))
    spec = {"gracefulRestart": {"enabled": enabled}}
    words.patch(lab, "bgpconf/default", {"spec": spec})
    lab.wait("another session", lambda: session(lab, cluster.MANAGER) != before)


def given_at(lab: Bed, name: str) -> float:
    """Return when the manager gave *name* its address, as its condition says (epoch, seconds)."""
    conditions = cluster.get(lab, name)["status"]["conditions"]
    (one,) = [c for c in conditions if c["type"] == f"{cluster.PREFIX}Allocated"]
    assert one["status"] == "True"
    return datetime.fromisoformat(one["lastTransitionTime"]).timestamp()


def test_a_freed_address_waits_for_a_speaker_that_is_away(away: tuple[Bed, float]) -> None:
    lab, _ = away
    words.refused(lab, "wants", "AddressInUse", FREED, "still being withdrawn from the routers")
    words.refused(lab, "pools", "AddressPoolExhausted", "'one'")
    assert words.explained(lab, "address", FREED)["holders"] == ["default/wants"], (
        "it would be next"
    )


def test_what_the_speaker_never_said_is_given_and_freed_meanwhile(away: tuple[Bed, float]) -> None:
    lab, _ = away
    words.eip(lab, "fresh", "198.51.100.88")
    words.apply(lab, service("brief", notes={"eip": "fresh"}))
    words.has(lab, "brief", "198.51.100.88")
    words.apply(lab, service("next", notes={"eip": "fresh"}))
    words.refused(lab, "next", "AddressPoolExhausted", "'fresh'")
    began = time.monotonic()
    cluster.delete(lab, "brief")
    words.has(lab, "next", "198.51.100.88")
    assert time.monotonic() - began < SLACK_S
    words.eip(lab, "fresh", "198.51.100.88/31")
    words.apply(lab, service("more", notes={"eip": "fresh"}))
    words.has(lab, "more", "198.51.100.89")


def test_past_its_grace_it_blocks_nobody(away: tuple[Bed, float], say: Say) -> None:
    lab, since = away
    words.has(lab, "wants", FREED)
    took_s = given_at(lab, "wants") - since
    say(f"a freed address is given {took_s:.1f} s after the speaker went silent")
    assert GRACE_S - 2.0 <= took_s < GRACE_S + SLACK_S  # conditions have whole seconds
    words.refused(lab, "pools", "AddressPoolExhausted", "'one'")
    lab.heal("sidecar")
    lab.endpoints("default/wants", *cluster.EVERYWHERE)
    cluster.routed(lab, FREED, "123")
