"""Filters of tc that a card has taken over; the kernel's word on those that it has not."""

import shutil
import struct
import subprocess
from collections.abc import Iterator

import pytest

from agent.adapters.tc_filters import FLAGS, in_hardware, is_in_hardware
from lab.network import netns
from tests.pointsman.net.wires import Cable, cable

HEAD = bytes(20)  # struct tcmsg
SKIP_HW, IN_HW, NOT_IN_HW = 1, 4, 8  # linux/pkt_cls.h


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value.ljust((len(value) + 3) & ~3, b"\0")


def body(kind: str, number: int, flags: int) -> bytes:
    options = attribute(1, b"\1\0\0\0") + attribute(number, struct.pack("=I", flags))
    return HEAD + attribute(1, kind.encode() + b"\0") + attribute(2, options)


@pytest.mark.parametrize(("kind", "number"), FLAGS.items())
def test_the_flags_of_every_kind_that_cards_take(kind: str, number: int) -> None:
    assert is_in_hardware(body(kind, number, IN_HW))
    assert is_in_hardware(body(kind, number, IN_HW | 2))
    assert not is_in_hardware(body(kind, number, NOT_IN_HW))
    assert not is_in_hardware(body(kind, number, SKIP_HW | NOT_IN_HW))
    assert not is_in_hardware(body(kind, number + 1, IN_HW))


@pytest.mark.parametrize("odd", [HEAD, body("basic", 3, IN_HW), HEAD + attribute(1, b"u32\0")])
def test_others_have_none(odd: bytes) -> None:
    assert not is_in_hardware(odd)


def test_an_interface_that_is_gone_has_none() -> None:
    assert in_hardware([2**30, 2**30 + 1]) == frozenset()


@pytest.fixture
def wires() -> Iterator[Cable]:
    with cable() as made:
        yield made


@pytest.mark.lab
@pytest.mark.skipif(shutil.which("tc") is None, reason="no tc to put filters with")
def test_the_kernel_says_of_filters_in_software_that_they_are_not(
    wires: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in (
        "qdisc add dev near clsact",
        *(
            f"filter add dev near ingress prio {n} protocol ip u32 match ip dst 198.51.100.{n}/32"
            for n in range(1, 200)
        ),
    ):
        subprocess.run(["tc", "-n", wires.namespace, *words.split()], check=True)
    index = wires.index("near")
    seen: list[bytes] = []

    def noted(found: bytes) -> bool:
        seen.append(found)
        return is_in_hardware(found)

    monkeypatch.setattr("agent.adapters.tc_filters.is_in_hardware", noted)
    with netns.entered(wires.namespace):
        assert in_hardware([index, wires.index("far")]) == frozenset()
    assert len(seen) >= 199
    # The same words of the kernel, but for the bit.
    number, flags = FLAGS["u32"], struct.pack("=I", NOT_IN_HW)
    spoken = attribute(number, flags)
    assert any(spoken in one for one in seen)
    turned = [one.replace(spoken, attribute(number, struct.pack("=I", IN_HW))) for one in seen]
    assert [is_in_hardware(one) for one in turned] == [spoken in one for one in seen]
