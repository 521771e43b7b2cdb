"""What we know of one kind of object: parsed once per change, never empty by accident.

Fed by an informer (lists and watch events, which may skip, repeat or go backwards) and by
the answers to our own writes. Refuses to do I/O and to judge: `synced`, `unavailable` and
`malformed` say how much can be believed.
"""

import logging
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from manager.adapters.kubernetes.fields import Json, Malformed
from pointsman.model.version import Version

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listed(Generic[V]):
    """One object of a list, already read: as JSON it is several times as big."""

    name: str
    stamp: tuple[str, str]  # uid, resourceVersion
    value: V | None = None  # None: to be passed over
    malformed: str = ""  # the sentence, when it cannot be read
    known: bool = False  # it was as the cache had it, so nobody read it


class Cache(Generic[K, V]):
    """The objects of one kind, by key.

    *parse* may return None for an object to pass over. *wake* is called when something
    that is parsed out of an object changed, so a kubelet's heartbeat wakes nobody.

    resourceVersions are compared for two purposes only. The answer to our own write is
    newer than whatever the watch or a list still holds in its pipe, until they catch up.
    And a watch that goes backwards is not followed: a Service as it was before its grant
    would make its address look free. A list is believed whatever its versions.
    """

    def __init__(
        self,
        *,
        key: Callable[[V], K],
        parse: Callable[[Json], V | None],
        wake: Callable[[], None],
    ) -> None:
        self._key, self._parse, self._wake = key, parse, wake
        self._values = Version[K, V]()
        self._lent = False
        self._stamps: dict[str, tuple[str, str]] = {}  # name -> (uid, resourceVersion)
        self._keys: dict[str, K] = {}
        # name -> (resourceVersion of our own last write, its number among our writes)
        self._floors: dict[str, tuple[int, int]] = {}
        self._writes = 0
        self.malformed: dict[str, str] = {}  # name -> sentence
        self.synced = False
        self.unavailable: str | None = None
        self.revision = 0

    @property
    def items(self) -> Version[K, V]:
        """Return what is known now; it never changes, and the next knows how it differs from it.

        For those who read all of it: after each call the next change copies the mapping.
        """
        self._lent = True
        return self._values

    def get(self, key: K) -> V | None:
        """Return what is known now under *key*."""
        return self._values.get(key)

    @property
    def writes(self) -> int:
        """Return how many of our own writes were answered; take it before a list begins."""
        return self._writes

    def read(self, raw: Json) -> Listed[V]:
        """Return what *raw* says, to be handed to `replace_all` when the list is complete."""
        name, stamp = _name(raw), (_uid(raw), _version(raw))
        if self._stamps.get(name) == stamp:
            return Listed(name, stamp, known=True)
        return self._parsed(name, stamp, raw)

    def replace_all(self, found: Iterable[Listed[V]], version: str, *, begun_at: int) -> None:
        """Take a complete list, read at resourceVersion *version*, for the truth.

        *begun_at* is what `writes` was when the list was asked for: it holds all of those.
        """
        before = self.revision
        self._floors = {n: floor for n, floor in self._floors.items() if floor[1] > begun_at}
        listed = {one.name: one for one in found}
        for name in self._stamps.keys() - listed.keys():
            if not self._below_floor(name, version):
                self._forget(name)
        for one in listed.values():
            if self._is_news(one.name, one.stamp):
                self._take(one)
        newly = not self.synced
        self.synced, self.unavailable = True, None
        if newly or self.revision != before:
            self._wake()

    def put(self, raw: Json) -> None:
        """Take an ADDED or MODIFIED event, unless something newer is known of that object."""
        before = self.revision
        name, stamp = _name(raw), (_uid(raw), _version(raw))
        if self._is_news(name, stamp) and not self._goes_back(name, stamp):
            self._take(self._parsed(name, stamp, raw))
        if self.revision != before:
            self._wake()

    def remove(self, raw: Json) -> None:
        """Take a DELETED event, unless it is about an earlier object of that name."""
        name = _name(raw)
        known = self._stamps.get(name)
        if known is None or known[0] != _uid(raw) or self._below_floor(name, _version(raw)):
            return
        self._forget(name)
        self._wake()

    def replace(self, raw: Json) -> None:
        """Take the answer to our own write: newer than anything the watch still has to say."""
        version = _version(raw)
        self.put(raw)
        self._writes += 1
        if version.isdecimal():
            self._floors[_name(raw)] = int(version), self._writes

    def distrust(self) -> None:
        """Forget all versions: the next list is the truth, even where numbers are used anew.

        A restored etcd counts again from where its copy was made, so a number that was seen
        may stand for another content by now.
        """
        self._floors.clear()
        self._stamps = {name: (uid, "") for name, (uid, _) in self._stamps.items()}

    def lost(self, sentence: str) -> None:
        """Note that the kind cannot be read now; what was known stays known."""
        if self.unavailable != sentence:
            log.warning("%s", sentence)
            self.unavailable = sentence
            self._wake()

    def found(self) -> None:
        """Note that the kind can be read again."""
        self.unavailable = None

    def knows(self, raw: Json) -> bool:
        """Return whether a DELETED event with *raw* would remove something."""
        known = self._stamps.get(_name(raw))
        return known is not None and known[0] == _uid(raw)

    def lacks(self, found: Iterable[Listed[V]]) -> bool:
        """Return whether a list of what was *found* would remove something."""
        return bool(self._stamps.keys() - {one.name for one in found})

    def _parsed(self, name: str, stamp: tuple[str, str], raw: Json) -> Listed[V]:
        try:
            return Listed(name, stamp, self._parse(raw))
        except Malformed as error:
            return Listed(name, stamp, malformed=str(error))

    def _take(self, one: Listed[V]) -> None:
        name, stamp, value = one.name, one.stamp, one.value
        if one.known:  # and is no longer, so its version is not to be trusted: it is read again
            return
        self._floors.pop(name, None)
        if one.malformed:
            if self.malformed.get(name) != one.malformed:
                log.warning("%s What was known of it before stays in force.", one.malformed)
            if self._stamps.get(name, stamp)[0] != stamp[0]:  # another object of that name
                self._forget(name)
            self.malformed[name] = one.malformed
            self._stamps[name] = stamp
            return
        partly = getattr(value, "unreadable", "")
        if partly and self.malformed.get(name) != partly:
            log.warning("%s It is used without that.", partly)
        self.malformed.pop(name, None)
        if partly:
            self.malformed[name] = partly
        known = self._keys.get(name)
        self._stamps[name] = stamp
        if value is None:
            if known is not None:
                self._writable().drop(self._keys.pop(name))
        elif known is None or self._values[known] != value:
            self._keys[name] = self._key(value)
            self._writable().set(self._keys[name], value)

    def _is_news(self, name: str, stamp: tuple[str, str]) -> bool:
        return self._stamps.get(name) != stamp and not self._below_floor(name, stamp[1])

    def _goes_back(self, name: str, stamp: tuple[str, str]) -> bool:
        uid, version = self._stamps.get(name, ("", ""))
        comparable = uid == stamp[0] and version.isdecimal() and stamp[1].isdecimal()
        return comparable and int(stamp[1]) < int(version)

    def _forget(self, name: str) -> None:
        self._stamps.pop(name, None)
        self._floors.pop(name, None)
        self.malformed.pop(name, None)
        key = self._keys.pop(name, None)
        if key is not None:
            self._writable().drop(key)

    def _below_floor(self, name: str, version: str) -> bool:
        floor = self._floors.get(name)
        return floor is not None and version.isdecimal() and int(version) < floor[0]

    def _writable(self) -> Version[K, V]:
        """Return the mapping to change, leaving alone the one somebody may still read."""
        self.revision += 1
        if self._lent:
            self._values, self._lent = Version(self._values, self._values), False
        return self._values


def _meta(raw: Json) -> Mapping[str, Any]:
    meta = raw.get("metadata")
    return meta if isinstance(meta, Mapping) else {}


def _name(raw: Json) -> str:
    meta = _meta(raw)
    return f"{meta.get('namespace') or ''}/{meta.get('name') or ''}"


def _uid(raw: Json) -> str:
    return str(_meta(raw).get("uid") or "")


def _version(raw: Json) -> str:
    return str(_meta(raw).get("resourceVersion") or "")
