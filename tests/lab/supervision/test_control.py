"""Who may make or remove a lab, and that nothing of having been it stays."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.errors import Broken
from lab.network import topology
from lab.supervision import control
from lab.supervision.control import owning


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(topology, "RUNTIME_ROOT", tmp_path / "pointsman-lab")
    return tmp_path / "pointsman-lab"


def test_the_folder_of_all_labs_goes_with_the_last(root: Path) -> None:
    with owning("one"):
        with owning("two"):
            assert root.is_dir()
        assert root.is_dir()
    assert not root.exists()


def test_it_stays_while_a_lab_has_something_in_it(root: Path) -> None:
    (root / "other").mkdir(parents=True)
    with owning("one"):
        pass
    assert [path.name for path in root.iterdir()] == ["other"]


def test_one_lab_has_one_owner(root: Path) -> None:
    with (
        owning("one"),
        pytest.raises(Broken, match="'one' is being started or taken down"),
        owning("one"),
    ):
        pass


def test_labs_that_come_and_go_at_once_dont_take_each_others_folder(root: Path) -> None:
    def come_and_go(name: str) -> None:
        for _ in range(300):
            with owning(name):
                assert control.lock_path(name).exists()

    with ThreadPoolExecutor(4) as labs:
        list(labs.map(come_and_go, ("one", "two", "three", "four")))
    assert not root.exists()
