"""Recorded datagrams count for nothing, whoever sends them again, and whenever."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.wire.heartbeat import Acknowledgement, Beat, Drop
from pointsman.wire.heartbeat_windows import AcknowledgementWindow, BeatWindow

OLD, NEW = b"o" * 16, b"n" * 16
NONCE = 5


def beat(counter: int, heard: int = 1, *, boot: bytes = NEW, nonce: int = NONCE) -> Beat:
    return Beat("node1", boot, counter, nonce=nonce, heard=heard)


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(beat(1, 0, nonce=0), id="it has heard nobody"),
        pytest.param(beat(1, 1, nonce=NONCE + 1), id="it heard another process of ours"),
        pytest.param(beat(1, 0), id="it names no acknowledgement"),
        pytest.param(beat(1, 9), id="it names one that was never sent"),
    ],
)
def test_a_boot_counts_only_once_it_echoed_this_process(one: Beat) -> None:
    window = BeatWindow(NONCE)
    assert window.refuses(one, rounds=3) is Drop.UNPROVEN
    assert window.refuses(beat(2), rounds=3) is None


def test_counters_only_rise() -> None:
    window = BeatWindow(NONCE)
    assert window.refuses(beat(4), rounds=1) is None
    assert window.refuses(beat(4), rounds=1) is Drop.OLD
    assert window.refuses(beat(3), rounds=1) is Drop.OLD
    assert window.refuses(beat(9), rounds=1) is None


def test_a_new_boot_begins_anew_and_the_one_before_never_returns() -> None:
    window = BeatWindow(NONCE)
    assert window.refuses(beat(4, 1, boot=OLD), rounds=1) is None
    assert window.refuses(beat(900, 2, boot=OLD), rounds=2) is None
    assert window.refuses(beat(1, 2), rounds=2) is Drop.UNPROVEN  # the echo may be recorded
    assert window.refuses(beat(2, 3), rounds=3) is None
    assert window.refuses(beat(901, 2, boot=OLD), rounds=3) is Drop.UNPROVEN
    assert window.refuses(beat(901, 1, boot=OLD), rounds=9) is Drop.UNPROVEN
    assert window.refuses(beat(3, 3), rounds=3) is None


@given(st.data())
def test_no_datagram_counts_twice(data: st.DataObject) -> None:
    """Two boots, one after the other, and somebody who sends again what he recorded."""
    sent = [beat(n, 1 + n // 3, boot=OLD) for n in range(1, 9)]
    sent += [beat(n, 4 + n // 3) for n in range(1, 9)]
    window, counted = BeatWindow(NONCE), set[tuple[bytes, int]]()
    for number, one in enumerate(sent):
        again = data.draw(st.lists(st.sampled_from(sent[: number + 1]), max_size=3))
        for repeated in (one, *again):
            if window.refuses(repeated, rounds=20) is None:
                which = repeated.boot, repeated.counter
                assert which not in counted
                counted.add(which)


def acknowledgement(
    counter: int, heard: int = 1, *, nonce: int = NONCE, boot: bytes = NEW
) -> Acknowledgement:
    return Acknowledgement("manager-a", nonce, counter, boot, heard)


def test_an_acknowledgement_counts_once_and_for_this_boot() -> None:
    window = AcknowledgementWindow(NEW)
    assert window.refuses(acknowledgement(1, boot=OLD), sent=5) is Drop.UNPROVEN
    assert window.refuses(acknowledgement(1, 0), sent=5) is Drop.UNPROVEN
    assert window.refuses(acknowledgement(1, 6), sent=5) is Drop.UNPROVEN
    assert window.refuses(replace(acknowledgement(1), nonce=0), sent=5) is Drop.UNPROVEN
    assert window.refuses(acknowledgement(1, 3), sent=5) is None
    assert window.refuses(acknowledgement(1, 3), sent=5) is Drop.OLD
    assert window.refuses(acknowledgement(2, 3), sent=5) is None


def test_a_new_process_of_the_manager_must_have_heard_something_newer() -> None:
    window = AcknowledgementWindow(NEW)
    assert window.refuses(acknowledgement(70, 3), sent=5) is None
    assert window.refuses(acknowledgement(1, 3, nonce=8), sent=5) is Drop.UNPROVEN
    assert window.refuses(acknowledgement(1, 4, nonce=8), sent=5) is None
    assert window.refuses(acknowledgement(71, 4), sent=5) is Drop.UNPROVEN
