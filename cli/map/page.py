"""The map as one HTML page: pictures, and in words what no picture can hold. Pure.

It needs no script, no font and nothing from anywhere; dark and in print it is as legible.
"""

from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from cli.map.facts import Facts, Group, GroupKey, Refused, moved
from cli.map.markup import Child, drawing, el, page
from cli.map.picture import picture, shares_text

MOST_ROWS: Final = 300  # of a table
NAMED: Final = 4  # Services in a cell; the others below it, to be opened
MOST_NAMED: Final = 200
LEGEND: Final = (
    "A box on the right is what one Eip gave to Services that the same nodes carry; the thicker "
    "its line, the larger a node's share. What is refused is red, dashed in print, and says why."
)
NOTHING_LOADED: Final = "default-src 'none'; style-src 'unsafe-inline'"
STYLE: Final = """
:root { --ink: #1a1d21; --paper: #fff; --faint: #5b6570; --box: #eef3f8; --edge: #4a7dab;
  --bad: #fdeeea; --bad-edge: #b3401f; --line: #7fa3c4; --new: #8a5a00; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --paper: #15181b; --faint: #a3adb7;
  --box: #1f2a35; --edge: #6ea3d2; --bad: #3a211b; --bad-edge: #e38467; --line: #4f7396;
  --new: #e0b060; } }
@media print { :root { --ink: #000; --paper: #fff; --faint: #333; --box: #fff; --edge: #000;
  --bad: #fff; --bad-edge: #000; --line: #777; --new: #000; } .box.out { stroke-dasharray: 4 3; }
  section { break-inside: avoid-page; } details > * { display: block; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1100px; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; }
p { margin: .3rem 0; } .faint { color: var(--faint); }
.picture { overflow-x: auto; } svg { width: 100%; min-width: 640px; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg .below { fill: var(--faint); font-size: 11px; } svg .name { font-weight: 600; }
svg .column { font-size: 14px; font-weight: 600; }
.box { fill: var(--box); stroke: var(--edge); }
.box.out { fill: var(--bad); stroke: var(--bad-edge); }
.line { fill: none; stroke: var(--line); opacity: .75; }
.box.changed { stroke: var(--new); stroke-width: 3; } .line.changed { stroke: var(--new); }
table { border-collapse: collapse; width: 100%; } .wide { overflow-x: auto; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--faint); font-weight: 600; overflow-wrap: normal; }
td:first-child, td:nth-child(2) { min-width: 8.5rem; }
@media (max-width: 700px) { thead { display: none; } table, tbody, tr, td { display: block; }
  td { border: 0; padding: .1rem 0; } tr { border-bottom: 1px solid var(--line); padding: .4rem 0; }
  td::before { content: attr(data-of) ": "; color: var(--faint); } }
tr.changed td { color: var(--new); }
"""


@dataclass(frozen=True, slots=True)
class View:
    """One state of the network, under its heading."""

    heading: str
    facts: Facts
    changed: frozenset[GroupKey] = frozenset()


def html(source: str, before: Facts, after: Facts | None = None) -> str:
    """Return the page about *source*; with *after*, what would become of it beside what is."""
    if after is None:
        views = [View("As it is planned", before)]
    else:
        gone, new = moved(before, after)
        views = [View("Now", before, gone), View("After the change", after, new)]
    body: list[Child] = [
        el("h1", f"The network of {source}"),
        el("p", LEGEND, class_="faint"),
    ]
    if after is not None and not views[0].changed and not views[1].changed:
        body.append(el("p", "Nothing would move."))
    for view in views:
        body += _sections(view)
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content=NOTHING_LOADED),
        el("title", f"Pointsman: {source}"),
        _style(),
    )
    return page(el("html", head, el("body", *body), lang="en"))


def svg(source: str, before: Facts, after: Facts | None = None) -> str:
    """Return the picture alone, to be put into other pages; with *after* the one after it."""
    shown, changed = (before, frozenset[GroupKey]()) if after is None else (
        after, moved(before, after)[1]
    )  # fmt: skip
    found = picture(shown, changed, label=f"The network of {source}")
    found.insert(1, _style())
    return drawing(found)


def _style() -> Element:
    made = el("style")
    made.text = STYLE
    return made


def _sections(view: View) -> list[Element]:
    facts = view.facts
    return [
        el(
            "section",
            el("h2", view.heading),
            el("p", _summary(facts)),
            el("div", picture(facts, view.changed, label=view.heading), class_="picture"),
        ),
        el("section", el("h2", f"{view.heading}: who carries what"), _groups(view)),
        el("section", el("h2", f"{view.heading}: who is refused, and why"), _refusals(facts)),
    ]


def _summary(facts: Facts) -> str:
    services = {name for group in facts.groups for name in group.services}
    addresses = {one for group in facts.groups for one in group.addresses}
    return (
        f"{_count(facts.routers, 'router')}, {_count(facts.places, 'node')}, "
        f"{_count(facts.eips, 'Eip')}, {_count(services, 'Service')} with "
        f"{_count(addresses, 'address', 'es')}, carried in {_count(facts.groups, 'way')}."
    )


def _count(things: Sized, name: str, plural: str = "s") -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else plural}"


def _groups(view: View) -> Element:
    rows = [
        (
            _group_cells(group),
            "changed" if group.key in view.changed else "",
        )
        for group in view.facts.groups
    ]
    return _table(("Eip", "Services", "Addresses", "Carried by", "Told to"), rows)


def _group_cells(group: Group) -> list[Sequence[Child]]:
    key = group.key
    carried = shares_text(key.shares, most=12)
    return [
        (key.eip or "none",),
        _named(group.services),
        _named([str(one) for one in group.addresses]),
        (carried if key.announced else f"{carried} ({key.reason})",),
        (", ".join(key.routers) or "nobody by BGP",),
    ]


def _named(names: Sequence[str]) -> Sequence[Child]:
    """Return the first names and, to be opened, the others."""
    shown = ", ".join(names[:NAMED])
    if len(names) <= NAMED:
        return (shown,)
    rest = names[NAMED:MOST_NAMED]
    more = f" … and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return (
        shown,
        el("details", el("summary", f"and {len(names) - NAMED} more"), ", ".join(rest) + more),
    )


def _refusals(facts: Facts) -> Element:
    rows: list[tuple[list[Sequence[Child]], str]] = [
        ([(one.subject,), (one.reason,), (one.why,)], "") for one in _first(facts.refused)
    ]
    rows += (
        ([(f"Node {place.name}",), (f"{count} Services",), (why,)], "")
        for place in facts.places
        for why, count in place.refusals
    )
    if not rows:
        return el("p", "Nobody.")
    return _table(("Who", "Reason", "Why, and what to do"), rows)


def _first(refused: Sequence[Refused]) -> Iterable[Refused]:
    """Return what fits; of each reason something, where there are too many."""
    if len(refused) <= MOST_ROWS:
        return refused
    ranked: dict[str, int] = {}
    keyed = []
    for one in refused:
        ranked[one.reason] = ranked.get(one.reason, 0) + 1
        keyed.append((ranked[one.reason], one))
    return [one for _, one in sorted(keyed, key=lambda pair: pair[0])[:MOST_ROWS]]


def _table(columns: Sequence[str], rows: Sequence[tuple[list[Sequence[Child]], str]]) -> Element:
    head = el("tr", *(el("th", name) for name in columns))
    body = [
        el(
            "tr",
            *(el("td", *cell, data_of=name) for name, cell in zip(columns, cells, strict=True)),
            class_=style,
        )
        for cells, style in rows[:MOST_ROWS]
    ]
    made = el("div", el("table", el("thead", head), el("tbody", *body)), class_="wide")
    if (more := len(rows) - MOST_ROWS) > 0:
        made.append(el("p", f"{more} more rows are left out: `pointsman plan -o json` has them."))
    return made
