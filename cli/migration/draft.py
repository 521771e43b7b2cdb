"""What is being made of another load balancer's objects: ours, and what can't be carried over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pointsman.model.names import API_VERSION, NAMESPACE
from pointsman.model.printable import clipped, sentence

Json = dict[str, Any]
ORDER: Final = ("Secret", "BgpConf", "BgpPeer", "Eip")


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that is not carried over as it is: of what, which field, the nearest we have."""

    subject: str  # "BGPPeer tor-1"
    field: str  # "spec.vrf"; "": the whole object
    text: str

    def __str__(self) -> str:
        what = f"{self.subject}, {self.field}" if self.field else self.subject
        return sentence(f"{what}: {self.text}", 1024)


class Unusable(Exception):
    """A value that is not what its field takes; the text says so, as a clause."""


@dataclass(slots=True)
class Part:
    """What one object of theirs comes to while its fields are read, one after the other."""

    subject: str
    spec: Json = field(default_factory=dict)  # of ours
    facts: Json = field(default_factory=dict)  # what only makes sense together with other objects
    notes: list[Note] = field(default_factory=list)

    def put(self, path: str, value: object) -> None:
        """Set the field *path* of ours ("timers.holdSeconds")."""
        *parents, last = path.split(".")
        inside = self.spec
        for name in parents:
            inside = inside.setdefault(name, {})
        inside[last] = value

    def note(self, where: str, text: str) -> None:
        self.notes.append(Note(self.subject, where, text))


@dataclass(slots=True)
class Draft:
    """Everything that is made."""

    objects: dict[tuple[str, str], Json] = field(default_factory=dict)  # (kind, name) -> object
    services: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)  # annotations
    notes: list[Note] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)  # loadBalancerClass of their Services
    by_hand: list[str] = field(default_factory=list)  # what to do beside the objects, sentences

    def note(self, subject: str, text: str, where: str = "") -> None:
        self.notes.append(Note(subject, where, text))

    def add(self, kind: str, name: str, spec: Json, subject: str) -> None:
        """Add an object of ours; the first of a name stays."""
        if (kind, name) in self.objects:
            self.note(subject, f"there is a {kind} {clipped(name)} already, so it is left out")
            return
        meta = {"name": name}
        self.objects[kind, name] = {
            "apiVersion": API_VERSION, "kind": kind, "metadata": meta, "spec": spec,
        }  # fmt: skip

    def add_password(self, name: str, password: str) -> Json:
        """Add a Secret with the password of the router *name*; return the reference to it."""
        secret = f"bgppeer-{name}"
        self.objects["Secret", secret] = {
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": secret, "namespace": NAMESPACE},
            "stringData": {"password": password},
        }  # fmt: skip
        return {"name": secret, "key": "password"}

    def of(self, kind: str) -> Mapping[str, Json]:
        """Return the objects of one kind by name, in order."""
        return {name: self.objects[k, name] for k, name in sorted(self.objects) if k == kind}

    def ordered(self) -> list[Json]:
        """Return every object, in the order in which they are to be applied."""
        return [one for kind in ORDER for one in self.of(kind).values()]
