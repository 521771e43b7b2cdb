"""How the addresses of one Eip are advertised, and to whom: its `bgp`, resolved.

Aliases become communities, names of peers become routers. What cannot be had is left out
and reported, never guessed: one entry that fails takes no other with it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from manager.planner.addresses.aggregates import Aggregation, aggregation
from manager.planner.bgp.bidding import base_med
from manager.planner.bgp.peers import Peers
from manager.planner.desired import Grant
from manager.snapshot import TrafficPolicy
from pointsman.api import BgpConfSpec, BgpPeerSpec, EipBgp, EipSpec, Protocol, Weighting
from pointsman.model.address import Family, Prefix
from pointsman.model.community import WELL_KNOWN, community, large_community
from pointsman.model.printable import clipped
from pointsman.model.route import PathAttributes, PeerName
from pointsman.model.verdicts.advertisement import Applied, PartlyApplied
from pointsman.model.verdicts.base import Verdict

PEER_FAMILY: Final = {Family.IPV4: "ipv4-unicast", Family.IPV6: "ipv6-unicast"}


def carries_family(peer: BgpPeerSpec, family: Family) -> bool:
    """Whether the session with *peer* carries prefixes of *family*."""
    return PEER_FAMILY[family] in peer.families


@dataclass(frozen=True, slots=True)
class AdvertisementPolicy:
    """The `bgp` of one Eip: attributes of its paths, who hears them, and in which chunks."""

    attributes: PathAttributes
    peers_by_family: Mapping[Family, tuple[PeerName, ...]]
    named: tuple[PeerName, ...]  # bgp.peers
    weighting: Weighting
    aggregates: Aggregation
    verdict: Verdict

    def prefix(self, grant: Grant, policy: TrafficPolicy) -> Prefix:
        """Return what is advertised for the address of *grant*: its aggregate, or host route."""
        return self.aggregates.prefix(grant, policy)


def advertisement_policy(
    name: str,
    spec: EipSpec,
    peers: Peers,
    *,
    overlaps: bool,
    barred: Mapping[Prefix, str] = MappingProxyType({}),
) -> AdvertisementPolicy:
    """Return what Eip *name* comes to; *overlaps*: it lost addresses to an older Eip.

    *barred*: which aggregates are not to be used, and why (`aggregates.occupied`).

    Whatever its protocol is now: paths that are there from before follow the same policy.
    """
    assert peers.conf is not None, "without BgpConf nothing is advertised anew"
    bgp, conf = spec.bgp, peers.conf
    hearing = {
        name: peer
        for name, peer in peers.usable.items()
        if name not in peers.unserved and _hears(bgp, name)
    }
    problems = [*_unknown_peers(bgp, peers)]
    plain, large, unspoken = _communities(bgp, conf)
    aggregates = aggregation(spec, overlaps=overlaps, barred=barred)
    problems += [*unspoken, *aggregates.torn]
    return AdvertisementPolicy(
        attributes=PathAttributes(
            plain,
            large,
            bgp.local_pref,
            base_med(bgp.med, bids=peers.bids),
            bgp.as_path_prepend,
        ),
        peers_by_family={
            family: tuple(name for name, peer in hearing.items() if carries_family(peer, family))
            for family in Family
        },
        named=tuple(PeerName(name) for name in bgp.peers),
        weighting=bgp.weighting,
        aggregates=aggregates,
        verdict=PartlyApplied(name, tuple(problems)) if problems else Applied(name),
    )


def may_hear(spec: EipSpec, peer: PeerName) -> bool:
    """Whether an Eip with *spec* has its prefixes advertised to *peer*: to all, or to those named.

    Whether the router takes part now, and in which families, is another question.
    """
    return spec.protocol is Protocol.BGP and _hears(spec.bgp, peer)


def _hears(bgp: EipBgp, peer: PeerName) -> bool:
    return not bgp.peers or peer in bgp.peers


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
