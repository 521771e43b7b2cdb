"""The simple JSONPath of printer columns: `.a.b`, `[n]`, `[*]`, `[?(@.type=="Ready")]`."""

import re
from typing import Any, Final

STEP: Final = re.compile(
    r"\.(?P<name>(?:[^.\[\\]|\\.)+)"
    r"|\['(?P<quoted>[^']*)'\]"
    r"|\[(?P<index>-?\d+)\]"
    r"|(?P<all>\[\*\])"
    r"""|\[\?\(@\.(?P<key>[\w.]+)\s*(?P<op>==|!=)\s*["'](?P<value>[^"']*)["']\)\]"""
)


def find(obj: Any, path: str) -> list[Any]:
    """Return what *path* leads to in *obj*, in order; nothing for a path that leads nowhere."""
    nodes, at = [obj], 0
    while at < len(path):
        match = STEP.match(path, at)
        if not match:
            return []
        nodes = [found for node in nodes for found in _step(node, match)]
        at = match.end()
    return nodes


def _step(node: Any, match: re.Match[str]) -> list[Any]:
    name = match["name"] if match["name"] is not None else match["quoted"]
    if name is not None:
        name = name.replace("\\", "")
        return [node[name]] if isinstance(node, dict) and name in node else []
    if not isinstance(node, list):
        return list(node.values()) if isinstance(node, dict) and match["all"] else []
    if match["all"]:
        return list(node)
    if match["index"] is not None:
        n = int(match["index"])
        return [node[n]] if -len(node) <= n < len(node) else []
    key, value, equal = match["key"].split("."), match["value"], match["op"] == "=="
    return [item for item in node if (_value(item, key) == value) is equal]


def _value(item: Any, key: list[str]) -> Any:
    for name in key:
        item = item.get(name) if isinstance(item, dict) else None
    return item
