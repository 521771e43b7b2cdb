"""Which BgpPeers are used, as whom we speak, and what each session is configured to be."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from manager.planner.addresses.reserved import reserved
from manager.planner.bgp.restarting import replicas, restart_seconds
from manager.planner.desired import SpeakerSession
from manager.snapshot import BgpConf, BgpPeer, Snapshot
from pointsman.api import BgpConfSpec, BgpPeerSpec
from pointsman.model.address import Address
from pointsman.model.route import Bfd, Confederation, Neighbor, PeerName, SpeakerIdentity
from pointsman.model.verdicts.base import Verdict
from pointsman.model.verdicts.readiness import (
    Disabled,
    Duplicate,
    Ignored,
    Invalid,
    NoBgpConf,
    NotListening,
    NotStarted,
    Ready,
    SecretMissing,
    SecretUnusable,
)

DEFAULT: Final = "default"
# RFC 2544 benchmarking range: no node or router of a real network has such an address.
ROUTER_IDS: Final = IPv4Network("198.18.0.0/15")
MD5_KEY_MAX: Final = 80  # bytes; TCP_MD5SIG_MAXKEYLEN: linux/tcp.h


@dataclass(frozen=True, slots=True)
class Peers:
    """The BgpPeers by whether they can be used, and the verdict on each."""

    conf: BgpConfSpec | None
    usable: Mapping[PeerName, BgpPeerSpec]
    verdicts: Mapping[PeerName, Verdict]
    confs: Mapping[str, Verdict]
    passwords: Mapping[PeerName, str] = field(default_factory=dict, repr=False)
    # Usable, but for a password that was not read.
    awaiting_password: frozenset[PeerName] = frozenset()
    unserved: frozenset[PeerName] = frozenset()  # usable, but sent nothing: see bgp.single_path
    single: frozenset[PeerName] = frozenset()  # at the first speaker, and keep one path
    # By which speakers each is served, where it is not the first: see bgp.peer_speakers
    sessions: Mapping[PeerName, tuple[SpeakerSession, ...]] = field(default_factory=dict)
    bids: bool = False  # several replicas advertise: see planner.bgp.bidding

    @property
    def unreadable(self) -> frozenset[PeerName]:
        """Return the BgpPeers that cannot be read: see planner.bgp.unreadable_peers."""
        return frozenset(n for n, why in self.verdicts.items() if isinstance(why, Invalid))

    @property
    def without_conf(self) -> tuple[str, str]:
        """Return why no BgpConf is used, where `conf` is None, and what to do: two clauses."""
        return _without_conf(self.confs)

    @property
    def first(self) -> tuple[PeerName, ...]:
        """Return the usable routers that the first speaker serves, by name."""
        return tuple(name for name in self.usable if self.sessions_of(name)[0].speaker == 0)

    def sessions_of(self, name: PeerName) -> tuple[SpeakerSession, ...]:
        """Return the sessions of a usable router; there is at least one."""
        found = self.sessions.get(name)
        return found or (SpeakerSession(0, self.usable[name].source_address),)


def read_peers(snapshot: Snapshot) -> Peers:
    """Return the peers of *snapshot* in order of their names."""
    confs = {name: _judge_conf(snapshot, conf) for name, conf in sorted(snapshot.bgp_confs.items())}
    default = snapshot.bgp_confs.get(DEFAULT)
    conf = default.spec if default is not None else None
    verdicts: dict[PeerName, Verdict] = {}
    usable: dict[PeerName, BgpPeerSpec] = {}
    taken: dict[Address, PeerName] = {}
    passwords: dict[PeerName, str] = {}
    awaiting_password: set[PeerName] = set()
    for peer in sorted(snapshot.bgp_peers.values(), key=_age):
        name, what = PeerName(peer.name), f"BgpPeer '{peer.name}'"
        if peer.deleting or (peer.spec is not None and peer.spec.disabled):
            verdicts[name] = Disabled(what)
        elif peer.spec is None:
            verdicts[name] = Invalid(what, peer.invalid)
        elif (other := taken.setdefault(peer.spec.address, name)) != name:
            verdicts[name] = Duplicate(what, other, str(peer.spec.address))
        else:
            password, fault = _password(snapshot, name, peer.spec)
            if conf is None:
                keeps = bool(configured_sessions(snapshot, name))
                fault = NoBgpConf(what, *_without_conf(confs), keeps=keeps)
            elif peer.spec.passive and not conf.listen_port:
                fault = NotListening(what)
            verdicts[name] = fault or Ready(what)
            if password:
                passwords[name] = password
            elif peer.spec.password_secret_ref is not None:
                awaiting_password.add(name)
            # A Secret that was not read may exist: its router's paths are kept ready.
            may_exist = isinstance(fault, SecretMissing) and not fault.read
            if fault is None or may_exist or isinstance(fault, NoBgpConf):
                usable[name] = peer.spec
    return Peers(
        conf,
        dict(sorted(usable.items())),
        dict(sorted(verdicts.items())),
        confs,
        passwords,
        frozenset(awaiting_password),
        bids=snapshot.among.bids or replicas(snapshot) > 1,
    )


def configured_sessions(snapshot: Snapshot, name: PeerName) -> tuple[SpeakerSession, ...]:
    """Return the sessions with a router that our speakers have, wanted or not."""
    return tuple(
        SpeakerSession(index, one.neighbors[name].source_address)
        for index, one in enumerate(snapshot.speakers)
        if name in one.neighbors
    )


def _password(
    snapshot: Snapshot, name: PeerName, spec: BgpPeerSpec
) -> tuple[str | None, Verdict | None]:
    """Return the password of a session, or why it has none though it asks for one."""
    ref = spec.password_secret_ref
    if ref is None:
        return None, None
    what = f"BgpPeer '{name}'"
    password = snapshot.secrets.get((ref.name, ref.key))
    if password:
        if len(password.encode()) > MD5_KEY_MAX:
            return None, SecretUnusable(what, ref.name, ref.key)
        return password, None
    if not snapshot.secrets_read:
        for one in snapshot.speakers:
            session = one.neighbors.get(name)
            if session is not None and session.password:
                return session.password, None
    # Offline, Secrets are among the files or they are not: one that is, is known whole.
    read = snapshot.secrets_read or any(name == ref.name for name, _ in snapshot.secrets)
    return None, SecretMissing(what, ref.name, ref.key, read=read)


def identities(snapshot: Snapshot, conf: BgpConfSpec) -> tuple[SpeakerIdentity, ...]:
    """Return AS, router-id and listener of each of this replica's speakers."""
    replica = snapshot.settings.speaker_name
    return identities_of(snapshot, conf, replica, count=len(snapshot.speakers))


def identities_of(
    snapshot: Snapshot, conf: BgpConfSpec, replica: str, *, count: int
) -> tuple[SpeakerIdentity, ...]:
    """Return AS, router-id and listener of each of the *count* speakers of *replica*.

    Derived, a router-id is a hash of (cluster, replica, speaker index), the next one if an
    address known in the cluster has it: stable, unique and never a node's own. Only the
    first speaker takes a given one, and only it listens.

    Source: RFC 6286 section 2.1 (unique within an AS, not zero).
    """
    first = conf.router_id or _derived(snapshot, replica, 0, taken=frozenset())
    among = confederation(conf)
    found = [SpeakerIdentity(conf.asn, first, conf.listen_port, conf.listen_addresses, among)]
    for index in range(1, count):
        taken = frozenset(one.router_id for one in found)
        derived = _derived(snapshot, replica, index, taken=taken)
        found.append(SpeakerIdentity(conf.asn, derived, confederation=among))
    return tuple(found)


def confederation(conf: BgpConfSpec) -> Confederation | None:
    """Return the confederation that our AS is a member of, or None."""
    if conf.confederation is None:
        return None
    return Confederation(
        conf.confederation.identifier, tuple(sorted(set(conf.confederation.members)))
    )


def _derived(
    snapshot: Snapshot, replica: str, index: int, *, taken: AbstractSet[Address]
) -> IPv4Address:
    seed = f"{snapshot.cluster_uid}/{replica}/{index}"
    number = int.from_bytes(sha256(seed.encode()).digest()[:8])
    known = {*reserved(snapshot), *taken}
    size = ROUTER_IDS.num_addresses
    while True:
        candidate = ROUTER_IDS[1 + number % (size - 2)]
        if candidate not in known:
            return candidate
        number += 1


def exports(peers: Peers, speaker: int = 0) -> Mapping[PeerName, Address]:
    """Return the routers that one speaker may send anything."""
    return {
        name: spec.address
        for name, spec in peers.usable.items()
        if any(session.speaker == speaker for session in peers.sessions_of(name))
    }


def neighbors(snapshot: Snapshot, peers: Peers, speaker: int = 0) -> Mapping[PeerName, Neighbor]:
    """Return the sessions to be configured at one speaker. None lacks a password it needs."""
    return {
        name: neighbor(
            spec,
            source=session.source,
            restart_seconds=restart_seconds(snapshot, peers.conf, spec, name=name, speaker=speaker),
            password=peers.passwords.get(name),
        )
        for name, spec in peers.usable.items()
        if name not in peers.awaiting_password
        for session in peers.sessions_of(name)
        if session.speaker == speaker
    }


def neighbor(
    spec: BgpPeerSpec,
    *,
    source: Address | None = None,
    restart_seconds: int | None = None,
    password: str | None = None,
) -> Neighbor:
    """Return a session that a BgpPeer asks for."""
    bfd = spec.bfd
    return Neighbor(
        address=spec.address,
        asn=spec.asn,
        port=spec.port,
        hold_seconds=spec.timers.hold_seconds,
        # Without a hold time there are none; a speaker is given an interval all the same.
        keepalive_seconds=spec.timers.effective_keepalive_seconds or spec.timers.keepalive_seconds,
        connect_retry_seconds=spec.timers.connect_retry_seconds,
        families=tuple(sorted(spec.families)),
        add_path=spec.add_path.enabled and spec.parallel_sessions is None,
        local_as=spec.local_as,
        source_address=source,
        password=password,
        multihop_ttl=spec.ebgp_multihop.ttl if spec.ebgp_multihop is not None else None,
        ttl_security=spec.ttl_security,
        passive=spec.passive,
        graceful_restart_seconds=restart_seconds,
        bfd=Bfd(bfd.transmit_milliseconds, bfd.receive_milliseconds, bfd.multiplier)
        if bfd is not None and bfd.enabled
        else None,
    )


def _without_conf(confs: Mapping[str, Verdict]) -> tuple[str, str]:
    found = confs.get(DEFAULT)
    if isinstance(found, Invalid):
        return f"BgpConf '{DEFAULT}' cannot be read: {found.why}", "correct it"
    return f"there is no usable BgpConf named '{DEFAULT}'", "create one with spec.as"


def _judge_conf(snapshot: Snapshot, conf: BgpConf) -> Verdict:
    what = f"BgpConf '{conf.name}'"
    if conf.name != DEFAULT:
        return Ignored(what)
    if conf.spec is None:
        return Invalid(what, conf.invalid)
    refusals = sorted({one.refused for one in snapshot.speakers if one.refused})
    return NotStarted(what, " ".join(refusals)) if refusals else Ready(what)


def _age(peer: BgpPeer) -> tuple[str, str]:
    return peer.created, peer.name
