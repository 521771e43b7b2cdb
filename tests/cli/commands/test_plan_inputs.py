"""What `plan` is given: objects and files that are broken are named, and stop no other."""

import json
from pathlib import Path

import pytest

from tests.cli.running import CLUSTER, conf, eip, node, obj, run, service, small, write

BAD_PORT = obj("Service", "bad", "v1", spec={"type": "LoadBalancer", "ports": "80"})


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        pytest.param(BAD_PORT, 'Service bad: spec.ports: Invalid value: "string": '
                     'spec.ports in body must be of type array: "string".', id="wrong type"),
        pytest.param(
            {"kind": "List", "apiVersion": "v1", "items": [BAD_PORT, 7, node("n", "192.0.2.9")]},
            "object: the object is 7; write an object (key: value).",
            id="inside a list, whose other items count",
        ),
        pytest.param(obj("Eips", "x"), "Eips x is of no kind of pointsman.dev", id="no such kind"),
        pytest.param(obj("Eip", "x", "pointsman.dev/v1"), "write 'pointsman.dev/v1alpha1'",
                     id="no such version"),
        pytest.param({"apiVersion": "v1", "metadata": {"name": "x"}},
                     "x: error validating data: kind not set.",
                     id="no kind"),
        pytest.param({"apiVersion": "v1", "kind": "Node"}, "no metadata.name", id="no name"),
    ],
)  # fmt: skip
def test_a_malformed_object_is_named_and_stops_no_other(
    bad: dict, sentence: str, capsys, tmp_path: Path
) -> None:
    good, file = write(tmp_path / "good.yaml", *small()), write(tmp_path / "bad.yaml", bad)
    status, out, err = run(capsys, "plan", "--offline", "-f", file, good, "-o", "json")
    assert status == 1
    assert f"{file}: " in err
    assert sentence in err
    assert "Traceback" not in err
    assert json.loads(out)["services"]["default/web"]["addresses"] == ["198.51.100.0"]


def test_an_eip_with_a_wrong_spec_is_planned_and_says_so(capsys, tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", *small(), eip("wrong", "300.0.0.1"))
    status, out, err = run(capsys, "plan", "--offline", "-f", file, "-o", "json")
    assert status == 1
    assert 'Eip wrong: spec.addresses[0]: "300.0.0.1" is neither an address' in err
    shape = json.loads(out)
    assert shape["eips"]["wrong"]["ready"]["reason"] == "InvalidAddresses"
    assert "300.0.0.1" in shape["eips"]["wrong"]["ready"]["message"]


def test_a_broken_document_is_said_and_the_rest_of_its_file_counts(capsys, tmp_path: Path) -> None:
    good, broken = write(tmp_path / "good.yaml", *small()), tmp_path / "broken.yaml"
    first, last = json.dumps(service("first")), json.dumps(service("last"))
    broken.write_text(f"{first}\n---\nkind: Service\n spec: [\n---\n{last}\n")
    status, out, err = run(capsys, "plan", "--offline", "-f", str(broken), "-f", good, "-o", "json")
    assert status == 1
    assert f"{broken}: a document in it is neither YAML nor JSON: line 4, column 6: " in err
    assert set(json.loads(out)["services"]) == {"default/first", "default/last", "default/web"}


@pytest.mark.parametrize("bad", [b"kind: \xff\n", b"kind: [\n"], ids=["no text", "no YAML"])
@pytest.mark.parametrize(
    ("words", "answer"),
    [
        pytest.param(["plan", "--offline"], "default/web", id="plan"),
        pytest.param(["explain", "node", "node1", "--offline"], "node1", id="explain"),
        pytest.param(["routes", "--offline"], "198.51.100.0/32", id="routes"),
        pytest.param(["map", "-o", "-"], "default/web", id="map"),
        pytest.param(["migrate", "--from", "metallb", "-o", "yaml"], "objects:", id="migrate"),
    ],
)
def test_one_bad_file_of_a_folder_ends_no_command(
    words: list[str], answer: str, bad: bytes, capsys, tmp_path: Path
) -> None:
    """Whatever is wrong with it, every command says it, counts the others, and ends with 1."""
    write(tmp_path / "good.yaml", *small())
    (tmp_path / "bad.yaml").write_bytes(bad)
    status, out, err = run(capsys, *words, "-f", str(tmp_path))
    assert status == 1
    assert f"{tmp_path / 'bad.yaml'} is n" in err
    assert "Traceback" not in err
    assert answer in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(["--offline"], "Name files with -f PATH", id="no files"),
        pytest.param([], "Name files with -f PATH", id="nothing at all"),
        pytest.param(["--offline", "-f", "none.yaml"], "none.yaml cannot be read: No such file",
                     id="missing file"),
        pytest.param(["--offline", "-f", "EMPTY"], "holds no file that ends in .json", id="folder"),
        pytest.param(["--offline", "-f", CLUSTER, "--kubeconfig", "k"], "--offline asks no cluster",
                     id="two clusters"),
        pytest.param(["--offline", "-f"], "expected at least one argument", id="-f of nothing"),
        pytest.param(["-o", "xml"], "invalid choice: 'xml'", id="unknown output"),
        pytest.param(["--off"], "unrecognized arguments: --off", id="no abbreviations"),
    ],
)  # fmt: skip
def test_misuse_is_2_with_a_sentence(words, sentence, capsys, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "EMPTY").mkdir()
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, "plan", *words)
    assert (status, out) == (2, "")
    assert sentence in err
    assert err.startswith("pointsman plan: ")


@pytest.mark.parametrize(
    ("confs", "why"),
    [
        pytest.param([], "There is no usable BgpConf named 'default', so nothing", id="none"),
        pytest.param([conf(0)], "BgpConf 'default' cannot be read: spec.as: ", id="unreadable"),
    ],
)
def test_routes_say_why_nothing_is_planned(
    confs: list[dict], why: str, capsys, tmp_path: Path
) -> None:
    objects = [one for one in small() if one["kind"] != "BgpConf"]
    file = write(tmp_path / "a.yaml", *objects, *confs)
    _, out, _ = run(capsys, "routes", "--offline", "-f", file)
    assert f"! {why}" in out
