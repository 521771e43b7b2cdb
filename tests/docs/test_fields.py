"""The field tables of docs/resources.md are those of the models; `make update` rewrites them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from pointsman.api import crd
from tests.docs import pages
from tests.docs.pages import ROOT

PAGE = "docs/resources.md"
HEAD = "| field | type | default | meaning |\n|---|---|---|---|\n"
SLASH = "\\|"  # a bar inside a cell
REQUIRED = "**required**"
USERS = [kind for kind in crd.KINDS if kind.name != "Announcer"]


def rows(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Yield (path, type, default, description) of each field, those of objects after them."""
    for name, field in schema.get("properties", {}).items():
        needed = name in schema.get("required", [])
        default = REQUIRED if needed else json.dumps(field["default"]) if "default" in field else ""
        inner = field.get("items", {}) if field["type"] == "array" else field
        parts = "properties" in inner
        if parts and default != REQUIRED:
            default = ""  # the defaults of its fields say it
        yield f"{prefix}{name}", typed(field), default, field.get("description", "")
        if name.endswith("elector") and prefix == "":
            continue  # a label selector, as Kubernetes has it
        dots = "[]." if field["type"] == "array" else "."
        yield from rows(inner, f"{prefix}{name}{dots}") if parts else ()


def typed(field: dict[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{word}`" for word in field["enum"])
    if field["type"] == "array":
        return f"list of {typed(field['items'])}"
    return str(field["type"])


def table(kind: crd.Kind) -> str:
    """Return the table of the spec of *kind*."""
    schema = crd.definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    lines = HEAD
    for path, type_, default, meaning in rows(schema["properties"]["spec"]):
        shown = default if default in ("", REQUIRED) else f"`{default}`"
        lines += (
            f"| `{path}` | {type_} | {shown} | {' '.join(meaning.split()).replace('|', SLASH)} |\n"
        )
    return lines


def marked(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- fields of {name} -->\n)(.*?)(<!-- end -->)", re.DOTALL)


@pytest.mark.parametrize(
    "kind", [kind for kind in crd.KINDS if kind.name != "Announcer"], ids=lambda k: k.name
)
def test_the_field_tables_are_fresh(kind: crd.Kind, update: bool) -> None:
    text, pattern = pages.read(PAGE), marked(kind.name)
    if update:
        fresh = pattern.sub(lambda found: found[1] + table(kind) + found[3], text)
        (ROOT / PAGE).write_text(fresh, "utf-8")
        return
    found = pattern.search(text)
    assert found is not None
    assert found[2] == table(kind), "run `make update`"
