"""Neighbors as GoBGP's Peer messages, and back. Pure.

Ours are marked by their description, `pointsman/NAME`. ListPeer shows the address a live
session happens to use instead of the configured source, and a default for an unset local
AS (measured, 4.8); so what was set of these two is written behind the name.
"""

from ipaddress import ip_address
from typing import Literal

from manager.adapters.gobgp.path_codec import IPV4, IPV6
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.route import MOST_PATHS, Bfd, Neighbor, PeerName

OURS = "pointsman/"
SEND_MAX = MOST_PATHS  # 256 would quietly mean 0 (measured)
OFF_HOLD_SECONDS = 65_535  # gobgpd reads 0 as its default of 90; this leaves it to the router
DEFERRAL_SECONDS = 1  # its default of 360 s keeps everybody waiting for one router (measured)
MD5_KEY_MAX = 80  # TCP_MD5SIG_MAXKEYLEN: linux/tcp.h
FAMILIES = {"ipv4-unicast": IPV4, "ipv6-unicast": IPV6}

FamilyName = Literal["ipv4-unicast", "ipv6-unicast"]


def check(name: PeerName, neighbor: Neighbor) -> None:
    """Refuse what GoBGP would accept quietly and never make a session of.

    Raises:
        ValueError: a sentence without the password; nothing was sent.
    """
    for label, address in (("address", neighbor.address), ("source", neighbor.source_address)):
        if address is not None and (
            address.is_unspecified or address.is_multicast or address.is_link_local
        ):
            raise ValueError(f"{name}: {label} {address} is not the address of one router")
    if (
        neighbor.source_address is not None
        and neighbor.source_address.version != neighbor.address.version
    ):
        raise ValueError(
            f"{name}: source {neighbor.source_address} cannot reach {neighbor.address}: "
            "both must be of one family"
        )
    for label, number, low, high in (
        ("AS", neighbor.asn, 1, 4_294_967_295),  # RFC 7607: AS 0 is nobody
        ("local AS", neighbor.local_as, 1, 4_294_967_295),
        ("port", neighbor.port, 1, 65_535),
        ("keepalive", neighbor.keepalive_seconds, 1, 21_845),
        ("connect retry", neighbor.connect_retry_seconds, 1, 65_535),
        ("multihop TTL", neighbor.multihop_ttl, 1, 255),
        ("graceful restart", neighbor.graceful_restart_seconds, 1, 4_095),  # 12 bits: RFC 4724
    ):
        if number is not None and not low <= number <= high:
            raise ValueError(f"{name}: {label} {number} is not within {low} and {high}")
    hold = neighbor.hold_seconds
    if hold and not 3 <= hold < OFF_HOLD_SECONDS:  # RFC 4271 section 4.2
        raise ValueError(f"{name}: hold time {hold}: use 0 (off) or at least 3")
    if (
        neighbor.families != tuple(sorted(set(neighbor.families) & FAMILIES.keys()))
        or not neighbor.families
    ):
        raise ValueError(f"{name}: families {neighbor.families} are not known, sorted, each once")
    if neighbor.multihop_ttl is not None and neighbor.ttl_security:
        raise ValueError(f"{name}: ttlSecurity and ebgpMultihop exclude each other: drop one")
    if neighbor.password is not None and not 1 <= len(neighbor.password.encode()) <= MD5_KEY_MAX:
        raise ValueError(f"{name}: a TCP MD5 password has 1 to {MD5_KEY_MAX} bytes")
    if neighbor.bfd is not None:
        _check_bfd(name, neighbor.bfd)


def _check_bfd(name: PeerName, bfd: Bfd) -> None:
    if not 1 <= bfd.multiplier <= 255 or not all(
        10 <= interval <= 60_000 for interval in (bfd.transmit_ms, bfd.receive_ms)
    ):
        raise ValueError(f"{name}: {bfd}: intervals are 10 to 60000 ms, multipliers 1 to 255")


def encode(name: PeerName, neighbor: Neighbor) -> pb.Peer:
    """Return the message that configures a neighbor; :func:`check` has passed it."""
    description = OURS + name
    if neighbor.source_address is not None:
        description += f" source={neighbor.source_address}"
    if neighbor.local_as is not None:
        description += f" local-as={neighbor.local_as}"
    made = pb.Peer(
        conf=pb.PeerConf(
            neighbor_address=str(neighbor.address),
            peer_asn=neighbor.asn,
            local_asn=neighbor.local_as or 0,
            auth_password=neighbor.password or "",
            description=description,
        ),
        transport=pb.Transport(
            remote_port=neighbor.port,
            passive_mode=neighbor.passive,
            local_address=str(neighbor.source_address) if neighbor.source_address else "",
        ),
        timers=pb.Timers(
            config=pb.TimersConfig(
                hold_time=neighbor.hold_seconds or OFF_HOLD_SECONDS,
                keepalive_interval=neighbor.keepalive_seconds,
                connect_retry=neighbor.connect_retry_seconds,
                # BFD ends a session as an operator's reset, after which gobgpd would
                # wait for 30 s though the link may be back at once (measured, 4.8).
                idle_hold_time_after_reset=neighbor.connect_retry_seconds,
            )
        ),
        afi_safis=[_family(family, neighbor) for family in neighbor.families],
    )
    _add_optional(made, neighbor)
    return made


def _add_optional(peer: pb.Peer, neighbor: Neighbor) -> None:
    """Configure what is there only for those who ask for it."""
    if neighbor.multihop_ttl is not None:
        peer.ebgp_multihop.enabled = True
        peer.ebgp_multihop.multihop_ttl = neighbor.multihop_ttl
    if neighbor.ttl_security:
        peer.ttl_security.enabled = True
        peer.ttl_security.ttl_min = 255  # one hop: RFC 5082 section 3
    if neighbor.graceful_restart_seconds is not None:
        peer.graceful_restart.CopyFrom(_restart(neighbor.graceful_restart_seconds))
    if neighbor.bfd is not None:
        peer.bfd.CopyFrom(
            pb.BfdPeerConfig(
                enabled=True,
                desired_minimum_tx_interval=neighbor.bfd.transmit_ms * 1000,
                required_minimum_receive=neighbor.bfd.receive_ms * 1000,
                detection_multiplier=neighbor.bfd.multiplier,
            )
        )


def _family(family: FamilyName, neighbor: Neighbor) -> pb.AfiSafi:
    afi = pb.AfiSafi(config=pb.AfiSafiConfig(family=FAMILIES[family], enabled=True))
    afi.add_paths.config.send_max = SEND_MAX if neighbor.add_path else 0
    afi.mp_graceful_restart.config.enabled = neighbor.graceful_restart_seconds is not None
    return afi


def _restart(seconds: int) -> pb.GracefulRestart:
    """Return graceful restart as a speaker wants it that only talks.

    Whoever adds a neighbor may be a daemon that was restarted, and its paths are put
    before its neighbors: so its OPEN says "restarted, forwarding kept" (RFC 4724 4.1).
    """
    return pb.GracefulRestart(
        enabled=True,
        restart_time=seconds,
        notification_enabled=True,  # RFC 8538: also over a hold timer or a Cease
        deferral_time=DEFERRAL_SECONDS,
        local_restarting=True,
    )


def decode(peer: pb.Peer) -> tuple[PeerName, Neighbor] | None:
    """Return a neighbor of ours as it is configured, or None: somebody else's."""
    name, *notes = peer.conf.description.split(" ")
    if not name.startswith(OURS):
        return None
    settings = dict(note.split("=", 1) for note in notes if "=" in note)
    hold = peer.timers.config.hold_time
    configured = {(one.config.family.afi, one.config.family.safi) for one in peer.afi_safis}
    families: list[FamilyName] = []
    if (IPV4.afi, IPV4.safi) in configured:
        families.append("ipv4-unicast")
    if (IPV6.afi, IPV6.safi) in configured:
        families.append("ipv6-unicast")
    neighbor = Neighbor(
        address=ip_address(peer.conf.neighbor_address),
        asn=peer.conf.peer_asn,
        port=peer.transport.remote_port or 179,
        hold_seconds=0 if hold == OFF_HOLD_SECONDS else hold,
        keepalive_seconds=peer.timers.config.keepalive_interval,
        connect_retry_seconds=peer.timers.config.connect_retry,
        families=tuple(families),
        add_path=all(one.add_paths.config.send_max for one in peer.afi_safis),
        local_as=peer.conf.local_asn if "local-as" in settings else None,
        source_address=ip_address(settings["source"]) if "source" in settings else None,
        password=peer.conf.auth_password or None,
        multihop_ttl=peer.ebgp_multihop.multihop_ttl if peer.ebgp_multihop.enabled else None,
        ttl_security=peer.ttl_security.enabled,
        passive=peer.transport.passive_mode,
        graceful_restart_seconds=(
            peer.graceful_restart.restart_time if peer.graceful_restart.enabled else None
        ),
        bfd=_bfd(peer.bfd) if peer.bfd.enabled else None,
    )
    return PeerName(name.removeprefix(OURS)), neighbor


def _bfd(bfd: pb.BfdPeerConfig) -> Bfd:
    return Bfd(
        bfd.desired_minimum_tx_interval // 1000,
        bfd.required_minimum_receive // 1000,
        bfd.detection_multiplier,
    )
