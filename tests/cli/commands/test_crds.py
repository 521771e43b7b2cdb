import json
from pathlib import Path

import pytest
import yaml

from cli.commands import crds
from pointsman.api import crd
from tests.cli.running import run

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
    (tmp_path / "announcer.yaml").write_bytes(b"no text: \xff\n")
    (tmp_path / "old.yaml").write_text(crd.HEADER)
    capsys.readouterr()
    assert crds.main(["--check", "--dir", str(tmp_path)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{tmp_path}/announcer.yaml is stale: run `make update`",
        f"{tmp_path}/bgppeer.yaml is missing: run `make update`",
        f"{tmp_path}/eip.yaml is stale: run `make update`",
        f"{tmp_path}/old.yaml belongs to no kind: run `make update`",
    ]


def test_write_repairs_only_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crds.main(["--write", "--dir", str(tmp_path)])
    (tmp_path / "eip.yaml").write_text("edited: by hand\n")
    (tmp_path / "old.yaml").write_text(crd.HEADER)
    capsys.readouterr()
    assert crds.main(["--write", "--dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"wrote {tmp_path}/eip.yaml",
        f"removed {tmp_path}/old.yaml",
    ]
    assert crds.main(["--check", "--dir", str(tmp_path)]) == 0


def test_what_is_somebody_elses_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--dir .` beside manifests of one's own must cost none of them."""
    (tmp_path / "web.yaml").write_text("kind: Service\n")
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    (tmp_path / "folder.yaml").mkdir()
    before = {path.name for path in tmp_path.iterdir()}
    assert crds.main(["--write", "--dir", str(tmp_path)]) == 0
    assert "removed" not in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == before | set(crd.files())
    assert crds.main(["--check", "--dir", str(tmp_path)]) == 0


def test_no_folder_is_misuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert crds.main(["--check", "--dir", str(tmp_path / "none")]) == 2
    assert "name it with --dir" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_or_written_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "eip.yaml").mkdir()
    status, out, err = run(capsys, "crds", "--check", "--dir", str(tmp_path))
    sentence = f"pointsman crds: {tmp_path}/eip.yaml cannot be read: Is a directory.\n"
    assert (status, out, err) == (2, "", sentence)
    (tmp_path / "eip.yaml").rmdir()
    (tmp_path / "eip.yaml").symlink_to("/proc/version")  # which takes nothing, from root either
    status, _, err = run(capsys, "crds", "--write", "--dir", str(tmp_path))
    assert status == 1
    assert err.startswith(f"pointsman crds: {tmp_path}/eip.yaml cannot be written: ")
