from pathlib import Path

import pytest

from cli.source import files


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
        pytest.param("a:\n\t- b", "line 2, column 1: found character", id="a tab"),
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


def test_a_path_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")
    assert len(files.read([str(tmp_path), str(tmp_path)])[0]) == 1
