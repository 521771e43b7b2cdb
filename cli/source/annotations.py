"""Annotations that were meant for Pointsman and mean nothing to it. Pure.

An API server takes any annotation, so a misspelt one is never refused: the Service simply
does not get what was asked for. Here it is named, with the one that was probably meant. So is
a drain with a value that drains nothing.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pointsman.model import names
from pointsman.model.printable import clipped

BY_KIND: Final[Mapping[str, tuple[str, ...]]] = {
    "Service": (
        names.EIP, names.ADDRESSES, names.SHARE_KEY, names.SHARE_NAMESPACES,
        names.ALLOCATED_FROM, names.SHARED_AS, names.ANNOUNCED_BY, names.STATUS,
    ),
    "Node": (names.DRAIN,),
}  # fmt: skip
DRAIN_VALUES: Final = ("true", "false")  # "false" is a plain no; "yes" or "True" meant the other
ALIKE: Final = 0.75  # of two prefixes: `pointsmen.dev`, `pointsman.io`


def strange(raw: Mapping[str, Any]) -> Iterator[str]:
    """Yield a clause for each annotation of *raw* that was probably meant for us."""
    kind, meta = str(raw["kind"]), raw.get("metadata")
    if not isinstance(meta, Mapping):
        return
    known = BY_KIND.get(kind, ())
    for field in ("annotations", "labels"):
        values = meta.get(field)
        for key in sorted(map(str, values)) if isinstance(values, Mapping) else ():
            # Labels of our prefix are anybody's to use; only our annotations' names are not.
            if key in known if field == "labels" else _is_meant_for_us(key) and key not in known:
                yield _clause(key, kind, known, as_label=field == "labels")
    values = meta.get("annotations")
    if kind == "Node" and isinstance(values, Mapping) and (clause := undrained(values)):
        yield clause


def undrained(annotations: Mapping[str, object]) -> str:
    """Return a clause if a Node's *annotations* have a drain that drains nothing; "": none has."""
    value = annotations.get(names.DRAIN)
    if not isinstance(value, str) or value in DRAIN_VALUES:
        return ""
    return (
        f"annotation {names.DRAIN} is '{clipped(value)}', by which no node drains: write "
        '"true", or take it away'
    )


def _is_meant_for_us(key: str) -> bool:
    prefix, slash, _ = key.partition("/")
    if not slash or len(prefix) > 2 * len(names.GROUP):
        return False
    return difflib.SequenceMatcher(None, prefix.lower(), names.GROUP).ratio() >= ALIKE


def _clause(key: str, kind: str, known: tuple[str, ...], *, as_label: bool) -> str:
    if as_label:
        return f"{key} is a label, which nothing looks at: write it as an annotation"
    known_names = {one.partition("/")[2]: one for one in known}
    name = key.partition("/")[2].lower()[:64]
    likely = difflib.get_close_matches(name, known_names, 1, 0.5)
    if likely:
        mend = f"did you mean {known_names[likely[0]]}?"
    else:
        mend = f"on a {kind}, it knows {', '.join(known)}" if known else "it knows none of them"
    return f"Pointsman knows no annotation {clipped(key)} of a {kind}; {mend}"
