"""The tables of docs/reasons.md name exactly the reasons that the code can give."""

from __future__ import annotations

import inspect
import re
from types import ModuleType

import pytest

from agent.planner import verdicts
from pointsman.model.verdicts import (
    address,
    advertisement,
    aggregates,
    announcement,
    coexistence,
    readiness,
    session,
    source,
)
from pointsman.model.verdicts.base import Verdict
from tests.docs import pages

PAGE = "docs/reasons.md"
ROW = re.compile(r"^\| `(\w+)` \| (True|False|Unknown) \| (.+) \| (.+) \|$", re.MULTILINE)
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
# Bases, which no object ever gives as its reason.
BASES = {"Unserved", "Usable"}
SECTIONS = {
    "Service: pointsman.dev/Allocated": address,
    "Service: pointsman.dev/Announced": announcement,
    "Service: events only": coexistence,
    "Eip: Ready": address,
    "Service: pointsman.dev/Allocated, of an IPAM": source,
    "Eip: Ready, with an IPAM": source,
    "Eip: CentralResponder": readiness,
    "Eip: BgpApplied": advertisement,
    "Eip: AggregatesRefused": aggregates,
    "Eip: AggregatesUnguarded": aggregates,
    "BgpConf: Ready": readiness,
    "BgpConf: LivenessFrozen": readiness,
    "BgpPeer: Ready": readiness,
    "BgpPeer: Established": session,
    "BgpPeer: AddPathNegotiated": session,
    "BgpPeer: NextHopsMissing": readiness,
    "BgpPeer: NextHopsContested": readiness,
    "BgpPeer: NextHopsLimited": readiness,
    "BgpPeer: PrefixesReceived": session,
    "BgpPeer: NextHopsUnverified": readiness,
    "Announcer: Ready": verdicts,
    "Announcer: Contested": verdicts,
    "Announcer: StrictARPRequired": verdicts,
    "Announcer: Unacknowledged": verdicts,
    "Announcer: HeartbeatsHeard": verdicts,
    "Announcer: ProxyHealthy": verdicts,
}


def reasons(module: ModuleType) -> dict[str, str]:
    """Return the reasons of *module* and the status each gives."""
    return {
        name: ("True" if one.ok else "False") if one.known else "Unknown"
        for name, one in inspect.getmembers(module, inspect.isclass)
        if issubclass(one, Verdict) and one.__module__ == module.__name__ and name not in BASES
    }


def sections() -> dict[str, dict[str, str]]:
    """Return, per heading, the reasons of its table and their statuses."""
    _, *parts = HEADING.split(pages.read(PAGE))
    found = {}
    for heading, text in zip(parts[::2], parts[1::2], strict=True):
        if rows := {reason: status for reason, status, *_ in ROW.findall(text)}:
            found[heading] = rows
    return found


@pytest.mark.parametrize("module", list(dict.fromkeys(SECTIONS.values())), ids=lambda m: m.__name__)
def test_every_reason_is_documented_and_no_other(module: ModuleType) -> None:
    documented: dict[str, str] = {}
    for heading, rows in sections().items():
        if SECTIONS[heading] is module:
            documented |= rows
    shared = {"InternalError": "False"} if module is announcement else {}
    assert documented == reasons(module) | shared


def test_every_section_has_a_table() -> None:
    assert sections().keys() == SECTIONS.keys()


def test_the_meaning_of_every_reason_is_a_sentence() -> None:
    for _, _, meaning, deed in ROW.findall(pages.read(PAGE)):
        assert meaning.endswith(".")
        assert deed.endswith((".", "-"))
