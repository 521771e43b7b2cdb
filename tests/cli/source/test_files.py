"""What the documents of files are read as, and what of them is refused."""

import io
import tarfile
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
        pytest.param("1.5e+3", 1500, id="a fraction that is none"),
        pytest.param("1e3", 1000, id="an exponent"),
        pytest.param("1.5e-1", 0.15, id="a small one"),
        pytest.param("08", 8, id="no octal number"),
        pytest.param("-0o17", -15, id="an octal number"),
        pytest.param("0_9", 9, id="a low line"),
        pytest.param("1e999", "1e999", id="an exponent beyond all bounds"),
        pytest.param("1e3x", "1e3x", id="a commit"),
        pytest.param("'1e3'", "1e3", id="a text in quotes"),
        pytest.param("_1", "_1", id="a word"),
        pytest.param("1.2.3", "1.2.3", id="a version"),
        pytest.param("true", True, id="a boolean"),
        pytest.param("y", True, id="yes"),
        pytest.param("N", False, id="no"),
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
    ("text", "value"),
    [
        pytest.param(r'{"a\ud800": ["\udfff b"]}', {"a?": ["? b"]}, id="half a pair"),
        pytest.param(r'{"a": "\ud83d\ude00 \\ud800"}', {"a": "\U0001f600 \\ud800"}, id="a pair"),
    ],
)
def test_json_holds_what_can_be_written_again(text: str, value: object, tmp_path: Path) -> None:
    assert read(tmp_path, text, "a.json") == ([value], [])


def test_a_number_beyond_all_bounds_is_none_in_json_too(tmp_path: Path) -> None:
    documents, [problem] = read(tmp_path, '{"a": -1e999}', "a.json")
    assert documents == []
    assert problem.endswith("cannot be used: -1e999 is no number that JSON knows.")


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


GOOD = "kind: Node\nmetadata:\n  name: {}\n"


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        pytest.param(
            "a: [1\n", "is neither YAML nor JSON: line 6, column 1: did not find", id="no YAML"
        ),
        pytest.param("a: 1\na: 2\n", 'cannot be used: line 6: key "a" already set', id="a twin"),
        pytest.param(
            "a:\n\t- b\n",
            "is neither YAML nor JSON: line 6, column 1: found character that cannot start any "
            "token (a tab: YAML is indented with spaces).",
            id="a tab",
        ),
        pytest.param("a: .inf\n", "cannot be used: inf is no number", id="what JSON has not"),
        pytest.param('a: "b\n', "is neither YAML nor JSON: line 6, column 1", id="no end of text"),
    ],
)
def test_a_broken_document_costs_itself_alone(broken: str, sentence: str, tmp_path: Path) -> None:
    """As promised of objects: those before it count, and those after it."""
    text = f"{GOOD.format('n1')}---\n{broken}---\n{GOOD.format('n2')}--- {{kind: Node}}\n"
    documents, [problem] = read(tmp_path, text)
    assert documents == [
        {"kind": "Node", "metadata": {"name": "n1"}},
        {"kind": "Node", "metadata": {"name": "n2"}},
        {"kind": "Node"},
    ]
    assert problem.startswith(f"{tmp_path / 'a.yaml'}: a document in it {sentence}")


def test_of_many_broken_documents_the_first_are_said_and_the_others_counted(
    tmp_path: Path,
) -> None:
    documents, problems = read(tmp_path, "---\na: [\n" * (files.FAULTS_MAX + 3) + "---\nb: 1\n")
    assert documents == [{"b": 1}]
    assert len(problems) == files.FAULTS_MAX + 1
    assert problems[-1] == f"{tmp_path / 'a.yaml'}: 3 more documents in it can't be read."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(b"a: 1\nb: M\xfcller\n", "is not text in UTF-8 (line 2)", id="Latin 1"),
        pytest.param(b"\xef\xbb\xbfa: 1\nb: \xff\n", "is not text in UTF-8 (line 2)", id="a mark"),
        pytest.param(b"\xc3", "is not text in UTF-8 (line 1)", id="half a character"),
        pytest.param("a: 1".encode("utf-16"), "is text in UTF-16, not in UTF-8", id="UTF-16"),
        pytest.param(b"\xfe\xff\0a", "is text in UTF-16, not in UTF-8", id="the other UTF-16"),
    ],
)
def test_a_file_that_is_no_text_costs_itself_alone(
    content: bytes, sentence: str, tmp_path: Path
) -> None:
    """As a broken document does; the files beside it in a folder count."""
    for name, text in (("a.yaml", b"a: 1"), ("b.yaml", content), ("c.yaml", b"c: 1")):
        (tmp_path / name).write_bytes(text)
    documents, problems = files.read([str(tmp_path)])
    assert [document for _, document in documents] == [{"a": 1}, {"c": 1}]
    bad = tmp_path / "b.yaml"
    assert problems == [f"{bad} {sentence}: write it in UTF-8, or leave it out."]


def test_a_member_of_an_archive_that_is_no_text_costs_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as whole:
        for name, content in (("a", b"\xff"), ("b", b"b: 1")):
            member = tarfile.TarInfo(f"objects/{name}.json")
            member.size = len(content)
            whole.addfile(member, io.BytesIO(content))
    documents, [problem] = files.read([str(path)])
    assert documents == [(f"{path}:objects/b.json", {"b": 1})]
    assert problem.startswith(f"{path}:objects/a.json is not text in UTF-8 (line 1): ")


def test_a_directive_stays_with_its_document(tmp_path: Path) -> None:
    assert read(tmp_path, "%YAML 1.1\n---\na: 1\n") == ([{"a": 1}], [])
    documents, [problem] = read(tmp_path, "%YAML 1.1\n---\na: 1\n---\na: [\n---\nb: 1\n")
    assert documents == [{"a": 1}]
    assert "line 6, column 1" in problem


def test_a_path_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")
    assert len(files.read([str(tmp_path), str(tmp_path)])[0]) == 1
