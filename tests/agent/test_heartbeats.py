"""What an agent says to its managers and takes from them, without a socket."""

from ipaddress import ip_address

import pytest

from agent.heartbeats import UNANSWERED_S, Exchange
from agent.snapshot import Assignment, NodeName, ProxyHealth
from pointsman.model.heartbeats import INTERVAL_S, LONGEST_INTERVAL_S, ManagerEndpoint
from pointsman.wire.heartbeat import (
    Acknowledgement,
    Beat,
    Drop,
    Flags,
    View,
    read_beat,
    write_acknowledgement,
)
from pointsman.wire.heartbeat_keys import public_half, shared_key

NODE = NodeName("node1")
PRIVATE = b"a" * 32
NOTHING = View(0)
BOOT = b"boot of the agent"[:16]
HALVES = {"manager-a": b"m" * 32, "manager-b": b"n" * 32}


def endpoint(name: str, private: bytes | None = None) -> ManagerEndpoint:
    return ManagerEndpoint(
        name, ip_address("192.0.2.10"), 7470, public_half(private or HALVES[name])
    )


A, B = endpoint("manager-a"), endpoint("manager-b")


def key(name: str, private: bytes | None = None) -> bytes:
    half = private or HALVES[name]
    made = shared_key(half, agent=public_half(PRIVATE), manager=public_half(half))
    assert made is not None
    return made


def exchange(*managers: ManagerEndpoint, generation: int = 4) -> Exchange:
    made = Exchange(NODE, PRIVATE, BOOT)
    made.follow(Assignment(generation, managers), ProxyHealth.HEALTHY, now_s=0.0)
    return made


def beats(made: Exchange, private: bytes | None = None, **more: bool) -> dict[str, Beat]:
    found = {}
    for data, to in made.beats(lag_s=0.012, **more):  # type: ignore[arg-type]
        shared = key(to.name, private)
        read = read_beat(data, manager=to.name, key_of={NODE: shared}.get)  # type: ignore[arg-type]
        assert isinstance(read, Beat)
        found[to.name] = read
    return found


def answer(
    name: str = "manager-a",
    *,
    counter: int = 1,
    heard: int = 1,
    nonce: int = 77,
    interval_ms: int = 100,
    private: bytes | None = None,
    generation: int = 0,
    view: View = NOTHING,
) -> bytes:
    acknowledgement = Acknowledgement(
        name, nonce, counter, BOOT, heard, generation, view, interval_ms=interval_ms
    )
    return write_acknowledgement(acknowledgement, node=NODE, key=key(name, private))


def test_each_manager_is_told_under_its_own_key() -> None:
    made = exchange(A, B)
    found = beats(made)
    assert found["manager-a"] == Beat(NODE, BOOT, 1, 4, lag_ms=12)
    assert found["manager-b"].counter == 2
    assert beats(made)["manager-a"].counter == 3


def test_nobody_named_nobody_told() -> None:
    made = exchange()
    assert not made.beats(lag_s=0.0)
    made.follow(None, ProxyHealth.OFF, now_s=1.0)
    assert not made.beats(lag_s=0.0)


def test_what_was_heard_is_echoed_to_whom_it_was_heard_of() -> None:
    made = exchange(A, B)
    beats(made)
    assert made.received(answer(counter=9), now_s=1.0) is None
    found = beats(made)
    assert (found["manager-a"].nonce, found["manager-a"].heard) == (77, 9)
    assert (found["manager-b"].nonce, found["manager-b"].heard) == (0, 0)


def test_the_flags_say_what_is_so() -> None:
    made = exchange(A)
    assert beats(made)["manager-a"].flags == Flags(0)
    made.follow(Assignment(4, (A,)), ProxyHealth.UNHEALTHY, now_s=1.0)
    data, _ = made.beats(lag_s=0.0, links_down=["eth0"], stopping=True)[0]
    read = read_beat(data, manager="manager-a", key_of=lambda node: key("manager-a"))
    assert isinstance(read, Beat)
    assert read.flags == Flags.STOPPING | Flags.LINK_DOWN | Flags.PROXY_UNHEALTHY
    assert read.links_down == ("eth0",)


def test_what_is_repeated_forged_or_unknown_is_counted_and_costs_nothing_else() -> None:
    made = exchange(A)
    beats(made)
    assert made.received(answer(), now_s=1.0) is None
    assert made.received(answer(interval_ms=999), now_s=1.0) is Drop.OLD
    assert made.received(answer("manager-b", counter=5), now_s=1.0) is Drop.UNKNOWN
    assert made.received(answer(counter=5)[:-1] + b"\0", now_s=1.0) is Drop.FORGED
    assert made.received(b"", now_s=1.0) is Drop.SHORT
    assert made.interval_s == INTERVAL_S
    assert sum(made.drops.values()) == 4
    assert made.drops[Drop.OLD] == 1


@pytest.mark.parametrize(
    ("asked_ms", "interval_s"),
    [
        pytest.param(1000, 1.0, id="as asked"),
        pytest.param(0, INTERVAL_S, id="never more often than by default"),
        pytest.param(65_535, LONGEST_INTERVAL_S, id="never so rarely that it says nothing"),
    ],
)
def test_the_interval_is_the_managers_to_name(asked_ms: int, interval_s: float) -> None:
    made = exchange(A, B)
    beats(made)
    made.received(answer("manager-b"), now_s=1.0)
    made.received(answer("manager-a", interval_ms=asked_ms), now_s=1.0)
    assert made.interval_s == interval_s


def test_a_manager_that_starts_anew_is_followed_under_its_new_key() -> None:
    made = exchange(A)
    beats(made)
    made.received(answer(counter=50, interval_ms=400), now_s=1.0)
    other = b"x" * 32
    made.follow(Assignment(5, (endpoint("manager-a", other),)), ProxyHealth.OFF, now_s=2.0)
    assert made.received(answer(counter=51), now_s=2.0) is Drop.FORGED
    (beat,) = beats(made, other).values()
    assert (beat.generation, beat.counter) == (5, 2)
    assert made.interval_s == 0.4  # until it names another
    new = answer(counter=1, heard=2, nonce=78, private=other)
    assert made.received(new, now_s=3.0) is None
    (beat,) = beats(made, other).values()
    assert (beat.nonce, beat.heard) == (78, 1)


def test_a_manager_that_does_not_answer_for_long_is_named() -> None:
    made = exchange(A, B)
    beats(made)
    made.received(answer(), now_s=5.0)
    assert made.unanswered(UNANSWERED_S) == ()
    assert made.unanswered(UNANSWERED_S + 1.0) == ("manager-b",)
    made.received(answer("manager-b"), now_s=40.0)
    assert made.unanswered(41.0) == ("manager-a",)


def test_a_half_that_is_no_key_is_not_followed() -> None:
    bad = ManagerEndpoint("manager-c", ip_address("192.0.2.10"), 7470, bytes(32))
    assert [to.name for _, to in exchange(A, bad).beats(lag_s=0.0)] == ["manager-a"]


LEADS = View.LEADS | View.FRESH


@pytest.mark.parametrize(
    ("generation", "view", "heard", "vouched"),
    [
        pytest.param(4, LEADS, 2, True, id="a leader, up to date, of this generation"),
        pytest.param(4, LEADS, 1, False, id="in answer to an earlier beat"),
        pytest.param(5, LEADS, 2, False, id="there is a newer one"),
        pytest.param(3, LEADS, 2, False, id="it does not know this one yet"),
        pytest.param(4, View.LEADS, 2, False, id="what it knows is not fresh"),
        pytest.param(4, View.FRESH, 2, False, id="it does not lead"),
    ],
)
def test_a_leader_vouches_for_what_was_asked_later(
    generation: int, view: View, heard: int, vouched: bool
) -> None:
    made = exchange(A)
    beats(made)
    after = made.counter
    beats(made)
    assert not made.vouched(after)
    assert made.received(answer(heard=heard, generation=generation, view=view), now_s=1.0) is None
    assert made.vouched(after) is vouched


def test_nobody_vouches_for_an_assignment_that_is_none() -> None:
    made = exchange(A, generation=0)
    beats(made)
    made.received(answer(view=LEADS), now_s=1.0)
    assert not made.vouched(0)
