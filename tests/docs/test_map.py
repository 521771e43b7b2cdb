"""The picture in docs/commands.md is made by the command; `make update` draws it again."""

from pathlib import Path

from cli.__main__ import main
from tests.cli.racks import racks
from tests.cli.running import write
from tests.docs.pages import ROOT

PICTURE = ROOT / "docs" / "map.svg"


def test_the_picture_is_fresh(tmp_path: Path, update: bool) -> None:
    made = tmp_path / "map.svg"
    assert main(["map", "-f", write(tmp_path / "racks.yaml", *racks()), "-o", str(made)]) == 0
    if update:
        PICTURE.write_text(made.read_text("utf-8"), "utf-8")
    assert PICTURE.read_text("utf-8") == made.read_text("utf-8"), "run `make update`"
