"""HTML and SVG as trees: what is written into them can't become markup. Pure.

The standard library escapes text and attributes when it writes the tree out; what a terminal or
a reader's eye would be misled by (control characters, reversed text) becomes an escape here.
"""

from typing import Final
from xml.etree.ElementTree import Element, tostring

from pointsman.model.printable import sentence

LONGEST: Final = 1024  # characters of one text
Child = Element | str


def el(tag: str, *children: Child, **attributes: object) -> Element:
    """Return an element; a trailing `_` of an attribute's name is left out, other `_` are `-`."""
    made = Element(
        tag, {name.rstrip("_").replace("_", "-"): clean(v) for name, v in attributes.items()}
    )
    last: Element | None = None
    for child in children:
        if isinstance(child, Element):
            made.append(child)
            last = child
        elif last is None:
            made.text = (made.text or "") + clean(child)
        else:
            last.tail = (last.tail or "") + clean(child)
    return made


def clean(text: object) -> str:
    """Return *text* on one line, without anything that isn't seen."""
    return sentence(str(text), LONGEST)


def drawing(root: Element) -> str:
    """Return an SVG file of its own."""
    return f"{tostring(root, encoding='unicode')}\n"


def page(root: Element) -> str:
    """Return the whole document."""
    return f"<!DOCTYPE html>\n{tostring(root, encoding='unicode', method='html')}\n"
