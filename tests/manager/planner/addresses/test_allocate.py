import pytest

from manager.snapshot import Service, ServicePort
from tests.manager.planner.addresses.addressing import (
    BOTH,
    cluster,
    eip,
    given,
    labels,
    one,
    ours,
    plan,
    reasons,
    service,
)

PUBLIC = eip("public", "198.51.100.0/30", default=True)


def test_a_service_without_any_annotation_gets_the_lowest_address_of_the_default_eip() -> None:
    allocations = plan(cluster(service("a/web"), PUBLIC))
    assert given(allocations) == {"a/web": ["198.51.100.0"]}
    assert (
        str(one(allocations, "a/web").verdict)
        == "Service a/web has 198.51.100.0 from Eip 'public'."
    )


def test_the_oldest_is_served_first_then_the_first_name() -> None:
    allocations = plan(
        cluster(
            service("a/young", created="2026-03-01T00:00:00Z"),
            service("b/old", created="2026-01-01T00:00:00Z"),
            service("a/old", created="2026-01-01T00:00:00Z"),
            PUBLIC,
        )
    )
    assert given(allocations) == {
        "a/old": ["198.51.100.0"],
        "a/young": ["198.51.100.2"],
        "b/old": ["198.51.100.1"],
    }


def test_what_is_held_is_adopted_before_anything_is_granted() -> None:
    old, young = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
    asks = service("a/asks", notes={"addresses": "198.51.100.0"}, created=old)
    allocations = plan(cluster(asks, service("a/has", "198.51.100.0", created=young), PUBLIC))
    assert given(allocations) == {"a/asks": [], "a/has": ["198.51.100.0"]}
    assert reasons(allocations)["a/asks"] == "AddressInUse"


def test_requested_addresses_go_before_pooled_ones() -> None:
    wants = service("z/asks", notes={"addresses": "198.51.100.0"}, created="2026-02-01T00:00:00Z")
    allocations = plan(cluster(service("a/any", created="2026-01-01T00:00:00Z"), wants, PUBLIC))
    assert given(allocations) == {"a/any": ["198.51.100.1"], "z/asks": ["198.51.100.0"]}


def test_an_address_that_somebody_waits_for_is_given_out_last() -> None:
    waits = service("a/waits", notes={"addresses": "198.51.100.0,2001:db8::1"}, **BOTH)
    allocations = plan(cluster(waits, service("b/any"), PUBLIC))
    assert given(allocations) == {"a/waits": [], "b/any": ["198.51.100.1"]}


def test_a_full_pool_makes_the_service_wait_and_a_release_serves_it() -> None:
    holders = [service(f"a/{n}", f"198.51.100.{n}") for n in range(4)]
    snapshot = cluster(*holders, service("b/late"), PUBLIC)
    allocations = plan(snapshot)
    assert str(one(allocations, "b/late").verdict) == (
        "Service b/late has no IPv4 address: all 4 IPv4 addresses of Eip 'public' are in use. "
        "Widen spec.addresses of Eip 'public', or name another Eip on the Service."
    )
    assert given(plan(cluster(*holders[1:], service("b/late"), PUBLIC)))["b/late"] == [
        "198.51.100.0"
    ]


@pytest.mark.parametrize(
    ("eips", "notes", "expected"),
    [
        pytest.param(
            [eip("a", "192.0.2.1"), eip("b", "192.0.2.2", default=True)],
            {},
            "192.0.2.2",
            id="only defaults serve a Service that names none",
        ),
        pytest.param(
            [eip("a", "192.0.2.1", default=True), eip("b", "192.0.2.2", default=True, priority=5)],
            {},
            "192.0.2.2",
            id="smaller priority first",
        ),
        pytest.param(
            [eip("b", "192.0.2.1", default=True), eip("a", "192.0.2.2", default=True)],
            {},
            "192.0.2.2",
            id="ties go by name",
        ),
        pytest.param(
            [eip("a", "192.0.2.1", default=True), eip("b", "192.0.2.2")],
            {"eip": "b"},
            "192.0.2.2",
            id="a named Eip need not be a default",
        ),
        pytest.param(
            [eip("a", "192.0.2.1", priority=1), eip("b", "192.0.2.2", priority=9)],
            {"eip": "b, a"},
            "192.0.2.2",
            id="the Service's own order beats priority",
        ),
        pytest.param(
            [eip("a", "2001:db8::/64"), eip("b", "192.0.2.2")],
            {"eip": "gone,a,b"},
            "192.0.2.2",
            id="the first that fits: missing and wrong ones are passed over",
        ),
        pytest.param(
            [
                eip("a", "192.0.2.1", default=True, disabled=True),
                eip("b", "192.0.2.2", default=True),
            ],
            {},
            "192.0.2.2",
            id="a disabled Eip gives out nothing",
        ),
        pytest.param(
            [eip("a", "192.0.2.0-192.0.2.9", default=True, exclude=("192.0.2.0/31",))],
            {},
            "192.0.2.2",
            id="excluded addresses are skipped",
        ),
        pytest.param(
            [eip("a", "192.0.2.0/29", default=True, avoid_buggy_ips=True)],
            {},
            "192.0.2.1",
            id="avoidBuggyIPs skips .0",
        ),
        pytest.param(
            [
                eip("a", "192.0.2.1", default=True, namespaces=("other",)),
                eip("b", "192.0.2.2", default=True, namespaces=("other", "ns")),
            ],
            {},
            "192.0.2.2",
            id="namespaces that do not list it keep it out",
        ),
        pytest.param(
            [
                eip("a", "192.0.2.1", default=True, service_selector=labels(tier="gold")),
                eip("b", "192.0.2.2", default=True, service_selector=labels(tier="tin")),
            ],
            {},
            "192.0.2.2",
            id="the Service's labels must match",
        ),
        pytest.param(
            [
                eip("a", "192.0.2.1", default=True, namespace_selector=labels(env="prod")),
                eip("b", "192.0.2.2", default=True, namespace_selector=labels(env="test")),
            ],
            {},
            "192.0.2.2",
            id="the namespace's labels must match",
        ),
        pytest.param(
            [
                eip(
                    "a",
                    "192.0.2.1",
                    default=True,
                    namespaces=("ns",),
                    service_selector=labels(tier="gold"),
                ),
                eip("b", "192.0.2.2", default=True),
            ],
            {},
            "192.0.2.2",
            id="all fields that are set must match",
        ),
        pytest.param(
            [
                eip(
                    "a",
                    "192.0.2.1",
                    default=True,
                    service_selector=labels(**{"pointsman.dev/service-name": "other"}),
                ),
                eip(
                    "b",
                    "192.0.2.2",
                    default=True,
                    service_selector=labels(
                        **{
                            "pointsman.dev/service-name": "web",
                            "pointsman.dev/service-namespace": "ns",
                        }
                    ),
                ),
            ],
            {},
            "192.0.2.2",
            id="virtual labels cannot be spoofed",
        ),
        pytest.param(
            [
                eip("a", "192.0.2.1", default=True),
                eip("b", "192.0.2.9", "192.0.2.4", default=True, priority=1),
            ],
            {},
            "192.0.2.4",
            id="the lowest address first, however they are written",
        ),
    ],
)
def test_choice_of_eip(eips, notes, expected) -> None:
    web = service(
        "ns/web", notes=notes, labels={"tier": "tin", "pointsman.dev/service-name": "other"}
    )
    snapshot = cluster(web, *eips, namespaces={"ns": {"env": "test"}})
    assert given(plan(snapshot)) == {"ns/web": [expected]}


def test_refusals_name_every_eip_considered() -> None:
    allocations = plan(
        cluster(
            service("ns/web"),
            eip("a", "2001:db8::/64", default=True),
            eip("b", "192.0.2.1", default=True, namespaces=("x",)),
        )
    )
    assert [(r.candidate, r.why) for r in one(allocations, "ns/web").refusals] == [
        ("Eip a", "Eip 'a' has no IPv4 addresses"),
        ("Eip b", "Eip 'b' does not admit it (spec.namespaces)"),
    ]


def test_the_annotation_wins_over_load_balancer_ip() -> None:
    web = service("a/web", notes={"addresses": "198.51.100.2"}, load_balancer_ip="198.51.100.1")
    assert given(plan(cluster(web, PUBLIC))) == {"a/web": ["198.51.100.2"]}


def test_several_addresses_are_given_together_or_not_at_all() -> None:
    web = service("a/web", notes={"addresses": "198.51.100.3, 198.51.100.1,198.51.100.3"})
    assert given(plan(cluster(web, PUBLIC))) == {"a/web": ["198.51.100.1", "198.51.100.3"]}
    allocations = plan(cluster(web, service("b/has", "198.51.100.1"), PUBLIC))
    assert given(allocations)["a/web"] == []


class Poisoned(dict):
    """Annotations that cannot be read, as no API server would send them."""

    def get(self, *_):
        raise RuntimeError("poison")


def test_a_service_that_cannot_be_judged_keeps_its_address_and_stops_nobody() -> None:
    poisoned = service("a/bad", "198.51.100.0")
    poisoned = Service("a", "bad", annotations=Poisoned(), ingress=poisoned.ingress)
    allocations = plan(cluster(poisoned, service("b/good"), PUBLIC))
    assert given(allocations) == {"a/bad": ["198.51.100.0"], "b/good": ["198.51.100.1"]}
    assert reasons(allocations) == {"a/bad": "InternalError", "b/good": "Allocated"}
    assert [(subject, str(error)) for subject, error in allocations.failures] == [
        ("Service a/bad", "poison")
    ]
    assert str(one(allocations, "a/bad").verdict) == (
        "Service a/bad could not be judged and stays as it is: RuntimeError, a fault of Pointsman. "
        "See the manager's log, and please report it."
    )


def test_only_what_is_ours_is_decided_about() -> None:
    snapshot = cluster(
        service("a/theirs", load_balancer_class="x.example/y"), service("a/web"), PUBLIC
    )
    assert set(plan(snapshot).services) == {"a/web"} == set(ours(snapshot))


def test_a_port_is_no_reason_to_need_two_addresses_of_one_service() -> None:
    ports = (ServicePort("TCP", 80), ServicePort("UDP", 80))
    assert given(plan(cluster(service("a/web", ports=ports), PUBLIC))) == {
        "a/web": ["198.51.100.0"]
    }
