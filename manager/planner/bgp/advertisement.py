"""How the addresses of one Eip are advertised, and to whom: its `bgp`, resolved.

Aliases become communities, names of peers become routers. What cannot be had is left out
and reported, never guessed: one entry that fails takes no other with it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from manager.planner.bgp.peers import Peers
from manager.snapshot import TrafficPolicy
from pointsman.api import BgpConfSpec, BgpPeerSpec, EipBgp, EipSpec, Protocol, Weighting
from pointsman.model.address import Address, Family, Prefix, family_of, host_prefix
from pointsman.model.community import WELL_KNOWN, community, large_community
from pointsman.model.printable import clipped
from pointsman.model.ranges import AddressSet, read_disjoint, span_text
from pointsman.model.route import PathAttributes, PeerName
from pointsman.model.verdicts.advertisement import Applied, PartlyApplied
from pointsman.model.verdicts.base import Verdict

PEER_FAMILY: Final = {Family.IPV4: "ipv4-unicast", Family.IPV6: "ipv6-unicast"}
NO_ADDRESSES: Final = AddressSet()


def carries_family(peer: BgpPeerSpec, family: Family) -> bool:
    """Whether the session with *peer* carries prefixes of *family*."""
    return PEER_FAMILY[family] in peer.families


@dataclass(frozen=True, slots=True)
class AdvertisementPolicy:
    """The `bgp` of one Eip: attributes of its paths, who hears them, and in which chunks."""

    attributes: PathAttributes
    peers_by_family: Mapping[Family, tuple[PeerName, ...]]
    named: tuple[PeerName, ...]  # bgp.peers
    lengths: Mapping[Family, int]  # of aggregates
    weighting: Weighting
    whole: AddressSet  # what aggregates must lie in; empty: there are none
    verdict: Verdict

    def prefix(self, address: Address, policy: TrafficPolicy) -> Prefix:
        """Return what is advertised for *address*: its aggregate, or its host route."""
        length = self.lengths[family_of(address)]
        if policy == "Local" or length == address.max_prefixlen:
            return host_prefix(address)
        wide = ip_network((address, length), strict=False)
        first, last = int(wide.network_address), int(wide.broadcast_address)
        if self.whole.of(family_of(address)).covers(first, last):
            return wide
        return host_prefix(address)


def advertisement_policy(
    name: str, spec: EipSpec, peers: Peers, *, overlaps: bool
) -> AdvertisementPolicy:
    """Return what Eip *name* comes to; *overlaps*: it lost addresses to an older Eip."""
    assert peers.conf is not None, "without BgpConf nothing is advertised anew"
    bgp, conf = spec.bgp, peers.conf
    hearing = {
        name: peer
        for name, peer in peers.usable.items()
        if name not in peers.unserved and may_hear(spec, name)
    }
    problems = [*_unknown_peers(bgp, peers)]
    plain, large, unspoken = _communities(bgp, conf)
    whole, torn = _whole(spec, overlaps=overlaps)
    problems += [*unspoken, *torn]
    return AdvertisementPolicy(
        attributes=PathAttributes(plain, large, bgp.local_pref, bgp.med, bgp.as_path_prepend),
        peers_by_family={
            family: tuple(name for name, peer in hearing.items() if carries_family(peer, family))
            for family in Family
        },
        named=tuple(PeerName(name) for name in bgp.peers),
        lengths={
            Family.IPV4: bgp.aggregation_length,
            Family.IPV6: bgp.aggregation_length_v6,
        },
        weighting=bgp.weighting,
        whole=whole,
        verdict=PartlyApplied(name, tuple(problems)) if problems else Applied(name),
    )


def may_hear(spec: EipSpec, peer: PeerName) -> bool:
    """Whether an Eip with *spec* has its prefixes advertised to *peer*: to all, or to those named.

    Whether the router takes part now, and in which families, is another question.
    """
    return spec.protocol is Protocol.BGP and (not spec.bgp.peers or peer in spec.bgp.peers)


def _unknown_peers(bgp: EipBgp, peers: Peers) -> Iterator[str]:
    for name in sorted(set(bgp.peers) - set(map(str, peers.verdicts))):
        yield f"there is no BgpPeer '{clipped(name)}', which bgp.peers names"


def _communities(
    bgp: EipBgp, conf: BgpConfSpec
) -> tuple[tuple[str, ...], tuple[str, ...], list[str]]:
    """Return standard and large communities, canonical, and what is wrong with others."""
    plain: set[str] = set()
    large: set[str] = set()
    problems: list[str] = []
    for text in bgp.communities:
        meant = text
        if ":" not in text and text not in WELL_KNOWN:
            if text not in conf.community_aliases:
                problems.append(
                    f"'{clipped(text)}' is neither a well-known community nor among "
                    "communityAliases of BgpConf 'default'"
                )
                continue
            meant = conf.community_aliases[text]
        if meant.count(":") < 2:
            plain.add(community(meant))
        elif (number := large_community(meant)).startswith(f"{conf.asn}:0:"):
            problems.append(
                f"large community {number} is left out: {conf.asn}:0:* are Pointsman's own"
            )
        else:
            large.add(number)
    return tuple(sorted(plain)), tuple(sorted(large)), problems


def _whole(spec: EipSpec, *, overlaps: bool) -> tuple[AddressSet, list[str]]:
    """Return where aggregates may lie, and why not everywhere."""
    lengths = {
        Family.IPV4: spec.bgp.aggregation_length,
        Family.IPV6: spec.bgp.aggregation_length_v6,
    }
    if lengths == {Family.IPV4: 32, Family.IPV6: 128}:
        return NO_ADDRESSES, []
    if overlaps:
        return NO_ADDRESSES, ["there are no aggregates while an older Eip overlaps this one"]
    try:
        own = read_disjoint(spec.addresses)
    except ValueError:  # said in the Eip's condition Ready
        return NO_ADDRESSES, ["there are no aggregates while spec.addresses cannot be read"]
    torn: list[str] = []
    for family, length in lengths.items():
        size = 1 << (32 if family is Family.IPV4 else 128) - length
        for first, last in own.of(family).spans:
            if first % size or (last + 1) % size:
                torn.append(
                    f"{span_text(family, first, last)} does not fill its /{length}s, so addresses "
                    "beside them are advertised as host routes"
                )
    return own, torn
