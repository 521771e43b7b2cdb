"""FRR and BIRD at the other end of a real sidecar: what their kernels route.

Of the adapter alone. What the whole product does with them (graceful restart, passwords,
weights, attributes) is seen in e2e/bgp.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from lab.handle import Lab
from lab.network.topology import RouterKind
from lab.options import OMITTABLE, Options
from lab.parts import CHECKOUT
from manager.adapters.gobgp.speaker import GobgpSpeaker, speaker_at
from pointsman.model.delta import Delta, delta
from pointsman.model.route import (
    Neighbor,
    PathAttributes,
    PeerName,
    Route,
    RouteKey,
    SpeakerIdentity,
)
from tests.conformance.gobgp.bed import eventually, state
from tests.conformance.gobgp.real_bed import answering

pytestmark = pytest.mark.lab
A, B = PeerName("tor-a"), PeerName("tor-b")
US = SpeakerIdentity(64501, IPv4Address("198.18.0.1"))
ROUTER = Neighbor(ip_address("192.0.2.1"), 64500, connect_retry_seconds=2)
HOPS4 = [f"192.0.2.{last}" for last in (11, 12, 13)]
HOPS6 = [f"2001:db8:2::{last}" for last in (11, 12, 13)]


def routes(
    prefix: str, hops: list[str], *peers: PeerName, **attributes: Any
) -> dict[RouteKey, Route]:
    route = Route(PathAttributes(**attributes), frozenset(peers))
    return {RouteKey(ip_network(prefix), ip_address(hop)): route for hop in hops}


@dataclass
class Site:
    """A lab with a router and, in the manager's namespace, a sidecar that tests may kill."""

    lab: Lab
    gobgpd: str
    socket: Path
    sidecar: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        command = [sys.executable, "-m", "sidecars.gobgp", "--socket", str(self.socket)]
        self.sidecar = subprocess.Popen(
            self.lab.command("manager", [*command, "--gobgpd", self.gobgpd]), cwd=CHECKOUT
        )

    def end(self, number: signal.Signals) -> int:
        self.sidecar.send_signal(number)
        return self.sidecar.wait(60)

    def vtysh(self, *lines: str) -> str:
        words = [word for line in lines for word in ("-c", line)]
        return self.lab.exec("router", str(self.lab.topology.runtime_dir / "bin/vtysh"), *words)

    def gateways(self, prefix: str) -> Callable[[], Awaitable[set[str]]]:
        async def asked() -> set[str]:
            return self.lab.gateways(prefix)

        return asked


@pytest.fixture(scope="module", params=list(RouterKind))
def wired(request: pytest.FixtureRequest) -> Iterator[Lab]:
    options = Options(
        name=f"spk{os.getpid()}-{request.param}",
        router=request.param,
        without=tuple(what for what in OMITTABLE if what != "router"),
    )
    with Lab.up(options) as up:
        yield up


@pytest.fixture
async def site(
    wired: Lab, parts: Mapping[str, Mapping[str, str]], tmp_path: Path
) -> AsyncIterator[Site]:
    made = Site(wired, parts["gobgpd"]["path"], tmp_path / "private" / "gobgp.sock")
    made.start()
    yield made
    with contextlib.suppress(ProcessLookupError):
        made.end(signal.SIGKILL)
    if wired.options.router is RouterKind.FRR:  # forget stale routes of graceful restart
        made.vtysh("clear bgp *")
    for prefix in ("198.51.100.1/32", "198.51.100.2/32", "2001:db8:5::1/128"):
        await eventually(made.gateways(prefix), set())


@pytest.fixture
async def speaker(site: Site) -> AsyncIterator[GobgpSpeaker]:
    async with speaker_at(site.socket) as made:
        await answering(made._stub)
        await made.start(US)
        await made.exports.apply(Delta({A: ROUTER.address}, frozenset()))
        yield made


async def converge(speaker: GobgpSpeaker, desired: Mapping[RouteKey, Route]) -> None:
    await speaker.routes.apply(delta(desired, await speaker.routes.observe()))


async def peer(speaker: GobgpSpeaker, neighbor: Neighbor = ROUTER) -> None:
    await speaker.neighbors.apply(Delta({A: neighbor}, frozenset()))
    await eventually(lambda: state(speaker, "tor-a"), "Established")


BOTH = routes("198.51.100.1/32", HOPS4, A) | routes("2001:db8:5::1/128", HOPS6, A)


async def test_every_next_hop_of_both_families_is_in_the_kernel(
    site: Site, speaker: GobgpSpeaker
) -> None:
    await converge(speaker, BOTH)
    await peer(speaker)
    assert (await speaker.sessions())[A].add_path_negotiated
    await eventually(site.gateways("198.51.100.1/32"), set(HOPS4))
    await eventually(site.gateways("2001:db8:5::1/128"), set(HOPS6))
    await converge(speaker, routes("198.51.100.1/32", HOPS4[:1], A))
    await eventually(site.gateways("198.51.100.1/32"), {HOPS4[0]})
    await eventually(site.gateways("2001:db8:5::1/128"), set())


async def test_a_session_over_ipv6_carries_both(site: Site, speaker: GobgpSpeaker) -> None:
    over6 = replace(ROUTER, address=ip_address("2001:db8:2::1"))
    await speaker.exports.apply(Delta({A: over6.address}, frozenset()))
    await converge(speaker, BOTH)
    await peer(speaker, over6)
    await eventually(site.gateways("198.51.100.1/32"), set(HOPS4))
    await eventually(site.gateways("2001:db8:5::1/128"), set(HOPS6))


async def test_a_path_whose_peers_shrink_leaves_the_kernel(
    site: Site, speaker: GobgpSpeaker
) -> None:
    await speaker.exports.apply(Delta({B: ip_address("192.0.2.200")}, frozenset()))
    await converge(speaker, routes("198.51.100.1/32", HOPS4, A, B))
    await peer(speaker)
    await eventually(site.gateways("198.51.100.1/32"), set(HOPS4))
    narrowed = routes("198.51.100.1/32", HOPS4[:1], B) | routes("198.51.100.1/32", HOPS4[1:], A)
    await converge(speaker, narrowed)
    await eventually(site.gateways("198.51.100.1/32"), set(HOPS4[1:]))


async def test_what_isnt_for_this_router_never_gets_there(
    site: Site, speaker: GobgpSpeaker
) -> None:
    await speaker.exports.apply(Delta({B: ip_address("192.0.2.200")}, frozenset()))
    await converge(
        speaker, routes("198.51.100.1/32", HOPS4, A) | routes("198.51.100.2/32", HOPS4, B)
    )
    await peer(speaker)
    await eventually(site.gateways("198.51.100.1/32"), set(HOPS4))
    assert site.lab.gateways("198.51.100.2/32") == set()


async def test_without_graceful_restart_an_end_is_an_end(site: Site, speaker: GobgpSpeaker) -> None:
    await converge(speaker, BOTH)
    await peer(speaker)
    await eventually(site.gateways("198.51.100.1/32"), set(HOPS4))
    assert site.end(signal.SIGTERM) == 0
    await eventually(site.gateways("198.51.100.1/32"), set())


# In FRR's words: BIRD 2.0 knows no link bandwidth, and one vtysh is enough.
only_frr = pytest.mark.parametrize("wired", [RouterKind.FRR], indirect=True)


@only_frr
async def test_frr_over_ibgp_hears_the_local_preference(site: Site, speaker: GobgpSpeaker) -> None:
    here = "router bgp 64500", "address-family ipv4 unicast"
    site.vtysh("configure terminal", "router bgp 64500", "no neighbor 192.0.2.10")
    site.vtysh("configure terminal", "router bgp 64500", "neighbor 192.0.2.10 remote-as 64500")
    site.vtysh("configure terminal", *here, "neighbor 192.0.2.10 activate")
    try:
        as_inside = replace(ROUTER, local_as=64500)
        await converge(speaker, routes("198.51.100.1/32", HOPS4, A, local_pref=321))
        await peer(speaker, as_inside)
        await eventually(site.gateways("198.51.100.1/32"), set(HOPS4))
        assert "localpref 321" in site.vtysh("show bgp ipv4 unicast 198.51.100.1/32")
    finally:
        site.vtysh("configure terminal", "router bgp 64500", "no neighbor 192.0.2.10")
        site.vtysh("configure terminal", "router bgp 64500", "neighbor 192.0.2.10 remote-as 64501")
        site.vtysh("configure terminal", "router bgp 64500", "neighbor 192.0.2.10 timers connect 1")
        for family in ("ipv4", "ipv6"):
            where = f"address-family {family} unicast"
            activate = "neighbor 192.0.2.10 activate"
            site.vtysh("configure terminal", "router bgp 64500", where, activate)
