"""Which paths are sent: against a table that forgets nothing, one step at a time."""

from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from manager.adapters.gobgp.path_codec import DecodeCache, decode, encode
from manager.adapters.gobgp.paths import NOTHING, LocalPath, Put, check, observed, steps
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.community import community_text
from pointsman.model.delta import delta
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey
from tests.fakes.gobgp_octets import listed

AS = 64501
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
        st.sampled_from([ip_address("192.0.2.11"), ip_address("2001:db8::11")]),
    ),
    st.builds(
        RouteKey,
        st.builds(
            lambda n, bits: ip_network((n, bits), strict=False),
            st.integers(2**96, 2**128 - 1),  # below, ip_network() takes it for IPv4
            st.integers(0, 128),
        ),
        st.just(ip_address("2001:db8::11")),
    ),
)


class Table:
    """The daemon's table; *received* is what a router with number n still has of it (4.8)."""

    def __init__(self, foreign: LocalPath) -> None:
        self.paths = {(foreign.prefix, foreign.identifier): foreign}
        self.received: dict[int, set[tuple[object, int]]] = {n: set() for n in NAMES}

    def converge(self, desired: dict[RouteKey, Route]) -> int:
        work = delta(desired, observed(self.paths.values(), NAMES))
        todo = steps(work, self.paths.values(), NUMBERS)
        for put in todo.puts:
            assert isinstance(put, Put), "placeholders are led in later"
            identity = (put.key.prefix, put.identifier)
            self.paths[identity] = LocalPath(
                put.key.prefix, put.identifier, put.key, put.attributes, put.numbers
            )
            for n in put.numbers:
                self.received[n].add(identity)
        for gone in todo.withdrawals:
            del self.paths[gone.prefix, gone.identifier]
            for known in self.received.values():
                known.discard((gone.prefix, gone.identifier))
        return len(todo.puts) + len(todo.withdrawals)


@given(st.lists(tables, min_size=1, max_size=6))
def test_every_router_ends_with_exactly_what_is_for_it(
    tables_in_turn: list[dict[RouteKey, Route]],
) -> None:
    foreign = LocalPath(KEYS[0].prefix, 1, None)  # in the way of the first identifier
    table = Table(foreign)
    for desired in tables_in_turn:
        table.converge(desired)
        assert observed(table.paths.values(), NAMES) == desired
        assert table.converge(desired) == 0  # the same again is nothing
        for n, name in NAMES.items():
            sent = {table.paths[identity].key for identity in table.received[n]}  # type: ignore[index]
            assert sent == {key for key, route in desired.items() if name in route.peers}
            assert len(table.received[n]) == len(sent)
    assert table.paths[foreign.prefix, 1] == foreign


@given(keys, every_attribute, st.frozensets(st.integers(1, 9)), st.integers(1, 2**32 - 1))
def test_a_path_decodes_to_what_was_encoded(
    key: RouteKey, value: PathAttributes, numbers: frozenset[int], identifier: int
) -> None:
    if key.prefix.is_multicast:
        return
    check(key, Route(value, frozenset()), AS)
    path = pb.Path.FromString(encode(Put(key, identifier, value, numbers), AS).SerializeToString())
    found = pb.Destination(prefix=str(key.prefix), paths=[listed(path)])
    cache: DecodeCache = {}
    for _ in range(2):  # decoded anew, and known from before
        assert decode(found, AS, cache) == [LocalPath(key.prefix, identifier, key, value, numbers)]


def test_equal_attributes_of_many_paths_are_decoded_once() -> None:
    cache: DecodeCache = {}
    for number in range(9):
        key = RouteKey(ip_network(f"2001:db8:5::{number}"), ip_address(f"2001:db8::{number + 1}"))
        path = listed(encode(Put(key, 1, NOTHING, frozenset({1})), AS))
        (decoded,) = decode(pb.Destination(prefix=str(key.prefix), paths=[path]), AS, cache)
        assert decoded.key == key
    assert len(cache) == 1


def test_a_path_of_another_as_or_of_a_router_is_not_ours() -> None:
    put = Put(KEYS[0], 1, NOTHING, frozenset({1}))
    foreign, learned = encode(put, 64999), encode(put, AS)
    learned.source_asn = 64500
    found = pb.Destination(prefix=str(KEYS[0].prefix), paths=[listed(foreign), listed(learned)])
    assert [path.key for path in decode(found, AS, {})] == [None]
