"""How long allocation takes, from scratch, as every plan does it.

Method: CPU time of this process (the machine is shared), best of five, garbage
collection as in production. Nothing is kept between two plans but parsed Eip entries.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from manager.planner.addresses.allocate import allocate
from manager.planner.addresses.pools import read_pools
from manager.planner.desired import Allocations
from manager.snapshot import EipName, Service, ServiceKey, ServicePort, Snapshot
from tests.manager.planner.addresses.addressing import DUAL, V6, apply, eip, plan, service

pytestmark = pytest.mark.bench

SERVICES, EIPS = 10_000, 50
PORTS = (ServicePort("TCP", 80),)


def allocation(snapshot: Snapshot) -> Allocations:
    return allocate(snapshot, snapshot.services, pools=read_pools(snapshot))


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of *work*, best of five."""
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def cluster(services: dict[ServiceKey, Service]) -> Snapshot:
    """50 Eips of a /24 and a /48 each: 12,800 IPv4 addresses for 10,000 Services."""
    eips = {
        EipName(f"eip{n:02}"): eip(
            f"eip{n:02}", f"10.0.{n}.0/24", f"2001:db8:{n:x}::/48", default=True
        )
        for n in range(EIPS)
    }
    return Snapshot(services=services, eips=eips)


def fleet(count: int, **more) -> dict[ServiceKey, Service]:
    made = (
        service(f"ns{n % 100}/web{n}", created=f"2026-{n:06}", ports=PORTS, uid=str(n), **more)
        for n in range(count)
    )
    return {one.key: one for one in made}


def named(services: dict[ServiceKey, Service]) -> dict[ServiceKey, Service]:
    """The same, each naming five Eips."""
    found = {}
    for n, (key, one) in enumerate(services.items()):
        names = ",".join(f"eip{(n + i) % EIPS:02}" for i in range(5))
        found[key] = replace(one, annotations={"pointsman.dev/eip": names})
    return found


def shared(services: dict[ServiceKey, Service]) -> dict[ServiceKey, Service]:
    """The same, 100 on each address."""
    found = {}
    for n, (key, one) in enumerate(services.items()):
        ports = (ServicePort("TCP", 1 + n // 100),)
        found[key] = replace(one, annotations={"pointsman.dev/share-key": "k"}, ports=ports)
    return found


def test_ten_thousand_services_over_fifty_eips() -> None:
    rows: list[tuple[str, float, float]] = []

    def row(what: str, snapshot: Snapshot, limit_s: float) -> None:
        rows.append(
            (
                what,
                seconds(lambda: allocation(snapshot)),
                limit_s,
            )
        )

    fresh = cluster(fleet(SERVICES))
    settled = apply(fresh, plan(fresh))
    row("all new, one family", fresh, 1.0)
    row("all held, one family", settled, 1.0)
    row("all new, dual stack", cluster(fleet(SERVICES, **DUAL)), 1.0)
    row("all new, each names five Eips", cluster(named(fleet(SERVICES))), 1.0)
    together = cluster(shared(fleet(SERVICES)))
    row("all new, 100 share each address", together, 1.0)
    row("all held, 100 share each address", apply(together, plan(together)), 1.0)
    row("3,200 too many, each refused by 50 Eips", cluster(fleet(16_000)), 2.0)
    half = {key: settled.services[key] for key in list(settled.services)[: SERVICES // 2]}
    row("half as many, all held", replace(settled, services=half), 1.0)
    each = (rows[1][1] - rows[-1][1]) / (SERVICES // 2)
    for what, taken, _ in rows:
        print(f"{what:<42} {taken * 1000:7.0f} ms")
    print(f"{'one more Service costs':<42} {each * 1e6:7.0f} us")
    for what, taken, limit_s in rows:
        assert taken < limit_s, what


def test_a_wide_pool_is_not_scanned() -> None:
    """First free is found without scanning, wherever the holes are."""
    wide = {EipName("wide"): eip("wide", "2001:db8::/48", default=True)}
    snapshot = Snapshot(services=fleet(2_000, families=(V6,)), eips=wide)
    taken = seconds(lambda: allocation(snapshot))
    print(f"{'2,000 new out of one /48':<42} {taken * 1000:7.0f} ms")
    assert taken < 0.5
