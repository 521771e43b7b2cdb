"""Which BgpPeers are used, as whom we speak, and what each session is configured to be."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Network
from typing import Final

from manager.planner.reserved import reserved
from manager.snapshot import BgpConf, BgpPeer, Snapshot
from pointsman.api import BgpConfSpec, BgpPeerSpec
from pointsman.model.address import Address
from pointsman.model.readiness import Disabled, Duplicate, Ignored, Invalid, NoBgpConf, Ready
from pointsman.model.route import Neighbor, PeerName, SpeakerIdentity
from pointsman.model.verdict import Verdict

DEFAULT: Final = "default"
# RFC 2544 benchmarking range: no node or router of a real network has such an address.
ROUTER_IDS: Final = IPv4Network("198.18.0.0/15")


@dataclass(frozen=True, slots=True)
class Peers:
    """The BgpPeers by whether they can be used, and the verdict on each."""

    conf: BgpConfSpec | None
    usable: Mapping[PeerName, BgpPeerSpec]
    verdicts: Mapping[PeerName, Verdict]
    confs: Mapping[str, Verdict]


def read_peers(snapshot: Snapshot) -> Peers:
    """Return the peers of *snapshot* in order of their names."""
    confs = {name: _judge_conf(conf) for name, conf in sorted(snapshot.bgp_confs.items())}
    default = snapshot.bgp_confs.get(DEFAULT)
    conf = default.spec if default is not None else None
    verdicts: dict[PeerName, Verdict] = {}
    usable: dict[PeerName, BgpPeerSpec] = {}
    taken: dict[Address, PeerName] = {}
    for peer in sorted(snapshot.bgp_peers.values(), key=_age):
        name, what = PeerName(peer.name), f"BgpPeer '{peer.name}'"
        if peer.spec is None:
            verdicts[name] = Invalid(what, peer.invalid)
        elif peer.spec.disabled or peer.deleting:
            verdicts[name] = Disabled(what)
        elif (other := taken.setdefault(peer.spec.address, name)) != name:
            verdicts[name] = Duplicate(what, other, str(peer.spec.address))
        else:
            usable[name] = peer.spec
            verdicts[name] = NoBgpConf(what) if conf is None else Ready(what)
    return Peers(conf, dict(sorted(usable.items())), dict(sorted(verdicts.items())), confs)


def identity(snapshot: Snapshot, conf: BgpConfSpec) -> SpeakerIdentity:
    """Return the AS and router-id of this replica's speaker.

    Derived, the router-id is a hash of (cluster, replica, speaker index), the next one if
    an address known in the cluster has it: stable, unique and never a node's own.

    Source: RFC 6286 section 2.1 (unique within an AS, not zero).
    """
    if conf.router_id is not None:
        return SpeakerIdentity(conf.asn, conf.router_id)
    seed = f"{snapshot.cluster_uid}/{snapshot.settings.speaker_name}/0"
    number = int.from_bytes(sha256(seed.encode()).digest()[:8])
    known = set(reserved(snapshot))
    size = ROUTER_IDS.num_addresses
    while True:
        candidate = ROUTER_IDS[1 + number % (size - 2)]
        if candidate not in known:
            return SpeakerIdentity(conf.asn, candidate)
        number += 1


def neighbor(spec: BgpPeerSpec) -> Neighbor:
    """Return the session that a BgpPeer asks for."""
    return Neighbor(
        address=spec.address,
        asn=spec.asn,
        port=spec.port,
        hold_seconds=spec.timers.hold_seconds,
        keepalive_seconds=spec.timers.effective_keepalive_seconds,
        connect_retry_seconds=spec.timers.connect_retry_seconds,
        families=tuple(sorted(spec.families)),
        add_path=spec.add_path.enabled,
    )


def _judge_conf(conf: BgpConf) -> Verdict:
    what = f"BgpConf '{conf.name}'"
    if conf.name != DEFAULT:
        return Ignored(what)
    return Ready(what) if conf.spec is not None else Invalid(what, conf.invalid)


def _age(peer: BgpPeer) -> tuple[str, str]:
    return peer.created, peer.name
