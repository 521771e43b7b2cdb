"""tools.release: the notes of a release are its section of the changelog."""

from pathlib import Path

import pytest

from pointsman.runtime.errors import Failed
from tools.release import main, notes, version
from tools.setup import ROOT

CHANGELOG = """# Changelog

## Unreleased

- not yet

## 1.2.0 - 2026-12-01

- **This**: and that.

- More.

## 1.1.0

- before
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


def test_notes_are_the_section_of_that_version_and_no_other(tree: Path) -> None:
    assert notes("v1.2.0", tree) == "- **This**: and that.\n\n- More.\n"


@pytest.mark.parametrize("tag", ["1.2.0", "v1.1.0", "v1.2.0-rc1", "v1.2"])
def test_a_tag_that_is_not_the_version_is_refused(tree: Path, tag: str) -> None:
    with pytest.raises(Failed, match=r"tag the commit v1\.2\.0"):
        notes(tag, tree)


@pytest.mark.parametrize("text", ["# Changelog\n", "## 1.2.0\n\n## 1.1.0\n- x\n", "## 1.2.01\n- x"])
def test_a_version_without_a_word_is_refused(tree: Path, text: str) -> None:
    (tree / "CHANGELOG.md").write_text(text)
    with pytest.raises(Failed, match=r"no section 1\.2\.0"):
        notes("v1.2.0", tree)


def test_the_command_says_why_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["v0.0.0"]) == 1
    assert f"v{version(ROOT)}" in capsys.readouterr().err
