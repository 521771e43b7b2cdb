import json
from pathlib import Path

import pytest
import yaml

from cli.commands import crds

KINDS = ["Eip", "BgpConf", "BgpPeer", "Announcer"]


def test_the_files_in_the_checkout_are_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    assert crds.main(["--check"]) == 0
    assert capsys.readouterr() == ("", "")


def test_printed_documents_can_be_applied(capsys: pytest.CaptureFixture[str]) -> None:
    assert crds.main([]) == 0
    documents = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [document["spec"]["names"]["kind"] for document in documents] == KINDS
    assert crds.main(["-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["items"] == documents


def test_check_names_each_file_that_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert crds.main(["--write", "--dir", str(tmp_path)]) == 0
    assert crds.main(["--check", "--dir", str(tmp_path)]) == 0
    (tmp_path / "eip.yaml").write_text("edited: by hand\n")
    (tmp_path / "bgppeer.yaml").unlink()
    (tmp_path / "old.yaml").write_text("")
    capsys.readouterr()
    assert crds.main(["--check", "--dir", str(tmp_path)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{tmp_path}/bgppeer.yaml is missing: run `make update`",
        f"{tmp_path}/eip.yaml is stale: run `make update`",
        f"{tmp_path}/old.yaml belongs to no kind: run `make update`",
    ]


def test_write_repairs_only_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crds.main(["--write", "--dir", str(tmp_path)])
    (tmp_path / "eip.yaml").write_text("edited: by hand\n")
    (tmp_path / "old.yaml").write_text("")
    capsys.readouterr()
    assert crds.main(["--write", "--dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"wrote {tmp_path}/eip.yaml",
        f"removed {tmp_path}/old.yaml",
    ]
    assert crds.main(["--check", "--dir", str(tmp_path)]) == 0


def test_no_folder_is_misuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert crds.main(["--check", "--dir", str(tmp_path / "none")]) == 2
    assert "name it with --dir" in capsys.readouterr().err
