"""Objects out of files: YAML and JSON, many documents, folders, standard input.

YAML is read as kubectl reads it: what JSON has no type for stays text. A document that can't
be read is said, and costs itself alone; so is a file that is no text.
"""

import codecs
import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Final

import yaml

from cli.source import contents
from pointsman.model.printable import clipped, sentence
from pointsman.runtime import go_yaml

# Of one document, aliases written out. A dump of 10,000 Services has a million nodes, and no alias.
ALIASED_MAX: Final = 100_000
DEPTH_MAX: Final = 500
DEEPEST_SAFE: Final = 20_000  # characters, which cannot be nested more deeply than that
FAULTS_MAX: Final = 20  # of one file; what is no YAML at all may look like many documents
UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # as > of Windows PowerShell writes it
SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
WHOLE_MAX: Final = 1e21  # from there on, Go writes a number with an exponent
_TAG: Final = "tag:yaml.org,2002:"
_DOCUMENT: Final = re.compile(r"^---(?=\s|\Z)", re.MULTILINE)
_DIRECTIVE: Final = re.compile(r"^%", re.MULTILINE)  # it belongs to the document after it


class Unfit(ValueError):
    """A document that `kubectl apply` refuses before it looks for objects in it."""

    def __init__(self, text: str, *, line: int | None = None) -> None:
        super().__init__(text)
        self.line = line  # counted from 0


class _Loader(yaml.CSafeLoader):
    """YAML 1.1 without times and base-60 numbers: `65000:10` is text, as for kubectl.

    And `y` is true, `08` and `1e3` are numbers; a number without a fraction is a whole one.

    A mapping with a key twice and aliases that stand for far more than the file holds are
    refused, as there.
    """

    bool_values: ClassVar = yaml.CSafeLoader.bool_values | {"y": True, "n": False}

    def construct_document(self, node: yaml.Node) -> Any:
        _weighed(node, {})
        return super().construct_document(node)

    def construct_number(self, node: yaml.ScalarNode) -> float | str:
        found: float = self.construct_yaml_float(node)
        if not math.isfinite(found) and node.value.strip("_")[-1].isdecimal():
            return str(node.value)  # beyond all bounds, it is text: a commit of digits, say
        return int(found) if found.is_integer() and abs(found) < WHOLE_MAX else found


def _as_kubectl(tag: str, pattern: re.Pattern[str]) -> tuple[str, re.Pattern[str]]:
    if tag in (_TAG + "int", _TAG + "float"):
        return tag, re.compile(rf"(?![^:]*:)(?:{pattern.pattern})", re.VERBOSE)
    return tag, pattern


_Loader.yaml_implicit_resolvers = {
    first: [_as_kubectl(*one) for one in resolvers if one[0] != _TAG + "timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor(_TAG + "float", _Loader.construct_number)
go_yaml.teach(_Loader)


def read(paths: Iterable[str]) -> tuple[list[tuple[str, object]], list[str]]:
    """Return (file, document) pairs in order, and a sentence for what of a file can't be read.

    Raises:
        Misuse: a path that cannot be read at all.
    """
    documents: list[tuple[str, object]] = []
    problems: list[str] = []
    for path in dict.fromkeys(paths):
        for where, content in contents.read(path):
            found, faults = _decoded(where, content)
            documents.extend((where, document) for document in found)
            problems += faults
    return documents, problems


def _decoded(where: str, content: bytes) -> tuple[list[object], list[str]]:
    """Return the documents of *content* and a sentence for each that can't be read.

    Of what is no text nothing is read: where a document begins in it, nobody knows.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        what = f"is not text in UTF-8 (line {line})"
        if content.startswith(UTF_16):
            what = "is text in UTF-16, not in UTF-8"
        return [], [sentence(f"{where} {what}: write it in UTF-8, or leave it out.", 1024)]
    return _parted(where, text)


def _parted(where: str, text: str) -> tuple[list[object], list[str]]:
    """Return the documents of *text* and a sentence for each that can't be read."""
    documents: list[object] = []
    faults: list[str] = []
    try:
        documents.extend(_documents(text))
        return documents, faults
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        parts = _split(text)
        if len(parts) < 2:
            return documents, [_fault(where, error, text)]
    documents.clear()
    for line, part in parts:
        try:
            documents += _documents(part)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            faults.append(_fault(f"{where}: a document in it", error, part, line))
    more = len(faults) - FAULTS_MAX
    if more > 0:
        faults[FAULTS_MAX:] = [f"{where}: {more} more documents in it can't be read."]
    return documents, faults


def _split(text: str) -> list[tuple[int, str]]:
    """Return the YAML documents of *text* and the line, from 0, on which each begins."""
    if _DIRECTIVE.search(text):
        return [(0, text)]
    starts = [0, *(found.start() for found in _DOCUMENT.finditer(text) if found.start())]
    parts: list[tuple[int, str]] = []
    line = 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        part = text[start:end]
        if part.strip():
            parts.append((line, part))
        line += part.count("\n")
    return parts


def _fault(what: str, error: Exception, text: str, line: int = 0) -> str:
    kind = "cannot be used" if isinstance(error, Unfit) else "is neither YAML nor JSON"
    return sentence(f"{what} {kind}: {_shown(error, text, line)}", 1024)


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
    """Yield the values of a stream of JSON, as `kubectl apply` takes it.

    Half of a surrogate pair, which no text may hold, becomes a question mark.
    """
    paired = SURROGATE.search(text) is None  # else whole pairs, mostly
    at = _after_space(text, 0)
    while at < len(text):
        value, at = _DECODER.raw_decode(text, at)
        if not paired:
            value = json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
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
    raise Unfit(f"{clipped(text)} is no number that JSON knows")


def _finite(text: str) -> object:
    value = float(text)
    return value if math.isfinite(value) else _no_number(text)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_without_twins, parse_constant=_no_number, parse_float=_finite
)


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
            twin = f'key "{clipped(key.value)}" already set in map'
            raise Unfit(twin, line=key.start_mark.line)
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


def _shown(error: Exception, text: str, above: int) -> str:
    """Return what is wrong in *text*, which has *above* lines of its file before it."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        line = "".join(text.split("\n")[mark.line : mark.line + 1])
        hint = " (a tab: YAML is indented with spaces)" if line[mark.column :][:1] == "\t" else ""
        at = f"line {above + mark.line + 1}, column {mark.column + 1}"
        return f"{at}: {error.problem}{hint}."
    if isinstance(error, Unfit) and error.line is not None:
        return f"line {above + error.line + 1}: {error}."
    if isinstance(error, RecursionError):
        return "it contains itself, or is nested too deeply."
    return " ".join(str(error).split()) + "."
