"""How long is waited for something, by a clock that the looks themselves move."""

import pytest

from lab.errors import Broken
from lab.patience import LOOKS_AT_LEAST, STRETCH, wait


class Machine:
    """A look at what comes with the *last* of so many looks, each of which takes so long."""

    def __init__(self, look_s: float, last: int = 10_000) -> None:
        self._look_s, self._last = look_s, last
        self.looks, self.now_s = 0, 0.0

    def look(self) -> bool:
        self.looks += 1
        self.now_s += self._look_s
        return self.looks == self._last

    def wait(self, timeout_s: float) -> bool:
        return wait("it", self.look, timeout_s=timeout_s, now_s=lambda: self.now_s)


def test_a_machine_that_looks_fast_is_given_its_time() -> None:
    machine = Machine(look_s=1.0)
    with pytest.raises(Broken, match=r"Waited 16 s in vain for it; last seen: False\."):
        machine.wait(15.0)
    assert machine.looks == 16


def test_one_that_looks_slowly_may_look_a_few_times_all_the_same() -> None:
    assert Machine(look_s=10.0, last=LOOKS_AT_LEAST).wait(60.0)
    machine = Machine(look_s=10.0)
    with pytest.raises(Broken):
        machine.wait(60.0)
    assert machine.looks == LOOKS_AT_LEAST


def test_but_not_for_ever() -> None:
    machine = Machine(look_s=100.0)
    with pytest.raises(Broken):
        machine.wait(60.0)
    assert machine.now_s == 200.0 > 60.0 * STRETCH
