"""Which peers are used and as whom we speak: docs/resources.md, BgpConf and BgpPeer."""

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import yaml

from manager.planner.bgp.peers import identities, neighbor, neighbors, read_peers
from manager.snapshot import BgpConf, BgpPeer, Observed, Resource, Settings, Snapshot
from pointsman.api import BgpConfSpec, BgpPeerSpec
from pointsman.model.route import Bfd, Neighbor, PeerName
from tests.manager.planner.scene import CONF, peer, scene


def reasons(*peers: BgpPeer, **more: Any) -> dict[str, str]:
    found = read_peers(scene(*peers, **more))
    assert set(found.usable) == {n for n, v in found.verdicts.items() if v.ok} or found.conf is None
    return {name: verdict.reason for name, verdict in found.verdicts.items()}


@pytest.mark.parametrize(
    ("peers", "expected"),
    [
        pytest.param([peer("a"), peer("b", "192.0.2.2")], {"a": "Ready", "b": "Ready"}, id="both"),
        pytest.param([peer("a", disabled=True)], {"a": "Disabled"}, id="disabled"),
        pytest.param([peer("a", deleting=True)], {"a": "Disabled"}, id="being deleted"),
        pytest.param(
            [peer("a", created="2026-01-02"), peer("b", created="2026-01-01")],
            {"a": "Duplicate", "b": "Ready"},
            id="of two with one address the younger is a duplicate",
        ),
        pytest.param(
            [peer("b", created="2026-01-01"), peer("a", created="2026-01-01")],
            {"a": "Ready", "b": "Duplicate"},
            id="of equal age the name decides",
        ),
        pytest.param(
            [peer("a", created="2026-01-01", disabled=True), peer("b", created="2026-01-02")],
            {"a": "Disabled", "b": "Ready"},
            id="a disabled one stands in nobody's way",
        ),
        pytest.param(
            [peer("a", "2001:db8:2::1"), peer("b", "2001:db8:2:0::1")],
            {"a": "Ready", "b": "Duplicate"},
            id="one address in two spellings is one",
        ),
    ],
)
def test_peers(peers: list[BgpPeer], expected: dict[str, str]) -> None:
    assert reasons(*peers) == reasons(*reversed(peers)) == expected


def test_a_peer_that_cannot_be_read_says_why_and_hurts_nobody() -> None:
    bad: BgpPeer = Resource("bad", None, invalid="spec.as is missing", created="2026-01-01")
    found = read_peers(
        replace(scene(), bgp_peers={PeerName("bad"): bad, PeerName("good"): peer("good")})
    )
    assert list(found.usable) == ["good"]
    assert str(found.verdicts[PeerName("bad")]) == (
        "BgpPeer 'bad' cannot be read and changes nothing: spec.as is missing."
    )


def test_what_a_speaker_refuses_is_said_by_the_bgpconf_once() -> None:
    no = Observed(refused="GoBGP cannot listen on port 179.")
    confs = {"default": CONF, "other": replace(CONF, name="other")}
    found = read_peers(scene(peer("a"), bgp_confs=confs, speakers=(no, no, Observed())))
    assert {name: verdict.reason for name, verdict in found.confs.items()} == {
        "default": "NotStarted",
        "other": "Ignored",
    }
    assert str(found.confs["default"]) == (
        "A speaker does not start as BgpConf 'default' says, and has no session. "
        "GoBGP cannot listen on port 179."
    )
    assert found.conf == CONF.spec  # it is what the next start will ask for


@pytest.mark.parametrize(
    ("confs", "expected", "of_the_peer"),
    [
        pytest.param({"default": CONF}, {"default": "Ready"}, "Ready", id="default is used"),
        pytest.param({}, {}, "NoBgpConf", id="none: the peer says so"),
        pytest.param(
            {"other": replace(CONF, name="other")},
            {"other": "Ignored"},
            "NoBgpConf",
            id="another name is ignored",
        ),
        pytest.param(
            {"default": Resource("default", None, invalid="spec.as is 0")},
            {"default": "Invalid"},
            "NoBgpConf",
            id="unreadable",
        ),
    ],
)
def test_confs(confs: dict[str, BgpConf], expected: dict[str, str], of_the_peer: str) -> None:
    found = read_peers(scene(peer("tor-1"), bgp_confs=confs))
    assert {name: verdict.reason for name, verdict in found.confs.items()} == expected
    assert found.verdicts[PeerName("tor-1")].reason == of_the_peer


def test_a_neighbor_is_what_the_bgppeer_says() -> None:
    spec = BgpPeerSpec.model_validate(
        {
            "address": "2001:db8:2::1",
            "as": 64500,
            "port": 1179,
            "timers": {"holdSeconds": 30, "keepaliveSeconds": 10, "connectRetrySeconds": 7},
            "families": ["ipv6-unicast", "ipv4-unicast"],
            "addPath": {"enabled": False},
        }
    )
    found = neighbor(spec, source=None)
    assert (found.address, found.asn, found.port) == (ip_address("2001:db8:2::1"), 64500, 1179)
    assert (found.hold_seconds, found.keepalive_seconds, found.connect_retry_seconds) == (30, 10, 7)
    assert (found.families, found.add_path) == (("ipv4-unicast", "ipv6-unicast"), False)


@pytest.mark.parametrize(("hold", "keepalive"), [(0, 2), (3, 1), (9, 2), (30, 2)])
def test_a_neighbor_always_has_an_interval_of_keepalives(hold: int, keepalive: int) -> None:
    body = {
        "address": "192.0.2.1",
        "as": 64500,
        "timers": {"holdSeconds": hold, "keepaliveSeconds": 2},
    }
    found = neighbor(BgpPeerSpec.model_validate(body))
    assert (found.hold_seconds, found.keepalive_seconds) == (hold, keepalive)


def test_a_neighbor_with_everything_set() -> None:
    found = configured(
        localAs=64777,
        sourceAddress="192.0.2.10",
        ttlSecurity=True,
        bfd={"enabled": True, "transmitMilliseconds": 100, "multiplier": 5},
    )
    assert found is not None
    assert (found.local_as, found.source_address) == (64777, ip_address("192.0.2.10"))
    assert (found.ttl_security, found.multihop_ttl, found.passive) == (True, None, False)
    assert found.bfd == Bfd(transmit_ms=100, receive_ms=300, multiplier=5)
    distant = configured(ebgpMultihop={"ttl": 3}, bfd={"multiplier": 5})
    assert distant is not None
    assert (distant.multihop_ttl, distant.bfd) == (3, None)


def conf(**more: Any) -> dict[str, BgpConf]:
    spec = BgpConfSpec.model_validate({"as": 64501} | more)
    return {"default": Resource("default", spec)}


def configured(
    *, world: dict[str, Any] | None = None, confs: dict[str, BgpConf] | None = None, **spec: Any
) -> Neighbor | None:
    """The neighbor that a BgpPeer `t` becomes, or None."""
    snapshot = scene(peer("t", **spec), bgp_confs=confs or conf(), **(world or {}))
    return neighbors(snapshot, read_peers(snapshot)).get(PeerName("t"))


ALWAYS = {"enabled": "Always", "restartSeconds": 30}
NEVER = {"enabled": "Never"}


@pytest.mark.parametrize(
    ("replicas", "ours", "peers", "seconds"),
    [
        pytest.param(1, {}, None, 120, id="Auto with one replica: offered"),
        pytest.param(2, {}, None, None, id="Auto with two: the other speaker is the answer"),
        pytest.param(2, ALWAYS, None, 30, id="Always"),
        pytest.param(1, NEVER, None, None, id="Never"),
        pytest.param(1, NEVER, ALWAYS, 30, id="the peer overrides Never"),
        pytest.param(2, ALWAYS, NEVER, None, id="the peer overrides Always"),
        pytest.param(2, ALWAYS, {}, None, id="the peer overrides with Auto"),
    ],
)
def test_graceful_restart(
    replicas: int, ours: dict[str, Any], peers: dict[str, Any] | None, seconds: int | None
) -> None:
    more = {} if peers is None else {"gracefulRestart": peers}
    world = {"settings": Settings(replicas=replicas)}
    found = configured(world=world, confs=conf(gracefulRestart=ours), **more)
    assert found is not None
    assert found.graceful_restart_seconds == seconds


SECRET = ("routers", "t")
REF: dict[str, Any] = {"passwordSecretRef": {"name": "routers", "key": "t"}}
HELD = Neighbor(ip_address("192.0.2.1"), 64500, password="old")


@pytest.mark.parametrize(
    ("world", "password", "reason"),
    [
        pytest.param(
            {"secrets": {SECRET: "s3cret"}, "secrets_read": True}, "s3cret", "Ready", id="there"
        ),
        pytest.param({"secrets": {SECRET: "x" * 80}}, "x" * 80, "Ready", id="as long as can be"),
        pytest.param({"secrets_read": True}, None, "SecretMissing", id="no Secret"),
        pytest.param(
            {"secrets": {("routers", "other"): "x"}, "secrets_read": True},
            None,
            "SecretMissing",
            id="a Secret without the key",
        ),
        pytest.param(
            {"secrets": {SECRET: ""}, "secrets_read": True},
            None,
            "SecretMissing",
            id="an empty password is none",
        ),
        pytest.param(
            {"secrets": {SECRET: "ä" * 41}, "secrets_read": True},
            None,
            "SecretUnusable",
            id="longer than TCP MD5 takes, in bytes",
        ),
        pytest.param({}, None, "SecretMissing", id="not read, and no session: none is opened"),
        pytest.param(
            {"speakers": (Observed(neighbors={PeerName("t"): HELD}),)},
            "old",
            "Ready",
            id="not read: the session keeps its password",
        ),
        pytest.param(
            {"speakers": (Observed(neighbors={PeerName("t"): HELD}),), "secrets_read": True},
            None,
            "SecretMissing",
            id="deleted: the session ends",
        ),
    ],
)
def test_a_session_has_its_password_or_there_is_none(
    world: dict[str, Any], password: str | None, reason: str
) -> None:
    snapshot = scene(peer("t", **REF), **world)
    found = read_peers(snapshot)
    session = neighbors(snapshot, found).get(PeerName("t"))
    assert (None if session is None else session.password) == password
    assert (session is None) == (password is None)
    verdict = found.verdicts[PeerName("t")]
    assert verdict.reason == reason
    for text in (str(verdict), repr(found), repr(snapshot.secrets and snapshot), repr(session)):
        assert "s3cret" not in text


def test_paths_are_kept_ready_for_a_router_whose_secret_was_not_read() -> None:
    found = read_peers(scene(peer("t", **REF)))
    assert set(found.usable) == {"t"}
    assert not read_peers(scene(peer("t", **REF), secrets_read=True)).usable


def test_what_was_not_read_names_the_right_that_may_be_missing() -> None:
    text = str(read_peers(scene(peer("t", **REF))).verdicts[PeerName("t")])
    grant = Path(__file__).resolve().parents[4] / "deploy" / "options" / "passwords.yaml"
    role = next(yaml.safe_load_all(grant.read_text()))
    (rule,) = role["rules"]
    assert f"{' and '.join(rule['verbs'])} on {rule['resources'][0]} in the manager's" in text
    assert "deploy/options/passwords.yaml" in text


def test_a_secret_among_the_files_that_lacks_the_key_is_missing() -> None:
    found = read_peers(scene(peer("t", **REF), secrets={("routers", "other"): "x"}))
    assert not found.usable
    assert found.verdicts[PeerName("t")].reason == "SecretMissing"


def test_a_passive_session_needs_an_ear() -> None:
    assert reasons(peer("t", passive=True)) == {"t": "NotListening"}
    assert reasons(peer("t", passive=True), bgp_confs=conf(listenPort=1790)) == {"t": "Ready"}
    found = configured(confs=conf(listenPort=1790), passive=True)
    assert found is not None
    assert found.passive


def test_a_listener_is_part_of_who_we_are() -> None:
    spec = conf(listenPort=1790, listenAddresses=["2001:db8:2::10", "192.0.2.10"])["default"].spec
    assert spec is not None
    found = identities(Snapshot(), spec)[0]
    assert found.listen_port == 1790
    assert [str(one) for one in found.listen_addresses] == ["192.0.2.10", "2001:db8:2::10"]
