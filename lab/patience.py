"""Waiting by looking: how long, how often, and what a look may meet that is not there yet."""

import subprocess
import time
from collections.abc import Callable
from typing import Final, TypeVar

from lab.errors import Broken

T = TypeVar("T")
# For what comes within seconds on an idle machine: only what never comes is waited for so long.
PATIENCE_S: Final = 60.0
# On a busy one a look may take as long as a dozen do elsewhere: so many are taken all the same,
# unless even they take several times as long as we wait.
LOOKS_AT_LEAST: Final = 10
STRETCH: Final = 3.0
PAUSE_S: Final = 0.05
# What a look raises at something that isn't there yet: a field of a status, a router's JSON.
LOOKED_TOO_EARLY: Final = (
    Broken,
    AssertionError,
    LookupError,
    ValueError,
    subprocess.SubprocessError,
)


def wait(
    what: str,
    look: Callable[[], T | None],
    *,
    timeout_s: float = PATIENCE_S,
    now_s: Callable[[], float] = time.monotonic,
) -> T:
    """Return the first truthy value that *look* returns.

    Raises:
        Broken: none in time, or the last look itself failed; *what* is in the sentence.
    """
    began_s, looks = now_s(), 0
    while True:
        try:
            value = look()
            if value:
                return value
            seen = f"last seen: {value!r}"
        except LOOKED_TOO_EARLY as error:
            seen = f"last look: {error!r}"
        looks += 1
        took_s = now_s() - began_s
        if took_s > timeout_s * (1.0 if looks >= LOOKS_AT_LEAST else STRETCH):
            raise Broken(f"Waited {took_s:g} s in vain for {what}; {seen}.")
        time.sleep(PAUSE_S)
