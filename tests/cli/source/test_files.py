"""What files, folders and standard input are read as, and what of them is refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.source import files
from pointsman.runtime.errors import Misuse

ROOT = Path(__file__).resolve().parents[3]


def read(tmp_path: Path, text: str, name: str = "a.yaml") -> tuple[list[object], list[str]]:
    path = tmp_path / name
    path.write_text(text)
    documents, problems = files.read([str(path)])
    return [document for _, document in documents], problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("65000:10", "65000:10", id="a community is no base-60 number"),
        pytest.param("12:30:45.5", "12:30:45.5", id="nor a base-60 fraction"),
        pytest.param("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", id="a time is text"),
        pytest.param("2026-01-01", "2026-01-01", id="a date is text"),
        pytest.param("64500", 64500, id="a number"),
        pytest.param("0x10", 16, id="a hexadecimal number"),
        pytest.param("1.5", 1.5, id="a fraction"),
        pytest.param("true", True, id="a boolean"),
        pytest.param("", None, id="nothing"),
        pytest.param("{2: a, true: b}", {"2": "a", "true": "b"}, id="keys become text"),
        pytest.param("&x {a: 1}", {"a": 1}, id="an anchor"),
    ],
)
def test_values_are_read_as_kubectl_reads_them(text: str, value: object, tmp_path: Path) -> None:
    assert read(tmp_path, f"key: {text}\n") == ([{"key": value}], [])


def test_json_may_hold_tabs_and_yaml_may_begin_with_a_brace(tmp_path: Path) -> None:
    assert read(tmp_path, '{\t"a":\t1}', "a.json") == ([{"a": 1}], [])
    assert read(tmp_path, "{a: 1}\n---\n{b: 2}\n") == ([{"a": 1}, {"b": 2}], [])
    assert read(tmp_path, "﻿a: 1\n") == ([{"a": 1}], [])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("a: [", "line 2, column 1: did not find", id="a list that does not end"),
        pytest.param(
            "a:\n\t- b",
            "line 2, column 1: found character that cannot start any token "
            "(a tab: YAML is indented with spaces).",
            id="a tab",
        ),
        pytest.param(
            "a: @b",
            "line 1, column 4: found character that cannot start any token.",
            id="another character",
        ),
        pytest.param("&x [*x]", "it contains itself", id="a list in itself"),
        pytest.param(
            "a: !!python/object:os.x {}", "line 1, column 4: could not determine", id="a tag"
        ),
    ],
)
def test_what_is_no_yaml_is_said_with_its_place(text: str, sentence: str, tmp_path: Path) -> None:
    documents, [problem] = read(tmp_path, text)
    assert documents == []
    assert problem.startswith(f"{tmp_path / 'a.yaml'} is neither YAML nor JSON: {sentence}")


def test_of_a_folder_the_hidden_and_the_pipes_are_left_out(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for name in (".git/a.yaml", ".hidden.yaml", "b.yaml", "notes.txt"):
        (tmp_path / name).write_text(f"name: {name}")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "linked.yaml").symlink_to(tmp_path / "b.yaml")
    documents, problems = files.read([str(tmp_path)])
    assert (documents, problems) == (
        [(str(tmp_path / name), {"name": "b.yaml"}) for name in ("b.yaml", "linked.yaml")], []
    )  # fmt: skip


def test_a_link_that_leads_nowhere_is_said(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "none")
    with pytest.raises(Misuse, match=r"gone\.yaml cannot be read: No such file"):
        files.read([str(tmp_path)])


def test_no_path_is_not_the_folder_we_are_in() -> None:
    """A script's variable that isn't set would have it read whatever lies there."""
    with pytest.raises(Misuse, match="'' is no path"):
        files.read([""])


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
        "import os, sys; import cli.source.files as files\n"
        "from pointsman.runtime.errors import Misuse\n"
        "os.seteuid(65534)\n"
        "try: print(files.read(sys.argv[1:]))\n"
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


def test_a_path_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")
    assert len(files.read([str(tmp_path), str(tmp_path)])[0]) == 1
