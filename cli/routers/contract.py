"""`peers --check`: what a router was asked for, held against what its sessions show. Pure.

`plan --router-config` prints what a router needs. Of that a session shows what both sides
negotiated, why it is away, and what the router sends. What no session shows (how many next
hops reach the forwarding table, what a filter lets in) is not judged here.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cli.routers import bird, frr
from cli.routers.clauses import Clause, marked
from cli.routers.needs import FAMILIES, Needs
from manager.planner.plan_json import Json
from pointsman.model.route import LIVE
from pointsman.wire import session_reasons as reasons

KEPT: Final = "kept"
VIOLATED: Final = "violated"
UNSEEN: Final = "not seen"
NOTIFIED: Final = re.compile(r"NOTIFICATION .*\((\d+)/(\d+)\)")
# What the NOTIFICATION that ended a session is about (RFC 4271 section 4.5, RFC 4486 section 3).
NOTIFICATIONS: Final[Mapping[tuple[int, int], tuple[Clause, ...]]] = {
    (2, 2): (Clause.AS,),
    (2, 5): (Clause.PASSWORD,),
    (6, 1): (Clause.LIMIT,),
    (6, 3): (Clause.NEIGHBOR,),
    (6, 5): (Clause.NEIGHBOR,),
    (6, 10): (Clause.BFD,),
}
# What the speaker's parent says of connections, and what it is about.
CONNECTIONS: Final[Mapping[str, tuple[Clause, ...]]] = {
    reasons.NO_WORD: (Clause.NEIGHBOR,),
    reasons.GUARDED: (Clause.PASSWORD, Clause.HOPS),
    reasons.REFUSED: (Clause.LISTENING, Clause.NEIGHBOR),
}
DIALECTS: Final = {"frr": frr, "bird": bird}
COMPARED: Final[Mapping[str, str]] = {
    "families": "families",
    "addPathNegotiated": "several paths of a prefix (ADD-PATH)",
    "ipv6NextHops": "IPv6 next hops of IPv4 prefixes",
    "gracefulRestartNegotiated": "graceful restart",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What the session with one router shows of one clause."""

    peer: str
    speaker: int
    clause: Clause
    state: str
    sentence: str = ""  # what is so, where the clause is violated
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # to change, by dialect

    @property
    def json(self) -> Json:
        return {
            "peer": self.peer,
            "speaker": self.speaker,
            "clause": str(self.clause),
            "state": self.state,
            "sentence": self.sentence,
            "lines": {dialect: list(of) for dialect, of in self.lines.items()},
        }


def findings(one: Needs, session: Json, *, restarts: bool, sent: str | None) -> Iterator[Finding]:
    """Yield what *session*, an entry of `peers -o json`, shows of each clause.

    *restarts*: graceful restart is offered. *sent*: how many prefixes the router sends us,
    in words; "": none; None: nobody was asked.
    """
    if session["state"] != LIVE:
        yield from _away(one, session)
        return
    for clause, judge in _JUDGES.items():
        sentence = judge(one, session)
        if sentence is not None:
            yield _finding(one, session, clause, sentence)
    if restarts:
        fault = "it does not keep our paths while a speaker is replaced"
        if session["gracefulRestartNegotiated"]:
            fault = ""
        yield _finding(one, session, Clause.GRACEFUL_RESTART, fault)
    if sent is None:
        yield Finding(one.name, session["speaker"], Clause.NOTHING_TO_US, UNSEEN)
    else:
        fault = f"it sends us {sent} prefixes, and none is used" if sent else ""
        yield _finding(one, session, Clause.NOTHING_TO_US, fault)


def _away(one: Needs, session: Json) -> Iterator[Finding]:
    """Yield what the end of a session, or of a connection, is about; else that nothing is seen."""
    why = session["lastError"]
    known = _about(why)
    if not known:
        yield Finding(one.name, session["speaker"], Clause.NEIGHBOR, UNSEEN)
    for clause in known:
        finding = _finding(one, session, clause, why)
        # Several are suspected: those that this router was not asked for are none of them.
        if finding.lines or len(known) == 1:
            yield finding


def _about(why: str) -> tuple[Clause, ...]:
    if found := NOTIFIED.search(why):
        return NOTIFICATIONS.get((int(found[1]), int(found[2])), ())
    return next((of for start, of in CONNECTIONS.items() if why.startswith(start)), ())


def _several_paths(one: Needs, session: Json) -> str | None:
    if one.spec.parallel_sessions is not None or not one.spec.add_path.enabled:
        return None
    return "" if session["addPathNegotiated"] else "it takes one path of a prefix only"


def _families(one: Needs, session: Json) -> str | None:
    wanted = [f"{FAMILIES[version]}-unicast" for version in one.families if one.of(version)]
    missing = [name for name in wanted if name not in session["families"]]
    return f"it does not take {' nor '.join(missing)}" if missing else ""


def _ipv6_next_hops(one: Needs, session: Json) -> str | None:
    if not one.bare or not one.of(4):
        return None
    if session["ipv6NextHops"]:
        return ""
    return "it takes no IPv6 next hops for IPv4 prefixes, and nodes have no other"


def _bfd(one: Needs, session: Json) -> str | None:
    if not one.bfd:
        return None
    state = session["bfdState"] or "unknown"
    return "" if state == "Up" else f"BFD with it is {state}"


_JUDGES: Final[Mapping[Clause, Callable[[Needs, Json], str | None]]] = {
    Clause.SEVERAL_PATHS: _several_paths,
    Clause.FAMILIES: _families,
    Clause.IPV6_NEXT_HOPS: _ipv6_next_hops,
    Clause.BFD: _bfd,
}


def _finding(one: Needs, session: Json, clause: Clause, fault: str) -> Finding:
    """Return that *clause* is kept, or violated by what *fault* says."""
    if not fault:
        return Finding(one.name, session["speaker"], clause, KEPT)
    sentence = f"BgpPeer {one.name}: {fault}."
    return Finding(one.name, session["speaker"], clause, VIOLATED, sentence, _lines(one, clause))


def _lines(one: Needs, clause: Clause) -> Mapping[str, tuple[str, ...]]:
    found = {}
    for name, dialect in DIALECTS.items():
        lines = marked(dialect.lines(one), dialect.MARKS).get(clause, ())
        if clause in dialect.UNASKED:
            lines = (f"without: {dialect.UNASKED[clause]}",)
        if lines:
            found[name] = lines
    return found


def differences(sessions: Sequence[Json]) -> Iterator[str]:
    """Yield in what routers differ whose sessions are up: one of them is configured otherwise."""
    up = [one for one in sessions if one["state"] == LIVE]
    for key, what in COMPARED.items():
        by_answer: dict[str, list[str]] = {}
        for one in up:
            answer = ", ".join(one[key]) if isinstance(one[key], list) else _yes(one[key])
            names = by_answer.setdefault(answer, [])
            if one["name"] not in names:
                names.append(one["name"])
        if len(by_answer) > 1:
            sides = "; ".join(
                f"{answer or 'none'}: {', '.join(of)}" for answer, of in by_answer.items()
            )
            yield f"Routers differ in {what} ({sides})."


def _yes(answer: object) -> str:
    return "yes" if answer else "no"
