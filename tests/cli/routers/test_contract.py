"""`peers --check`: each clause of what a router is asked for, kept, violated or not seen."""

import json
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from cli.routers import bird, frr
from cli.routers.clauses import Clause, marked
from cli.routers.needs import Needs
from pointsman.api import BgpPeerSpec
from pointsman.wire import session_reasons
from pointsman.wire.notification import words
from tests.cli.commands.test_status import condition, fine
from tests.cli.running import node, peer, run, write

BOTH = ["ipv4-unicast", "ipv6-unicast"]
NEW = {"state": "Established", "addPathNegotiated": True, "families": BOTH,
       "gracefulRestartNegotiated": True}  # fmt: skip
EVERYTHING: dict[str, Any] = {
    "passwordSecretRef": {"name": "bgp", "key": "tor"},
    "ttlSecurity": True,
    "port": 1179,
    "bfd": {"enabled": True},
}


def checked(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    *entries: dict[str, Any],
    spec: dict[str, Any] | None = None,
    more: tuple[dict, ...] = (),
    conditions: tuple[dict, ...] = (),
) -> tuple[int, dict[str, Any]]:
    """Return what is said of tor-1, of which one replica has written each of *entries*."""
    objects = [one for one in fine() if one["kind"] != "BgpPeer"]
    recorded = {
        "conditions": [condition("Ready"), condition("Established"), *conditions],
        "speakers": [{"name": f"m{n}", **NEW, **one} for n, one in enumerate(entries)],
    }
    path = write(tmp_path / "all.yaml", *objects, *more, peer(**spec or {}) | {"status": recorded})
    status, out, err = run(capsys, "peers", "--check", "--offline", "-f", path, "-o", "json")
    assert err == "", err
    return status, json.loads(out)


def clauses(answer: dict[str, Any]) -> dict[str, str]:
    return {one["clause"]: one["state"] for one in answer["clauses"]}


def test_a_router_that_does_all_of_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, found = checked(capsys, tmp_path, {})
    assert status == 0
    assert clauses(found) == {
        "several paths": "kept", "families": "kept", "graceful restart": "kept",
        "nothing to us": "not seen",
    }  # fmt: skip
    assert found["differences"] == []


BFD = {"bfd": {"enabled": True}}
SIX = (node("six", "2001:db8:2::19"),)


@pytest.mark.parametrize(
    ("entry", "spec", "more", "clause", "sentence", "line"),
    [
        pytest.param({"addPathNegotiated": False}, {}, (), "several paths",
                     "takes one path", "add paths rx", id="one path"),
        pytest.param({"families": ["ipv6-unicast"]}, {}, (), "families",
                     "does not take ipv4-unicast", "address-family ipv4 unicast", id="a family"),
        pytest.param({"gracefulRestartNegotiated": False}, {}, (), "graceful restart",
                     "does not keep our paths", "graceful-restart-disable", id="restart"),
        pytest.param({"bfdState": "Down"}, BFD, (), "BFD",
                     "BFD with it is Down", "neighbor pointsman bfd 3 300 300", id="BFD"),
        pytest.param({"ipv6NextHops": False}, {}, SIX, "IPv6 next hops",
                     "no IPv6 next hops", "capability extended-nexthop", id="RFC 8950"),
    ],
)  # fmt: skip
def test_what_was_negotiated(
    entry: dict, spec: dict, more: tuple[dict, ...], clause: str, sentence: str, line: str,
    capsys: pytest.CaptureFixture[str], tmp_path: Path,
) -> None:  # fmt: skip
    status, found = checked(capsys, tmp_path, entry, spec=spec, more=more)
    assert status == 1
    violated = [one for one in found["clauses"] if one["state"] == "violated"]
    (one,) = violated
    assert one["clause"] == clause
    assert sentence in one["sentence"]
    assert line in str(one["lines"])


@pytest.mark.parametrize(
    ("why", "spec", "expected", "line"),
    [
        pytest.param(f"the router sent NOTIFICATION {words(2, 2)}: it expects us in another AS",
                     {}, ["AS"], "neighbor pointsman remote-as 64501", id="AS"),
        pytest.param(f"the router sent NOTIFICATION {words(6, 1)}", {}, ["limit"],
                     "maximum-prefix 100", id="limit"),
        pytest.param(f"the router sent NOTIFICATION {words(6, 5)}", {}, ["neighbor"],
                     "neighbor 192.0.2.11 peer-group pointsman", id="no neighbor"),
        pytest.param(session_reasons.NO_WORD, {}, ["neighbor"],
                     "neighbor 192.0.2.11 peer-group pointsman", id="not a word"),
        pytest.param(session_reasons.GUARDED, {"passwordSecretRef": {"name": "a", "key": "b"}},
                     ["password"], "password", id="password"),
        pytest.param(session_reasons.GUARDED, {"ttlSecurity": True}, ["distance"],
                     "ttl-security hops 1", id="GTSM"),
        pytest.param(f"{session_reasons.REFUSED} on port 1179: nothing listens there",
                     {"port": 1179}, ["port", "neighbor"], "run bgpd with -p 1179", id="port"),
    ],
)  # fmt: skip
def test_why_there_is_no_session(
    why: str, spec: dict, expected: list[str], line: str,
    capsys: pytest.CaptureFixture[str], tmp_path: Path,
) -> None:  # fmt: skip
    status, found = checked(capsys, tmp_path, {"state": "Active", "lastError": why}, spec=spec)
    assert status == 1
    assert [one["clause"] for one in found["clauses"]] == expected
    assert {one["state"] for one in found["clauses"]} == {"violated"}
    assert line in str(found["clauses"][0]["lines"])


def test_a_session_that_is_away_for_another_reason_shows_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, found = checked(capsys, tmp_path, {"state": "Active", "lastError": "cosmic rays"})
    assert (status, clauses(found)) == (1, {"neighbor": "not seen"})


def test_a_flood_is_known_without_asking_a_speaker(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    flood = condition("PrefixesReceived", "True", "TooManyPrefixes")
    status, found = checked(capsys, tmp_path, {}, conditions=(flood,))
    assert status == 1
    assert clauses(found)["nothing to us"] == "violated"
    (one,) = (one for one in found["clauses"] if one["clause"] == "nothing to us")
    assert "sends us more than 1000 prefixes" in one["sentence"]
    assert "neighbor pointsman prefix-list nothing-v4 out" in one["lines"]["frr"]


def test_routers_that_differ(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    other = peer("tor-2", "192.0.2.2") | {
        "status": {"conditions": [condition("Ready"), condition("Established")],
                   "speakers": [{"name": "m0", **NEW, "families": ["ipv4-unicast"]}]}
    }  # fmt: skip
    status, found = checked(capsys, tmp_path, {}, more=(other,))
    assert found["differences"] == [
        "Routers differ in families (ipv4-unicast, ipv6-unicast: tor-1; ipv4-unicast: tor-2)."
    ]
    assert status == 0, "what the cluster has no address of is asked of nobody"


@pytest.mark.parametrize("dialect", [frr, bird], ids=["FRR", "BIRD"])
@pytest.mark.parametrize("clause", list(Clause))
def test_every_clause_has_its_lines(dialect: Any, clause: Clause) -> None:
    """Of a router that is asked for everything: a line that is renamed takes its mark along."""
    spec = BgpPeerSpec.model_validate({"address": "192.0.2.1", "as": 64500, **EVERYTHING})
    needs = Needs(
        name="tor-1", address=spec.address, asn=64500, ours=64501, confederation=64510,
        managers=(ip_address("192.0.2.10"),), labelled=True,
        prefixes=(ip_network("198.51.100.0/24"), ip_network("2001:db8:100::/120")),
        aggregates=(), unguarded=(), held=(),
        paths=100, width=3, far=False, bare=True, listen_port=0, spec=spec,
    )  # fmt: skip
    found = marked(dialect.lines(needs), dialect.MARKS)
    assert (clause in found) is not (clause in dialect.UNASKED)
    assert found.keys() | dialect.UNASKED.keys() == set(Clause)
