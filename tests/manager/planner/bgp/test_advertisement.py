"""What one Eip wants said: communities, peers, prepends and aggregates, and what fails."""

from typing import Any

import pytest

from manager.planner.bgp.advertisement import AdvertisementPolicy, advertisement_policy, may_hear
from manager.planner.bgp.peers import read_peers
from manager.planner.desired import Grant
from manager.snapshot import BgpPeer, Resource, TrafficPolicy
from pointsman.api import BgpConfSpec, EipSpec
from pointsman.model.address import Family
from pointsman.model.ranges import read_address
from pointsman.model.route import PeerName
from tests.manager.planner.scene import peer, scene

EBGP = peer("tor-1")
IBGP = peer("rr", "192.0.2.2", **{"as": 64501})
OURS_BY_LOCAL_AS = peer("edge", "192.0.2.3", localAs=64500)
AWAY = peer("away", "192.0.2.4", disabled=True)


def resolved(
    *peers: BgpPeer,
    addresses: tuple[str, ...] = ("198.51.100.0/24",),
    overlaps: bool = False,
    **bgp: Any,
) -> AdvertisementPolicy:
    aliases = {"customers": "64501:1:7", "quiet": "65535:65281", "mine": "64501:0:9"}
    conf = BgpConfSpec.model_validate({"as": 64501, "communityAliases": aliases})
    world = scene(*(peers or (EBGP,)), bgp_confs={"default": Resource("default", conf)})
    spec = EipSpec.model_validate({"addresses": addresses, "bgp": bgp})
    return advertisement_policy("public", spec, read_peers(world), overlaps=overlaps)


@pytest.mark.parametrize(
    ("texts", "plain", "large", "problem"),
    [
        pytest.param(["65000:2", "65000:100"], ["65000:100", "65000:2"], [], "", id="standard"),
        pytest.param(["65000:1:2"], [], ["65000:1:2"], "", id="large"),
        pytest.param(["no-export"], ["no-export"], [], "", id="well-known"),
        pytest.param(["65535:65281"], ["no-export"], [], "", id="one spelling of each"),
        pytest.param(["00100:1", "100:1"], ["100:1"], [], "", id="each once"),
        pytest.param(["customers"], [], ["64501:1:7"], "", id="an alias of a large one"),
        pytest.param(["quiet"], ["no-export"], [], "", id="an alias of a well-known one"),
        pytest.param(
            ["guests", "1:1"], ["1:1"], [], "'guests' is neither", id="an alias nobody defined"
        ),
        pytest.param(
            ["64501:0:5", "1:1"], ["1:1"], [], "64501:0:5 is left out", id="large, and our own"
        ),
        pytest.param(["064501:0:5"], [], [], "64501:0:5 is left out", id="ours in disguise"),
        pytest.param(["mine"], [], [], "64501:0:9 is left out", id="ours by alias"),
        pytest.param(["64502:0:5"], [], ["64502:0:5"], "", id="another's zero is not ours"),
        pytest.param(["64501:0"], ["64501:0"], [], "", id="standard ones are never ours"),
    ],
)
def test_communities(texts: list[str], plain: list[str], large: list[str], problem: str) -> None:
    found = resolved(communities=texts)
    assert list(found.attributes.communities) == plain
    assert list(found.attributes.large_communities) == large
    assert found.verdict.ok == (not problem)
    assert problem in str(found.verdict)


@pytest.mark.parametrize(
    ("peers", "named", "heard", "problem"),
    [
        pytest.param([EBGP, IBGP], [], ["rr", "tor-1"], "", id="none named: all hear"),
        pytest.param([EBGP, IBGP], ["tor-1"], ["tor-1"], "", id="only the named one hears"),
        pytest.param(
            [EBGP], ["tor-1", "tor-9"], ["tor-1"], "no BgpPeer 'tor-9'", id="a name nobody has"
        ),
        pytest.param([EBGP], ["tor-9"], [], "no BgpPeer 'tor-9'", id="not: then all hear"),
        pytest.param(
            [EBGP, AWAY], ["away"], [], "", id="who is disabled exists, and hears nothing"
        ),
    ],
)
def test_listeners(peers: list[BgpPeer], named: list[str], heard: list[str], problem: str) -> None:
    found = resolved(*peers, peers=named)
    assert list(found.peers_by_family[Family.IPV4]) == heard
    assert found.verdict.ok == (not problem)
    assert problem in str(found.verdict)


def test_prepends_whoever_listens() -> None:
    found = resolved(EBGP, IBGP, OURS_BY_LOCAL_AS, asPathPrepend=3)
    assert found.attributes.as_path_prepend == 3  # the speaker keeps it from iBGP
    assert found.verdict.ok


def test_numbers_are_taken_as_they_are_zero_too() -> None:
    found = resolved(localPref=0, med=0).attributes
    assert (found.local_pref, found.med) == (0, 0)
    nothing = resolved().attributes
    assert (nothing.local_pref, nothing.med, nothing.weight) == (None, None, None)


@pytest.mark.parametrize(
    ("address", "policy", "more", "expected"),
    [
        pytest.param("198.51.100.7", "Cluster", {}, "198.51.100.7/32", id="by default host routes"),
        pytest.param(
            "198.51.100.7", "Cluster", {"aggregationLength": 28}, "198.51.100.0/28", id="Cluster"
        ),
        pytest.param(
            "198.51.100.7", "Local", {"aggregationLength": 28}, "198.51.100.7/32", id="Local"
        ),
        pytest.param(
            "198.51.100.7",
            "Cluster",
            {"aggregationLength": 24},
            "198.51.100.0/24",
            id="as wide as the Eip",
        ),
        pytest.param(
            "198.51.100.7",
            "Cluster",
            {"aggregationLength": 23},
            "198.51.100.7/32",
            id="wider than the Eip",
        ),
        pytest.param(
            "198.51.100.7",
            "Cluster",
            {"aggregationLength": 30, "addresses": ("198.51.100.0-198.51.100.6",)},
            "198.51.100.7/32",
            id="half outside, as an address of before",
        ),
        pytest.param(
            "198.51.100.3",
            "Cluster",
            {"aggregationLength": 30, "addresses": ("198.51.100.0-198.51.100.6",)},
            "198.51.100.0/30",
            id="the part that is whole",
        ),
        pytest.param(
            "198.51.100.7",
            "Cluster",
            {"aggregationLength": 28, "addresses": ("198.51.100.0/29", "198.51.100.8/29")},
            "198.51.100.0/28",
            id="whole in two entries",
        ),
        pytest.param(
            "198.51.100.7",
            "Cluster",
            {"aggregationLength": 28, "overlaps": True},
            "198.51.100.7/32",
            id="an older Eip has part of it",
        ),
        pytest.param(
            "198.51.100.7",
            "Cluster",
            {"aggregationLength": 28, "addresses": ("198.51.100.0/24", "198.51.100.0/25")},
            "198.51.100.7/32",
            id="addresses that cannot be read",
        ),
        pytest.param(
            "2001:db8::7",
            "Cluster",
            {"aggregationLength": 24, "addresses": ("2001:db8::/64",)},
            "2001:db8::7/128",
            id="each family has its own length",
        ),
        pytest.param(
            "2001:db8::7",
            "Cluster",
            {"aggregationLengthV6": 64, "addresses": ("2001:db8::/48",)},
            "2001:db8::/64",
            id="IPv6",
        ),
    ],
)
def test_prefixes(address: str, policy: TrafficPolicy, more: dict[str, Any], expected: str) -> None:
    assert str(resolved(**more).prefix(Grant(read_address(address), None), policy)) == expected


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        pytest.param({"aggregationLength": 28}, "", id="all of it in aggregates"),
        pytest.param({"aggregationLength": 23}, "does not fill its /23s", id="too wide"),
        pytest.param(
            {"aggregationLength": 30, "addresses": ("198.51.100.0-198.51.100.6",)},
            "198.51.100.0-198.51.100.6 does not fill its /30s",
            id="a ragged edge",
        ),
        pytest.param({"aggregationLength": 28, "overlaps": True}, "older Eip", id="an overlap"),
        pytest.param({"overlaps": True}, "", id="an overlap matters to aggregates only"),
    ],
)
def test_aggregates_that_cannot_be_are_said(more: dict[str, Any], problem: str) -> None:
    found = resolved(**more)
    assert found.verdict.ok == (not problem)
    assert problem in str(found.verdict)


def test_every_wish_that_fails_is_said_and_takes_no_other_with_it() -> None:
    found = resolved(EBGP, IBGP, communities=["guests", "1:1"], peers=["rr", "x"], med=5)
    assert (found.attributes.communities, found.attributes.med) == (("1:1",), 5)
    assert str(found.verdict) == (
        "Not all of spec.bgp of Eip 'public' applies: there is no BgpPeer 'x', which bgp.peers "
        "names; 'guests' is neither a well-known community nor among "
        "communityAliases of BgpConf 'default'."
    )


@pytest.mark.parametrize(
    ("protocol", "peers", "hears"),
    [
        pytest.param("bgp", [], True, id="where none is named, every router"),
        pytest.param("bgp", ["tor-2", "tor-1"], True, id="one that is named"),
        pytest.param("bgp", ["tor-2"], False, id="one that is not"),
        pytest.param("none", [], False, id="an Eip without BGP has no router"),
        pytest.param("none", ["tor-1"], False, id="not even those that it names"),
    ],
)
def test_which_routers_may_hear_of_an_eip(protocol: str, peers: list[str], hears: bool) -> None:
    fields = {"addresses": ["198.51.100.0/24"], "protocol": protocol, "bgp": {"peers": peers}}
    assert may_hear(EipSpec.model_validate(fields), PeerName("tor-1")) is hears
