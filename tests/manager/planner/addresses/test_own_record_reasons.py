"""The reason in a condition names many an address: none of them is had by being named."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from manager.planner.addresses.own_record import had_in, own_record
from manager.snapshot import Ingress, Node, NodeName, Observed, ServiceKey
from pointsman.model.address import host_prefix
from pointsman.model.route import PathAttributes, Route, RouteKey
from pointsman.model.verdicts.address import Allocated, InternalError, Unserved
from tests.manager.planner.addresses.addressing import (
    DUAL,
    cluster,
    eip,
    given,
    plan,
    service,
    settled,
)

WEB = ServiceKey("a/web")
HAS, ONCE, OTHERS, NAME = "198.51.100.3", "198.51.100.4", "198.51.100.5", "192.0.2.11"
FROM = {"allocated-from": f"p/{HAS}"}
POOL = eip("p", "198.51.100.0/29", "2001:db8::/127", default=True)
PATH = RouteKey(host_prefix(ip_address(ONCE)), ip_address("192.0.2.111"))
ON_THE_WIRE = Observed(routes={PATH: Route(PathAttributes(), frozenset())})
SHARES = {"share-key": "k", "share-namespaces": "b"}
TAKEN = Node(NodeName(NAME), internal_ips=(ip_address(HAS),))
WORLDS = {
    "it had that once": (
        ONCE,
        cluster(
            POOL,
            service(WEB, notes={"allocated-from": f"p/{ONCE}"}, **DUAL),
            speakers=(ON_THE_WIRE,),
        ),
    ),
    "it asks for that": (
        OTHERS,
        cluster(
            POOL, service(WEB, HAS, notes={**FROM, "addresses": OTHERS}), service("b/x", OTHERS)
        ),
    ),
    "another of its key has that": (
        OTHERS,
        cluster(
            POOL,
            service(WEB, notes=SHARES, **DUAL),
            service("b/x", OTHERS, notes={"share-key": "k"}, created="1"),
        ),
    ),
    "it names an Eip of that name": (
        NAME,
        cluster(POOL, service(WEB, HAS, notes={**FROM, "eip": NAME})),
    ),
    "its Eip has that name": (
        NAME,
        cluster(
            eip(NAME, "198.51.100.0/29", default=True),
            service(WEB, HAS, notes={"allocated-from": f"{NAME}/{HAS}"}),
        ),
    ),
    "a Node of that name has its address, too": (
        NAME,
        cluster(POOL, service(WEB, HAS, notes=FROM), nodes={NodeName(NAME): TAKEN}),
    ),
}


@pytest.mark.parametrize("known", [None, False], ids=["no memory", "the forger is known"])
@pytest.mark.parametrize("world", WORLDS)
def test_what_a_reason_names_is_no_record(world: str, known: bool | None) -> None:
    named, snapshot = WORLDS[world]
    calm, allocations = settled(snapshot)
    web = calm.services[WEB]
    assert named in web.conditions[0].message
    notes = {**web.annotations, "pointsman.dev/allocated-from": f"p/{named}"}
    entry = Ingress(ip=named)
    over = replace(web, ingress=(entry,))
    for changed in (
        replace(web, ingress=(*web.ingress, entry)),
        replace(web, ingress=(entry, *web.ingress), conditions=web.conditions[:1]),
        replace(web, annotations=notes, hints_are_ours=known),
        over,
    ):
        assert named not in map(str, own_record(changed).addresses)
        now = plan(replace(calm, services={**calm.services, WEB: changed}))
        assert named not in given(now)[WEB]
        # What is a Node's by now is not given back to whom it was taken from.
        assert given(now) == given(allocations) or (changed is over and calm.nodes)


ODD = "2001:db8::"  # it ends in a colon itself


def test_what_a_service_has_stands_before_the_reason_in_every_sentence() -> None:
    why = f"it asks for {ONCE}, and Eip '{NAME}' has 2001:db8::9: nothing is free"
    refusals = Unserved.__subclasses__()
    assert len(refusals) > 9
    for keeps in ((), (HAS,), (ODD,), (HAS, ODD), (ODD, HAS)):
        pairs = tuple((address, NAME) for address in keeps)
        later = f"An IPv4 address follows when there is one: {why}."
        sentences = [str(Allocated(WEB, pairs, later, why))] if keeps else []
        sentences += [str(one(WEB, "IPv4 address", (why,), ONCE, keeps, why)) for one in refusals]
        for sentence in sentences:
            assert set(map(str, had_in(sentence))) == set(keeps), sentence
    assert not had_in(str(InternalError("Service", WEB, "ValueError")))
