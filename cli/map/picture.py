"""The map's picture: routers, nodes, and groups of Services, with lines by their shares. Pure.

As much as is legible: of many nodes their zones are drawn, of many groups the largest; the page's
tables have the rest.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from cli.map.facts import Facts, Group, GroupKey, Place, Router, Shares
from cli.map.markup import el
from manager.snapshot import NodeName

WIDTH: Final = 1000
COLUMNS: Final = ((10, 210), (390, 220), (720, 270))  # x and width: routers, nodes, groups
ROW: Final = 46
BOX: Final = 36
TOP: Final = 46
MOST_NODES: Final = 40
MOST_GROUPS: Final = 24
CHARACTER: Final = 6.7  # width of one, of 12 px


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with a heading and a line below it; *title* is shown on hover."""

    name: str
    below: str
    title: str
    kind: str  # of the style sheet

    def draw(self, column: int, y: int) -> Element:
        """Return it at its place."""
        x, width = COLUMNS[column]
        room = int((width - 16) / CHARACTER)
        return el(
            "g",
            el("title", self.title),
            el("rect", x=x, y=y, width=width, height=BOX, rx=5, class_=f"box {self.kind}"),
            el("text", _fit(self.name, room), x=x + 8, y=y + 15, class_="name"),
            el("text", _fit(self.below, room), x=x + 8, y=y + 29, class_="below"),
        )


@dataclass(frozen=True, slots=True)
class Line:
    """From one row of a column to one of the next; *share* of 1 is the thickest."""

    column: int  # of where it begins
    start: int
    end: int
    share: float
    title: str
    kind: str = ""

    def draw(self) -> Element:
        """Return it as a curve."""
        x, width = COLUMNS[self.column]
        start, end = x + width, COLUMNS[self.column + 1][0]
        y1, y2, middle = _middle(self.start), _middle(self.end), (start + end) / 2
        path = f"M{start},{y1:g} C{middle:g},{y1:g} {middle:g},{y2:g} {end},{y2:g}"
        style = f"line {self.kind}".strip()
        return el(
            "path", el("title", self.title), d=path, class_=style,
            stroke_width=f"{1 + 5 * self.share:.1f}",
        )  # fmt: skip


def picture(facts: Facts, marked: Iterable[GroupKey] = (), *, label: str) -> Element:
    """Return the picture; groups that are *marked* are drawn as changed."""
    places = _Places(facts.places)
    groups, left_out = facts.groups[:MOST_GROUPS], facts.groups[MOST_GROUPS:]
    if left_out:
        groups = tuple(sorted(facts.groups, key=_largest)[:MOST_GROUPS])
        groups = tuple(one for one in facts.groups if one in groups)
        left_out = tuple(one for one in facts.groups if one not in groups)
    changed = frozenset(marked)
    columns = (
        [_router_box(one) for one in facts.routers],
        places.boxes,
        [*(_group_box(one, facts, one.key in changed) for one in groups), *_rest(left_out)],
    )
    lines = [*_paths(facts.routers, places), *_carriers(groups, places, changed)]
    height = TOP + ROW * max(1, *map(len, columns)) + 4
    return el(
        "svg",
        el("title", label),
        *(
            el("text", text, x=x, y=24, class_="column")
            for text, (x, _) in zip(("Routers", "Nodes", "Addresses"), COLUMNS, strict=True)
        ),
        *(line.draw() for line in lines),
        *(
            box.draw(column, TOP + ROW * row)
            for column, boxes in enumerate(columns)
            for row, box in enumerate(boxes)
        ),
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
        xmlns="http://www.w3.org/2000/svg",
    )


class _Places:
    """The middle column: nodes or, of many, their zones."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._row: dict[NodeName, int] = {}
        self.boxes: list[Box] = []
        if len(places) <= MOST_NODES:
            for place in places:
                self._row[place.name] = len(self.boxes)
                self.boxes.append(_node_box(place))
            return
        zones: dict[str, list[Place]] = defaultdict(list)
        for place in places:
            zones[place.zone].append(place)
        for zone, members in sorted(zones.items()):
            self._row |= {one.name: len(self.boxes) for one in members}
            self.boxes.append(_zone_box(zone, members))

    def rows(self, shares: Iterable[tuple[NodeName, float]]) -> Mapping[int, float]:
        """Return which rows these shares come to, and how much each has."""
        found: dict[int, float] = defaultdict(float)
        for name, share in shares:
            if name in self._row:
                found[self._row[name]] += share
        return found


def _router_box(router: Router) -> Box:
    below = f"{router.address} · AS {router.asn}" if router.address else "not readable"
    state = f"session {router.state}, as recorded. " if router.state else ""
    name = f"{router.name} ({router.state})" if router.state else router.name
    return Box(name, below, f"BgpPeer {router.name}: {state}{router.why}", _kind(router.used))


def _node_box(place: Place) -> Box:
    reasons = [f"{why} ({count} Services)" for why, count in place.refusals]
    idle = place.refusals[0][0] if place.refusals else "carries nothing"
    below = (place.zone or "carries") if place.carries else idle
    title = f"Node {place.name}{f', zone {place.zone}' if place.zone else ''}. "
    return Box(place.name, below, title + "; ".join(reasons), _kind(place.carries))


def _zone_box(zone: str, members: Sequence[Place]) -> Box:
    idle = sum(not one.carries for one in members)
    below = f"{len(members)} nodes" + (f", {idle} of which carry nothing" if idle else "")
    return Box(zone or "without zone", below, below, "in")


def _group_box(group: Group, facts: Facts, is_changed: bool) -> Box:
    count, key = len(group.services), group.key
    what = group.services[0] if count == 1 else f"{count} Services"
    below = shares_text(key.shares) if key.announced else key.reason
    addresses = ", ".join(map(str, group.addresses[:8]))
    more = f" and {len(group.addresses) - 8} more" if len(group.addresses) > 8 else ""
    title = f"Eip {key.eip} ({facts.eips.get(key.eip, 'none')}): {addresses}{more}. {below}"
    kind = _kind(key.announced) + (" changed" if is_changed else "")
    return Box(f"{key.eip or 'in no Eip'} · {what}", below, title, kind)


def _rest(groups: Sequence[Group]) -> Iterator[Box]:
    if groups:
        services = sum(len(one.services) for one in groups)
        below = f"{services} Services: see the table"
        yield Box(f"{len(groups)} more sets of nodes", below, below, "in")


def _paths(routers: Sequence[Router], places: _Places) -> Iterator[Line]:
    for row, router in enumerate(routers):
        most = max(router.nodes.values(), default=1)
        counts = places.rows((name, count) for name, count in router.nodes.items())
        for place, count in counts.items():
            title = f"{router.name} is told {count:g} paths by {places.boxes[place].name}"
            yield Line(0, row, place, min(1.0, count / most) / 2, title)


def _carriers(
    groups: Sequence[Group], places: _Places, changed: frozenset[GroupKey]
) -> Iterator[Line]:
    for row, group in enumerate(groups):
        kind = "changed" if group.key in changed else ""
        shares = places.rows((name, float(share)) for name, share in group.key.shares)
        for place, share in shares.items():
            name, of = places.boxes[place].name, group.key.eip
            yield Line(1, place, row, share, f"{name} carries {share:.0%} of {of}", kind)


def shares_text(shares: Shares, most: int = 4) -> str:
    """Return who carries how much: equal shares in one number."""
    if not shares:
        return "carried by nobody"
    names = [name for name, _ in shares[:most]]
    more = f" and {len(shares) - most} more" if len(shares) > most else ""
    if len({share for _, share in shares}) == 1:
        each = "" if len(shares) == 1 else f", 1/{len(shares)} each"
        return f"{', '.join(names)}{more}{each}"
    return ", ".join(f"{name} {float(share):.0%}" for name, share in shares[:most]) + more


def _largest(group: Group) -> tuple[int, str]:
    return -len(group.services), group.services[0]


def _kind(fine: bool) -> str:
    return "in" if fine else "out"


def _middle(row: int) -> float:
    return TOP + ROW * row + BOX / 2


def _fit(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"
