"""What stands in specs, and what of it a record may state."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from manager.planner.desired import Allocation, Grant
from manager.planner.kernel.standing import MOST_NAMED, StandingMemo
from manager.snapshot import Announcer, EipName, NodeName, ServiceKey
from pointsman.model.address import address_order
from pointsman.model.verdicts.announcement import NoAddress
from tests.manager.planner.kernel.pool import FOUR, SIX, having
from tests.manager.planner.layer2.lan import standing_at

NUMBER = address_order(ip_address(FOUR))


def services(*texts: str) -> dict[ServiceKey, Allocation]:
    grants = tuple(Grant(ip_address(text), EipName("pool")) for text in texts)
    return {ServiceKey("a/web"): Allocation(grants, NoAddress("a/web"))}


def narrowed(last: int, length: int) -> str:
    return str(ip_network((f"203.0.113.{last}", length), strict=False))


def named(*announcers: Announcer) -> dict[NodeName, Announcer]:
    return {one.node: one for one in announcers}


def test_addresses_of_layer2_are_not_of_this_protocol() -> None:
    memo = StandingMemo()
    held = memo.held(named(standing_at("node1", FOUR), having("node2", SIX)))
    assert list(memo.standing(held, services(FOUR, SIX))) == [address_order(ip_address(SIX))]


def test_a_route_that_no_router_picks_up_is_not_of_this_protocol() -> None:
    one = having("node1", routes=["203.0.113.0/28"])
    mute = replace(one, unreachable=tuple(replace(r, redistribute=False) for r in one.unreachable))
    assert list(StandingMemo().held(named(one)).leading_to(ip_address(FOUR)))
    assert not list(StandingMemo().held(named(mute)).leading_to(ip_address(FOUR)))


def test_an_aggregate_stands_for_every_address_in_it_and_names_no_node() -> None:
    memo = StandingMemo()
    held = memo.held(named(having("node1", routes=["203.0.113.0/28"])))
    found = memo.standing(held, services(FOUR, SIX))
    assert list(found) == [NUMBER]
    one = found[NUMBER]
    assert (one.aggregate, one.somewhere, one.nodes) == (ip_network("203.0.113.0/28"), True, ())


def test_what_nobody_holds_is_no_standing() -> None:
    memo = StandingMemo()
    assert not memo.standing(memo.held(named(having("node1", FOUR))), services(SIX))


def test_nodes_are_named_where_they_are_few() -> None:
    for count, names in ((MOST_NAMED, MOST_NAMED), (MOST_NAMED + 1, 0)):
        memo = StandingMemo()
        many = {NodeName(f"n{n:02}"): having("node1", FOUR) for n in range(count)}
        many = {name: replace(one, node=name) for name, one in many.items()}
        one = memo.standing(memo.held(many), services(FOUR))[NUMBER]
        assert (len(one.nodes), one.somewhere) == (names, True)


def test_who_withholds_it_does_not_have_it() -> None:
    memo = StandingMemo()
    why = {ip_address(FOUR): "no dummy interfaces"}
    sick = having("node1", FOUR, withheld=why)
    one = memo.standing(memo.held(named(sick, having("node2", FOUR))), services(FOUR))[NUMBER]
    assert (one.nodes, one.withheld) == (("node2",), (("node1", "no dummy interfaces"),))
    memo = StandingMemo()
    one = memo.standing(memo.held(named(sick)), services(FOUR))[NUMBER]
    assert not one.somewhere
    memo = StandingMemo()
    route = having("node1", routes=["203.0.113.0/28"], withheld=why)
    assert not memo.standing(memo.held(named(route)), services(FOUR))[NUMBER].somewhere


@given(
    st.sets(st.builds(narrowed, st.integers(0, 255), st.integers(24, 31)), max_size=40),
    st.integers(0, 255),
)
def test_every_aggregate_that_an_address_lies_in_leads_to_it_the_widest_first(
    routes: set[str], last: int
) -> None:
    held = StandingMemo().held(named(having("node1", routes=sorted(routes))))
    address = ip_address("203.0.113.0") + last
    networks = sorted(map(ip_network, routes), key=lambda one: one.prefixlen)
    lies_in = [one for one in networks if address in one]
    assert [prefix for prefix, _ in held.leading_to(address)] == lies_in
    assert not list(held.leading_to(ip_address(SIX)))
