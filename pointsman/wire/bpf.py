"""Classic BPF: the instructions that our filters are made of, and a search in intervals. Pure.

Jumps lead forwards only, and conditional ones reach 255 instructions, so what is long is crossed
by an unconditional one. Refuses to know what a frame is.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, operand
Program = tuple[Instruction, ...]
Interval = tuple[int, int]  # first and last, both within
# A label; or an instruction that leads to labels, "" to what follows it.
Line = str | tuple[int, str, str, int] | Instruction

LONGEST: Final = 4096  # instructions: BPF_MAXINSNS, linux/bpf_common.h
# linux/filter.h: class | size | mode, or class | operation.
LOAD_WORD, LOAD_HALF, LOAD_OCTET = 0x20, 0x28, 0x30
# At the index register's place, and something behind it; a constant; a word of the scratch memory.
LOAD_HALF_AT, LOAD_OCTET_AT, LOAD_CONSTANT, LOAD_SCRATCH = 0x48, 0x50, 0x00, 0x60
INDEX_CONSTANT, INDEX_IPV4_HEADER, TO_INDEX = 0x01, 0xB1, 0x07  # 0xB1: its length in octets
STORE, ADD, ADD_INDEX, SHIFT_LEFT = 0x02, 0x04, 0x0C, 0x64
AND, JUMP, EQUAL, ABOVE, AT_LEAST, RETURN = 0x54, 0x05, 0x15, 0x25, 0x35, 0x06
# What the kernel knows of a packet: SKF_AD_OFF and a number of linux/filter.h.
PROTOCOL, PACKET_TYPE, VLAN_TAG, HAS_VLAN_TAG = (0xFFFF_F000 + n for n in (0, 4, 44, 48))
PASS: Instruction = (RETURN, 0, 0, 0xFFFF)  # octets of it
REFUSE: Instruction = (RETURN, 0, 0, 0)

_LEAF: Final = 16  # intervals compared one by one at the end of a search
_INTERVAL_COST: Final = 2.25  # instructions at most: two, and its part of a leaf's and a fork's
_FAR: Final = 255  # what a conditional jump reaches: 8 bits
_TO_NEXT: Instruction = (JUMP, 0, 0, 0xFFFF_FFFF)  # until it is known where the next part is


def assembled(lines: Iterable[Line]) -> Program:
    """Return the program that *lines* spell, labels made distances.

    Raises:
        KeyError: an instruction leads to a label that is not there.
        ValueError: it leads backwards, or further than a conditional one reaches.
    """
    steps: list[Instruction | tuple[int, str, str, int]] = []
    labels: dict[str, int] = {}
    for line in lines:
        if isinstance(line, str):
            labels[line] = len(steps)
        else:
            steps.append(line)
    return tuple(_resolved(step, place, labels) for place, step in enumerate(steps))


def _resolved(
    step: Instruction | tuple[int, str, str, int], place: int, labels: dict[str, int]
) -> Instruction:
    code, if_true, if_false, operand = step
    if not isinstance(if_true, str) or not isinstance(if_false, str):
        return code, int(if_true), int(if_false), operand
    true, false = (labels[one] - place - 1 if one else 0 for one in (if_true, if_false))
    if min(true, false) < 0 or (code != JUMP and max(true, false) > _FAR):
        raise ValueError(f"instruction {place} cannot lead to {if_true or if_false}")
    return (JUMP, 0, 0, true) if code == JUMP else (code, true, false, operand)


def joined(numbers: Iterable[int]) -> list[Interval]:
    """Return *numbers* as intervals, sorted, neighbors in one."""
    intervals: list[Interval] = []
    for number in sorted(set(numbers)):
        if intervals and intervals[-1][1] + 1 == number:
            intervals[-1] = intervals[-1][0], number
        else:
            intervals.append((number, number))
    return intervals


def widened(intervals: list[Interval], budget: int) -> list[Interval]:
    """Return intervals that hold *intervals*, so few that a program has *budget* instructions.

    The narrowest gaps are closed: they let the fewest others through.
    """
    most = max(1, int((budget - 40) / 2 / _INTERVAL_COST))
    if len(intervals) <= most:
        return intervals
    gaps = range(1, len(intervals))
    widest = sorted(gaps, key=lambda n: (intervals[n - 1][1] - intervals[n][0], n))
    cuts = [0, *sorted(widest[: most - 1]), len(intervals)]
    return [(intervals[start][0], intervals[end - 1][1]) for start, end in pairwise(cuts)]


def block(at: int, words: tuple[int, ...], *, to_next: int) -> Program:
    """Return what goes on if the words at *at* are *words*, else skips the *to_next* behind it."""
    found: list[Instruction] = []
    left = 2 * len(words)
    for number, word in enumerate(words):
        left -= 2
        found += [(LOAD_WORD, 0, 0, at + 4 * number), (EQUAL, 0 if left else 1, left, word)]
    return (*found, (JUMP, 0, 0, to_next))


def search(at: int, intervals: list[Interval]) -> Program:
    """Return what passes a frame whose word at *at* lies in *intervals*, and else goes on."""
    leaves = [_leaf(intervals[n : n + _LEAF]) for n in range(0, len(intervals), _LEAF)]
    firsts = [intervals[n][0] for n in range(0, len(intervals), _LEAF)]
    body = ((LOAD_WORD, 0, 0, at), *_fork(leaves, firsts))
    end = len(body)
    return tuple(
        (JUMP, 0, 0, end - place - 1) if step == _TO_NEXT else step
        for place, step in enumerate(body)
    )


def _fork(leaves: Sequence[Program], firsts: Sequence[int]) -> Program:
    """Return the tree over *leaves*: right from the *first* of its middle one on."""
    if len(leaves) == 1:
        return leaves[0]
    middle = len(leaves) // 2
    left = _fork(leaves[:middle], firsts[:middle])
    right = _fork(leaves[middle:], firsts[middle:])
    if len(left) <= _FAR:
        return ((AT_LEAST, len(left), 0, firsts[middle]), *left, *right)
    return ((AT_LEAST, 0, 1, firsts[middle]), (JUMP, 0, 0, len(left)), *left, *right)


def _leaf(intervals: Sequence[Interval]) -> Program:
    """Return what passes *intervals*, compared one by one, in order."""
    length = sum(1 if first == last else 2 for first, last in intervals)
    steps: list[Instruction] = []
    for first, last in intervals:
        if first == last:
            steps.append((EQUAL, length - len(steps), 0, first))
            continue
        steps.append((ABOVE, 1, 0, last))
        left = length - len(steps) - 1  # to what goes on; what passes comes after it
        steps.append((AT_LEAST, left + 1, left, first))
    return (*steps, _TO_NEXT, PASS)
