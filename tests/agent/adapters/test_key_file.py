"""The private half of the key on disk: for its owner alone, made where there is none."""

import logging
import stat
from pathlib import Path

import pytest

from agent.adapters.key_file import FILE, private_key

FIRST, SECOND = b"1" * 32, b"2" * 32


def first(octets: int) -> bytes:
    return FIRST[:octets]


def second(octets: int) -> bytes:
    return SECOND[:octets]


def test_a_key_is_made_once_and_its_owner_alone_can_read_it(tmp_path: Path) -> None:
    home = tmp_path / "state" / "pointsman"
    assert private_key(home, first) == FIRST
    assert private_key(home, second) == FIRST
    assert stat.S_IMODE((home / FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) & 0o077 == 0
    assert [path.name for path in home.iterdir()] == [FILE]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        pytest.param(lambda p: p.unlink(), "there is none yet", id="gone"),
        pytest.param(lambda p: p.write_bytes(b"short"), "is no key", id="cut"),
        pytest.param(lambda p: p.write_bytes(bytes(33)), "is no key", id="too long"),
        pytest.param(lambda p: p.chmod(0o640), "read by others", id="open to others"),
        pytest.param(lambda p: (p.unlink(), p.mkdir()), "cannot be kept", id="a directory"),
        pytest.param(
            lambda p: (p.unlink(), p.symlink_to("/dev/zero")), "cannot be read", id="a link"
        ),
    ],
)
def test_without_one_of_use_a_new_one_is_made_and_said(
    tmp_path: Path, damage: object, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    private_key(tmp_path, first)
    damage(tmp_path / FILE)  # type: ignore[operator]
    caplog.clear()
    with caplog.at_level(logging.INFO):
        assert private_key(tmp_path, second) == SECOND
    (record,) = caplog.records
    assert words in record.getMessage()
    if "kept" not in words:
        assert private_key(tmp_path, first) == SECOND


def test_where_it_cannot_be_kept_the_agent_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert private_key(tmp_path / "file", first) == FIRST
    assert "--state-dir" in caplog.text
