"""Two halves make one key, alike on both sides, and nobody else's."""

import pytest

from pointsman.wire.heartbeat_keys import key_text, public_half, read_key, shared_key

AGENT, MANAGER, OTHER = b"a" * 32, b"m" * 32, b"o" * 32


def test_both_sides_make_the_same_key() -> None:
    agent, manager = public_half(AGENT), public_half(MANAGER)
    made = shared_key(AGENT, agent=agent, manager=manager)
    assert made is not None
    assert len(made) == 32
    assert made == shared_key(MANAGER, agent=agent, manager=manager)


def test_a_third_makes_another() -> None:
    agent, manager = public_half(AGENT), public_half(MANAGER)
    made = shared_key(AGENT, agent=agent, manager=manager)
    assert made != shared_key(OTHER, agent=public_half(OTHER), manager=manager)
    assert made != shared_key(AGENT, agent=agent, manager=public_half(OTHER))


def test_a_half_is_the_one_of_the_rfc() -> None:
    """RFC 7748 section 6.1: Bob's private and public key."""
    private = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
    public = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
    assert public_half(bytes.fromhex(private)) == bytes.fromhex(public)


@pytest.mark.parametrize("half", [bytes(32), b"\1" + bytes(31)])
def test_a_half_of_small_order_makes_no_key(half: bytes) -> None:
    assert shared_key(MANAGER, agent=half, manager=public_half(MANAGER)) is None


def test_a_half_is_read_as_it_is_spelled() -> None:
    agent = public_half(AGENT)
    assert len(key_text(agent)) == 44
    assert read_key(key_text(agent)) == agent


@pytest.mark.parametrize(
    "text", ["", "key", "=" * 44, "é" * 44, "A" * 43 + "\n", "A" * 44, "A" * 45, "A" * 40 + "===="]
)
def test_what_spells_no_half_is_none(text: str) -> None:
    assert read_key(text) is None
