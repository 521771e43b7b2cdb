"""A drain, second by second: first the routers are told to turn away, then the paths go."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from manager.planner.desired import Plan
from manager.planner.nodes.leaving import leaving
from manager.planner.plan import Memo, plan
from manager.planner.whatif import applied, settle
from manager.snapshot import Announcer, NodeName, Snapshot
from pointsman.api import BgpConfSpec
from pointsman.model.liveness import Liveness
from pointsman.model.table import Table
from tests.manager.planner.scene import CONF, NODES, WEB, endpoints, nodes, scene, service

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
GRACE = timedelta(seconds=5)
MARK = "graceful-shutdown"


class Cluster:
    """A cluster whose leader writes what is planned, as it is planned."""

    def __init__(self, *more: Any) -> None:
        found = scene(WEB, endpoints("a/web", "node1 node2 node3"), *more)
        announcers = {NodeName(name): Announcer(NodeName(name)) for name in NODES}
        settled, _ = settle(replace(found, announcers=announcers))
        self.snapshot = replace(settled, taken_at=NOON)
        self.memo = Memo()

    def become(self, **more: object) -> None:
        self.snapshot = replace(self.snapshot, **more)  # type: ignore[arg-type]

    def wait(self, span: timedelta) -> None:
        assert self.snapshot.taken_at is not None
        self.become(taken_at=self.snapshot.taken_at + span)

    def step(self, *, writes: bool = True) -> Plan:
        """Plan once, cold and warm alike; let it take effect."""
        decided = plan(self.snapshot, memo=self.memo)
        assert decided == plan(self.snapshot)
        self.snapshot = applied(self.snapshot, decided)
        if writes:
            specs = {name: record.spec for name, record in decided.announcers.items()}
            standing = self.snapshot.announcers.items()
            self.become(announcers={name: replace(one, spec=specs[name]) for name, one in standing})
        return decided


def paths(snapshot: Snapshot) -> Mapping[str, bool]:
    """Return the next hops that the speaker holds of IPv4, and whether each bears the mark."""
    return {
        str(key.next_hop): MARK in route.attributes.communities
        for key, route in snapshot.speakers[0].routes.items()
        if key.prefix.version == 4
    }


def phase(decided: Plan, name: str = "node1") -> object:
    drain = decided.announcers[NodeName(name)].spec.get("drain")
    return drain.get("phase") if isinstance(drain, Mapping) else None


def test_prefixes_that_say_the_same_share_it_while_a_node_leaves() -> None:
    """Ten thousand of them are one piece of work then, too."""
    cluster = Cluster(service("a/other"), endpoints("a/other", "node1 node2 node3"))
    cluster.step()
    for drained in ("node1 drained", "", "node1 drained"):
        cluster.become(nodes=nodes(drained))
        table = cluster.step().speakers[0].routes
        assert isinstance(table, Table)
        assert (len(table.groups), len(table.distinct_hops())) == (2, 1)


def test_first_marked_then_withdrawn() -> None:
    cluster = Cluster()
    cluster.step()
    assert paths(cluster.snapshot) == {f"192.0.2.1{n}": False for n in (1, 2, 3)}
    cluster.become(nodes=nodes("node1 drained"))
    begun = cluster.step()
    assert (phase(begun), begun.again_s) == ("GracefulShutdown", 5)
    assert paths(cluster.snapshot) == {
        "192.0.2.11": True, "192.0.2.12": False, "192.0.2.13": False
    }  # fmt: skip
    cluster.wait(GRACE / 2)
    halfway = cluster.step()
    assert (phase(halfway), halfway.again_s) == ("GracefulShutdown", 2.5)
    cluster.wait(GRACE / 2)
    over = cluster.step(writes=True)
    assert phase(over) == "Withdrawn"
    assert "192.0.2.11" in paths(cluster.snapshot)  # the record first, the network second
    cluster.step()
    assert paths(cluster.snapshot) == {"192.0.2.12": False, "192.0.2.13": False}
    cluster.become(nodes=nodes())
    assert phase(cluster.step()) is None
    assert paths(cluster.snapshot) == {f"192.0.2.1{n}": False for n in (1, 2, 3)}


@pytest.mark.parametrize("fraction_s", [0.25, 0.999999])
def test_a_drain_that_begins_within_a_second_has_all_of_its_time(fraction_s: float) -> None:
    """The record has whole seconds: rounded down, a grace of one second would end at once."""
    cluster = Cluster()
    cluster.step()
    cluster.wait(timedelta(seconds=fraction_s))
    cluster.become(nodes=nodes("node1 drained"))
    begun = cluster.step()
    cluster.wait(GRACE - timedelta(seconds=0.000001))
    almost = cluster.step()
    assert phase(almost) == "GracefulShutdown"
    assert almost.announcers == begun.announcers
    assert almost.again_s is not None
    cluster.wait(timedelta(seconds=almost.again_s))
    assert phase(cluster.step()) == "Withdrawn"


def test_a_replica_goes_by_the_record_not_by_its_clock() -> None:
    cluster = Cluster()
    cluster.become(nodes=nodes("node1 drained"))
    cluster.step()
    cluster.wait(timedelta(hours=1))
    cluster.step(writes=False)  # no leader writes
    cluster.step(writes=False)
    assert paths(cluster.snapshot)["192.0.2.11"]


def test_where_nothing_else_leads_there_is_nothing_to_turn_to() -> None:
    cluster = Cluster()
    cluster.become(nodes=nodes("node1 drained, node2 drained, node3 drained"))
    for _ in range(3):
        cluster.step()
        assert paths(cluster.snapshot) == {f"192.0.2.1{n}": False for n in (1, 2, 3)}
        cluster.wait(GRACE)


@pytest.mark.parametrize(
    "become",
    [
        pytest.param({"nodes": nodes("node1 drained dead")}, id="out of service"),
        pytest.param(
            {"nodes": nodes("node1 drained"), "liveness": {NodeName("node1"): Liveness.Dead}},
            id="dead by its heartbeats",
        ),
        pytest.param({"nodes": nodes("node1 drained"), "announcers": {}}, id="no Announcer"),
        pytest.param(
            {
                "nodes": nodes("node1 drained"),
                "bgp_confs": {
                    "default": replace(
                        CONF,
                        spec=BgpConfSpec.model_validate(
                            {"as": 64501, "gracefulShutdownSeconds": 0}
                        ),
                    )
                },
            },
            id="switched off",
        ),
    ],
)
def test_who_leaves_at_once(become: dict[str, object]) -> None:
    cluster = Cluster()
    cluster.become(**become)
    cluster.step()
    assert paths(cluster.snapshot) == {"192.0.2.12": False, "192.0.2.13": False}


def test_a_node_that_dies_while_it_leaves_does_not_come_back_for_this() -> None:
    cluster = Cluster()
    cluster.become(nodes=nodes("node1 drained"))
    cluster.step()
    cluster.become(liveness={NodeName("node1"): Liveness.Dead})
    assert phase(cluster.step()) == "Withdrawn"
    cluster.become(liveness={})
    cluster.step()
    assert "192.0.2.11" not in paths(cluster.snapshot)


def test_a_node_that_was_drained_long_ago_does_not_come_back() -> None:
    """Nothing recorded it then: an older version ran. No speaker holds a path by it."""
    cluster = Cluster()
    cluster.become(nodes=nodes("node1 drained"), taken_at=None)
    cluster.step()
    cluster.become(taken_at=NOON)
    assert phase(cluster.step()) == "Withdrawn"
    assert "192.0.2.11" not in paths(cluster.snapshot)


def test_a_time_in_the_future_counts_as_now() -> None:
    cluster = Cluster()
    later = {"drain": {"phase": "GracefulShutdown", "since": "2030-01-01T00:00:00Z"}}
    announcer = Announcer(NodeName("node1"), spec=later)
    cluster.become(nodes=nodes("node1 drained"), announcers={announcer.node: announcer})
    found = leaving(cluster.snapshot)
    assert (found.nodes, found.again_s) == (frozenset({"node1"}), 5)
    assert found.specs[announcer.node]["drain"] == {
        "phase": "GracefulShutdown", "since": "2026-11-22T12:00:00Z"
    }  # fmt: skip
