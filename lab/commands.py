"""Commands that a bed runs, here or in a container: what they print, or a sentence."""

import subprocess
from collections.abc import Mapping, Sequence

from lab.errors import Broken


def printed(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    check: bool,
    timeout_s: float,
    stdin: str | None = None,
) -> str:
    """Return what *command* prints.

    Raises:
        Broken: it failed, and *check* is on.
        subprocess.TimeoutExpired: it took longer than *timeout_s*.
    """
    done = subprocess.run(
        command,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env=environment,
        check=False,
    )
    if check and done.returncode != 0:
        words = (done.stderr or done.stdout).strip()
        raise Broken(f"`{' '.join(command)}` ended with {done.returncode}: {words}")
    return done.stdout
