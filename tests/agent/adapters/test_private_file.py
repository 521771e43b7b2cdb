"""A file for its owner alone, whole or not at all."""

import stat
from pathlib import Path

import pytest

from agent.adapters.private_file import store, stored


def test_what_is_stored_is_read_and_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "home" / "thing.json"
    store(path, b"first")
    store(path, b"second")
    assert stored(path, 100) == b"second"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["thing.json"]


def test_a_write_that_was_cut_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "thing.json"
    path.with_suffix(".new").write_bytes(b"ha")
    store(path, b"whole")
    assert stored(path, 100) == b"whole"


@pytest.mark.parametrize(
    ("most", "mode", "words"),
    [
        pytest.param(3, 0o600, "longer than any of ours", id="longer"),
        pytest.param(100, 0o604, "read by others", id="open"),
    ],
)
def test_what_cannot_be_ours_is_refused(tmp_path: Path, most: int, mode: int, words: str) -> None:
    path = tmp_path / "thing.json"
    store(path, b"four")
    path.chmod(mode)
    found = stored(path, most)
    assert isinstance(found, str)
    assert words in found


def test_a_link_and_a_folder_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/zero")
    with pytest.raises(OSError):
        stored(tmp_path / "link", 10)
    assert stored(tmp_path, 10) == "what is there is no file"
