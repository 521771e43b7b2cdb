"""Eip.bgp and nextHops in the whole plan: who hears what, from record to route."""

from dataclasses import replace
from typing import Any, cast

import pytest

from manager.planner.desired import Plan
from manager.planner.plan import plan
from manager.planner.whatif import settle
from manager.snapshot import EipName, Resource, Service, ServicePort
from pointsman.api import BgpConfSpec
from pointsman.model.address import Family
from pointsman.model.record import ResourceKey
from tests.manager.planner.scene import (
    WEB,
    condition_of,
    eip,
    endpoints,
    hops,
    peer,
    scene,
    service,
    settled,
    slices,
)

HERE = endpoints("a/web", "node1")
AGGREGATE, HOST = "198.51.100.0/28", "198.51.100.0/32"
ALL = ["192.0.2.11", "192.0.2.12", "192.0.2.13"]
TORS = (peer("tor-1"), peer("tor-2", "192.0.2.2"))


def pool(*, addresses: tuple[str, ...] = ("198.51.100.0/28",), **bgp: Any) -> Any:
    return eip("public", *addresses, default=True, bgp=bgp)


def prefixes(decided: Plan) -> list[str]:
    return sorted({str(key.prefix) for key in decided.speakers[0].routes})


def weights(decided: Plan) -> list[int | None]:
    return [route.attributes.weight for route in decided.speakers[0].routes.values()]


def local(key: str) -> Service:
    return replace(service(key), policy="Local")


def test_only_the_named_router_hears_the_prefixes_of_an_eip() -> None:
    decided = settled(scene(WEB, HERE, pool(peers=["tor-2"]), *TORS))
    assert hops(decided) == {"tor-2": ALL}
    assert set(decided.speakers[0].neighbors) == {"tor-1", "tor-2"}


@pytest.mark.parametrize(
    ("named", "clause"),
    [
        pytest.param(["tor-9"], "no BgpPeer has a name that bgp.peers of Eip", id="nobody"),
        pytest.param(["off"], "names can be used: off; see", id="one that is disabled"),
    ],
)
def test_routers_that_cannot_hear_are_named(named: list[str], clause: str) -> None:
    off = peer("off", "192.0.2.9", disabled=True)
    decided = settled(scene(WEB, HERE, pool(peers=named), TORS[0], off))
    assert not decided.speakers[0].routes
    assert condition_of(decided).reason == "NoPeer"
    assert clause in condition_of(decided).message


def test_every_path_has_the_attributes_of_its_eip() -> None:
    wishes: dict[str, Any] = {"communities": ["no-export", "65000:1:2"], "localPref": 50, "med": 7}
    decided = settled(scene(WEB, HERE, pool(**wishes, asPathPrepend=2)))
    found = {route.attributes for route in decided.speakers[0].routes.values()}
    (one,) = found
    assert (one.communities, one.large_communities) == (("no-export",), ("65000:1:2",))
    assert (one.local_pref, one.med, one.as_path_prepend) == (50, 7, 2)


def test_a_wish_that_fails_is_said_on_the_eip_and_on_the_service() -> None:
    decided = settled(scene(WEB, HERE, pool(communities=["guests"])))
    condition = decided.statuses[ResourceKey("Eip", "public")].conditions["BgpApplied"]
    assert (condition.status, condition.reason) == ("False", "PartlyApplied")
    assert condition_of(decided).status == "True"
    assert condition.message in condition_of(decided).message
    fine = settled(scene(WEB, HERE, pool(med=1))).statuses[ResourceKey("Eip", "public")]
    assert fine.conditions["BgpApplied"].reason == "Applied"
    silent = settled(scene(WEB, HERE)).statuses[ResourceKey("Eip", "public")]
    assert "BgpApplied" not in silent.conditions


AGGREGATING = pool(aggregationLength=28)


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        pytest.param([WEB, HERE], [AGGREGATE], id="Cluster: the aggregate alone"),
        pytest.param([local("a/web"), HERE], [HOST], id="Local: the host route alone"),
        pytest.param(
            [local("a/web"), HERE, service("b/web"), endpoints("b/web", "node2")],
            [AGGREGATE, HOST],
            id="both: each its own",
        ),
        pytest.param([WEB], [AGGREGATE], id="no endpoint: the aggregate stays"),
        pytest.param([local("a/web")], [], id="Local without endpoint: nothing"),
    ],
)
def test_aggregates(objects: list[Any], expected: list[str]) -> None:
    assert prefixes(settled(scene(*objects, AGGREGATING))) == expected


def test_a_local_service_in_an_aggregate_keeps_its_own_next_hops() -> None:
    decided = settled(
        scene(local("a/web"), HERE, service("b/web"), endpoints("b/web", "node2"), AGGREGATING)
    )
    assert hops(decided, HOST) == {"tor-1": ["192.0.2.11"]}
    assert hops(decided, AGGREGATE) == {"tor-1": ALL}


def test_inside_an_aggregate_a_missing_endpoint_changes_the_condition_only() -> None:
    decided = settled(scene(WEB, AGGREGATING))
    assert (condition_of(decided).status, condition_of(decided).reason) == (
        "False",
        "NoServingEndpoint",
    )
    assert "Its aggregate 198.51.100.0/28 stays advertised" in condition_of(decided).message


def test_an_aggregate_goes_with_the_last_recorded_address_in_it() -> None:
    other = service("b/web")
    world, both = settle(scene(WEB, HERE, other, AGGREGATING))
    one = replace(world, services={other.key: world.services[other.key]})
    assert prefixes(both) == prefixes(plan(one)) == [AGGREGATE]
    assert prefixes(plan(replace(world, services={}))) == []


def test_an_aggregate_waits_for_the_first_record_and_outlives_a_wiped_one() -> None:
    fresh = scene(WEB, HERE, AGGREGATING)
    assert prefixes(plan(fresh)) == []
    world, _ = settle(fresh)
    wiped = replace(world, services={WEB.key: replace(world.services[WEB.key], ingress=())})
    assert prefixes(plan(wiped)) == [AGGREGATE]


def test_a_new_service_in_an_aggregate_is_not_announced_before_it_is_recorded() -> None:
    world, _ = settle(scene(WEB, HERE, AGGREGATING))
    new = service("b/new")
    more = replace(world, services={**world.services, new.key: new})
    found = plan(replace(more, endpoint_slices=slices(HERE, endpoints("b/new", "node1"))))
    assert "pointsman.dev/Announced" not in found.services[new.key].conditions
    assert prefixes(found) == [AGGREGATE]


def test_an_aggregate_is_withdrawn_when_no_node_may_carry() -> None:
    marks = "node1 labelled, node2 labelled, node3 labelled"
    decided = settled(scene(WEB, HERE, AGGREGATING, marks=marks))
    assert not decided.speakers[0].routes
    assert condition_of(decided).reason == "NoEligibleNode"


def test_changed_attributes_are_those_of_the_wish_even_while_another_is_repaired() -> None:
    other = service("b/web")
    world, _ = settle(scene(WEB, HERE, other, endpoints("b/web", "node1"), AGGREGATING))
    wiped = replace(world.services[WEB.key], ingress=())
    changed = replace(
        world,
        services={**world.services, WEB.key: wiped},
        eips={EipName("public"): pool(aggregationLength=28, med=9)},
    )
    assert {route.attributes.med for route in plan(changed).speakers[0].routes.values()} == {9}


@pytest.mark.parametrize(
    ("where", "policy", "expected"),
    [
        pytest.param("node1 node2 node2 node3 node3 node3 node3", "Cluster", [1, 2, 4], id="1:2:4"),
        pytest.param("node1 node2 node2", "Local", [1, 2], id="Local: those that serve"),
        pytest.param("node1 node2 node2", "Cluster", [16, 32, 1], id="a node without any"),
        pytest.param(
            "node1 node2:unready node2 node3", "Cluster", [1, 1, 1], id="ready ones count"
        ),
        pytest.param("- - -", "Cluster", [None] * 3, id="nobody knows where they are: no weights"),
        pytest.param(
            "node1:terminating node2:terminating node2:terminating",
            "Local",
            [1, 2],
            id="the last ones count while they serve",
        ),
    ],
)
def test_weights(where: str, policy: Any, expected: list[int | None]) -> None:
    web = replace(WEB, policy=policy)
    world = scene(web, endpoints("a/web", where), pool(weighting="Endpoints"))
    assert weights(settled(world)) == expected


def test_an_aggregate_has_no_weights() -> None:
    wishes = pool(weighting="Endpoints", aggregationLength=28)
    assert weights(settled(scene(WEB, HERE, wishes))) == [None] * 3


def test_services_that_share_an_address_add_their_weights_up() -> None:
    def sharer(key: str, port: int) -> Service:
        return service(key, notes={"share-key": "x"}, ports=(ServicePort("TCP", port),))

    world = scene(
        sharer("a/one", 80),
        sharer("a/two", 81),
        endpoints("a/one", "node1 node2 node3"),
        endpoints("a/two", "node1 node1 node2 node2 node3 node3"),
        pool(weighting="Endpoints"),
    )
    decided = settled(world)
    assert (prefixes(decided), weights(decided)) == ([HOST], [3, 3, 3])


def test_a_router_is_sent_at_most_so_many_next_hops_and_the_others_all() -> None:
    few = peer("tor-2", "192.0.2.2", nextHops={"maxPaths": 2})
    decided = settled(scene(WEB, HERE, TORS[0], few))
    found = hops(decided)
    assert (found["tor-1"], len(found["tor-2"])) == (ALL, 2)
    lost = {name: one for name, one in scene().nodes.items() if one.internal_ips}
    gone = next(n for n, one in lost.items() if str(one.internal_ips[0]) == found["tor-2"][0])
    after = hops(settled(scene(WEB, HERE, TORS[0], few, marks=f"{gone} dead")))["tor-2"]
    assert found["tor-2"][1] in after
    assert len(after) == 2


def test_each_prefix_chooses_for_itself() -> None:
    few = peer("tor-1", nextHops={"maxPaths": 1})
    webs = [service(f"a/web-{n}") for n in range(8)]
    served = [endpoints(web.key, "node1") for web in webs]
    found = settled(scene(*webs, *served, few)).speakers[0].routes
    assert len(found) == 8
    assert {str(key.next_hop) for key in found} == set(ALL)


class Unspeakable(str):
    """A traffic policy that raises when it is compared."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise ZeroDivisionError("poison")

    __hash__ = str.__hash__


def test_the_aggregate_of_a_service_that_cannot_be_judged_stays() -> None:
    world, before = settle(scene(WEB, HERE, AGGREGATING))
    poisoned = replace(world.services[WEB.key], policy=cast(Any, Unspeakable()))
    found = plan(replace(world, services={WEB.key: poisoned}))
    assert condition_of(found).reason == "InternalError"
    assert found.speakers[0].routes == before.speakers[0].routes


def test_an_eip_that_cannot_be_read_keeps_what_is_said_and_says_nothing_new() -> None:
    world, before = settle(scene(WEB, HERE, pool(peers=["tor-2"], med=3), *TORS))
    broken: Any = Resource("public", None, invalid="spec.bgp.med: Invalid value")
    after = plan(replace(world, eips={EipName("public"): broken}))
    assert after.speakers[0].routes == before.speakers[0].routes


def test_an_alias_of_the_bgpconf_is_what_is_sent() -> None:
    spec = BgpConfSpec.model_validate({"as": 64501, "communityAliases": {"guests": "65000:7"}})
    confs = {"default": Resource("default", spec)}
    decided = settled(scene(WEB, HERE, pool(communities=["guests"]), bgp_confs=confs))
    assert {r.attributes.communities for r in decided.speakers[0].routes.values()} == {("65000:7",)}


def test_both_families_of_a_dual_stack_service_are_aggregated_each_by_its_length() -> None:
    both = pool(
        addresses=("198.51.100.0/28", "2001:db8:100::/124"),
        aggregationLength=29,
        aggregationLengthV6=125,
    )
    web = service("a/web", families=(Family.IPV4, Family.IPV6), family_policy="RequireDualStack")
    decided = settled(scene(web, HERE, endpoints("a/web", "node1", family=Family.IPV6), both))
    assert prefixes(decided) == ["198.51.100.0/29", "2001:db8:100::/125"]
