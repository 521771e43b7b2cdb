"""What the agent of a node that drains is told to look for."""

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manager.planner.addresses.allocate import allocate
from manager.planner.addresses.pools import read_pools
from manager.planner.nodes.watched import watched
from manager.planner.plan import Memo, plan
from manager.planner.protocols import PROTOCOLS, lets_go
from manager.snapshot import Eip, EipName, NodeName, Resource, ServiceKey, Snapshot
from pointsman.model.assignment import MOST_WATCHED
from tests.manager.planner.addresses.addressing import cluster, eip, service
from tests.manager.planner.scene import CONF, nodes

PUBLIC = ["198.51.100.0/28", "2001:db8:100::/124"]


def drained(marked: str, eips: tuple[Eip, ...] = (), **more: Any) -> Snapshot:
    listed = eips or (eip("public", *PUBLIC),)
    return Snapshot(
        nodes=nodes(marked),
        eips={EipName(one.name): one for one in listed},
        bgp_confs={"default": CONF},
        **more,
    )


def watched_by(snapshot: Snapshot, memo: Memo | None = None) -> dict[NodeName, Any]:
    """Return what the spec of each node's Announcer says of it, where it says anything."""
    announcers = plan(snapshot, memo=memo).announcers
    return {name: one.spec["watched"] for name, one in announcers.items() if "watched" in one.spec}


def prefixes(*eips: Eip, **more: Any) -> list[str]:
    found = watched_by(drained("node1 drained", eips=eips, **more))
    listed: list[str] = found.get(NodeName("node1"), [])
    return listed


@pytest.mark.parametrize("mark", ["drained", "leaving"])
def test_only_nodes_that_somebody_drains_look(mark: str) -> None:
    snapshot = drained(f"node1 {mark}, node3 unready")
    assert watched_by(snapshot) == {"node1": PUBLIC}
    assert watched_by(drained("node2 cordoned")) == {}


def test_it_holds_whether_or_not_paths_are_marked_first() -> None:
    for seconds in (0, 5):
        spec = CONF.spec
        assert spec is not None
        conf = Resource("default", spec.model_copy(update={"graceful_shutdown_seconds": seconds}))
        snapshot = replace(drained("node1 drained"), bgp_confs={"default": conf})
        assert watched_by(snapshot) == {"node1": PUBLIC}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([eip("a", "192.0.2.0/25"), eip("b", "192.0.2.128/25")], ["192.0.2.0/24"]),
        (
            [eip("a", "192.0.2.10-192.0.2.20")],
            ["192.0.2.10/31", "192.0.2.12/30", "192.0.2.16/30", "192.0.2.20/32"],
        ),
        ([eip("a", "192.0.2.0/29", exclude=["192.0.2.0/30"])], ["192.0.2.4/30"]),
        ([eip("z", "2001:db8::/48"), eip("y", "203.0.113.7")], ["203.0.113.7/32", "2001:db8::/48"]),
        ([eip("a", "192.0.2.0/24", protocol="layer2")], ["192.0.2.0/24"]),
        ([eip("a", "192.0.2.0/24", protocol="kernel")], ["192.0.2.0/24"]),
        ([eip("a", "192.0.2.0/24", disabled=True)], ["192.0.2.0/24"]),
        ([eip("a", "192.0.2.0/24", protocol="none")], []),
        ([], PUBLIC),
    ],
)
def test_the_prefixes_are_those_of_the_eips(given: list[Eip], found: list[str]) -> None:
    assert prefixes(*given) == found


def test_what_a_service_holds_outside_of_every_readable_eip_is_among_them() -> None:
    stray = service("a/web", "203.0.113.7", notes={"allocated-from": "gone/203.0.113.7"})
    theirs = service("a/other", "192.0.2.1", notes={"allocated-from": "left/192.0.2.1"})
    both = {one.key: one for one in (stray, theirs)}
    left = eip("left", "192.0.2.0/24", protocol="none")
    snapshot = drained("node1 drained", eips=(eip("public", *PUBLIC), left), services=both)
    held = [one.text for a in plan(snapshot).allocations.services.values() for one in a.grants]
    assert sorted(held) == ["192.0.2.1", "203.0.113.7"]
    assert watched_by(snapshot) == {"node1": [PUBLIC[0], "203.0.113.7/32", PUBLIC[1]]}


def test_services_that_come_and_go_write_nothing() -> None:
    memo = Memo()
    before = plan(drained("node1 drained"), memo=memo).announcers
    services = {ServiceKey("a/web"): service("a/web")}
    after = plan(drained("node1 drained", services=services), memo=memo).announcers
    assert after is before
    assert "watched" not in plan(drained(""), memo=memo).announcers[NodeName("node1")].spec


addresses = st.integers(0, 0xFFFF_FFFF).map(ip_address) | st.integers(2**125, 2**126).map(
    ip_address
)


@settings(max_examples=15)
@given(st.sets(addresses, min_size=1, max_size=60), st.booleans())
def test_however_many_there_are_the_list_is_short_and_holds_them_all(
    held: set[Any], many: bool
) -> None:
    texts = [str(one) for one in held]
    if many:
        texts += [f"10.{n // 256}.{n % 256}.1" for n in range(0, 2400, 2)]
    texts = list(dict.fromkeys(texts))
    eips = {f"e{n}": eip(f"e{n}", *texts[n : n + 64]) for n in range(0, len(texts), 64)}
    pools_of = cluster(*eips.values())
    pools = read_pools(pools_of)
    found = watched(lets_go, pools, allocate(pools_of, {}, pools=pools))
    assert len(found.prefixes) <= MOST_WATCHED
    assert found.widened is many
    usable = {one for one in held if any(one in p.own for p in pools.by_name.values())}
    assert all(
        any(one in prefix for prefix in found.prefixes if prefix.version == one.version)
        for one in usable
    )
    if not many:
        assert {one for prefix in found.prefixes for one in prefix} == usable
    assert len({*found.prefixes}) == len(found.prefixes)
    assert not any(
        one != other and one.version == other.version and one.subnet_of(other)  # type: ignore[arg-type]
        for one in found.prefixes[:50]
        for other in found.prefixes[:50]
    )


def test_it_is_what_the_command_asks_for() -> None:
    snapshot = drained("node1 drained")
    pools = read_pools(snapshot)
    found = watched(lets_go, pools, allocate(snapshot, {}, pools=pools))
    assert [str(one) for one in found.prefixes] == PUBLIC
    assert ip_network(PUBLIC[0]) in found.prefixes
    assert set(PROTOCOLS) > {one for one in PROTOCOLS if lets_go(one)}
