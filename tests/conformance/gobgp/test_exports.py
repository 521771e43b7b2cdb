"""The exports target: names, numbers and addresses, all held by the daemon."""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network

import pytest

from manager.adapters.gobgp.exports import HALF_MADE, POLICY, numbers, statement
from manager.adapters.gobgp.prepend import DIGITS, named
from manager.adapters.gobgp.speaker import GobgpSpeaker
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.address import Address
from pointsman.model.delta import Delta, delta
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey
from tests.conformance.gobgp.bed import PATIENCE_S, US, Bed, started

A, B, C, D = (PeerName(f"tor-{letter}") for letter in "abcd")
PREPENDING = {named(digit) for digit in DIGITS}
ONE, TWO, SIX = map(ip_address, ("127.0.0.2", "127.0.0.3", "2001:db8::2"))


async def converge(speaker: GobgpSpeaker, desired: Mapping[PeerName, Address]) -> None:
    await speaker.exports.apply(delta(desired, await speaker.exports.observe()))
    assert await speaker.exports.observe() == desired


async def test_peers_of_both_families_get_numbers_of_their_own(bed: Bed) -> None:
    speaker = await started(bed)
    await converge(speaker, {A: ONE, B: TWO, C: SIX})
    assert await numbers(bed.stub, US.asn) == {A: 1, B: 2, C: 3}


async def test_adding_moving_and_removing_keep_the_others_numbers(bed: Bed) -> None:
    speaker = await started(bed)
    await converge(speaker, {B: ONE, C: TWO})
    await converge(speaker, {A: SIX, B: ONE, C: TWO})
    assert await numbers(bed.stub, US.asn) == {A: 3, B: 1, C: 2}
    await converge(speaker, {A: SIX, C: ONE})  # B gone, C at another address
    assert await numbers(bed.stub, US.asn) == {A: 3, C: 2}
    await converge(speaker, {A: SIX, C: ONE, D: TWO})  # D: the lowest unused
    assert await numbers(bed.stub, US.asn) == {A: 3, C: 2, D: 1}


async def test_renamed_it_is_another_peer(bed: Bed) -> None:
    speaker = await started(bed)
    await converge(speaker, {A: ONE})
    await converge(speaker, {B: ONE})
    assert await numbers(bed.stub, US.asn) == {B: 2}  # put before drop: A still held 1


async def test_a_number_still_on_a_path_is_not_given_to_another_peer(bed: Bed) -> None:
    speaker = await started(bed)
    await converge(speaker, {A: ONE})
    key = RouteKey(ip_network("198.51.100.1/32"), ip_address("192.0.2.11"))
    await speaker.routes.apply(Delta({key: Route(PathAttributes(), frozenset({A}))}, frozenset()))
    await converge(speaker, {})
    await converge(speaker, {B: TWO})
    assert await numbers(bed.stub, US.asn) == {B: 2}


async def test_names_as_kubernetes_allows_them(bed: Bed) -> None:
    odd = [PeerName(name) for name in ("own", "a", "0.rack-1.example.com", "n" * 253)]
    await converge(await started(bed), dict.fromkeys(odd, ONE))


async def test_the_same_again_changes_nothing(bed: Bed) -> None:
    speaker = await started(bed)
    await converge(speaker, {A: ONE})
    for _ in range(3):
        await speaker.exports.apply(Delta({A: ONE}, frozenset()))
    assert await _entries(bed, pb.DEFINED_TYPE_NEIGHBOR) == {"pointsman/tor-a": ["127.0.0.2/32"]}
    await speaker.exports.apply(Delta({}, frozenset({B})))  # never there
    assert await speaker.exports.observe() == {A: ONE}


async def test_dropped_leaves_nothing_behind(bed: Bed) -> None:
    speaker = await started(bed)
    await converge(speaker, {A: ONE, B: SIX})
    await converge(speaker, {})
    assert await _entries(bed, pb.DEFINED_TYPE_NEIGHBOR) == {}
    assert await _entries(bed, pb.DEFINED_TYPE_LARGE_COMMUNITY) == {}
    left = [
        reply
        async for reply in bed.stub.ListStatement(pb.ListStatementRequest(), timeout=PATIENCE_S)
    ]
    names = {reply.statement.name for reply in left}
    assert names - PREPENDING == {"pointsman-own"}


@pytest.mark.parametrize(
    ("kind", "entries"),
    [
        pytest.param(pb.DEFINED_TYPE_NEIGHBOR, ["127.0.0.2/32"], id="an address without a number"),
        pytest.param(pb.DEFINED_TYPE_LARGE_COMMUNITY, ["64501:0:7"], id="a number, no address"),
        pytest.param(pb.DEFINED_TYPE_LARGE_COMMUNITY, ["64501:0:7", "64501:0:8"], id="two numbers"),
        pytest.param(pb.DEFINED_TYPE_LARGE_COMMUNITY, ["64999:0:7"], id="the number of another AS"),
    ],
)
async def test_what_a_crash_left_half_made_is_seen_and_mended(
    bed: Bed, kind: pb.DefinedType.ValueType, entries: list[str]
) -> None:
    speaker = await started(bed)
    half = pb.DefinedSet(defined_type=kind, name="pointsman/tor-a", list=entries)
    await bed.stub.AddDefinedSet(pb.AddDefinedSetRequest(defined_set=half), timeout=PATIENCE_S)
    assert await speaker.exports.observe() == {A: HALF_MADE}
    await converge(speaker, {A: ONE})
    await converge(speaker, {})


async def test_foreign_sets_are_not_seen_and_not_touched(bed: Bed) -> None:
    speaker = await started(bed)
    foreign = pb.DefinedSet(
        defined_type=pb.DEFINED_TYPE_NEIGHBOR, name="theirs", list=["127.0.0.9/32"]
    )
    await bed.stub.AddDefinedSet(pb.AddDefinedSetRequest(defined_set=foreign), timeout=PATIENCE_S)
    await converge(speaker, {A: ONE})
    await converge(speaker, {})
    assert await _entries(bed, pb.DEFINED_TYPE_NEIGHBOR) == {"theirs": ["127.0.0.9/32"]}


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "224.0.0.5", "ff02::1"])
async def test_what_is_no_router_is_refused(bed: Bed, address: str) -> None:
    speaker = await started(bed)
    with pytest.raises(ValueError, match=f"tor-a: {address} is no address"):
        await speaker.exports.apply(Delta({B: ONE, A: ip_address(address)}, frozenset()))
    assert await speaker.exports.observe() == {}


async def _entries(bed: Bed, kind: pb.DefinedType.ValueType) -> dict[str, list[str]]:
    request = pb.ListDefinedSetRequest(defined_type=kind)
    listed = [
        reply.defined_set async for reply in bed.stub.ListDefinedSet(request, timeout=PATIENCE_S)
    ]
    # What prepends is there from the start, and not this target's.
    return {one.name: list(one.list) for one in listed if one.name not in PREPENDING}


async def test_the_rule_of_an_older_version_is_made_anew(bed: Bed) -> None:
    """It leaves ORIGIN as it is, by which the best path is told apart here."""
    speaker = await started(bed)
    await converge(speaker, {A: ONE})
    name = f"pointsman/{A}"
    old = statement(name, US.asn)
    old.actions.ClearField("origin_action")
    policy = pb.Policy(name=POLICY, statements=[pb.Statement(name=name)])
    await bed.stub.DeletePolicy(pb.DeletePolicyRequest(policy=policy), timeout=PATIENCE_S)
    gone = pb.DeleteStatementRequest(statement=pb.Statement(name=name), all=True)
    await bed.stub.DeleteStatement(gone, timeout=PATIENCE_S)
    made = pb.AddPolicyRequest(policy=pb.Policy(name=POLICY, statements=[old]))
    await bed.stub.AddPolicy(made, timeout=PATIENCE_S)
    assert await speaker.exports.observe() == {A: HALF_MADE}
    await converge(speaker, {A: ONE})
    assert await numbers(bed.stub, US.asn) == {A: 1}
