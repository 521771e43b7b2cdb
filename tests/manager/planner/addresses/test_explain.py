from ipaddress import ip_address

import pytest

from manager.planner.addresses.explain import explain_address, explain_eip, explain_eips
from manager.snapshot import EipName
from tests.manager.planner.addresses.addressing import cluster, eip, plan, service, unreadable
from tests.manager.planner.addresses.test_allocate_hints import routed

WORLD = cluster(
    service("a/web", "192.0.2.0"),
    service("b/asks", notes={"addresses": "192.0.2.0"}),
    service("c/theirs", "192.0.2.5", load_balancer_class="x.example/y"),
    eip("a", "192.0.2.0/28", exclude=("192.0.2.9",)),
    eip("b", "198.51.100.0/28", disabled=True),
    speakers=(routed("192.0.2.3"),),
)


@pytest.mark.parametrize(
    ("address", "summary"),
    [
        ("192.0.2.0", "192.0.2.0 is held by Service a/web."),
        ("192.0.2.5", "192.0.2.5 is held by Service c/theirs."),
        ("192.0.2.1", "192.0.2.1 is free in Eip 'a'."),
        ("192.0.2.9", "192.0.2.9 is never given out: Eip 'a' excludes it."),
        ("198.51.100.1", "198.51.100.1 is not given out: Eip 'b' is disabled."),
        (
            "192.0.2.3",
            "192.0.2.3 is still being withdrawn from the routers, then it is free again.",
        ),
        ("203.0.113.1", "203.0.113.1 is in no Eip."),
        ("2001:db8::1", "2001:db8::1 is in no Eip."),
    ],
)
def test_an_address_is_summed_up_in_one_sentence(address: str, summary: str) -> None:
    assert explain_address(WORLD, plan(WORLD), ip_address(address)).summary == summary


def test_who_waits_for_an_address_is_named_with_the_reason() -> None:
    story = explain_address(WORLD, plan(WORLD), ip_address("192.0.2.0"))
    assert [(w.candidate, w.why) for w in story.waiting] == [
        ("Service b/asks", "Service a/web holds it")
    ]
    assert (story.eip, story.holders, story.recorded) == ("a", ("a/web",), ("a/web",))
    assert [(source.eip, source.ready.reason) for source in story.sources] == [("a", "Ready")]


def test_an_eip_that_cannot_be_read_is_what_waits_for_its_addresses_are_told() -> None:
    asks, any_ = service("a/asks", notes={"addresses": "192.0.2.9"}), service("a/any")
    world = cluster(asks, any_, unreadable("a", default=True), eip("b", "198.51.100.0/28"))
    decided = plan(world)
    story = explain_address(world, decided, ip_address("192.0.2.9"))
    fault = "Eip 'a' is not Ready (InvalidAddresses): spec.addresses[1]: \"192.0.2.300\" is neither"
    assert story.summary.startswith(f"192.0.2.9 is not given out: {fault}")
    assert [waiting.candidate for waiting in story.waiting] == ["Service a/asks"]
    answers = explain_eips(world, any_)
    assert [answer.why.startswith(fault) for answer in answers] == [True, False]
    refusals = explain_eip(world, decided, EipName("a")).refused
    refused = {one.candidate: one.why for one in refusals}
    assert f"it asks for 192.0.2.9, and {fault}" in refused["a/asks"]
    assert refused["a/any"].startswith(fault)


def test_every_eip_answers_for_itself() -> None:
    world = cluster(
        service("a/full", "192.0.2.1"),
        eip("a", "192.0.2.1", default=True),
        eip("b", "192.0.2.2", default=True),
        eip("c", "192.0.2.3"),
        eip("d", "192.0.2.4", default=True, namespaces=("x",)),
        eip("e", "192.0.2.5", default=True, disabled=True),
    )
    answers = explain_eips(world, service("a/web"))
    assert [(answer.eip, answer.why) for answer in answers] == [
        ("a", "the only IPv4 address of Eip 'a' is in use"),
        ("b", ""),
        ("c", "it is not a default, and the Service does not name it"),
        ("d", "Eip 'd' does not admit it (spec.namespaces)"),
        ("e", "Eip 'e' is disabled"),
    ]
