"""The table of the chart's values in docs/install.md is the schema's; `make update` rewrites it."""

from __future__ import annotations

import json
import re
from functools import reduce
from typing import Any

from tests.deploy.test_values import SCHEMA, VALUES, described
from tests.docs import pages
from tests.docs.pages import ROOT

PAGE = "docs/install.md"
MARKED = re.compile(r"(<!-- values -->\n)(.*?)(<!-- end -->)", re.DOTALL)
LONGEST = 40  # a default that takes more is read where it is


def default(path: str) -> str:
    """Return the default of the value at *path*, as it is written in YAML's flow style."""
    found: Any = reduce(lambda values, key: values[key], path.split("."), VALUES)
    text = json.dumps(found)
    return f"`{text}`" if len(text) <= LONGEST else "`deploy/chart/values.yaml`"


def table() -> str:
    lines = "| value | default | meaning |\n|---|---|---|\n"
    for path, meaning in described(SCHEMA):
        if path != "global":
            lines += f"| `{path}` | {default(path)} | {meaning} |\n"
    return lines


def test_the_table_of_values_is_fresh(update: bool) -> None:
    text = pages.read(PAGE)
    if update:
        fresh = MARKED.sub(lambda found: found[1] + table() + found[3], text)
        (ROOT / PAGE).write_text(fresh, "utf-8")
        return
    found = MARKED.search(text)
    assert found is not None
    assert found[2] == table(), "run `make update`"
