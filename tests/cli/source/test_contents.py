"""What paths hold: folders, what of them is left out, and what may not be looked into."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.source import contents
from pointsman.runtime.errors import Misuse

ROOT = Path(__file__).resolve().parents[3]


def test_of_a_folder_the_hidden_and_the_pipes_are_left_out(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for name in (".git/a.yaml", ".hidden.yaml", "b.yaml", "notes.txt"):
        (tmp_path / name).write_text(f"name: {name}")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "linked.yaml").symlink_to(tmp_path / "b.yaml")
    found = [(str(tmp_path / name), b"name: b.yaml") for name in ("b.yaml", "linked.yaml")]
    assert list(contents.read(str(tmp_path))) == found


def test_a_link_that_leads_nowhere_is_said(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "none")
    with pytest.raises(Misuse, match=r"gone\.yaml cannot be read: No such file"):
        list(contents.read(str(tmp_path)))


def test_no_path_is_not_the_folder_we_are_in() -> None:
    """A script's variable that isn't set would have it read whatever lies there."""
    with pytest.raises(Misuse, match="'' is no path"):
        list(contents.read(""))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("closed", ["manifests", "manifests/sub"])
@pytest.mark.parametrize("mode", [0o000, 0o600, 0o300])
def test_a_folder_that_may_not_be_looked_into_is_a_sentence(
    tmp_path: Path, mode: int, closed: str
) -> None:
    """As another user, whom root's rights don't help."""
    folder = tmp_path / "manifests"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.yaml").write_text("a: 1")
    (folder / "b.yaml").write_text("b: 1")
    (tmp_path / closed).chmod(mode)
    code = (
        "import os, sys; from cli.source import contents\n"
        "from pointsman.runtime.errors import Misuse\n"
        "os.seteuid(65534)\n"
        "try: print(list(contents.read(sys.argv[1])))\n"
        "except Misuse as misuse: print('misuse:', misuse)"
    )
    for parent in (tmp_path, *list(tmp_path.parents)[:2]):
        parent.chmod(0o755)
    process = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout.startswith("misuse: "), process.stderr
    assert str(folder) in process.stdout
