"""What tests start can be interrupted, also when the run is a background job of a script."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INTERRUPTED = "import os, signal, time; os.kill(os.getpid(), signal.{name}); time.sleep(60)"


@pytest.mark.parametrize("name", ["SIGINT", "SIGQUIT"])
def test_what_a_test_starts_ends_by_a_signal(name: str) -> None:
    child = [sys.executable, "-c", INTERRUPTED.format(name=name)]
    done = subprocess.run(child, timeout=30, capture_output=True, check=False)
    assert done.returncode == -signal.Signals[name]


def test_it_does_in_a_background_job_too(tmp_path: Path) -> None:
    """A shell without job control makes its background jobs ignore both (POSIX, 2.11)."""
    node = (
        f"{Path(__file__).relative_to(ROOT)}::{test_what_a_test_starts_ends_by_a_signal.__name__}"
    )
    run = f"{sys.executable} -m pytest -q -p no:cacheprovider {node} --basetemp={tmp_path}/t"
    script = f"{run} > {tmp_path}/out 2>&1 & wait $!"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(["sh", "-c", script], cwd=ROOT, env=environment, timeout=120, check=False)
    assert done.returncode == 0, (tmp_path / "out").read_text()
