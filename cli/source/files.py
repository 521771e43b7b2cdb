"""Objects out of files: YAML and JSON, many documents, folders, standard input.

YAML is read as kubectl reads it: what JSON has no type for stays text. A file that breaks
off is said and costs only what comes after the break.
"""

import json
import math
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from pointsman.model.printable import clipped, sentence
from pointsman.runtime.errors import Misuse

SUFFIXES: Final = (".json", ".yaml", ".yml")
STDIN: Final = "-"
# Of one document, aliases written out. A dump of 10,000 Services has a million nodes, and no alias.
ALIASED_MAX: Final = 100_000
DEPTH_MAX: Final = 500
DEEPEST_SAFE: Final = 20_000  # characters, which cannot be nested more deeply than that
_TAG: Final = "tag:yaml.org,2002:"


class Unfit(ValueError):
    """A document that `kubectl apply` refuses before it looks for objects in it."""


class _Loader(yaml.CSafeLoader):
    """YAML 1.1 without times and base-60 numbers: `65000:10` is text, as for kubectl.

    A mapping with a key twice and aliases that stand for far more than the file holds are
    refused, as there.
    """

    def construct_document(self, node: yaml.Node) -> Any:
        _weighed(node, {})
        return super().construct_document(node)


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
                kind = "cannot be used" if isinstance(error, Unfit) else "is neither YAML nor JSON"
                problems.append(sentence(f"{where} {kind}: {_shown(error, text)}", 1024))
    return documents, problems


def _texts(path: str) -> Iterator[tuple[str, str]]:
    if path == STDIN:
        yield "standard input", _decoded("standard input", sys.stdin.buffer.read())
        return
    if not path:  # a shell's variable that isn't set: not the folder we are in
        raise Misuse("'' is no path: name a file, a folder, or - for standard input.")
    given = Path(path)
    if not os.path.isdir(path):
        yield path, _text(given)
        return
    found = _found(given)
    if not found:
        raise Misuse(f"The folder {path} holds no file that ends in {', '.join(SUFFIXES)}.")
    for file in found:
        yield str(file), _text(file)


def _found(folder: Path) -> list[Path]:
    """Return what to read in *folder*; what is hidden is left out, what is closed to us not."""

    def complain(error: OSError) -> NoReturn:
        raise Misuse(f"{error.filename} cannot be read: {error.strerror}.") from error

    found: list[Path] = []
    for where, folders, names in os.walk(folder, onerror=complain):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files = [Path(where, name) for name in names if not name.startswith(".")]
        found += [file for file in files if file.suffix in SUFFIXES and not _is_special(file)]
    return sorted(found)


def _is_special(file: Path) -> bool:
    """Whether *file* is there, and is no file: a pipe, say."""
    return os.path.exists(file) and not os.path.isfile(file)


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
            yield from list(_json_documents(text))
            return
        except json.JSONDecodeError:  # YAML may begin so too, and says better what is wrong
            pass
    if len(text) > DEEPEST_SAFE:
        _refuse_depth(text)
    for document in yaml.load_all(text, Loader=_Loader):
        yield _json(document)


def _json_documents(text: str) -> Iterator[object]:
    """Yield the values of a stream of JSON, as `kubectl apply` takes it."""
    decoder = json.JSONDecoder(object_pairs_hook=_without_twins, parse_constant=_no_number)
    at = _after_space(text, 0)
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        yield value
        at = _after_space(text, at)


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of *pairs*; which of two equal keys should count, nobody knows."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [key for key, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise Unfit(f'duplicate field "{clipped(twin)}"')
    return found


def _no_number(text: str) -> object:
    raise Unfit(f"{text} is no number that JSON knows")


def _refuse_depth(text: str) -> None:
    """Refuse what is nested so deeply that libyaml would run out of stack (measured, 200,000)."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH_MAX:
            raise RecursionError


def _weighed(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many nodes *node* stands for once its aliases are written out.

    Raises:
        Unfit: they are far more than the file has, or a key stands twice in one mapping.
    """
    if id(node) in known:
        if known[id(node)] < 0:
            raise RecursionError  # it contains itself
        return known[id(node)]
    if isinstance(node, yaml.ScalarNode):
        known[id(node)] = 1
        return 1
    known[id(node)] = -1
    size = 1
    if isinstance(node, yaml.MappingNode):
        _refuse_twins(node)
        for key, value in node.value:
            size += _weighed(key, known) + _weighed(value, known)
    else:
        size += sum(_weighed(item, known) for item in node.value)
    if size > ALIASED_MAX and size > 10 * len(known):
        raise Unfit("the document contains excessive aliasing")
    known[id(node)] = size
    return size


def _refuse_twins(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == _TAG + "merge":
            continue
        if key.value in seen:
            line = key.start_mark.line + 1
            raise Unfit(f'line {line}: key "{clipped(key.value)}" already set in map')
        seen.add(key.value)


def _json(value: Any) -> Any:
    """Return *value* with text for keys, as JSON has them."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else _key(key): _json(v) for key, v in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return _no_number(str(value))
    if value is not None and not isinstance(value, bool | int | float | str | list):
        raise Unfit(f"JSON has nothing like a {type(value).__name__}, so no object holds one")
    return [_json(item) for item in value] if isinstance(value, list) else value


def _key(key: object) -> str:
    return json.dumps(key) if isinstance(key, bool | int | float | None) else str(key)


def _shown(error: Exception, text: str) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        line = "".join(text.split("\n")[mark.line : mark.line + 1])
        hint = " (a tab: YAML is indented with spaces)" if line[mark.column :][:1] == "\t" else ""
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}{hint}."
    if isinstance(error, RecursionError):
        return "it contains itself, or is nested too deeply."
    return " ".join(str(error).split()) + "."
