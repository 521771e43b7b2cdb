"""What an API server answered, read without trust: JSON of any shape, or no JSON at all.

A proxy, a captive portal or a broken server may stand where the API server should. What
cannot be its answer is `Garbled`, which is Unavailable: nothing is concluded from it. Refuses
to know kinds; what one object says is for whoever reads that object.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

from pointsman.model.urls import links_shown, shown_url
from pointsman.runtime.target import Unavailable

# Of an answer, or of one line of a watch. etcd keeps no object above 1.5 MiB, escapes included.
LONGEST_LINE: Final = 32 << 20
SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
# Of a resourceVersion, which is opaque; etcd's has 19 digits at most.
LONGEST_VERSION: Final = 256
CHANGES: Final = frozenset({"ADDED", "MODIFIED", "DELETED"})


class Garbled(Unavailable):
    """An answer came, but none that an API server gives; its text says what is wrong with it."""


def decoded(raw: bytes) -> object:
    """Return the JSON value (RFC 8259) in *raw*.

    Half of a surrogate pair, which no text may hold, becomes a question mark.

    Raises:
        Garbled: it is none: NaN, numbers beyond all bounds and endless nesting included.
    """
    try:
        value: object = _DECODER.decode(raw.decode())
        if b"\\u" in raw and SURROGATE.search(raw):  # whole pairs, mostly
            text = json.dumps(value, ensure_ascii=False).encode(errors="replace")
            value = _DECODER.decode(text.decode())
    except ValueError as error:  # not UTF-8, not JSON, a number of thousands of digits
        raise Garbled(f"the answer is no JSON: {error}") from error
    except RecursionError as error:
        raise Garbled("the answer is no JSON of ours: it is nested without end") from error
    return value


def as_object(value: object, what: str = "the answer") -> dict[str, Any]:
    """Return *value*, which is a JSON object.

    Raises:
        Garbled: it is something else; the sentence calls it *what*.
    """
    if not isinstance(value, dict):
        raise Garbled(f"{what} is {shown(value)}, not an object")
    return value


def as_thing(value: object, what: str = "the answer", *, name: str = "") -> dict[str, Any]:
    """Return *value*, which is a Kubernetes object, that called *name* if one is given.

    Raises:
        Garbled: it can't be told which object it is, or in which version.
    """
    thing = as_object(value, what)
    meta = as_object(thing.get("metadata"), f"metadata of {what}")
    _check_texts(meta, what, "name", "namespace", "uid", "resourceVersion")
    found = meta.get("name", "")
    if not found:
        raise Garbled(f"{what} has no metadata.name")
    if name and found != name:
        raise Garbled(f"{what} is about another object than {name}")
    return thing


def as_list(value: object, kind: str) -> dict[str, Any]:
    """Return *value*, which is a list of *kind* (or one page of it) of whole objects.

    An item that can't be told from others makes the list useless: what is missing in it
    would be taken for deleted.

    Raises:
        Garbled: it is none.
    """
    what = f"the list of {kind} objects"
    page = as_object(value, what)
    if page.get("kind", f"{kind}List") != f"{kind}List":
        raise Garbled(f"{what} is of another kind")
    meta, items = as_object(page.get("metadata"), f"metadata of {what}"), page.get("items")
    if not isinstance(items, list):
        raise Garbled(f"items of {what} is {shown(items)}, not a list")
    _check_texts(meta, what, "resourceVersion", "continue")
    for index, item in enumerate(items):
        as_thing(item, f"items[{index}] of {what}")
    return page


def as_event(value: object) -> tuple[str, dict[str, Any]]:
    """Return type and object of one line of a watch.

    Raises:
        Garbled: it is none.
    """
    event = as_object(value, "the event")
    change, thing = event.get("type"), event.get("object")
    if isinstance(change, str) and change in CHANGES:
        return change, as_thing(thing, "the event's object")
    if change == "BOOKMARK":
        bookmark = as_object(thing, "the bookmark")
        meta = as_object(bookmark.get("metadata"), "metadata of the bookmark")
        _check_texts(meta, "the bookmark", "resourceVersion")
        return "BOOKMARK", bookmark
    if change == "ERROR":
        return "ERROR", thing if isinstance(thing, dict) else {}
    raise Garbled(f"the event's type is {shown(change)}, none that a watch knows")


def complaint(raw: bytes, otherwise: str) -> tuple[str, str]:
    """Return (message, reason) of an error's body: of its Status, or as much as it says."""
    try:
        status = as_object(decoded(raw))
    except Garbled:
        status = {}
    message, reason = status.get("message"), status.get("reason")
    if not isinstance(message, str) or not message:  # a page, with links of a proxy's
        message = links_shown(" ".join(raw[:2000].decode(errors="replace").split()))[:300]
    return message or otherwise, reason if isinstance(reason, str) else ""


def redirect(status: int, headers: Mapping[str, str]) -> str:
    """Return the words for an answer that is a redirect (RFC 9110 section 15.4); "": it is none.

    Its body repeats the Location, so that neither is shown as it is.
    """
    where = shown_url(headers.get("Location") or "nowhere")
    return f"a redirect to {where}" if 300 <= status < 400 else ""


def retry_after_s(headers: Mapping[str, str], most_s: float) -> float:
    """Return Retry-After in seconds (RFC 9110 section 10.2.3), *most_s* at most.

    API servers send the number; a date is passed over.
    """
    text = headers.get("Retry-After", "").strip()
    return min(float(text), most_s) if text.isascii() and text.isdecimal() else 0.0


def number(version: object) -> int | None:
    """Return a resourceVersion as a number, or None where it is none (or no version at all)."""
    if not isinstance(version, str) or not version.isascii() or not version.isdecimal():
        return None
    return int(version) if len(version) <= 20 else None  # more than an unsigned 64 bits hold


def shown(value: object) -> str:
    """Return a JSON value in a few words."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return f"{value[:40]!r}"
    if isinstance(value, (int, float)):
        return str(value)[:40]
    return "a list" if isinstance(value, list) else "an object"


def lines(rest: bytes, chunk: bytes) -> tuple[list[bytes], bytes]:
    """Return the whole lines of *rest* and *chunk*, and what is left of the last one.

    Raises:
        Garbled: it grows without end.
    """
    *whole, rest = (rest + chunk).split(b"\n")
    if len(rest) > LONGEST_LINE:
        raise Garbled("the watch sent a line without end")
    return [line for line in whole if line.strip()], rest


def _check_texts(meta: Mapping[str, Any], what: str, *fields: str) -> None:
    for field in fields:
        if not isinstance(meta.get(field, ""), str):
            raise Garbled(f"metadata.{field} of {what} is {shown(meta[field])}, not text")
    if len(meta.get("resourceVersion", "")) > LONGEST_VERSION:
        raise Garbled(f"metadata.resourceVersion of {what} is no version")


def _none(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is no number that we can hold")
    return value


_DECODER: Final = json.JSONDecoder(parse_constant=_none, parse_float=_finite)
