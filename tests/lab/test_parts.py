"""Which programs are there; a file of them that broke off is none, not a traceback."""

import json
from pathlib import Path

import pytest

from lab.parts import unpacked


@pytest.mark.parametrize("text", [None, "", "{", "[]", "null", '{"a": {"path"'])
def test_what_is_no_list_of_parts_has_none(tmp_path: Path, text: str | None) -> None:
    """`make setup` may be interrupted while it writes; the next run writes anew."""
    file = tmp_path / "parts.json"
    if text is not None:
        file.write_text(text)
    assert unpacked(file) == {}


def test_a_part_that_is_gone_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "here").touch()
    entries = {name: {"path": str(tmp_path / name)} for name in ("here", "gone")}
    (tmp_path / "parts.json").write_text(json.dumps(entries))
    assert set(unpacked(tmp_path / "parts.json")) == {"here"}
