"""Who our speakers are: router ids that are derived, given, and shown by the BgpConf."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from manager.planner.bgp.peers import identities
from manager.planner.bgp.router_ids import router_ids
from manager.planner.plan import plan
from manager.snapshot import Node, Observed, Settings, Snapshot
from pointsman.api import BgpConfSpec
from pointsman.model.record import ResourceKey
from tests.manager.planner.scene import CONF, node, peer, scene


def speaker(name: str = "m1", *, uid: str = "cluster", nodes: tuple[Node, ...] = ()) -> IPv4Address:
    snapshot = Snapshot(
        cluster_uid=uid,
        nodes={one.name: one for one in nodes},
        settings=Settings(speaker_name=name),
    )
    assert CONF.spec is not None
    return identities(snapshot, CONF.spec)[0].router_id


def test_a_derived_router_id_is_stable_and_the_speakers_own() -> None:
    assert speaker() == speaker()
    assert len({speaker("m1"), speaker("m2"), speaker("m1", uid="other")}) == 3
    # Changing this number restarts every speaker of every user.
    assert speaker() == IPv4Address("198.19.221.101")


def test_a_derived_router_id_is_in_the_benchmarking_range_and_an_address_of_nobody() -> None:
    assert speaker() in IPv4Network("198.18.0.0/15")
    taken = node("node1", internal_ips=(speaker(),))
    following = node("node2", internal_ips=(speaker() + 1,))
    assert speaker(nodes=(taken,)) == speaker() + 1
    assert speaker(nodes=(taken, following)) == speaker() + 2


def test_the_speakers_of_a_replica_have_numbers_of_their_own() -> None:
    conf = BgpConfSpec.model_validate({"as": 64501, "listenPort": 1790})
    world = Snapshot(cluster_uid="cluster", settings=Settings(speaker_name="m1"))
    world = replace(world, speakers=(Observed(),) * 3)
    first, *further = identities(world, conf)
    assert first.router_id == speaker()
    assert len({one.router_id for one in (first, *further)}) == 3
    assert (first.listen_port, [one.listen_port for one in further]) == (1790, [0, 0])
    given = BgpConfSpec.model_validate({"as": 64501, "routerId": str(further[0].router_id)})
    assert [one.router_id for one in identities(world, given)] == [
        further[0].router_id,
        further[0].router_id + 1,
        further[1].router_id,
    ]


def entries(*names: object) -> dict[str, Any]:
    return {"status": {"speakers": [{"name": name} for name in names]}}


def shown(*names: object, own: str = "m1", speakers: int = 1, **conf: Any) -> list[str]:
    """Return the router ids that BgpConf shows where those names have entries in a BgpPeer."""
    snapshot = scene(
        replace(peer("t"), **entries(*names)),
        cluster_uid="cluster",
        speakers=(Observed(),) * speakers,
        settings=Settings(speaker_name=own),
    )
    return router_ids(snapshot, BgpConfSpec.model_validate({"as": 64501, **conf}))


def test_bgpconf_shows_the_router_ids_of_all_speakers() -> None:
    assert shown() == [str(speaker())]
    both = shown("m1", "m2", "m2/1")
    assert both[:2] == [str(speaker()), str(speaker("m2"))]
    assert len(set(both)) == 3
    # Whoever leads shows the same.
    assert shown("m1", "m2", own="m2") == shown("m1", "m2", own="m1")
    assert shown("m1", "m1/1", "m2", "m2/1", own="m2", speakers=2) == shown(
        "m1", "m1/1", "m2", "m2/1", speakers=2
    )


def test_a_given_router_id_is_shown_once() -> None:
    assert shown("m1", "m2", routerId="192.0.2.10") == ["192.0.2.10"]


def test_what_somebody_wrote_into_a_status_costs_little() -> None:
    found = shown("m1", None, 7, "m9/99999999999", "m8/x", "m7/-1")
    assert str(speaker()) in found
    assert len(found) < 80


def test_the_router_ids_are_in_the_status_of_the_bgpconf_that_is_used() -> None:
    spare = replace(CONF, name="spare")
    statuses = plan(
        scene(bgp_confs={"default": CONF, "spare": spare}, settings=Settings(speaker_name="m1"))
    ).statuses
    assert statuses[ResourceKey("BgpConf", "default")].fields["routerIds"]
    assert "routerIds" not in statuses[ResourceKey("BgpConf", "spare")].fields


def test_a_router_id_that_is_given_is_used() -> None:
    conf = BgpConfSpec.model_validate({"as": 64501, "routerId": "192.0.2.10"})
    found = identities(Snapshot(), conf)[0]
    assert (found.asn, str(found.router_id)) == (64501, "192.0.2.10")
