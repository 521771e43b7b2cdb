"""Classic BPF run by hand, as a kernel runs it: no program of ours is tested by itself.

Only what linux/filter.h and its checker (`bpf_check_classic`) allow: an unknown instruction, a
jump out of the program or a missing return fails the test, not the frame.
"""

from collections.abc import Sequence
from typing import Final

HOST, BROADCAST, MULTICAST, OTHERHOST, OUTGOING = range(5)  # linux/if_packet.h
MOST_INSTRUCTIONS: Final = 4096
PACKET_TYPE: Final = 0xFFFF_F004
SIZES: Final = {0x20: 4, 0x28: 2, 0x30: 1}
AT_INDEX: Final = {0x48: 2, 0x50: 1}
OTHERS: Final = frozenset({0x00, 0x01, 0x02, 0x04, 0x06, 0x07, 0x0C, 0x54, 0x60, 0x64, 0xB1})
WORD: Final = 0xFFFF_FFFF
SCRATCH: Final = 16  # words: BPF_MEMWORDS

Instruction = tuple[int, int, int, int]


def check(program: Sequence[Instruction]) -> None:
    """Refuse what a kernel refuses."""
    assert 0 < len(program) <= MOST_INSTRUCTIONS
    assert program[-1][0] == 0x06
    for place, (code, if_true, if_false, operand) in enumerate(program):
        assert all(0 <= jump <= 0xFF for jump in (if_true, if_false))
        assert 0 <= operand <= 0xFFFF_FFFF
        left = len(program) - place - 1
        if code == 0x05:
            assert operand < left
        elif code in (0x15, 0x25, 0x35):
            assert max(if_true, if_false) < left
        else:
            assert code in (*SIZES, *AT_INDEX, *OTHERS)
            if code in (0x02, 0x60):
                assert operand < SCRATCH


def run(
    program: Sequence[Instruction],
    frame: bytes,
    *,
    packet_type: int = HOST,
    protocol: int = 0,
    vlan: int | None = None,
) -> int:
    """Return how many octets of *frame* the *program* passes; 0: none.

    *vlan*: the tag that the kernel took off it, None for none.
    """
    known = {
        PACKET_TYPE: packet_type,
        0xFFFF_F000: protocol,
        0xFFFF_F000 + 44: vlan or 0,
        0xFFFF_F000 + 48: int(vlan is not None),
    }
    accumulator, index, at = 0, 0, 0
    scratch: dict[int, int] = {}  # a word that was never stored is no word: KeyError
    while True:
        code, if_true, if_false, operand = program[at]
        at += 1
        if code == 0x06:
            return operand
        if code in (0x15, 0x25, 0x35):
            at += if_true if _holds(code, accumulator, operand) else if_false
        elif code == 0x05:
            at += operand
        elif code in SIZES and operand in known:
            accumulator = known[operand]
        elif code in SIZES or code in AT_INDEX:
            start = operand + (index if code in AT_INDEX else 0)
            size = SIZES.get(code) or AT_INDEX[code]
            octets = frame[start : start + size]
            if len(octets) < size:
                return 0
            accumulator = int.from_bytes(octets, "big")
        elif code == 0x02:
            scratch[operand] = accumulator
        elif code == 0x01:
            index = operand
        elif code == 0x07:
            index = accumulator
        elif code == 0xB1:
            if operand >= len(frame):
                return 0
            index = 4 * (frame[operand] & 0xF)
        elif code == 0x60:
            accumulator = scratch[operand]
        else:
            accumulator = _computed(code, accumulator, operand, index) & WORD


def _computed(code: int, accumulator: int, operand: int, index: int) -> int:
    return {
        0x00: operand,
        0x04: accumulator + operand,
        0x0C: accumulator + index,
        0x54: accumulator & operand,
        0x64: accumulator << min(operand, 32),
    }[code]


def _holds(code: int, accumulator: int, operand: int) -> bool:
    return {
        0x15: accumulator == operand,
        0x25: accumulator > operand,
        0x35: accumulator >= operand,
    }[code]
