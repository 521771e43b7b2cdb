"""`python -m e2e.monitoring`: a few minutes of a lab, and the dashboard's panels of them.

It writes docs/monitoring/*.svg and the list of what was done meanwhile into docs/monitoring.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
import time
from collections.abc import Callable
from typing import Any

from e2e import cluster, labs
from e2e.bed import Bed, Broken
from e2e.layer2 import lan
from e2e.leadership import leader
from e2e.monitoring.prometheus import Prometheus, watching
from lab.options import Options
from monitoring.__main__ import ROOT
from monitoring.panels import ROWS
from monitoring.plots import Mark, Series, picture
from pointsman.model.names import DRAIN

STEP_S = 2.0
FOUND = ROOT / "build" / "monitoring.json"
PAGE, PLACE = ROOT / "docs" / "monitoring.md", ROOT / "docs" / "monitoring"
LIST = re.compile(r"(?<=<!-- what was done -->\n).*?(?=<!-- end -->)", re.DOTALL)
Json = dict[str, Any]
Deed = tuple[float, str, Callable[[], object]]  # seconds to wait before it, words, the deed


def deeds(lab: Bed, vip: str) -> list[Deed]:
    """Return what is done, in order."""
    first, owner = leader(lab), lan.owner(lab, vip)
    eip = f"{cluster.CRS}/eips/public"
    wider = {"spec": {"addresses": ["198.51.100.0/27", "2001:db8:100::/64"]}}

    def many() -> None:
        for number in range(20):
            cluster.make(lab, f"shop-{number}", ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")

    def another(verb: str) -> None:
        lab.exec("manager2", "ip", "address", verb, f"{vip}/24", "dev", "eth0")
        if verb == "add":
            words = ("arping", "-U", "-I", "eth0", "-c", "2", "-w", "2", vip)
            lab.exec("manager2", *words, check=False)

    def drain(node: str, value: str | None) -> None:
        noted = {"metadata": {"annotations": {DRAIN: value}}}
        lab.api.merge(f"/api/v1/nodes/{node}", noted)

    def without_pods() -> None:
        lab.endpoints("default/shop-1", "node1:0")

    return [
        (20, "20 Services are created; the Eip has 16 addresses of IPv4", many),
        (30, "the Eip is widened to 32", lambda: lab.api.merge(eip, wider)),
        (20, "a Service loses its Pods", without_pods),
        (20, f"{owner} loses its power", lambda: lab.fail(owner)),
        (30, f"{owner} is back", lambda: lab.heal(owner)),
        (25, "a speaker is killed", lambda: lab.fail("sidecar")),
        (25, "it is started again", lambda: lab.heal("sidecar")),
        (25, "the leader is killed, and its speaker stays", lambda: lab.fail(first)),
        (25, "it is started again", lambda: lab.heal(first)),
        (25, "another host takes an address of layer 2", lambda: another("add")),
        (15, "it gives the address up", lambda: another("del")),
        (20, "node1 drains, and a router goes on sending there", lambda: drain("node1", "true")),
        (25, "node1 drains no more", lambda: drain("node1", None)),
    ]


def routed(lab: Bed) -> str:
    """Return an address of protocol kernel, to which the router has a route by hand: by node1."""
    spec = {"addresses": ["198.51.100.128/28"], "protocol": "kernel"}
    lab.api.create(f"{cluster.CRS}/eips", cluster.custom("Eip", "routed", spec))
    cluster.make(lab, "routed", notes={"eip": "routed"})
    (address,) = cluster.held(lab, "routed", 1)
    lab.exec("router", "ip", "route", "add", address, "via", "192.0.2.11")
    return address


def record(lab: Bed, vip: str, kernel: str) -> tuple[float, list[Mark]]:
    """Do the deeds; return when they began, in Unix time, and when each was done."""
    began, marks = time.time(), []
    for wait_s, words, deed in deeds(lab, vip):
        _use(lab, vip, kernel, wait_s)
        marks.append(Mark(time.time() - began, words))
        deed()
    _use(lab, vip, kernel, 35)
    return began, marks


def _use(lab: Bed, vip: str, kernel: str, seconds: float) -> None:
    """Let a client ask for both addresses again and again, and its router who has *vip*."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        lab.exec("router", "ip", "neigh", "flush", "to", vip, check=False)
        for address in (vip, kernel):
            with contextlib.suppress(Broken):
                lab.get(address)
        time.sleep(min(left, 2.0))


def answered(prometheus: Prometheus, began: float, marks: list[Mark]) -> Json:
    """Return what *prometheus* has of the time since *began*, and what was done, as JSON."""
    ended = time.time()
    times = {"start": began, "end": ended, "step_s": STEP_S}
    queries = {query.expr for row in ROWS for panel in row.panels for query in panel.queries}
    return {
        "began": began,
        "seconds": ended - began,
        "marks": [[mark.at_s, mark.text] for mark in marks],
        "answers": {expr: prometheus.range(expr, **times) for expr in sorted(queries)},
    }


def draw(found: Json) -> None:
    """Write the pictures of what was *found*, and the list of what was done."""
    marks = [Mark(at_s, text) for at_s, text in found["marks"]]
    answers = {expr: _series(one, found["began"]) for expr, one in found["answers"].items()}
    PLACE.mkdir(exist_ok=True)
    for row in ROWS:
        name = row.title.lower().replace(" ", "-")
        drawn = picture(row, answers, marks, seconds=found["seconds"])
        (PLACE / f"{name}.svg").write_text(drawn)
    listed = "".join(
        f"{number}. {mark.at_s // 60:.0f}:{mark.at_s % 60:02.0f} {mark.text}\n"
        for number, mark in enumerate(marks, 1)
    )
    PAGE.write_text(LIST.sub(f"\n{listed}\n", PAGE.read_text()))


def _series(found: list[Json], began: float) -> list[Series]:
    """Return the series of one answer; what is no number is left out."""
    return [
        Series(
            one["metric"], tuple((at - began, float(v)) for at, v in one["values"] if v != "NaN")
        )
        for one in found
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m e2e.monitoring", description=__doc__)
    parser.add_argument("--redraw", action="store_true", help="of what the last run found")
    if parser.parse_args().redraw:
        draw(json.loads(FOUND.read_text()))
        return 0
    with labs.standing(Options(name=labs.fresh(), managers=2, kernel=True)) as lab:
        cluster.prepare(lab)
        lan.prepare(lab)
        vip = lan.serve(lab, "home")
        cluster.make(lab, "web")
        cluster.settled(lab, "web")
        with watching(lab) as prometheus:
            found = answered(prometheus, *record(lab, vip, routed(lab)))
    FOUND.write_text(json.dumps(found))
    draw(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
