"""Label and field selectors: text to predicate.

Refuses, with 400, what the server would: unknown operators and field labels it doesn't index.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from standin.grammar.errors import bad_request

Predicate = Callable[[dict[str, Any]], bool]

TERM: Final = re.compile(
    r"\s*(?:(?P<not>!)\s*(?P<absent>[^\s,!=<>()]+)"
    r"|(?P<set>[^\s,!=<>()]+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)"
    r"|(?P<key>[^\s,!=<>()]+)\s*(?P<cmp>==|=|!=|<|>)\s*(?P<value>[^\s,!=<>()]*)"
    r"|(?P<exists>[^\s,!=<>()]+))\s*(?:,|$)"
)
FIELD: Final = re.compile(r"(?P<key>[^=!,]+)(?P<op>==|=|!=)(?P<value>[^,]*)(?:,|$)")


def labels(text: str) -> Predicate:
    """Return whether an object's labels match *text*; an empty text matches all.

    Raises:
        ApiError: 400, *text* isn't a label selector.
    """
    terms: list[Callable[[Mapping[str, str]], bool]] = []
    at = 0
    while at < len(text):
        match = TERM.match(text, at)
        if not match:
            raise bad_request(f'unable to parse requirement: found "{text[at:]}"')
        terms.append(_term(match))
        at = match.end()

    def matches(obj: dict[str, Any]) -> bool:
        own = obj["metadata"].get("labels") or {}
        return all(term(own) for term in terms)

    return matches


def _term(match: re.Match[str]) -> Callable[[Mapping[str, str]], bool]:
    if absent := match["absent"]:
        return lambda own: absent not in own
    if exists := match["exists"]:
        return lambda own: exists in own
    if key := match["set"]:
        values = {v.strip() for v in match["values"].split(",")}
        if match["op"] == "in":
            return lambda own: own.get(key) in values
        return lambda own: own.get(key) not in values
    key, value, comparison = match["key"], match["value"], match["cmp"]
    if comparison in ("<", ">"):
        if not value.lstrip("-").isdigit():
            raise bad_request("for 'Gt', 'Lt' operators, the value must be an integer")
        return lambda own: _compare(own.get(key), int(value), greater=comparison == ">")
    if comparison == "!=":
        return lambda own: own.get(key) != value
    return lambda own: own.get(key) == value


def _compare(own: str | None, limit: int, *, greater: bool) -> bool:
    if own is None or not own.lstrip("-").isdigit():
        return False
    return int(own) > limit if greater else int(own) < limit


def fields(text: str, known: Mapping[str, str], group_kind: str) -> Predicate:
    """Return whether an object's fields match *text*; *known* maps labels to paths.

    Raises:
        ApiError: 400, the server has no such field label for this kind.
    """
    terms: list[tuple[list[str], str, bool]] = []
    at = 0
    while at < len(text):
        match = FIELD.match(text, at)
        if not match:
            raise bad_request(f'invalid selector: "{text}"; can\'t understand "{text[at:]}"')
        key = match["key"].strip()
        if key not in known:
            raise bad_request(f"field label not supported: {key} ({group_kind})")
        terms.append((known[key].split("."), match["value"], match["op"] != "!="))
        at = match.end()

    def matches(obj: dict[str, Any]) -> bool:
        return all((_text(obj, path) == value) is equal for path, value, equal in terms)

    return matches


def _text(obj: Any, path: list[str]) -> str:
    for key in path:
        obj = obj.get(key) if isinstance(obj, dict) else None
    if isinstance(obj, bool):
        return "true" if obj else "false"
    return "" if obj is None else str(obj)
