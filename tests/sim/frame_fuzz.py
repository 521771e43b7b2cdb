"""A fuzzer of frames that is led by coverage: a frame that reaches new code is mutated further.

By seed, so that a run can be had again. Checksums and lengths are put right in half of the
frames, or nothing behind them would ever be reached.
"""

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any, Final

from pointsman.wire.ethernet import ETH_P_IPV6

Target = Callable[[bytes], object]
Arc = tuple[CodeType, int, int]  # from one line to the next one

LONGEST: Final = 200
TELLING: Final = (0, 1, 2, 3, 6, 8, 14, 58, 60, 127, 128, 133, 135, 136, 137, 224, 254, 255)
_HEADERS: Final = 54


class FrameFuzz:
    """Frames for one target, whose code lies in files that *is_traced* names."""

    def __init__(
        self,
        target: Target,
        frames: Sequence[bytes],
        *,
        is_traced: Callable[[str], bool],
        seed: int,
    ) -> None:
        self.corpus = list(frames)
        self.reached: set[Arc] = set()
        self._target, self._is_traced = target, is_traced
        self._chance = random.Random(seed)

    def run(self, times: int) -> Iterator[bytes]:
        """Yield each frame that reached something new; what the target raises goes through."""
        for frame in [*self.corpus]:
            self._reaches(frame)
        for _ in range(times):
            frame = self._mutated()
            if self._reaches(frame):
                self.corpus.append(frame)
                yield frame

    def _reaches(self, frame: bytes) -> bool:
        before = len(self.reached)
        try:
            with self._traced():
                self._target(frame)
        except Exception as error:
            error.add_note(f"the frame: {frame.hex()}")
            raise
        return len(self.reached) > before

    @contextmanager
    def _traced(self) -> Iterator[None]:
        last: dict[FrameType, int] = {}

        def line(frame: FrameType, event: str, _: Any) -> Any:
            if event == "line":
                self.reached.add((frame.f_code, last.get(frame, 0), frame.f_lineno))
                last[frame] = frame.f_lineno
            return line

        def call(frame: FrameType, event: str, _: Any) -> Any:
            return line if self._is_traced(frame.f_code.co_filename) else None

        outer = sys.gettrace()  # a debugger's, or of a coverage measurement
        sys.settrace(call)
        try:
            yield
        finally:
            sys.settrace(outer)

    def _mutated(self) -> bytes:
        chance = self._chance
        frame = bytearray(chance.choice(self.corpus))
        for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
            self._mutate(frame)
        if chance.random() < 0.5:
            _put_right(frame)
        return bytes(frame[:LONGEST])

    def _mutate(self, frame: bytearray) -> None:
        chance = self._chance
        at = chance.randrange(len(frame)) if frame else 0
        match chance.randrange(7) if frame else 6:
            case 0:
                frame[at] ^= 1 << chance.randrange(8)
            case 1:
                frame[at] = chance.choice(TELLING)
            case 2:
                frame[at] = chance.randrange(256)
            case 3:
                del frame[at:]
            case 4:  # a part of it again, or of another
                other = chance.choice(self.corpus)
                start = chance.randrange(len(other) or 1)
                part = other[start : start + chance.choice((1, 2, 4, 6, 8, 16))]
                frame[at : at + len(part)] = part
            case 5:  # something between
                frame[at:at] = chance.randbytes(chance.choice((1, 2, 8, 16)))
            case _:
                frame += chance.randbytes(chance.choice((1, 8, 18)))


def _put_right(frame: bytearray) -> None:
    """Give an IPv6 frame the payload length that it has, and the checksum of ICMPv6."""
    if len(frame) < _HEADERS + 4 or int.from_bytes(frame[12:14], "big") != ETH_P_IPV6:
        return
    message = frame[_HEADERS:]
    frame[18:20] = len(message).to_bytes(2, "big")
    message[2:4] = b"\0\0"
    # By the book (RFC 1071), word by word: not by the code that is tried.
    summed = bytes(frame[22:54]) + len(message).to_bytes(4, "big") + b"\0\0\0\x3a" + bytes(message)
    summed += b"\0" * (len(summed) % 2)
    total = sum(int.from_bytes(summed[n : n + 2], "big") for n in range(0, len(summed), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    frame[56:58] = (total ^ 0xFFFF).to_bytes(2, "big")
