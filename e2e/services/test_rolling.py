"""Under load: drains, and every part of ours restarted one after the other; no request is lost."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from conftest import Say
from e2e import cluster
from e2e.bed import Bed
from e2e.proxies import programmed
from e2e.requests import requested
from e2e.route_events import session
from e2e.services.test_drain import ADDRESSES, SPEAKERS, next_hops, pointsman
from e2e.services.test_heartbeats_twice import heard_by_both, speaking
from lab.options import Options

pytestmark = pytest.mark.lab
WORKERS = 4
CHANGES = 2 * len(ADDRESSES)  # a node goes and comes back: each moves what is under way
# By hand: REQUESTS=10000. A busy machine takes its time for each.
REQUESTS = int(os.environ.get("REQUESTS", "1000"))


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(managers=2)


@pytest.fixture
def web(lab: Bed) -> str:
    for speaker in SPEAKERS:
        lab.wait("a session", partial(session, lab, speaker))
    cluster.make(lab, "web", externalTrafficPolicy="Local")
    address = cluster.held(lab, "web")[0]
    programmed(lab, address, *ADDRESSES)
    heard_by_both(lab)
    all_again(lab, address)
    return address


def all_again(lab: Bed, address: str) -> None:
    """Wait until both speakers have told the router of all nodes."""
    for node in ADDRESSES:
        lab.wait("both", lambda: speaking(lab, address, node) == set(SPEAKERS))  # noqa: B023
    lab.wait("all nodes", lambda: next_hops(lab, address) == set(ADDRESSES))


def test_a_drain(lab: Bed, web: str, tmp_path: Path, say: Say) -> None:
    with requested(lab, web, workers=WORKERS, file=tmp_path / "requests") as requests:
        for node in ADDRESSES:
            drained = pointsman(lab, "node", "drain", node, "--wait", "60s")
            assert (drained.returncode, drained.stderr) == (0, "")
            assert node not in next_hops(lab, web)
            assert pointsman(lab, "node", "undrain", node).returncode == 0
            all_again(lab, web)
        lab.wait("requests", lambda: requests.count >= REQUESTS, timeout_s=600)
    failed = requests.failed()
    say(f"three drains: {len(failed)} of {requests.count} requests failed")
    # A router that does not hash resiliently moves connections that are under way when its next
    # hops change, and the node that gets one resets it. Nothing else may fail.
    assert [one for one in failed if "ConnectionResetError" not in one.error] == []
    assert len(failed) <= WORKERS * CHANGES


def test_every_part_of_ours_once(lab: Bed, web: str, tmp_path: Path, say: Say) -> None:
    programs = [one["name"] for one in lab.status()["processes"]]
    ours = [one for one in programs if one.startswith(("manager", "sidecar", "agent:"))]
    assert len(ours) >= 2 * len(SPEAKERS) + len(ADDRESSES)
    with requested(lab, web, workers=WORKERS, file=tmp_path / "requests") as requests:
        for program in sorted(ours):
            before = lab.process(program)["pid"]
            lab.kill(program, signal.SIGTERM)
            lab.wait("another", lambda: lab.process(program)["pid"] not in (None, before))  # noqa: B023
            for speaker in SPEAKERS:
                lab.wait("a session", partial(session, lab, speaker))
            all_again(lab, web)
            heard_by_both(lab)
            time.sleep(0.5)  # a rolling update waits a little, too
        lab.wait("requests", lambda: requests.count >= REQUESTS, timeout_s=600)
    failed = requests.failed()
    say(f"{len(ours)} restarts: {len(failed)} of {requests.count} requests failed")
    assert failed == []
