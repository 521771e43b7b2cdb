"""One rule for what is never given: the same by grant, request, hint and adoption."""

from ipaddress import ip_address
from typing import Any

import pytest

from manager.planner.addresses.pools import read_pools
from manager.planner.plan import plan
from manager.planner.whatif import settle
from manager.snapshot import Service, ServiceKey, Snapshot
from tests.manager.planner.addresses.addressing import (
    cluster,
    eip,
    given,
    labels,
    service,
    stranger,
)
from tests.manager.planner.addresses.addressing import plan as allocated
from tests.manager.planner.scene import announcer, nic, nodes, peer, scene

ADDRESS = "192.0.2.200"
AGENT = {"node1": announcer("node1", nic("eth0", "192.0.2.11/24", f"{ADDRESS}/24"))}
WAY = {"node1": announcer("node1", nic("eth0", "192.0.2.11/24"), gateways=(ip_address(ADDRESS),))}
# Why an address is never given: a spec of the Eip, or somebody else's.
NEVER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "excluded": ({"exclude": (ADDRESS,)}, {}),
    "a node's": ({}, {"node": ADDRESS}),
    "an agent's interface": ({}, {"announcers": AGENT}),
    "a gateway's": ({}, {"announcers": WAY}),
    "a router's": ({}, {"peer": ADDRESS}),
    "not admitted by name": ({"namespaces": ("prod",)}, {}),
    "not admitted by label": ({"service_selector": labels(tier="gold")}, {}),
}
# How a Service may come to an address.
WAYS: dict[str, Service] = {
    "grant": service("a/web"),
    "grant by name": service("a/web", notes={"eip": "lan"}),
    "request": service("a/web", notes={"addresses": ADDRESS}),
    "loadBalancerIP": service("a/web", load_balancer_ip=ADDRESS),
    "hint": service("a/web", notes={"allocated-from": f"lan/{ADDRESS}"}),
    "hint of an Eip by another name": service("a/web", notes={"allocated-from": f"x/{ADDRESS}"}),
    "adoption": stranger("a/web", ADDRESS),
    "adoption with our class": stranger("a/web", ADDRESS, load_balancer_class="pointsman.dev/lb"),
    "adoption with our annotation": stranger(
        "a/web", ADDRESS, notes={"allocated-from": f"lan/{ADDRESS}"}
    ),
}


def world(web: Service, spec: dict[str, Any], others: dict[str, Any]) -> Snapshot:
    """Eip lan has but the one address to give."""
    others = dict(others)
    router = peer("tor-1", others.pop("peer", "192.0.2.1"))
    found = {**nodes()}
    if taken := others.pop("node", None):
        last = found["node3"]  # type: ignore[index]
        found["node3"] = type(last)(last.name, internal_ips=(ip_address(taken),))  # type: ignore[index]
    return scene(web, eip("lan", ADDRESS, default=True, **spec), router, nodes=found, **others)


@pytest.mark.parametrize("why", NEVER)
@pytest.mark.parametrize("way", WAYS)
def test_what_is_never_given_is_given_in_no_way(way: str, why: str) -> None:
    snapshot = world(WAYS[way], *NEVER[why])
    _, decided = settle(snapshot)
    record = decided.services.get(ServiceKey("a/web"))
    assert record is None or record.ingress == ()
    assert ADDRESS not in {str(key.prefix.network_address) for key in decided.routes}
    # The two forms of the rule agree: what an Eip counts as grantable, and what it withholds.
    (pool,) = read_pools(snapshot).by_name.values()
    address = ip_address(ADDRESS)
    assert (address in pool.grantable) is (pool.withholds(address) == "")


@pytest.mark.parametrize("way", WAYS)
def test_every_way_leads_to_an_address_that_may_be_given(way: str) -> None:
    _, decided = settle(world(WAYS[way], {}, {}))
    assert decided.services[ServiceKey("a/web")].ingress == (ADDRESS,)


@pytest.mark.parametrize("why", ["excluded", "a node's", "a router's", "not admitted by name"])
def test_what_our_record_says_stays_whatever_comes_later(why: str) -> None:
    web = service("a/web", ADDRESS, notes={"allocated-from": f"lan/{ADDRESS}"})
    decided = plan(world(web, *NEVER[why]))
    assert decided.services[ServiceKey("a/web")].ingress == (ADDRESS,)


OLD: dict[str, Any] = {"created": "2020-01-01T00:00:00Z"}
YOUNG: dict[str, Any] = {"created": "2026-01-01T00:00:00Z"}
VIP = "198.51.100.0"


@pytest.mark.parametrize("older", [stranger, service], ids=["somebody's word", "our record"])
def test_a_duplicate_is_judged_by_admission_before_age(older: Any) -> None:
    pool = eip("prod", f"{VIP}/31", namespaces=("prod",))
    thief, victim = older("evil/old", VIP, **OLD), service("prod/young", VIP, **YOUNG)
    assert given(allocated(cluster(thief, victim, pool))) == {"evil/old": [], "prod/young": [VIP]}


def test_a_duplicate_is_judged_by_our_record_before_age() -> None:
    pool = eip("public", f"{VIP}/31")
    thief, victim = stranger("evil/old", VIP, **OLD), service("prod/young", VIP, **YOUNG)
    assert given(allocated(cluster(thief, victim, pool)))["prod/young"] == [VIP]


def test_nobody_takes_over_more_than_it_might_ask_for() -> None:
    pool = eip("public", "198.51.100.0/24", default=True)
    many = stranger("a/web", *(f"198.51.100.{n}" for n in range(65)))
    found = plan(scene(many, service("b/next"), pool))
    assert many.key in found.left_alone
    hoards = service(
        "a/web", notes={"allocated-from": ",".join(f"public/198.51.100.{n}" for n in range(200))}
    )
    assert len(plan(scene(hoards, pool)).services[hoards.key].ingress) == 64


@pytest.mark.parametrize(
    ("web", "keeps", "reason"),
    [
        pytest.param(service("a/web", deleting=True), [], "Deleting", id="nothing held"),
        pytest.param(service("a/web", VIP, deleting=True), [VIP], "Allocated", id="keeps"),
        pytest.param(
            service("a/web", VIP, deleting=True, notes={"addresses": "198.51.100.1"}),
            [VIP],
            "Deleting",
            id="moves nowhere",
        ),
        pytest.param(
            service("a/web", deleting=True, notes={"addresses": VIP}), [], "Deleting", id="request"
        ),
        pytest.param(
            service("a/web", deleting=True, notes={"allocated-from": f"public/{VIP}"}),
            [],
            "Deleting",
            id="hint",
        ),
        pytest.param(stranger("a/web", VIP, deleting=True), [], "Deleting", id="adoption"),
        pytest.param(
            service("a/web", deleting=True, notes={"share-key": "k"}), [], "Deleting", id="share"
        ),
    ],
)
def test_a_service_that_is_being_deleted_gets_nothing_new(web, keeps, reason) -> None:
    pool = eip("public", "198.51.100.0/30", default=True)
    other = service("a/other", "198.51.100.2", notes={"share-key": "k"})
    found = allocated(cluster(web, other, pool))
    assert given(found)[web.key] == keeps
    assert found.services[web.key].verdict.reason == reason


def test_nobody_waits_for_what_a_service_that_goes_asks_for() -> None:
    pool = eip("public", "198.51.100.0/30", default=True)
    goes = service("a/goes", deleting=True, notes={"addresses": VIP})
    assert given(allocated(cluster(goes, service("b/next"), pool)))["b/next"] == [VIP]


def test_a_service_that_is_being_deleted_is_not_taken_over() -> None:
    found = plan(scene(stranger("a/web", VIP, deleting=True)))
    assert list(found.left_alone) == ["a/web"]


def test_external_ips_of_another_service_are_warned_of_and_take_nothing() -> None:
    user = Service("b", "uses", type="ClusterIP", external_ips=(ip_address(VIP),))
    later = Service("b", "later", created="2", external_ips=(ip_address(VIP),), type="ClusterIP")
    own = service("a/web", external_ips=(ip_address(VIP),))
    _, decided = settle(scene(own, later, user))
    record = decided.services[own.key]
    assert record.ingress == (VIP,)
    warning = "Warning: Service b/uses has 198.51.100.0 in spec.externalIPs"
    assert warning in record.conditions["pointsman.dev/Allocated"].message
    assert warning in record.annotations["pointsman.dev/status"]
    _, alone = settle(scene(own))
    assert "Warning" not in alone.services[own.key].annotations["pointsman.dev/status"]
