"""JSON of other shapes, as raw text: what a server that isn't one may answer.

Text, not values: an encoder of ours would never write half of it.
"""

import copy
import json
import random
from typing import Any, Final

DEEP: Final = 20_000
WHOLE: Final[dict[str, bytes]] = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "an empty object": b"{}",
    "a text": b'"Service"',
    "a number": b"7",
    "true": b"true",
    "a page of HTML": b"<!doctype html><title>Log in</title>",
    "half an object": b'{"kind": "ServiceList", "metadata": {"resourceVersion"',
    "two values": b"{} {}",
    "no UTF-8": b'{"metadata": {"name": "\xff\xfe"}}',
    "UTF-16": '{"metadata": {"name": "x"}}'.encode("utf-16"),
    "NaN": b'{"metadata": {"name": NaN}}',
    "a number beyond all bounds": b'{"metadata": {"generation": 1e999}}',
    "a number of 5000 digits": b'{"metadata": {"generation": ' + b"9" * 5000 + b"}}",
    "lists in lists in lists": b"[" * DEEP + b"]" * DEEP,
    "objects in objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "a list of another kind": b'{"kind": "X", "metadata": {"resourceVersion": "1"}, "items": []}',
    "a list without items": b'{"metadata": {"resourceVersion": "1"}}',
    "a list of null": b'{"metadata": {"resourceVersion": "1"}, "items": null}',
    "a list of nulls": b'{"metadata": {"resourceVersion": "1"}, "items": [null, null]}',
    "a list of numbers": b'{"metadata": {"resourceVersion": "1"}, "items": [1, 2]}',
    "items without names": b'{"metadata": {"resourceVersion": "1"}, "items": [{"metadata": {}}]}',
    "metadata that is a list": b'{"metadata": [], "items": []}',
    "a version that is a number": b'{"metadata": {"name": "x", "resourceVersion": 7}, "items": []}',
    "a version of 5000 digits": b'{"metadata": {"name": "x", "resourceVersion": "'
    + b"9" * 5000
    + b'"}, "items": []}',
    "an event, not an answer": b'{"type": "ADDED", "object": {"metadata": {"name": "x"}}}',
}
LINES: Final[dict[str, bytes]] = {
    "an event of no type": b'{"object": {"metadata": {"name": "x"}}}',
    "an event of a type that is a list": b'{"type": [], "object": {"metadata": {"name": "x"}}}',
    "an event of an unknown type": b'{"type": "CHANGED", "object": {"metadata": {"name": "x"}}}',
    "an event about nothing": b'{"type": "ADDED"}',
    "an event about null": b'{"type": "MODIFIED", "object": null}',
    "an event about a list": b'{"type": "DELETED", "object": []}',
    "an event about a thing without a name": b'{"type": "ADDED", "object": {"metadata": {}}}',
    "a bookmark without metadata": b'{"type": "BOOKMARK", "object": {}}',
    "a bookmark of a number": b'{"type": "BOOKMARK", "object": '
    b'{"metadata": {"resourceVersion": 7}}}',
}
# Errors whose body is no Status, or a Status of another shape.
STATUSES: Final[dict[str, bytes]] = {
    "a message that is a list": b'{"kind": "Status", "message": [], "reason": {}}',
    "a message that is deep": b'{"message": ' + b"[" * 500 + b"]" * 500 + b', "reason": 7}',
    "a code that is a text": b'{"kind": "Status", "code": "x", "message": null}',
}
# What stands where something else belongs, inside an object.
VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1.5, 2**63, 10**4000, "", "x", "7", "\x00\x1b[31m\u2028", "\ud800",
    "x" * 5_000, [], [None], [[]], ["x"], [7], {}, {"": None}, {"x": {}}, {"x": "y"}, [{}],
    "fe80::1%eth0", "999.0.0.1", "2026-13-45T99:99:99Z",
)  # fmt: skip


def nested(depth: int) -> Any:
    """Return an object of objects, as deep as *depth*."""
    value: Any = "x"
    for _ in range(depth):
        value = {"a": value}
    return value


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of everything inside *value*, itself excluded."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    found = []
    for key, child in inner:
        found += [(*at, key), *paths(child, (*at, key))]
    return found


def with_value(whole: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of *whole* that holds *value* at *path*."""
    made = copy.deepcopy(whole)
    place = made
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return made


def garbled(raw: bytes, rng: random.Random) -> bytes:
    """Return *raw*, an answer, with something in it replaced, or something else instead."""
    if rng.random() < 0.4:
        return rng.choice([*WHOLE.values(), *LINES.values(), *STATUSES.values()])
    try:
        value = json.loads(raw)
    except ValueError:
        return raw[: rng.randrange(len(raw) + 1)]
    for _ in range(rng.randint(1, 3)):
        if everywhere := paths(value):
            odd = rng.choice([*VALUES, nested(200)])
            value = with_value(value, rng.choice(everywhere), odd)
    return json.dumps(value).encode()
