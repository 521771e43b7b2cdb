"""Neighbors to messages and back, and what no message may say."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manager.adapters.gobgp.neighbor_codec import check, decode, encode
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.route import Bfd, Neighbor, PeerName, resets_session

NAME = PeerName("tor-1")
PLAIN = Neighbor(ip_address("192.0.2.1"), 64500)
neighbors = st.builds(
    Neighbor,
    st.sampled_from([ip_address("192.0.2.1"), ip_address("192.0.2.2")]),
    st.integers(1, 2**32 - 1),
    port=st.integers(1, 65_535),
    hold_seconds=st.just(0) | st.integers(3, 65_534),
    keepalive_seconds=st.integers(1, 21_845),
    connect_retry_seconds=st.integers(1, 65_535),
    families=st.sampled_from(
        [("ipv4-unicast",), ("ipv6-unicast",), ("ipv4-unicast", "ipv6-unicast")]
    ),
    add_path=st.booleans(),
    local_as=st.none() | st.integers(1, 2**32 - 1),
    source_address=st.none() | st.just(ip_address("192.0.2.10")),
    password=st.none() | st.text(min_size=1, max_size=20),
    multihop_ttl=st.none() | st.integers(1, 255),
    passive=st.booleans(),
    graceful_restart_seconds=st.none() | st.integers(1, 4095),
    bfd=st.none() | st.builds(Bfd, st.integers(10, 60_000), st.integers(10, 60_000)),
)


@given(neighbors)
def test_a_neighbor_decodes_to_what_was_encoded(neighbor: Neighbor) -> None:
    check(NAME, neighbor)
    peer = encode(NAME, neighbor)
    peer.conf.local_asn = neighbor.local_as or 64501  # as the daemon fills it in
    peer.transport.local_address = "198.18.0.7"  # as it shows a live session
    assert decode(peer) == (NAME, neighbor)


@given(neighbors, neighbors)
def test_two_neighbors_differ_where_their_messages_do(one: Neighbor, other: Neighbor) -> None:
    assert (encode(NAME, one) == encode(NAME, other)) == (one == other)


@pytest.mark.parametrize("description", ["", "tor-1", "Pointsman/tor-1", " pointsman/tor-1"])
def test_what_doesnt_say_that_it_is_ours_is_not(description: str) -> None:
    peer = encode(NAME, PLAIN)
    peer.conf.description = description
    assert decode(peer) is None


def test_the_password_is_in_the_message_and_in_no_words() -> None:
    neighbor = replace(PLAIN, password="hunter2")
    assert encode(NAME, neighbor).conf.auth_password == "hunter2"
    assert "hunter2" not in repr(neighbor)
    with pytest.raises(ValueError, match="1 to 80 bytes") as caught:
        check(NAME, replace(PLAIN, password="hunter2" * 20))
    assert "hunter2" not in str(caught.value)


def test_graceful_restart_defers_nothing_and_survives_a_cease() -> None:
    restart = encode(NAME, replace(PLAIN, graceful_restart_seconds=120)).graceful_restart
    assert (restart.deferral_time, restart.local_restarting) == (1, True)
    assert restart.notification_enabled
    assert not encode(NAME, PLAIN).HasField("graceful_restart")


def test_the_units_of_bfd_are_gobgps() -> None:
    bfd = encode(NAME, replace(PLAIN, bfd=Bfd(300, 250, 4))).bfd
    assert bfd == pb.BfdPeerConfig(
        enabled=True,
        desired_minimum_tx_interval=300_000,
        required_minimum_receive=250_000,
        detection_multiplier=4,
    )


def test_what_resets_a_session_is_named_by_field() -> None:
    changed = replace(PLAIN, asn=64511, password="x", hold_seconds=30, bfd=Bfd())
    assert resets_session(PLAIN, changed) == ("asn", "password")
    assert resets_session(PLAIN, replace(PLAIN, hold_seconds=30, keepalive_seconds=10)) == ()
    watched = replace(PLAIN, bfd=Bfd())
    assert resets_session(watched, replace(PLAIN, bfd=Bfd(400))) == ("bfd",)
    assert resets_session(watched, PLAIN) == ("bfd",)  # the router misses it
