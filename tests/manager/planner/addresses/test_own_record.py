"""A status counts as far as we wrote it: what else stands there takes nothing from anybody."""

from dataclasses import replace
from ipaddress import ip_address
from itertools import product
from typing import Any

import pytest

from manager.planner.addresses.own_record import named_in, own_record
from manager.planner.plan import plan
from manager.planner.whatif import settle
from manager.snapshot import Condition, Ingress, Interface, NodeName, Service, ServiceKey, Snapshot
from tests.manager.planner.addresses.addressing import eip, service, stranger
from tests.manager.planner.scene import (
    PUBLIC,
    WEB,
    announcer,
    endpoints,
    nic,
    nodes,
    peer,
    scene,
)

NODE3 = NodeName("node3")
HELD = "198.51.100.0"  # by WEB, of Eip public
LAN = eip("lan", "192.0.2.0/24", "2001:db8:2::/64")
GATEWAY, ROUTER, NIC = "192.0.2.254", "192.0.2.1", "192.0.2.111"
NODES = ("192.0.2.11", "192.0.2.12", "192.0.2.13")


def conditions_with(status: str, reason: str, message: str = "") -> tuple[Condition, Condition]:
    announced = Condition("pointsman.dev/Announced", "False", "NoAddress")
    return Condition("pointsman.dev/Allocated", status, reason, message), announced


WAITS = conditions_with(
    "False", "EipNotFound", "Service b/odd has no IPv4 address: there is no Eip 'nosuch'."
)
REFUSED = conditions_with(
    "False", "AddressExcluded", "Service b/odd has no IPv4 address: it asks for {}."
)
HAS = conditions_with("True", "Allocated", "Service b/odd has 198.51.100.9 from Eip 'public'.")[:1]
OLDER: dict[str, Any] = {"created": "2000-01-01T00:00:00Z"}
# How a Service may look whose status somebody else wrote.
LOOKS: dict[str, dict[str, Any]] = {
    "without class": {},
    "of our class": {"load_balancer_class": "pointsman.dev/lb"},
    "of another class": {"load_balancer_class": "example.com/lb"},
    "a ClusterIP": {"type": "ClusterIP"},
    "waiting": {"conditions": WAITS, "notes": {"eip": "nosuch"}},
    "waiting, and its hint is forged": {
        "conditions": WAITS,
        "notes": {"eip": "nosuch", "allocated-from": "lan/{}"},
    },
    "refused that very address": {
        "conditions": REFUSED,
        "notes": {"addresses": "{}", "allocated-from": "lan/{}"},
    },
    "overwritten": {"conditions": HAS, "notes": {"allocated-from": "public/198.51.100.9"}},
    "overwritten, and its hint is forged": {
        "conditions": HAS,
        "notes": {"allocated-from": "lan/{}"},
    },
    "ours, in words of another version": {
        "conditions": (Condition("pointsman.dev/Allocated", "True", "Allocated", "words"),)
    },
    "a copy of our annotations": {"notes": {"allocated-from": "lan/{}", "status": "x"}},
    "being deleted": {"deleting": True},
    "that wants to share": {"notes": {"share-key": "k", "share-namespaces": "*"}},
}
CLAIMED = {
    "the nodes'": NODES,
    "one node's": NODES[1:2],
    "the router's": (ROUTER,),
    "the gateway's": (GATEWAY,),
    "an interface's": (NIC,),
    "another Service's": (HELD,),
    "all of these": (*NODES, ROUTER, GATEWAY, NIC, HELD),
    "some that nobody has": ("203.0.113.9",),
}


def odd(look: dict[str, Any], *claimed: str) -> Service:
    """Service b/odd, older than all, with *claimed* written into its status by others."""
    more = {**OLDER, **look}
    if claimed:
        more["notes"] = {k: v.format(claimed[0]) for k, v in look.get("notes", {}).items()}
        more["conditions"] = tuple(
            replace(c, message=c.message.format(claimed[0])) for c in look.get("conditions", ())
        )
    return stranger("b/odd", *claimed, **more)


def world(*objects: Any) -> Snapshot:
    """The cluster in which WEB holds its address; Eip `lan` spans the nodes' own network."""
    eth: list[Interface] = [nic("eth0", f"192.0.2.1{n}/24") for n in (1, 2, 3)]
    eth[0] = nic("eth0", "192.0.2.11/24", f"{NIC}/24")
    agents = {
        f"node{n}": announcer(f"node{n}", eth[n - 1], gateways=(ip_address(GATEWAY),))
        for n in (1, 2, 3)
    }
    here: list[Any] = [endpoints(WEB.key, "node1"), endpoints("b/odd", "node2"), peer("tor-1")]
    return scene(*objects, PUBLIC, LAN, *here, nodes=nodes(), announcers=agents)


SETTLED = settle(world(replace(WEB, created="2026-01-01T00:00:00Z")))[0].services[WEB.key]


def taken(snapshot: Snapshot) -> tuple[object, ...]:
    """What WEB and its routers have after *snapshot* settled."""
    after, decided = settle(snapshot)
    first = plan(snapshot)
    return (
        [key for key in first.routes if str(key.prefix) == f"{HELD}/32"],
        first.services[WEB.key],
        {key: route for key, route in decided.routes.items() if str(key.prefix) == f"{HELD}/32"},
        decided.services[WEB.key],
        after.services[WEB.key],
        {key: one for key, one in decided.statuses.items() if key.kind == "BgpPeer"},
    )


@pytest.mark.parametrize(("look", "claimed"), list(product(LOOKS, CLAIMED)))
def test_what_others_wrote_into_a_status_takes_nothing_away(look: str, claimed: str) -> None:
    there = odd(LOOKS[look], *CLAIMED[claimed])
    snapshot, calm = world(SETTLED, there), world(SETTLED, replace(there, ingress=()))
    assert taken(snapshot) == taken(calm)
    infrastructure = {f"{one}/32" for one in (*NODES, ROUTER, GATEWAY, NIC)}
    _, decided = settle(snapshot)
    assert not {str(key.prefix) for key in decided.routes} & infrastructure
    for record in decided.services.values():
        assert not {f"{address}/32" for address in record.ingress} & infrastructure


def test_a_service_that_waits_beside_servicelb_takes_no_next_hop() -> None:
    found = plan(world(SETTLED, odd(LOOKS["waiting"], *NODES)))
    hops = {str(key.next_hop) for key in found.routes}
    assert hops == set(NODES)


def test_what_we_hold_outside_every_eip_takes_no_next_hop() -> None:
    elsewhere = service("b/odd", *NODES)  # the Eip that it came from was deleted by force
    snapshot = world(SETTLED, elsewhere)
    without = {name: one for name, one in snapshot.eips.items() if name != "lan"}
    after, decided = settle(replace(snapshot, eips=without))
    assert {str(key.next_hop) for key in decided.routes} == set(NODES)
    assert [entry.ip for entry in after.services[ServiceKey("b/odd")].ingress] == [*NODES]


def test_what_others_wrote_into_a_service_of_our_class_blocks_no_request() -> None:
    theirs = odd(LOOKS["of our class"], "198.51.100.5")
    asks = service("c/asks", notes={"addresses": "198.51.100.5"})
    found = plan(world(theirs, asks))
    assert found.services[ServiceKey("c/asks")].ingress == ("198.51.100.5",)


RECORD = Condition("pointsman.dev/Allocated", "True", "Allocated", "Service a/web has {} from it.")
KEEPS = ("pointsman.dev/Allocated", "False", "AddressInUse", "Service a/web keeps {}: it waits.")
IS_ANNOUNCED = Condition("pointsman.dev/Announced", "True", "Announced")
FROM = {"pointsman.dev/allocated-from": "public/198.51.100.3"}
OURS = "198.51.100.3"


@pytest.mark.parametrize(
    ("conditions", "notes", "there", "ours"),
    [
        pytest.param((), FROM, [OURS], [], id="an annotation alone is nobody's word"),
        pytest.param((RECORD,), FROM, [OURS], [OURS], id="all agree"),
        pytest.param((RECORD,), {}, [OURS], [OURS], id="the annotation was taken away"),
        pytest.param((RECORD,), FROM, [OURS, "192.0.2.9"], [OURS], id="one was added"),
        pytest.param((RECORD,), FROM, ["192.0.2.9"], [], id="overwritten"),
        pytest.param(
            (replace(RECORD, message="words of another version"),),
            FROM,
            [OURS, "192.0.2.9"],
            [OURS],
            id="other words that name nothing",
        ),
        pytest.param(
            (replace(RECORD, message="gives {} to it"),), {}, [OURS], [OURS], id="other words"
        ),
        pytest.param(
            (Condition(*KEEPS), IS_ANNOUNCED), FROM, [OURS], [OURS], id="refused, and keeps"
        ),
        pytest.param((Condition(*KEEPS),), FROM, [OURS], [OURS], id="and not announced yet"),
        pytest.param(
            (Condition(*KEEPS), IS_ANNOUNCED), {}, [OURS], [OURS], id="keeps what lies in no Eip"
        ),
        pytest.param(
            (
                Condition(*KEEPS[:3], "keeps {}: it asks for 192.0.2.9, which others have"),
                IS_ANNOUNCED,
            ),
            {**FROM, "pointsman.dev/addresses": "192.0.2.9"},
            [OURS, "192.0.2.9"],
            [OURS],
            id="what it was refused is not its own",
        ),
        pytest.param(WAITS, FROM, [OURS], [], id="our conditions say that it has none"),
        pytest.param(
            (IS_ANNOUNCED,), FROM, [OURS], [OURS], id="one of the conditions was taken away"
        ),
        pytest.param(
            (Condition("pointsman.dev/Allocated", "False", "InternalError"),),
            {},
            [OURS],
            [OURS],
            id="could not be judged, and stayed",
        ),
    ],
)
def test_our_record(conditions, notes, there, ours) -> None:
    stated = tuple(replace(c, message=c.message.format(OURS)) for c in conditions)
    entries = tuple(Ingress(ip=ip) for ip in there)
    found = own_record(Service("a", "web", annotations=notes, conditions=stated, ingress=entries))
    assert [str(address) for address in found.addresses] == ours
    assert [str(address) for address in found.others] == [ip for ip in there if ip not in ours]


@pytest.mark.parametrize(
    ("sentence", "names"),
    [
        ("has 198.51.100.3 from Eip 'a' and 2001:db8::1 from it.", {"198.51.100.3", "2001:db8::1"}),
        ("keeps 2001:db8::: it asks for 2001:db8::2.", {"2001:db8::", "2001:db8::2"}),
        ("keeps 198.51.100.3: face to face, 10:30.", {"198.51.100.3"}),
        ("nothing", set()),
    ],
)
def test_a_sentence_names_addresses_in_any_words(sentence: str, names: set[str]) -> None:
    assert set(map(str, named_in(sentence))) == names


def test_what_we_hold_and_a_node_takes_later_stays_with_a_warning() -> None:
    held = "192.0.2.50"
    web = service("a/web", held, notes={"allocated-from": f"lan/{held}"}, created="1")
    snapshot = settle(world(web))[0]
    joins = replace(nodes()[NODE3], internal_ips=(ip_address(held),))
    after, decided = settle(replace(snapshot, nodes={**snapshot.nodes, NODE3: joins}))
    assert [entry.ip for entry in after.services[ServiceKey("a/web")].ingress] == [held]
    record = decided.services[ServiceKey("a/web")]
    stated = record.conditions["pointsman.dev/Allocated"]
    assert (stated.status, stated.reason) == ("True", "Allocated")
    assert f"Warning: {held} is an address of the infrastructure too (Node node3)" in stated.message
    assert "(Node node3)" in record.annotations["pointsman.dev/status"]
