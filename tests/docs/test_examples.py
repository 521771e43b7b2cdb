"""The files in examples/ are the ones that the README shows."""

from tests.docs.pages import ROOT, blocks


def test_every_named_file_of_the_readme_is_in_examples_and_no_other() -> None:
    shown = {
        block.title: block.text
        for block in blocks("README.md")
        if block.language == "yaml" and block.title
    }
    assert shown
    there = {path.name: path.read_text("utf-8") for path in (ROOT / "examples").glob("*.yaml")}
    assert there == shown
