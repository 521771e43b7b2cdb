"""The adapters over HTTP, against the stand-in API; its faults are the server's bad days."""

import asyncio
import random
from ipaddress import ip_address

import pytest

from manager.adapters.kubernetes.announcer_writes import AnnouncerWriter
from manager.adapters.kubernetes.client import (
    ANNOUNCERS,
    BGP_PEERS,
    CRDS,
    EIPS,
    EVENTS,
    LEASES,
    NAMESPACES,
    SERVICES,
)
from manager.adapters.kubernetes.events import Events
from manager.adapters.kubernetes.leadership import Leadership
from manager.snapshot import EipName, NodeName
from pointsman.model.assignment import MOST_ASSIGNED
from pointsman.model.delta import Delta, delta
from pointsman.model.record import (
    AnnouncerRecord,
    ConditionValue,
    EventRecord,
    ResourceKey,
    StatusRecord,
)
from tests.manager.adapters.kubernetes.standin_cluster import (
    CLOCK,
    RECORD,
    WEB,
    Cluster,
    eip,
    peer,
    service,
    until,
)
from tests.manager.writing import write


async def test_what_is_there_and_what_comes(cluster: Cluster) -> None:
    for number in range(8):
        await cluster.api.create(SERVICES, "default", service(f"s{number}"))
    services = cluster.view.services
    await until(lambda: len(services.items) == 8, "eight Services are known")
    await cluster.api.delete(SERVICES, "default", "s3", body={})
    await until(lambda: len(services.items) == 7, "one is gone")
    assert sorted(cluster.view.namespaces.items) == ["default", "kube-system"]
    assert cluster.view.unavailable == ()


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param([{"drop_watches": True}], id="watches break off"),
        pytest.param([{"compact": True}, {"drop_watches": True}], id="history is gone"),
        pytest.param(
            [{"code": 410, "verb": "watch", "count": 4}, {"drop_watches": True}], id="410, told"
        ),
        pytest.param(
            [{"code": 410, "verb": "watch", "count": 4, "http": True}, {"drop_watches": True}],
            id="410, answered",
        ),
        pytest.param([{"code": 500, "count": 20}, {"drop_watches": True}], id="500 for a while"),
        pytest.param([{"code": 429, "count": 8}, {"drop_watches": True}], id="429 for a while"),
    ],
)
async def test_bad_days_end_with_the_truth(cluster: Cluster, trouble: list[dict]) -> None:
    await cluster.api.create(SERVICES, "default", service("before"))
    for order in trouble:
        cluster.server.trouble(order)
    await until(lambda: not cluster.server.faults.pending, "all trouble was met")
    await cluster.api.create(SERVICES, "default", service("after"))
    known = cluster.view.services
    await until(lambda: set(known.items) == {"default/before", "default/after"}, "both are known")
    await until(lambda: cluster.view.unavailable == (), "everything can be read again")


async def test_a_deleted_crd_is_unavailable_not_empty(cluster: Cluster) -> None:
    await cluster.api.create(BGP_PEERS, "", peer())
    peers = cluster.view.bgp_peers
    await until(lambda: len(peers.items) == 1, "the peer is known")
    await cluster.api.delete(CRDS, "", "bgppeers.pointsman.dev", body={})
    await until(lambda: peers.unavailable is not None, "its loss was noticed")
    await asyncio.sleep(0.5)
    assert list(peers.items) == ["tor"]
    assert "bgppeers do not exist on this API server" in str(peers.unavailable)


async def test_a_record_is_one_patch_that_reads_back(cluster: Cluster) -> None:
    await cluster.api.create(SERVICES, "default", service())
    await until(lambda: WEB in cluster.view.services.items, "the Service is known")
    writes = cluster.services
    cluster.server.stats.clear()
    await write(writes, delta({WEB: RECORD}, writes.observe()))
    assert writes.observe() == {WEB: RECORD}
    raw = await cluster.api.get(SERVICES, "default", "web")
    ingress = raw["status"]["loadBalancer"]["ingress"]
    assert ingress == [{"ip": "198.51.100.0", "ipMode": "VIP"}]
    assert raw["metadata"]["managedFields"][-1]["manager"] == "pointsman-manager"
    assert cluster.server.stats.writes == {"patch services/status default/web": 1}


async def test_a_service_that_stops_being_a_load_balancer_is_given_back(cluster: Cluster) -> None:
    await cluster.api.create(SERVICES, "default", service())
    await until(lambda: WEB in cluster.view.services.items, "the Service is known")
    writes = cluster.services
    writes.observe()
    await write(writes, Delta({WEB: RECORD}, frozenset()))
    change = {"spec": {"type": "ClusterIP"}, "metadata": {"annotations": {"a": "b"}}}
    await cluster.api.patch(SERVICES, "default", "web", body=change)
    await until(lambda: cluster.view.services.items[WEB].type == "ClusterIP", "the change is seen")
    await write(writes, delta({}, writes.observe()))
    assert writes.observe() == {}
    raw = await cluster.api.get(SERVICES, "default", "web")
    assert raw["metadata"]["annotations"] == {"a": "b"}
    assert raw["status"] == {"loadBalancer": {}}


async def test_a_stale_plan_changes_nothing(cluster: Cluster) -> None:
    await cluster.api.create(SERVICES, "default", service())
    await until(lambda: WEB in cluster.view.services.items, "the Service is known")
    writes = cluster.services
    writes.observe()
    await cluster.api.patch(
        SERVICES, "default", "web", body={"metadata": {"labels": {"changed": "yes"}}}
    )
    await write(writes, Delta({WEB: RECORD}, frozenset()))
    raw = await cluster.api.get(SERVICES, "default", "web")
    assert raw["status"] == {"loadBalancer": {}}


async def test_a_busy_server_says_how_long(cluster: Cluster) -> None:
    await cluster.api.create(SERVICES, "default", service())
    await until(lambda: WEB in cluster.view.services.items, "the Service is known")
    writes = cluster.services
    writes.observe()
    cluster.server.trouble({"code": 429, "verb": "PATCH", "retry_after": 3})
    await write(writes, Delta({WEB: RECORD}, frozenset()))
    assert "429: the server has received too many" in writes.writer.stuck[WEB]


async def test_what_became_of_one_grant_is_asked_for_by_a_list_of_one(cluster: Cluster) -> None:
    for name in ("web", "web2"):
        await cluster.api.create(SERVICES, "default", service(name))
    await until(lambda: WEB in cluster.view.services.items, "the Service is known")
    writes = cluster.services
    writes.observe()
    cluster.server.trouble({"code": 503, "verb": "PATCH", "retry_after": 0, "count": 1})
    await write(writes, Delta({WEB: RECORD}, frozenset()))
    assert list(writes.pending) == [WEB]
    cluster.server.stats.clear()
    task = asyncio.create_task(writes.writer.run())
    await until(lambda: not writes.writer.left, "it is written after all")
    task.cancel()
    assert not writes.pending
    assert writes.observe()[WEB] == RECORD


async def test_an_eip_is_held_while_in_use_and_let_go_after(cluster: Cluster) -> None:
    statuses = cluster.statuses
    eips, name = cluster.view.eips, EipName("public")
    await cluster.api.create(EIPS, "", eip())
    await until(lambda: name in eips.items, "the Eip is known")
    count = {"ipv4": "16", "ipv6": "0"}
    record = StatusRecord(
        {"Ready": ConditionValue("True", "Ready", "fine")},
        {"capacity": count},
        1,
        has_finalizer=True,
    )
    key = ResourceKey("Eip", "public")
    await write(statuses, delta({key: record}, statuses.observe()))
    assert statuses.observe() == {key: record}

    await cluster.api.delete(EIPS, "", "public", body={})
    await until(lambda: eips.items[name].deleting, "its deletion is seen")
    free = StatusRecord({"Ready": ConditionValue("True", "Ready", "fine")}, {"capacity": count}, 1)
    await write(statuses, delta({key: free}, statuses.observe()))
    await until(lambda: not eips.items, "the Eip is gone")


def announcer_writer(cluster: Cluster) -> AnnouncerWriter:
    return AnnouncerWriter(
        cluster.view, cluster.sink, term=lambda: 1, orphaned=lambda address: False
    )


async def test_announcers_come_and_go(cluster: Cluster) -> None:
    writes = announcer_writer(cluster)
    desired = {NodeName("node1"): AnnouncerRecord("uid-1")}
    await write(writes, delta(desired, writes.observe()))
    report = {"status": {"interfaces": [{"name": "eth0", "up": True}]}}
    await cluster.api.patch(ANNOUNCERS, "", "node1", body=report, sub="status")
    known = cluster.view.announcers
    await until(lambda: known.items[NodeName("node1")].reported, "its report is seen")
    again = {NodeName("node1"): AnnouncerRecord("uid-2")}
    await write(writes, delta(again, writes.observe()))
    assert writes.observe() == again
    await write(writes, delta({}, writes.observe()))
    await until(lambda: not known.items, "it is gone")


async def test_as_many_addresses_as_a_node_may_have_are_written_and_read_back(
    cluster: Cluster,
) -> None:
    writes = announcer_writer(cluster)
    longest = ip_address("2001:db8:ffff:ffff:ffff:ffff:ffff:1000")
    texts = [str(longest + number) for number in range(MOST_ASSIGNED)]
    entry = {"interface": "eth0", "responder": "Node", "addresses": texts, "probe": texts[:1]}
    desired = {NodeName("node1"): AnnouncerRecord("uid-1", {"assignments": [entry]})}
    await write(writes, delta(desired, writes.observe()))
    known = cluster.view.announcers
    await until(lambda: bool(known.items), "it is seen")
    assert not delta(desired, writes.observe())
    (one,) = known.items[NodeName("node1")].assignments
    assert (len(one.addresses), one.probe) == (MOST_ASSIGNED, (longest,))
    entry = {**entry, "addresses": [*texts, str(longest + MOST_ASSIGNED)]}
    beyond = {NodeName("node1"): AnnouncerRecord("uid-1", {"assignments": [entry]})}
    await write(writes, delta(beyond, writes.observe()))
    assert "must have at most 12000 items" in writes.writer.stuck[NodeName("node1")]


async def test_an_event_is_found_by_its_object(cluster: Cluster) -> None:
    events = Events(cluster.sink, clock=CLOCK, rng=random.Random(1), instance="a")
    task = asyncio.create_task(events.run())
    events.emit(
        [
            EventRecord("Service", "default", "web", "u1", "Allocated", "has an address", False),
            EventRecord("Eip", "", "public", "u2", "Overlap", "overlaps", True),
        ]
    )

    def written() -> int:
        wrote = cluster.server.stats.writes
        return sum(n for key, n in wrote.items() if key.startswith("create events"))

    await until(lambda: written() == 2, "both are written")
    about = {"fieldSelector": "involvedObject.name=public"}
    (found,) = (await cluster.api.list_page(EVENTS, about))["items"]
    assert (found["metadata"]["namespace"], found["type"]) == ("default", "Warning")
    assert events.dropped == 0
    task.cancel()


async def test_replicas_follow_each_other(cluster: Cluster) -> None:
    def replica(name: str) -> tuple[Leadership, asyncio.Task[None]]:
        leadership = Leadership(
            cluster.api,
            name=name,
            namespace="pointsman-system",
            clock=CLOCK,
            rng=random.Random(name),
            wake=cluster.wake,
            duration_s=6.0,
        )
        return leadership, asyncio.create_task(leadership.run())

    first, running = replica("a")
    await asyncio.sleep(0.3)
    assert not first.leading  # the namespace does not exist
    await cluster.api.create(NAMESPACES, "", {"metadata": {"name": "pointsman-system"}})
    await until(lambda: first.leading, "the first one leads")
    second, also_running = replica("b")
    await until(lambda: second.fresh, "the second one sees it renew")
    assert not second.leading
    running.cancel()
    await until(lambda: second.leading, "the second one leads, before the lease ends", within_s=4.0)
    also_running.cancel()
    await asyncio.wait([running, also_running])
    spec = (await cluster.api.get(LEASES, "pointsman-system", "pointsman-manager"))["spec"]
    assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("", 1)
