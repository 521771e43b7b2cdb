"""Two managers, FRR and BIRD with a session to each: whatever becomes of one manager, no living
node is lost at either router, and what must go goes.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest

from conftest import Say
from e2e import cluster
from e2e.bed import Bed
from e2e.bgp import routers
from e2e.bgp.routers import SECOND
from e2e.leadership import leader
from e2e.route_events import session
from e2e.services.test_heartbeats import NODES, hops
from e2e.services.test_heartbeats_twice import MANAGERS, heard_by_both, speaking
from e2e.witness import Witness
from lab.options import Options

pytestmark = pytest.mark.lab
ROUTERS = ("router", "router2")  # FRR, BIRD
HEARTBEATS = 7470
Deed = Callable[[Bed, str, str], None]  # who leads, and the other


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(managers=2, routers=2)


@pytest.fixture
def web(lab: Bed) -> str:
    """Return an address that both routers have from both speakers by all nodes."""
    if lab.api.find(f"{routers.PEERS}/tor-2") is None:
        routers.peer(lab, "tor-2", SECOND, 64502)
    for speaker in MANAGERS.values():
        lab.wait("a session", partial(session, lab, speaker))
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    heard_by_both(lab)
    everywhere(lab, address)
    return address


def everywhere(lab: Bed, address: str) -> None:
    """Wait until both routers have all nodes, and both speakers say so."""
    both = set(MANAGERS.values())
    for node in NODES:
        lab.wait("both speakers", lambda: speaking(lab, address, node) == both)  # noqa: B023
    lab.wait("BIRD's sessions", lambda: len(established(lab)) == len(MANAGERS))
    for machine in ROUTERS:
        wanted = cluster.hops(lab, "123")
        lab.wait("all nodes", partial(reaches, lab, machine, address, wanted))


def reaches(lab: Bed, machine: str, address: str, wanted: set[str]) -> bool:
    return lab.gateways(f"{address}/32", machine=machine) == wanted


def established(lab: Bed) -> list[str]:
    """Return the lines of BIRD about sessions that are up."""
    found = lab.exec("router2", "birdc2", "show", "protocols").splitlines()
    return [line for line in found if "BGP" in line and "Established" in line]


@contextmanager
def watched(lab: Bed) -> Iterator[dict[str, Witness]]:
    """Hear the route events of both routers."""
    with ExitStack() as stack:
        yield {one: stack.enter_context(Witness(lab, machine=one)) for one in ROUTERS}


def killed(lab: Bed, first: str, other: str) -> None:
    lab.fail(first)


def started(lab: Bed, first: str, other: str) -> None:
    lab.heal(first)


def sidecar_of(lab: Bed, name: str) -> str:
    return next(one.sidecar for one in lab.topology.managers if one.name == name)


def speaker_killed(lab: Bed, first: str, other: str) -> None:
    lab.fail(sidecar_of(lab, first))


def speaker_started(lab: Bed, first: str, other: str) -> None:
    lab.heal(sidecar_of(lab, first))


def stopped(lab: Bed, first: str, other: str) -> None:
    lab.kill(first, signal.SIGSTOP)


def going_on(lab: Bed, first: str, other: str) -> None:
    lab.kill(first, signal.SIGCONT)


def leader_without_api(lab: Bed, first: str, other: str) -> None:
    lab.fail(f"api:{first}")


def leader_with_api(lab: Bed, first: str, other: str) -> None:
    lab.heal(f"api:{first}")


def other_without_api(lab: Bed, first: str, other: str) -> None:
    lab.fail(f"api:{other}")


def other_with_api(lab: Bed, first: str, other: str) -> None:
    lab.heal(f"api:{other}")


def both_without_api(lab: Bed, first: str, other: str) -> None:
    leader_without_api(lab, first, other)
    other_without_api(lab, first, other)


def both_with_api(lab: Bed, first: str, other: str) -> None:
    leader_with_api(lab, first, other)
    other_with_api(lab, first, other)


def apart(lab: Bed, first: str, other: str) -> None:
    """Neither hears the other any more; both hear the nodes."""
    rule = f"ip saddr {MANAGERS[other]} udp dport {HEARTBEATS} drop"
    chain = f"chain input {{\n type filter hook input priority 0\n {rule}\n }}"
    table = f"table ip apart {{\n {chain}\n}}\n"
    rules = lab.folder("apart") / "rules"
    rules.write_text(table)
    lab.exec(first, "nft", "-f", str(rules))


def together(lab: Bed, first: str, other: str) -> None:
    lab.exec(first, "nft", "delete", "table", "ip", "apart")


def apart_and_without_api(lab: Bed, first: str, other: str) -> None:
    apart(lab, first, other)
    both_without_api(lab, first, other)


def together_and_with_api(lab: Bed, first: str, other: str) -> None:
    together(lab, first, other)
    both_with_api(lab, first, other)


FAULTS = [
    pytest.param(killed, started, 8, id="the leader killed"),
    pytest.param(speaker_killed, speaker_started, 4, id="its speaker killed"),
    pytest.param(stopped, going_on, 10, id="the leader stopped past its lease"),
    pytest.param(leader_without_api, leader_with_api, 12, id="the leader cut off from the API"),
    pytest.param(other_without_api, other_with_api, 12, id="the other cut off from the API"),
    pytest.param(both_without_api, both_with_api, 12, id="both cut off from the API"),
    pytest.param(apart, together, 5, id="cut off from each other"),
    pytest.param(apart_and_without_api, together_and_with_api, 12, id="cut off from both"),
]


@pytest.mark.parametrize(("deed", "undo", "lasts_s"), FAULTS)
def test_no_router_notices(lab: Bed, web: str, deed: Deed, undo: Deed, lasts_s: int) -> None:
    first = leader(lab)
    other = next(name for name in MANAGERS if name != first)
    with watched(lab) as events:
        deed(lab, first, other)
        try:
            time.sleep(lasts_s)
        finally:
            undo(lab, first, other)
        heard_by_both(lab)
        everywhere(lab, web)
    for one in events.values():  # one of them may fall silent, while the other speaks
        assert one.kernel(f"{web}/32") == []


def test_a_stale_one_goes_quiet_and_what_goes_meanwhile_is_gone(lab: Bed, web: str) -> None:
    first = leader(lab)
    other = next(name for name in MANAGERS if name != first)
    cluster.make(lab, "local", "node1:1", "node3:1", externalTrafficPolicy="Local")
    local = cluster.settled(lab, "local", "13")
    with watched(lab) as events:
        lab.fail(f"api:{other}")
        try:
            lab.wait("silence", lambda: speaking(lab, web, "node1") == {MANAGERS[first]})
            lab.endpoints("default/local", "node3:1")
            for machine in ROUTERS:
                wanted = cluster.hops(lab, "3")
                lab.wait("the other's end", partial(reaches, lab, machine, local, wanted))
        finally:
            lab.heal(f"api:{other}")
        everywhere(lab, web)
    for one, quiet in zip(events.values(), (MANAGERS[other], f"{other}_v4"), strict=True):
        assert one.kernel(f"{web}/32") == []
        assert quiet in one.withdrawing(f"{web}/32")


def test_a_leader_that_dies_with_its_node_misleads_nobody(lab: Bed, web: str, say: Say) -> None:
    """Its session stands at both routers for as long as the hold time."""
    first = leader(lab)
    living = cluster.hops(lab, "12")
    with watched(lab) as events:
        began_s = time.monotonic()
        lab.fail(f"link:{first}")
        lab.fail("node3")
        took_s: dict[str, float] = {}
        while len(took_s) < len(ROUTERS):
            for machine in ROUTERS:
                if machine not in took_s and reaches(lab, machine, web, living):
                    took_s[machine] = time.monotonic() - began_s
            assert time.monotonic() - began_s < 30
        stood = MANAGERS[first] in speaking(lab, web, "node3")
        time.sleep(12)
    frr, bird = (took_s[machine] for machine in ROUTERS)
    say(f"a node that dies with the leader's: out of FRR's kernel {frr:.2f} s, BIRD's {bird:.2f} s")
    assert stood, "the session was given up before the node was: nothing was shown"
    lab.heal(f"link:{first}")
    lab.heal("node3")
    for machine, one in events.items():
        changes = list(hops(one, web))
        assert changes[-1] == living, machine
        assert all(change & living for change in changes), machine
    # FRR takes what changed together: no living node is missing for a moment.
    assert all(living <= change for change in hops(events["router"], web))
    everywhere(lab, web)
