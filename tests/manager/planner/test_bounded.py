"""What one Service contains costs in proportion, whatever it is: the plan's steps are counted.

Time is not measured; calls are, of Python and of C. An address is compared by a method of
Python, so a list that is walked for each address shows as well; so are the words of a `Text`.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from types import FrameType
from typing import Any, Self

import pytest

from manager.planner.plan import plan
from manager.snapshot import (
    Condition,
    NodeName,
    Service,
    ServiceKey,
    ServicePort,
    Snapshot,
)
from pointsman.model.address import Family
from tests.manager.planner.addresses.addressing import eip, labels, service, stranger
from tests.manager.planner.scene import endpoints, node, nodes, scene

FEW, MANY = 250, 1000
WIDE = eip("wide", "10.0.0.0/16", default=True)
CLOSED = eip("closed", "10.1.0.0/16", default=True, service_selector=labels(tier="gold"))


def addresses(count: int) -> list[str]:
    return [str(IPv4Address("10.0.0.0") + n) for n in range(count)]


def notes(**more: str) -> dict[str, str]:
    return {key.replace("_", "-"): text for key, text in more.items()}


def hints(count: int) -> str:
    return ",".join(f"wide/{one}" for one in addresses(count))


class Text(str):
    """A list of words that are compared by a method of Python."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)

    def strip(self, *_: Any) -> Self:
        return self

    def split(self, *separators: Any) -> list[Any]:
        return list(map(type(self), str.split(self, *separators)))


def names(count: int) -> Text:
    return Text(",".join(f"e{n}" for n in range(count)))


def wiped(count: int) -> Service:
    """Our conditions and the annotation name what the status lacks."""
    web = service("a/web", *addresses(count), notes=notes(allocated_from=hints(count)))
    return replace(web, ingress=web.ingress[:1])


def in_other_words(count: int, **more: Any) -> Service:
    condition = Condition("pointsman.dev/Allocated", "True", "Allocated", "words")
    return stranger("a/web", *addresses(count), conditions=(condition,), **more)


def asking(count: int, **more: str) -> Service:
    asked = ",".join(addresses(64))
    return service("a/web", notes=notes(addresses=asked, **more), labels=many(count))


def many(count: int) -> dict[str, str]:
    return {f"example.com/label-{n}": "x" for n in range(count)}


def ports(count: int, first: int = 1) -> tuple[ServicePort, ...]:
    return tuple(ServicePort("TCP", first + n) for n in range(count))


SHARES = notes(share_key="k", share_namespaces="*")
ROOM = 100_000
HELD = "10.0.200.0"
CONTENTS: dict[str, Callable[[int], list[Service]]] = {
    "a status that others wrote": lambda n: [stranger("a/web", *addresses(n))],
    "such a status, with our class": lambda n: [
        stranger("a/web", *addresses(n), load_balancer_class="pointsman.dev/lb")
    ],
    "a status of another class": lambda n: [
        stranger("a/web", *addresses(n), load_balancer_class="example.com/lb")
    ],
    "a status outside every Eip": lambda n: [
        service("a/web", *(str(IPv4Address("10.9.0.0") + i) for i in range(n)))
    ],
    "a record": lambda n: [service("a/web", *addresses(n))],
    "a record with its annotation": lambda n: [
        service("a/web", *addresses(n), notes=notes(allocated_from=hints(n)))
    ],
    "a record in other words": lambda n: [in_other_words(n)],
    "a record that was overwritten": lambda n: [wiped(n)],
    "a record, and a request for others": lambda n: [
        service("a/web", *addresses(n), notes=notes(addresses=",".join(addresses(n + 64)[-64:])))
    ],
    "a record, and another Eip named": lambda n: [
        service("a/web", *addresses(n), notes=notes(eip="closed"))
    ],
    "a record, shared": lambda n: [
        service("a/web", *addresses(n), notes=SHARES),
        service("b/web", *addresses(n), notes=SHARES, ports=ports(1)),
    ],
    "a record that two have": lambda n: [
        service("a/web", *addresses(n), ports=ports(5), notes=SHARES),
        service("b/web", *addresses(n), ports=ports(5), notes=SHARES),
    ],
    "hints": lambda n: [service("a/web", notes=notes(allocated_from=hints(n)))],
    "hints and a status": lambda n: [in_other_words(n, notes=notes(allocated_from=hints(2 * n)))],
    "hints of one address": lambda n: [
        service("a/web", HELD, notes=notes(allocated_from=f"wide/{HELD}," * n + f"wide/{HELD}"))
    ],
    "hints of one address, free": lambda n: [
        service("a/web", notes=notes(allocated_from=",".join(f"e{i}/{HELD}" for i in range(n))))
    ],
    "named Eips and hints": lambda n: [
        service("a/web", notes=notes(eip=names(n), allocated_from=hints(n)))
    ],
    "named Eips, one of them there, and hints": lambda n: [
        service("a/web", notes=notes(eip=Text(f"{names(n)},closed"), allocated_from=hints(n)))
    ],
    "named Eips, and hints of others": lambda n: [
        service("a/web", HELD, notes=notes(eip=names(n), allocated_from=f"wide/{HELD}," * n))
    ],
    "named Eips, and a record": lambda n: [
        service("a/web", *addresses(n), notes=notes(eip=names(n), allocated_from=hints(n)))
    ],
    "requests": lambda n: [service("a/web", notes=notes(addresses=",".join(addresses(n))))],
    "named Eips": lambda n: [
        service("a/web", notes=notes(eip=",".join(f"e{i}" for i in range(n))))
    ],
    "named Eips and requests": lambda n: [asking(1, eip=",".join(f"e{i}" for i in range(n)))],
    "labels and requests": lambda n: [asking(n)],
    "labels and hints": lambda n: [
        service("a/web", notes=notes(eip="closed", allocated_from=hints(n)), labels=many(n))
    ],
    "labels and a record": lambda n: [service("a/web", *addresses(n), labels=many(n))],
    "ports": lambda n: [
        service("a/web", HELD, notes=SHARES, ports=ports(n)),
        service("b/web", HELD, notes=SHARES, ports=ports(n, n + 1)),
        service("c/web", notes=SHARES, ports=ports(n, 2 * n)),
    ],
    "ports of a record of many": lambda n: [
        service("a/web", *addresses(n), notes=SHARES, ports=ports(n))
    ],
    "namespaces to share with": lambda n: [
        service("a/web", HELD, notes=SHARES),
        service(
            "b/web",
            notes=notes(share_key="k", share_namespaces=",".join(f"n{i}" for i in range(n))),
        ),
    ],
    "a selector": lambda n: [
        service(f"{ns}/web", HELD, notes=SHARES, policy="Local", selector=many(n)) for ns in "ab"
    ],
    "external IPs": lambda n: [
        service("a/web", HELD, external_ips=tuple(map(IPv4Address, addresses(n))))
    ],
    "cluster IPs": lambda n: [service("a/web", cluster_ips=tuple(map(IPv4Address, addresses(n))))],
    "conditions of others": lambda n: [
        service("a/web", conditions=tuple(Condition(f"example.com/{i}", "True") for i in range(n)))
    ],
    "families": lambda n: [
        service("a/web", families=(Family.IPV4, Family.IPV6) * n, family_policy="PreferDualStack")
    ],
}


def world(services: list[Service]) -> Snapshot:
    """A cluster with bystanders: who holds an address, who waits, and what they have in common."""
    by = service("z/has", "10.0.250.0", notes=SHARES, ports=ports(1, ROOM))
    waits = service("z/waits", notes=notes(share_key="k"), ports=ports(1, ROOM + 1))
    here = [endpoints(one.key, "node1") for one in services]
    return scene(*services, by, waits, *here, WIDE, CLOSED)


def steps(snapshot: Snapshot) -> int:
    """Return how many calls a plan of *snapshot* makes, once what is cached is there."""
    plan(snapshot)
    count = 0

    def counted(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        plan(snapshot)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("kind", CONTENTS)
def test_what_one_service_contains_costs_in_proportion(kind: str) -> None:
    few, more = (steps(world(CONTENTS[kind](count))) for count in (FEW, MANY))
    # Four times as much: four times the steps, some for depth, never sixteen times.
    assert more <= 6 * few, f"{few} steps for {FEW}, {more} for {MANY}"
    assert more <= 1000 * MANY  # two Services, three next hops each


def crowd(count: int) -> Snapshot:
    """As many Services that hold addresses under one key as wait for one, and may have none."""
    held = [
        service(f"a/has-{n}", one, notes=notes(share_key="k", addresses=one), ports=ports(1))
        for n, one in enumerate(addresses(count))
    ]
    return scene(*held, *waiting(count), WIDE)


def waiting(count: int) -> list[Service]:
    return [
        service(f"a/waits-{n}", notes=notes(share_key="k"), ports=ports(1)) for n in range(count)
    ]


def gathering(count: int) -> Snapshot:
    """As many that hold one address, each of which shares with others, as wait for it."""
    held = [
        service(
            f"a/has-{n}",
            HELD,
            notes=notes(share_key="k", share_namespaces=f"n{n}"),
            ports=ports(1, 1 + n),
        )
        for n in range(count)
    ]
    return scene(*held, *waiting(count), WIDE)


def test_who_waits_to_share_takes_a_glance_at_each_who_holds() -> None:
    assert steps(crowd(FEW)) <= 40 * FEW * FEW


def test_who_waits_to_share_does_not_multiply_with_who_holds_it_together() -> None:
    few, more = (steps(gathering(count)) for count in (FEW, MANY))
    assert more <= 6 * few


def test_what_many_refuse_is_said_of_some_and_the_one_with_room_is_found() -> None:
    snapshot = crowd(FEW)
    refused = plan(snapshot).allocations.services[ServiceKey("a/waits-0")]
    assert not refused.grants
    assert 0 < len(refused.refusals) < 64
    last = snapshot.services[ServiceKey(f"a/has-{FEW - 1}")]
    room = {**snapshot.services, last.key: replace(last, ports=ports(1, 81))}
    joined = plan(replace(snapshot, services=room)).allocations.services[ServiceKey("a/waits-0")]
    assert [one.text for one in joined.grants] == addresses(FEW)[-1:]


def test_the_steps_of_a_quadratic_walk_would_show() -> None:
    one, other = (list(map(IPv4Address, addresses(n))) for n in (FEW, MANY))

    def walk(these: list[IPv4Address]) -> int:
        count = 0

        def counted(_frame: FrameType, event: str, _argument: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(counted)
        try:
            assert all(address in these for address in [*these])
        finally:
            sys.setprofile(None)
        return count

    assert walk(other) > 12 * walk(one)


def test_nodes_do_not_multiply_with_what_a_service_contains() -> None:
    names = map(NodeName, map(str, range(40)))
    found = nodes() | {name: replace(node("node1"), name=name) for name in names}
    snapshot = world([stranger("a/web", *addresses(MANY), load_balancer_class="example.com/lb")])
    calm = world([service("a/web")])
    assert steps(replace(snapshot, nodes=found)) - steps(replace(calm, nodes=found)) <= 60 * MANY
