"""A speaker that hears nothing ends the test that waits for it, not the run."""

import subprocess

import pytest

from e2e.bed import Broken
from e2e.speakers import PlainSpeaker


def started(script: str) -> subprocess.Popen[str]:
    return subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True)


def test_what_is_waited_for_is_found_among_the_rest() -> None:
    with started("echo 1; echo 4; echo end") as process:
        speaker = PlainSpeaker(process)
        speaker.hears(4)
        speaker.hears("end")


@pytest.mark.parametrize("kind", [4, "end"])
def test_who_hears_nothing_is_ended_and_that_is_a_failure(kind: int | str) -> None:
    with (
        started("echo 1; exec sleep 600") as process,
        pytest.raises(Broken, match=f"no {kind} was heard"),
    ):
        PlainSpeaker(process, patience_s=0.3).hears(kind)
