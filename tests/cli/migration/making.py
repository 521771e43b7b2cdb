"""Words for tests of the migration: dumps, objects of theirs, and what came of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from cli.migration.migrate import Migration, migrate
from cli.source import admission
from pointsman.model.dialects import DIALECTS

DUMPS = Path(__file__).parent / "dumps"
CLASS = {"metallb": "example.com/metallb"}


def dump(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DUMPS / f"{name}.yaml").read_text("utf-8")))


def made_of(name: str, *objects: object, **more: Any) -> Migration:
    """Return what comes of *objects* of the load balancer *name*."""
    sources = [("dump.yaml", one) for one in objects]
    return migrate(sources, DIALECTS[name], their_class=CLASS.get(name, ""), **more)


def theirs(kind: str, version: str, spec: object, name: str = "one", **meta: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **meta}, "spec": spec}


def nested(path: str, value: object) -> object:
    """Return the object that has *value* at *path* below spec: "spec.a[].b"."""
    for step in reversed(path.split(".")[1:]):
        value = {step.removesuffix("[]"): [value] if step.endswith("[]") else value}
    return value


def field(made: Migration, kind: str, path: str, name: str = "one") -> Any:
    """Return the field *path* of our object; None: it isn't there."""
    inside: Any = made.draft.objects[kind, name]["spec"]
    for step in path.split("."):
        inside = inside.get(step) if isinstance(inside, dict) else None
    return inside


def merged(*parts: Any) -> Any:
    found: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            both = isinstance(value, dict) and isinstance(found.get(key), dict)
            found[key] = merged(found[key], value) if both else value
    return found


def refusals(made: Migration) -> list[str]:
    """Return what an API server would refuse of what was made."""
    return [fault for one in made.draft.ordered() for fault in admission.judge(one).refused]


def noted(made: Migration, where: str) -> str:
    """Return what is said of the field *where*."""
    return " ".join(note.text for note in made.notes if note.field == where)
