"""Which paths are sent: against a table that forgets nothing, one step at a time."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manager.adapters.gobgp.path_codec import Decoder, Encoder, encode, encode_withdrawal
from manager.adapters.gobgp.paths import (
    NONE,
    NOTHING,
    Listed,
    LocalPath,
    Present,
    Put,
    Run,
    Withdrawal,
    after,
    all_steps,
    check,
    check_all,
    observed,
)
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.community import community_text
from pointsman.model.delta import delta
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey
from pointsman.model.table import Order, Table
from tests.fakes.gobgp_octets import listed

AS = 64501
NO_ONE: frozenset[int] = frozenset()
HOP4, HOP6 = ip_address("192.0.2.11"), ip_address("2001:db8::11")


def key(prefix: str, hop: str) -> RouteKey:
    return RouteKey(ip_network(prefix), ip_address(hop))


NAMES = {n: PeerName(f"tor-{n}") for n in (1, 2, 3)}
NUMBERS = {name: n for n, name in NAMES.items()}
KEYS = [
    RouteKey(ip_network(prefix), ip_address(f"192.0.2.{hop}"))
    for prefix in ("198.51.100.1/32", "198.51.100.2/32")
    for hop in (11, 12, 13)
]

attributes = st.builds(PathAttributes, med=st.none() | st.integers(0, 1))
routes = st.builds(Route, attributes, st.frozensets(st.sampled_from(sorted(NUMBERS))))
tables = st.dictionaries(st.sampled_from(KEYS), routes)

u32 = st.integers(0, 2**32 - 1)
every_attribute = st.builds(
    PathAttributes,
    communities=st.lists(u32.map(community_text), unique=True).map(lambda x: tuple(sorted(x))),
    large_communities=st.lists(
        st.builds("{}:{}:{}".format, u32.filter(lambda n: n != AS), u32, u32), unique=True
    ).map(lambda x: tuple(sorted(x))),
    local_pref=st.none() | u32,
    med=st.none() | u32,
    as_path_prepend=st.integers(0, 32),
    weight=st.none() | st.integers(1, 65_535),
)
keys = st.one_of(
    st.builds(
        RouteKey,
        st.builds(lambda n, bits: ip_network((n, bits), strict=False), u32, st.integers(0, 32)),
        st.sampled_from([HOP4, HOP6]),
    ),
    st.builds(
        RouteKey,
        st.builds(
            lambda n, bits: ip_network((n, bits), strict=False),
            st.integers(2**96, 2**128 - 1),  # below, ip_network() takes it for IPv4
            st.integers(0, 128),
        ),
        st.just(HOP6),
    ),
)


class Daemon:
    """Its table; *received* is what a router with number n still has of it (4.8)."""

    def __init__(self, foreign: LocalPath) -> None:
        self.paths: dict[Order, Present] = {KEYS[0].order[:3]: {foreign.identifier: foreign}}
        self.received: dict[int, set[tuple[Order, int]]] = {n: set() for n in NAMES}

    def listed(self) -> list[Listed]:
        prefixes = {key.order[:3]: key.prefix for key in KEYS}
        return [Listed(prefixes[order], present) for order, present in self.paths.items()]

    def converge(self, desired: dict[RouteKey, Route]) -> int:
        work = delta(desired, observed(self.listed(), NAMES))
        sent = 0
        for order, todo in all_steps(work, self.paths, NUMBERS).items():
            for put in todo.puts:
                assert isinstance(put, Put), "placeholders are led in later"
                for n in put.numbers:
                    self.received[n].add((order, put.identifier))
            for gone in todo.withdrawals:
                assert isinstance(gone, Withdrawal)
                assert gone.identifier in self.paths[order]
                for known in self.received.values():
                    known.discard((order, gone.identifier))
            self.paths[order] = after(self.paths.get(order, NONE), todo.puts + todo.withdrawals)
            sent += len(todo.puts) + len(todo.withdrawals)
        return sent


@given(st.lists(tables, min_size=1, max_size=6))
def test_every_router_ends_with_exactly_what_is_for_it(
    tables_in_turn: list[dict[RouteKey, Route]],
) -> None:
    foreign = LocalPath(1, None)  # in the way of the first identifier
    daemon = Daemon(foreign)
    for desired in tables_in_turn:
        daemon.converge(desired)
        assert observed(daemon.listed(), NAMES) == desired
        assert daemon.converge(desired) == 0  # the same again is nothing
        for n, name in NAMES.items():
            sent = {
                (order, daemon.paths[order][number].hop) for order, number in daemon.received[n]
            }
            heard = {key for key, route in desired.items() if name in route.peers}
            assert sent == {(key.order[:3], key.next_hop) for key in heard}
            assert len(daemon.received[n]) == len(sent)
    assert daemon.paths[KEYS[0].order[:3]][1] == foreign


@given(keys, every_attribute, st.frozensets(st.integers(1, 9)), st.integers(1, 2**32 - 1))
def test_a_path_decodes_to_what_was_encoded(
    key: RouteKey, value: PathAttributes, numbers: frozenset[int], identifier: int
) -> None:
    if key.prefix.is_multicast:
        return
    check(key, Route(value, frozenset()), AS)
    put = Put(key.next_hop, identifier, value, numbers)
    path = pb.Path.FromString(encode(key.prefix, put, AS).SerializeToString())
    found = pb.Destination(prefix=str(key.prefix), paths=[listed(path)])
    decoder = Decoder(AS)
    expected = {identifier: LocalPath(identifier, key.next_hop, value, numbers)}
    for _ in range(2):  # decoded anew, and known from before
        assert decoder.decode(found) == Listed(key.prefix, expected)


def test_what_many_prefixes_have_alike_is_decoded_once() -> None:
    decoder = Decoder(AS)
    puts = [Put(hop, 1, NOTHING, frozenset({1})) for hop in (HOP6, ip_address("2001:db8::12"))]
    found = []
    for number in range(9):
        prefix = ip_network(f"2001:db8:5::{number}")
        path = listed(encode(prefix, puts[number % 2], AS))
        one = decoder.decode(pb.Destination(prefix=str(prefix), paths=[path]))
        assert one == Listed(
            prefix, {1: LocalPath(1, puts[number % 2].hop, NOTHING, frozenset({1}))}
        )
        found.append(one.paths)
    assert len({id(paths) for paths in found}) == 2


steps_of_one = st.lists(
    st.one_of(
        st.builds(
            Put,
            st.sampled_from([HOP4, HOP6]),
            st.integers(1, 2**32 - 1),
            st.sampled_from([NOTHING, PathAttributes(("65000:100",), ("65000:1:2",), 1, 2, 3, 4)]),
            st.frozensets(st.integers(1, 300), max_size=3),
        ),
        st.builds(Withdrawal, st.integers(1, 2**32 - 1)),
    ),
    min_size=1,
    max_size=4,
).map(tuple)


@given(st.lists(steps_of_one, min_size=1, max_size=2), st.lists(keys, max_size=6), st.data())
def test_messages_put_together_of_parts_are_the_plain_ones(
    runs: list[Run], asked: list[RouteKey], data: st.DataObject
) -> None:
    encoder = Encoder(AS)
    for prefix in (key.prefix for key in asked):
        run = data.draw(st.sampled_from(runs))
        plain = [
            encode(prefix, step, AS) if isinstance(step, Put) else encode_withdrawal(prefix, step)
            for step in run
        ]
        whole = pb.AddPathStreamRequest(paths=plain).SerializeToString()
        assert encoder.octets(prefix, run) == whole
        assert encoder.octets(prefix, run) == whole  # and once it is known


def test_a_message_that_holds_the_octets_of_its_prefix_elsewhere_is_no_pattern() -> None:
    first, second = ip_network("198.51.100.1/32"), ip_network("198.51.100.2/32")
    octets = encode_withdrawal(first, Withdrawal(1)).nlri.SerializeToString()
    odd = PathAttributes(communities=tuple(f"0:{octet}" for octet in octets))
    run = (Put(HOP4, 1, odd, frozenset()),)
    encoder = Encoder(AS)
    for prefix in (first, second, first):
        whole = pb.AddPathStreamRequest(paths=[encode(prefix, run[0], AS)])
        assert encoder.octets(prefix, run) == whole.SerializeToString()


def test_a_path_put_again_keeps_its_number_on_the_wire() -> None:
    there = {1: LocalPath(1, HOP4, NOTHING, frozenset({1}), wire=7)}
    again = after(there, (Put(HOP4, 1, NOTHING, frozenset({1, 2})), Put(HOP6, 2, NOTHING, NO_ONE)))
    assert again == {
        1: LocalPath(1, HOP4, NOTHING, frozenset({1, 2}), wire=7),
        2: LocalPath(2, HOP6, NOTHING, NO_ONE),
    }
    assert after(again, (Withdrawal(2), Withdrawal(3), Withdrawal(1))) == {}
    assert there[1].numbers == {1}


def test_what_differs_by_its_number_on_the_wire_alone_is_told_apart() -> None:
    decoder = Decoder(AS)
    path = listed(encode(KEYS[0].prefix, Put(HOP4, 1, NOTHING, NO_ONE), AS))
    for wire in (3, 4, 3):
        path.local_identifier = wire
        (found,) = decoder.decode(
            pb.Destination(prefix="198.51.100.1/32", paths=[path])
        ).paths.values()
        assert found == LocalPath(1, HOP4, NOTHING, NO_ONE, wire)


def test_a_path_of_another_as_or_of_a_router_is_not_ours() -> None:
    put = Put(KEYS[0].next_hop, 1, NOTHING, frozenset({1}))
    foreign, learned = encode(KEYS[0].prefix, put, 64999), encode(KEYS[0].prefix, put, AS)
    learned.source_asn = 64500
    found = pb.Destination(prefix=str(KEYS[0].prefix), paths=[listed(foreign), listed(learned)])
    assert list(Decoder(AS).decode(found).paths.values()) == [LocalPath(1, None)]


BAD: list[tuple[RouteKey, PathAttributes, str]] = [
    (key("198.51.100.1/32", "0.0.0.0"), NOTHING, "the next hop must be a unicast address"),
    (key("2001:db8::1/128", "192.0.2.11"), NOTHING, "an IPv6 prefix needs an IPv6 next hop"),
    (key("224.0.0.0/24", "192.0.2.11"), NOTHING, "a multicast prefix"),
    (key("198.51.100.9/32", "192.0.2.11"), PathAttributes(med=2**32), "med 4294967296 is not"),
    (key("198.51.100.1/32", "192.0.2.11"), PathAttributes(weight=0), "weight 0 is not within"),
    (
        key("198.51.100.1/32", "192.0.2.11"),
        PathAttributes(large_communities=(f"{AS}:0:1",)),
        "are Pointsman's own",
    ),
]


@pytest.mark.parametrize(("bad", "attributes", "words"), BAD)
def test_what_bgp_has_no_place_for_is_refused_beside_what_passes(
    bad: RouteKey, attributes: PathAttributes, words: str
) -> None:
    good = {key: Route(NOTHING, frozenset()) for key in KEYS}
    check_all(Table.of(good), AS)
    again = {replace(bad, next_hop=key.next_hop): good[key] for key in KEYS[:3]}
    for _ in range(2):  # also what is known to be wrong
        with pytest.raises(ValueError, match=f"{bad.prefix} via {bad.next_hop}: .*{words}"):
            check_all(Table.of({**good, bad: Route(attributes, frozenset())}), AS)
    if bad.prefix.is_multicast:  # though its next hops have passed
        with pytest.raises(ValueError, match=words):
            check_all(Table.of({**good, **again}), AS)
