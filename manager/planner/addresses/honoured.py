"""What a Service asks for, in our annotations or, where they are honoured, in other people's.

With `--honour-annotations` a Service annotated for another load balancer is understood without
being edited. Only read, never written; where ours is set, ours counts. It refuses to choose
between two others that disagree: then the user is told.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from manager.snapshot import EipName, Service, Snapshot
from pointsman.model.dialects import DIALECTS, Dialect
from pointsman.model.names import ADDRESSES, EIP, SHARE_KEY, SHARE_NAMESPACES
from pointsman.model.printable import clipped

ANYWHERE: Final = "*"  # theirs share with whoever has the key, in every namespace


@dataclass(frozen=True, slots=True)
class Honour:
    """Whose annotations are understood, and which Eips there are for them to name."""

    dialects: tuple[str, ...] = ()
    eips: frozenset[EipName] = frozenset()


NOBODY: Final = Honour()


@dataclass(frozen=True, slots=True)
class Requests:
    """The texts of our annotations of requests, whoever spelled them, and how."""

    texts: Mapping[str, str]
    spelled: Mapping[str, str]  # ours → the annotation it was read from, if not ours
    conflict: str = ""  # a clause: two that disagree
    about: str = ""  # the annotation to correct
    ignored: str = ""  # a clause: what counts for nothing, though somebody wrote it

    def text(self, name: str) -> str:
        return self.texts.get(name, "")

    def annotation(self, name: str) -> str:
        """Return the annotation from which the request *name* was read."""
        return self.spelled.get(name, name)


def honour_of(snapshot: Snapshot) -> Honour:
    """Return whose annotations count in *snapshot*."""
    dialects = snapshot.settings.honoured
    return Honour(dialects, frozenset(snapshot.eips)) if dialects else NOBODY


def requests(service: Service, honour: Honour) -> Requests:
    """Return what *service* asks for."""
    ours = service.annotations
    if not honour.dialects:
        return Requests(ours, {})
    known = [DIALECTS[name] for name in honour.dialects]
    texts, spelled = dict(ours), dict[str, str]()
    conflict, about, ignored = "", "", ""
    for name, those in _ROLES.items():
        if ours.get(name, "").strip():
            continue
        found = _written(ours, known, those)
        if name == EIP:
            gone = [a for a, text in found.items() if EipName(text) not in honour.eips]
            ignored = _ignored(gone[0], found[gone[0]]) if gone else ""
            found = {a: text for a, text in found.items() if a not in gone}
        if not found:
            continue
        first, *others = found
        differs = next((a for a in others if _items(found[a]) != _items(found[first])), None)
        if differs is not None:
            about = about or f"annotation {differs}, or write {name}, which counts before both"
            conflict = conflict or _conflict(first, differs, found)
            continue
        texts[name], spelled[name] = found[first], first
    if SHARE_KEY in spelled and not ours.get(SHARE_NAMESPACES, "").strip():
        texts[SHARE_NAMESPACES] = ANYWHERE
    return Requests(texts, spelled, conflict, about, ignored)


_ROLES: Final[Mapping[str, Callable[[Dialect], tuple[str, ...]]]] = {
    EIP: lambda dialect: dialect.pools,
    ADDRESSES: lambda dialect: dialect.addresses,
    SHARE_KEY: lambda dialect: dialect.share_keys,
}


def _written(
    annotations: Mapping[str, str],
    known: list[Dialect],
    those: Callable[[Dialect], tuple[str, ...]],
) -> dict[str, str]:
    """Return by annotation what *known* dialects say, in their order; nothing that says nothing."""
    found: dict[str, str] = {}
    for dialect in known:
        for annotation in those(dialect):
            text = annotations.get(annotation, "").strip()
            if text and text not in dialect.anything:
                found[annotation] = text
    return found


def _items(text: str) -> frozenset[str]:
    return frozenset(item.strip() for item in text.split(","))


def _conflict(first: str, second: str, found: Mapping[str, str]) -> str:
    return (
        f"annotation {first} says '{clipped(found[first])}' and annotation {second} says "
        f"'{clipped(found[second])}'"
    )


def _ignored(annotation: str, text: str) -> str:
    return f"its annotation {annotation} names '{clipped(text)}', and there is no Eip of that name"
