"""Objects out of files: YAML and JSON, many documents, folders, standard input.

YAML is read as kubectl reads it: what JSON has no type for stays text. A file that breaks
off is said and costs only what comes after the break.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from cli.misuse import Misuse

SUFFIXES: Final = (".json", ".yaml", ".yml")
STDIN: Final = "-"
_TAG: Final = "tag:yaml.org,2002:"


class _Loader(yaml.CSafeLoader):
    """YAML 1.1 without times and base-60 numbers: `65000:10` is text, as for kubectl."""


def _as_kubectl(tag: str, pattern: re.Pattern[str]) -> tuple[str, re.Pattern[str]]:
    if tag in (_TAG + "int", _TAG + "float"):
        return tag, re.compile(rf"(?![^:]*:)(?:{pattern.pattern})", re.VERBOSE)
    return tag, pattern


_Loader.yaml_implicit_resolvers = {
    first: [_as_kubectl(*one) for one in resolvers if one[0] != _TAG + "timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def read(paths: Iterable[str]) -> tuple[list[tuple[str, object]], list[str]]:
    """Return (file, document) pairs in order, and a sentence for each file that breaks off.

    Raises:
        Misuse: a path that cannot be read at all.
    """
    documents: list[tuple[str, object]] = []
    problems: list[str] = []
    for path in dict.fromkeys(paths):
        for where, text in _texts(path):
            try:
                documents.extend((where, document) for document in _documents(text))
            except (yaml.YAMLError, ValueError, RecursionError) as error:
                problems.append(f"{where} is neither YAML nor JSON: {_shown(error)}")
    return documents, problems


def _texts(path: str) -> Iterator[tuple[str, str]]:
    if path == STDIN:
        yield "standard input", _decoded("standard input", sys.stdin.buffer.read())
        return
    given = Path(path)
    if not given.is_dir():
        yield path, _text(given)
        return
    found = sorted(
        file
        for file in given.rglob("*")
        if file.suffix in SUFFIXES
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(given).parts)
    )
    if not found:
        raise Misuse(f"The folder {path} holds no file that ends in {', '.join(SUFFIXES)}.")
    for file in found:
        yield str(file), _text(file)


def _text(path: Path) -> str:
    try:
        return _decoded(str(path), path.read_bytes())
    except OSError as error:
        raise Misuse(f"{path} cannot be read: {error.strerror}.") from error


def _decoded(where: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Misuse(f"{where} is not text in UTF-8 (byte {error.start}).") from error


def _documents(text: str) -> Iterator[object]:
    if text.lstrip().startswith("{"):
        try:
            yield json.loads(text)
            return
        except ValueError:  # YAML may begin so too, and says better what is wrong
            pass
    for document in yaml.load_all(text, Loader=_Loader):
        yield _json(document)


def _json(value: Any) -> Any:
    """Return *value* with text for keys, as JSON has them."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else _key(key): _json(v) for key, v in value.items()}
    return [_json(item) for item in value] if isinstance(value, list) else value


def _key(key: object) -> str:
    return json.dumps(key) if isinstance(key, bool | int | float | None) else str(key)


def _shown(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}."
    if isinstance(error, RecursionError):
        return "it contains itself, or is nested too deeply."
    return " ".join(str(error).split()) + "."
