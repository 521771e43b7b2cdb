"""What an Eip gives out: overlap, infrastructure, addresses of no host, faults."""

from ipaddress import IPv4Address, IPv4Interface

import pytest

from manager.planner.desired import Counts
from manager.snapshot import (
    Announcer,
    EipName,
    Interface,
    Node,
    NodeName,
    Resource,
)
from pointsman.api import BgpPeerSpec
from tests.manager.planner.addresses.addressing import (
    cluster,
    eip,
    given,
    one,
    plan,
    reasons,
    service,
    usage_of,
)


def test_an_overlap_names_every_older_eip_the_oldest_first() -> None:
    eips = [
        eip("z-oldest", "192.0.2.64/26", created="1"),
        eip("b", "192.0.2.7", "192.0.2.9-192.0.2.12", created="2"),
        eip("lost", "192.0.2.12-192.0.2.14", created="3"),
        eip("c", "2001:db8::7", created="4"),
        eip("far", "198.51.100.0/28", created="5"),
        eip("wide", "192.0.2.0-192.0.2.80", "2001:db8::/120", created="6"),
    ]
    found = plan(cluster(*eips)).eips[EipName("wide")].ready
    assert str(found) == (
        "Eip 'wide' gives out nothing: addresses of it are also in older Eips: "
        "192.0.2.64-192.0.2.80 in 'z-oldest', 192.0.2.7 in 'b' and 2001:db8::7 in 'c'. Take them "
        "out of its spec.addresses, or exclude them there."
    )


def test_an_overlap_with_very_many_names_eight() -> None:
    eips = [eip(f"e{n}", f"192.0.2.{n}", created=str(n)) for n in range(1, 10)]
    for more in (False, True):
        found = plan(cluster(*eips[: 8 + more], eip("wide", "192.0.2.0/24", created="99")))
        sentence = str(found.eips[EipName("wide")].ready)
        assert ("192.0.2.9 in 'e9'" in sentence, "others in more of them" in sentence) == (
            False,
            more,
        )
        assert "192.0.2.8 in 'e8'" in sentence


def ready(*eips, **more) -> dict[str, str]:
    return {name: usage.ready.reason for name, usage in plan(cluster(*eips, **more)).eips.items()}


@pytest.mark.parametrize(
    ("eips", "expected"),
    [
        pytest.param(
            [eip("a", "192.0.2.0/24", created="2"), eip("b", "192.0.2.7", created="1")],
            {"a": "Overlap", "b": "Ready"},
            id="the younger loses",
        ),
        pytest.param(
            [eip("b", "192.0.2.0/24", created="1"), eip("a", "192.0.2.7", created="1")],
            {"a": "Ready", "b": "Overlap"},
            id="ties go by name",
        ),
        pytest.param(
            [
                eip("a", "192.0.2.0-192.0.2.9", created="1"),
                eip("b", "192.0.2.9-192.0.2.19", created="2"),
                eip("c", "192.0.2.19-192.0.2.29", created="3"),
            ],
            {"a": "Ready", "b": "Overlap", "c": "Ready"},
            id="one that lost takes nobody else down",
        ),
        pytest.param(
            [
                eip("a", "192.0.2.9-192.0.2.1", "192.0.2.0/24", created="1"),
                eip("b", "192.0.2.5", created="2"),
            ],
            {"a": "InvalidAddresses", "b": "Ready"},
            id="a broken one takes nobody down",
        ),
        pytest.param(
            [
                eip("a", "192.0.2.0/24", created="1", deleting=True),
                eip("b", "192.0.2.0/25", created="2"),
            ],
            {"a": "Disabled", "b": "Ready"},
            id="a deleting one loses however old it is",
        ),
        pytest.param(
            [
                eip("a", "192.0.2.0/24", created="1", exclude=("192.0.2.128/25",)),
                eip("b", "192.0.2.128/25", created="2"),
            ],
            {"a": "Ready", "b": "Ready"},
            id="what one excludes another may have",
        ),
        pytest.param(
            [eip("a", "192.0.2.0/24"), eip("b", "2001:db8::/64"), eip("c", "198.51.100.0/24")],
            {"a": "Ready", "b": "Ready", "c": "Ready"},
            id="neighbours are no overlap",
        ),
        pytest.param(
            [eip("a", "192.0.2.1", disabled=True)], {"a": "Disabled"}, id="disabled says so"
        ),
        pytest.param(
            [Resource(name="a", spec=None, invalid="spec.addresses: Required value")],
            {"a": "InvalidAddresses"},
            id="one that cannot be read",
        ),
    ],
)
def test_ready(eips, expected) -> None:
    assert ready(*eips) == expected
    assert ready(*reversed(eips)) == expected


@pytest.mark.parametrize("entry", ["169.253.255.255", "169.255.0.0/24", "fdff::/64", "10.0.0.1"])
def test_what_lies_beside_is(entry: str) -> None:
    assert ready(eip("a", entry)) == {"a": "Ready"}


def test_sentences_of_eips() -> None:
    old = eip("old", "192.0.2.0/25", created="1")
    holder = service("a/web", "203.0.113.5")
    allocations = plan(
        cluster(
            old,
            holder,
            eip("b", "192.0.2.100-192.0.2.200", created="2"),
            eip("c", "198.51.100.9-198.51.100.1"),
            eip("d", "198.51.100.0/28", "198.51.100.4"),
            eip("e", "203.0.113.0/28", deleting=True),
            eip("f", "203.0.113.16/28", deleting=True),
            eip("g", "203.0.113.32/28", disabled=True),
        )
    )
    assert {name: str(usage.ready) for name, usage in allocations.eips.items()} == {
        "old": "Eip 'old' gives out its addresses.",
        "b": "Eip 'b' gives out nothing: 192.0.2.100-192.0.2.127 is also in the older Eip 'old'. "
        "Take it out of spec.addresses of one of them, or exclude it there.",
        "c": "Eip 'c' gives out nothing: '198.51.100.9-198.51.100.1' is reversed: write "
        "198.51.100.1-198.51.100.9.",
        "d": "Eip 'd' gives out nothing: '198.51.100.0/28' and '198.51.100.4' overlap: write every "
        "address in one entry only.",
        "e": "Eip 'e' is being deleted and gives out nothing; it goes when its addresses are "
        "released or lie in another Eip. Service a/web holds one.",
        "f": "Eip 'f' gives out nothing new: it is being deleted. Addresses that are held stay.",
        "g": "Eip 'g' gives out nothing new: spec.disabled is true. Addresses that are held stay.",
    }


@pytest.mark.parametrize(
    ("entry", "block"),
    [
        ("0.0.0.0/0", "0.0.0.0/8"),
        ("127.0.0.1", "127.0.0.0/8"),
        ("223.255.255.255-224.0.0.0", "224.0.0.0/3"),
        ("::/0", "::/80"),
        ("ff02::1", "ff00::/8"),
    ],
)
def test_an_eip_with_addresses_of_no_host_gives_out_nothing(entry: str, block: str) -> None:
    allocations = plan(
        cluster(service("a/web"), eip("a", entry), eip("b", "192.0.2.0/28", default=True))
    )
    assert str(usage_of(allocations, "a").ready) == (
        f"Eip 'a' gives out nothing: '{entry}' reaches into {block}, which holds no addresses of "
        "hosts: write unicast addresses only."
    )
    assert given(allocations)["a/web"] == ["192.0.2.0"]


@pytest.mark.parametrize(
    ("entry", "block"),
    [
        ("169.254.10.0/24", "169.254.0.0/16"),
        ("169.254.0.0", "169.254.0.0/16"),
        ("169.253.255.0-169.254.0.9", "169.254.0.0/16"),
        ("169.254.255.255-169.255.0.3", "169.254.0.0/16"),
        ("169.0.0.0/8", "169.254.0.0/16"),
        ("fe80::/64", "fe80::/10"),
        ("fdff::-fe80::", "fe80::/10"),
    ],
)
def test_an_eip_of_link_local_addresses_gives_out_nothing(entry: str, block: str) -> None:
    good = eip("b", "203.0.113.0/28", default=True)
    allocations = plan(cluster(service("a/web"), eip("a", "192.0.2.64", entry, default=True), good))
    assert str(usage_of(allocations, "a").ready) == (
        f"Eip 'a' gives out nothing: '{entry}' reaches into {block}, link-local addresses, to "
        "which no router passes anything on: write addresses that are routed."
    )
    assert usage_of(allocations, "a").ready.reason == "InvalidAddresses"
    assert given(allocations)["a/web"] == ["203.0.113.0"]


def test_what_is_held_in_such_an_eip_stays_when_it_is_unicast() -> None:
    odd = eip("a", "192.0.2.0-255.255.255.255")
    allocations = plan(cluster(service("a/web", "192.0.2.7"), service("a/odd", "224.0.0.1"), odd))
    assert [grant.eip for grant in one(allocations, "a/web").grants] == ["a"]
    assert [grant.eip for grant in one(allocations, "a/odd").grants] == [None]  # never announced


def test_infrastructure_inside_an_eip_is_never_given_and_is_named() -> None:
    node = NodeName("node1")
    snapshot = cluster(
        service("a/web"),
        service("a/asks", notes={"addresses": "192.0.2.1"}),
        eip("a", "192.0.2.0/28", default=True, exclude=("192.0.2.9",)),
        nodes={
            node: Node(
                node,
                internal_ips=(IPv4Address("192.0.2.0"),),
                other_ips=(IPv4Address("192.0.2.4"),),  # its ExternalIP, say
            )
        },
        bgp_peers={
            "tor": Resource(name="tor", spec=BgpPeerSpec(address="192.0.2.1", asn=64500))  # type: ignore[arg-type]
        },
        announcers={
            node: Announcer(
                node,
                gateways=(IPv4Address("192.0.2.2"),),
                interfaces=(
                    Interface("eth0", addresses=(IPv4Interface("192.0.2.3/24"),)),
                    Interface("kube-ipvs0", addresses=(IPv4Interface("192.0.2.5/32"),)),
                ),
            )
        },
    )
    allocations = plan(snapshot)
    assert given(allocations)["a/web"] == ["192.0.2.5"]
    assert str(usage_of(allocations, "a").ready) == (
        "Eip 'a' gives out its addresses, but never 192.0.2.0 (Node node1), 192.0.2.4 (Node "
        "node1), 192.0.2.1 (BgpPeer tor), 192.0.2.2 (gateway of Node node1) and 192.0.2.3 (eth0 "
        "of Node node1)."
    )
    assert usage_of(allocations, "a").capacity.ipv4 == 10
    assert "infrastructure (BgpPeer tor)" in str(one(allocations, "a/asks").verdict)
    assert reasons(allocations)["a/asks"] == "AddressExcluded"


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"exclude": ("192.0.2.0/30", "2001:db8::/32")}, id="excluded"),
        pytest.param({"exclude": ("192.0.2.1-192.0.2.3",), "avoid_buggy_ips": True}, id="avoided"),
    ],
)
def test_an_eip_that_has_nothing_to_give_out_says_so(spec) -> None:
    allocations = plan(cluster(eip("a", "192.0.2.0/30", **spec)))
    assert usage_of(allocations, "a").capacity == Counts(0, 0)
    assert usage_of(allocations, "a").ready.ok
    assert str(usage_of(allocations, "a").ready).startswith(
        "Eip 'a' has nothing to give out: all of"
    )


class Poisoned:
    """A spec that cannot be read."""

    disabled = False

    @property
    def addresses(self):
        raise RuntimeError("poison")


def test_an_eip_that_cannot_be_judged_stops_no_other() -> None:
    bad = Resource(name="bad", spec=Poisoned())
    allocations = plan(cluster(bad, service("a/web"), eip("good", "192.0.2.1", default=True)))  # type: ignore[arg-type]
    assert given(allocations) == {"a/web": ["192.0.2.1"]}
    assert usage_of(allocations, "bad").ready.reason == "InternalError"
    assert [subject for subject, _ in allocations.failures] == ["Eip bad"]
