"""A field of a live BgpPeer or BgpConf changes: whose session begins anew, and who said so before.

Each field is changed on a session of its own, all at once: FRR and the manager get an
address more for each.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from e2e import cluster
from e2e.bed import Bed, Broken
from e2e.bgp import routers
from e2e.cluster import CRS, MANAGER, custom
from e2e.route_events import session

pytestmark = pytest.mark.lab

UNKNOWN = "192.0.2.200"  # an address of the manager that FRR expects nobody at
# The change, and what becomes of the session. "down": reset, and FRR doesn't agree any more.
FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "as": ({"as": 64499}, "down"),
    "port": ({"port": 1179}, "down"),
    "localAs": ({"localAs": 64503}, "down"),
    "sourceAddress": ({"sourceAddress": UNKNOWN}, "down"),
    "passwordSecretRef": ({"passwordSecretRef": {"name": "bgp", "key": "x"}}, "down"),
    "ttlSecurity": ({"ttlSecurity": True}, "down"),
    "disabled": ({"disabled": True}, "down"),
    "ebgpMultihop": ({"ebgpMultihop": {"ttl": 3}}, "reset"),
    "families": ({"families": ["ipv4-unicast"]}, "reset"),
    "addPath": ({"addPath": {"enabled": False}}, "reset"),
    "gracefulRestart": ({"gracefulRestart": {"enabled": "Never"}}, "reset"),
    "timers": ({"timers": {"holdSeconds": 30, "connectRetrySeconds": 9}}, "same"),
    "bfd": ({"bfd": {"enabled": True}}, "same"),
    "nextHops": ({"nextHops": {"maxPaths": 1}}, "same"),
}
PLANNED = {"reset": "reset", "down": "reset", "same": "updated"}
OTHERWISE = {"disabled": "closed", "nextHops": None}


def ours(number: int) -> str:
    return f"192.0.2.{201 + number}"


def theirs(number: int) -> str:
    return f"192.0.2.{151 + number}"


def spec(number: int, **change: Any) -> dict[str, Any]:
    timers = {"connectRetrySeconds": 2}
    base = {"address": theirs(number), "as": 64500, "sourceAddress": ours(number)}
    return {**base, "timers": timers, **change}


def dressed(lab: Bed, verb: str) -> None:
    """Give ("add") router and manager an address more for each field, or take them ("del")."""
    for machine, address in (("router", theirs), ("manager", ours)):
        found = [address(n) for n in range(len(FIELDS))]
        found += [UNKNOWN] if machine == "manager" else []
        lines = [f"address {verb} {one}/24 dev eth0" for one in found]
        lab.exec(machine, "sh", "-c", "; ".join(f"ip {line}" for line in lines))


@pytest.fixture
def sessions(lab: Bed) -> Iterator[dict[str, tuple[int, int]]]:
    """A BgpPeer with a session of its own for each field, named by it in lower case."""
    dressed(lab, "add")
    numbers = range(len(FIELDS))
    lines = [f"neighbor {ours(n)} remote-as 64501" for n in numbers]
    lines += [f"neighbor {ours(n)} passive" for n in numbers]
    lines += ["address-family ipv4 unicast"]
    lines += [f"neighbor {ours(n)} activate" for n in numbers]
    routers.frr(lab, *lines)
    try:
        for number, name in enumerate(FIELDS):
            body = custom("BgpPeer", name.lower(), spec(number))
            lab.api.create(routers.PEERS, body)
        yield {
            name: lab.wait(name, partial(session, lab, ours(n))) for n, name in enumerate(FIELDS)
        }
    finally:
        for name in FIELDS:
            lab.api.delete(f"{routers.PEERS}/{name.lower()}")
        routers.frr(lab, *(f"no neighbor {ours(n)}" for n in numbers))
        dressed(lab, "del")


def live(lab: Bed) -> tuple[int, int]:
    return lab.wait("a session", partial(session, lab, MANAGER))


def became(lab: Bed, neighbor: str, before: tuple[int, int]) -> str:
    try:
        return "same" if session(lab, neighbor) == before else "reset"
    except Broken:
        return "down"


def test_a_changed_field_resets_what_plan_said(
    lab: Bed, sessions: dict[str, tuple[int, int]]
) -> None:
    routers.secret(lab, "bgp", x="secret")
    other = live(lab)
    wishes = [
        custom("BgpPeer", name.lower(), spec(number, **change))
        for number, (name, (change, _)) in enumerate(FIELDS.items())
    ]
    foreseen = routers.planned(lab, *wishes)
    for name, (change, _) in FIELDS.items():
        lab.api.merge(f"{routers.PEERS}/{name.lower()}", {"spec": change})

    def arrived() -> bool:
        found = {
            name: became(lab, ours(number), sessions[name]) for number, name in enumerate(FIELDS)
        }
        wanted = {name: fate for name, (_, fate) in FIELDS.items()}
        wrong = {name: found[name] for name in found if found[name] != wanted[name]}
        drifting = [one["name"] for one in routers.shown(lab).values() if one["drift"]]
        if wrong or drifting:
            raise Broken(f"otherwise than expected: {wrong}; configured otherwise: {drifting}")
        return True

    lab.wait("what becomes of each session", arrived)
    cluster.judged(lab)
    assert arrived()  # still so
    for name, (_, fate) in FIELDS.items():
        became_of = (foreseen.get(name.lower()) or {}).get("change")
        assert (name, became_of) == (name, OTHERWISE.get(name, PLANNED[fate]))
    assert session(lab, MANAGER) == other
    lab.api.delete(f"{routers.SECRETS}/bgp")


CONF: dict[str, tuple[dict[str, Any], str]] = {
    "communityAliases": ({"communityAliases": {"x": "64501:7"}}, "same"),
    "gracefulRestart": ({"gracefulRestart": {"enabled": "Always", "restartSeconds": 60}}, "reset"),
}


@pytest.mark.parametrize("name", CONF)
def test_a_changed_field_of_the_bgpconf(lab: Bed, name: str) -> None:
    change, fate = CONF[name]
    conf = f"{CRS}/bgpconfs/default"
    before = live(lab)
    body = custom("BgpConf", "default", {"as": 64501, **change})
    foreseen = routers.planned(lab, body).get("tor-1")
    lab.api.merge(conf, {"spec": change})
    try:
        if fate == "same":
            cluster.judged(lab)
        lab.wait("it", lambda: became(lab, MANAGER, before) == fate)
        assert (foreseen and foreseen["change"]) == {"same": None, "reset": "reset"}[fate]
    finally:
        changed = live(lab)
        lab.api.merge(conf, {"spec": dict.fromkeys(change)})
        if fate == "reset":
            lab.wait("as before", lambda: became(lab, MANAGER, changed) == "reset")
