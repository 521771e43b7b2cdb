"""Paths as messages: encode, decode. Pure.

Decoding gives None for whatever isn't marked as ours; encoding trusts that
:func:`~manager.adapters.gobgp.paths.check` has passed the value.
"""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network

from manager.adapters.gobgp.paths import MARK, Listed, LocalPath, Present, Put, Run, Withdrawal
from manager.adapters.gobgp.prepend import ABOVE, marks, times
from pointsman.gobgp_api import attribute_pb2 as at
from pointsman.gobgp_api import common_pb2 as cm
from pointsman.gobgp_api import extcom_pb2 as ec
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.gobgp_api import nlri_pb2 as nl
from pointsman.model.address import Address, Prefix
from pointsman.model.community import (
    community_number,
    community_text,
    large_community_numbers,
)
from pointsman.model.identity import once_per_object
from pointsman.model.route import PathAttributes

AS_TRANS = 23456  # RFC 6793 section 9: stands for an AS that needs four octets
MP_REACH_NLRI = 14  # RFC 4760 section 3
# ORIGIN (RFC 4271 section 4.3): the lowest wins before anything that could tell our paths of a
# prefix apart (section 9.1.2.2 c). Export rules make it IGP again, for every router.
ORIGIN_BEST, ORIGIN_OTHER = 0, 2  # IGP, INCOMPLETE
EXTENDED_LENGTH = 0x10  # flag: two octets of length (RFC 4271 section 4.3)
BYTES_PER_WEIGHT = 125_000.0  # link bandwidth is in bytes/s: weight 1 reads as 1 Mbit/s
IPV4 = cm.Family(afi=cm.Family.AFI_IP, safi=cm.Family.SAFI_UNICAST)
IPV6 = cm.Family(afi=cm.Family.AFI_IP6, safi=cm.Family.SAFI_UNICAST)


def family(prefix: Prefix) -> cm.Family:
    """Return the message that names the family of *prefix*."""
    return IPV4 if prefix.version == 4 else IPV6


class Encoder:
    """Paths of many prefixes as messages: what they have alike is encoded once."""

    def __init__(self, asn: int) -> None:
        self._asn = asn
        # Octets around the prefix of what is sent, by how long the prefix is as a message.
        self._around = once_per_object(_nothing_yet)

    def octets(self, prefix: Prefix, run: Run) -> bytes:
        """Return *run* about *prefix* as octets of an AddPathStreamRequest: its paths.

        What :func:`encode` and :func:`encode_withdrawal` make, with another prefix put in.
        """
        nlri = _nlri(prefix).SerializeToString()
        known, same = self._around(run), (prefix.version, len(nlri))
        around = known.get(same)
        if around is None:
            paths = [_encode(prefix, step, self._asn) for step in run]
            whole = pb.AddPathStreamRequest(paths=paths).SerializeToString()
            around = whole.split(nlri)
            if len(around) != 1 + sum(_names(prefix, step) for step in run):
                return whole  # the same octets stand elsewhere, too
            known[same] = around
        return nlri.join(around)


def _nothing_yet(_: Run) -> dict[tuple[int, int], list[bytes]]:
    return {}


def _encode(prefix: Prefix, step: Put | Withdrawal, asn: int) -> pb.Path:
    return encode(prefix, step, asn) if isinstance(step, Put) else encode_withdrawal(prefix, step)


def _names(prefix: Prefix, step: Put | Withdrawal) -> int:
    """Return how often the message of *step* names the prefix."""
    return 2 if isinstance(step, Put) and not _plain(prefix, step.hop) else 1


def _plain(prefix: Prefix, hop: Address) -> bool:
    """Whether the next hop stands in NEXT_HOP (RFC 4271 section 5.1.3)."""
    return prefix.version == 4 and hop.version == 4


def encode(prefix: Prefix, put: Put, asn: int) -> pb.Path:
    """Return the message that puts a path; :func:`check` has passed it."""
    nlri = _nlri(prefix)
    path = pb.Path(
        family=family(prefix),
        nlri=nlri,
        identifier=put.identifier,
        pattrs=_encode_attributes(put.attributes, put.numbers, asn),
    )
    hop = str(put.hop)
    if _plain(prefix, put.hop):
        path.pattrs.add().next_hop.next_hop = hop
    else:  # RFC 4760 section 3; IPv4 behind IPv6: RFC 8950 section 4
        reach = at.MpReachNLRIAttribute(family=path.family, next_hops=[hop], nlris=[nlri])
        path.pattrs.add().mp_reach.CopyFrom(reach)
    return path


def encode_withdrawal(prefix: Prefix, gone: Withdrawal) -> pb.Path:
    """Return the message that takes a path back."""
    return pb.Path(
        family=family(prefix), nlri=_nlri(prefix), identifier=gone.identifier, is_withdraw=True
    )


def _nlri(prefix: Prefix) -> nl.NLRI:
    return nl.NLRI(
        prefix=nl.IPAddressPrefix(prefix_len=prefix.prefixlen, prefix=str(prefix.network_address))
    )


@lru_cache(maxsize=1024)  # thousands of paths share a handful of these
def _encode_attributes(
    attributes: PathAttributes, numbers: frozenset[int], asn: int
) -> tuple[at.Attribute, ...]:
    large = [large_community_numbers(text) for text in attributes.large_communities]
    ours = numbers | {MARK} | marks(attributes.as_path_prepend)
    large += [(asn, 0, number) for number in sorted(ours)]
    encoded = [
        at.Attribute(
            origin=at.OriginAttribute(origin=ORIGIN_BEST if attributes.best else ORIGIN_OTHER)
        ),
        at.Attribute(
            large_communities=at.LargeCommunitiesAttribute(
                communities=[
                    at.LargeCommunity(global_admin=admin, local_data1=one, local_data2=two)
                    for admin, one, two in large
                ]
            )
        ),
    ]
    if attributes.communities:
        plain = [community_number(text) for text in attributes.communities]
        encoded.append(at.Attribute(communities=at.CommunitiesAttribute(communities=plain)))
    if attributes.local_pref is not None:
        encoded.append(
            at.Attribute(local_pref=at.LocalPrefAttribute(local_pref=attributes.local_pref))
        )
    if attributes.med is not None:
        encoded.append(at.Attribute(multi_exit_disc=at.MultiExitDiscAttribute(med=attributes.med)))
    if attributes.weight is not None:
        bandwidth = ec.LinkBandwidthExtended(
            asn=asn if asn <= 0xFFFF else AS_TRANS, bandwidth=attributes.weight * BYTES_PER_WEIGHT
        )
        encoded.append(
            at.Attribute(
                extended_communities=at.ExtendedCommunitiesAttribute(
                    communities=[ec.ExtendedCommunity(link_bandwidth=bandwidth)]
                )
            )
        )
    return tuple(encoded)


@dataclass(frozen=True, slots=True)
class DecodedAttributes:
    """The attributes of a path, decoded."""

    hop: Address | None  # of NEXT_HOP
    attributes: PathAttributes
    numbers: frozenset[int]
    ours: bool


class Decoder:
    """Of one listing: what many prefixes have alike is decoded once, and is one object."""

    def __init__(self, asn: int) -> None:
        self._asn = asn
        self._attributes: dict[tuple[bytes, ...], DecodedAttributes] = {}
        self._paths: dict[tuple[tuple[int, int, tuple[bytes, ...]], ...], Present] = {}

    def decode(self, destination: pb.Destination) -> Listed:
        """Return the local paths of one prefix, listed with their attributes as octets, too."""
        prefix = ip_network(destination.prefix)
        local = [path for path in destination.paths if not path.source_asn]
        octets = [tuple(map(_of_no_prefix, path.pattrs_binary)) for path in local]
        same = tuple(
            (path.identifier, path.local_identifier, each)
            for path, each in zip(local, octets, strict=True)
        )
        present = self._paths.get(same)
        if present is None:
            found = [self._decode(*each) for each in zip(local, octets, strict=True)]
            present = self._paths[same] = {path.identifier: path for path in found}
        return Listed(prefix, present)

    def _decode(self, path: pb.Path, octets: tuple[bytes, ...]) -> LocalPath:
        decoded = self._attributes.get(octets)
        if decoded is None:
            decoded = self._attributes[octets] = _decode_attributes(path, octets, self._asn)
        if decoded.hop is None or not decoded.ours:
            return LocalPath(path.identifier, None)
        return LocalPath(
            path.identifier,
            decoded.hop,
            decoded.attributes,
            decoded.numbers,
            path.local_identifier,
        )


def _of_no_prefix(attribute: bytes) -> bytes:
    """Return *attribute* without the prefix: of an MP_REACH_NLRI, type and next hop alone.

    Source: RFC 4760 section 3; of two next hops the global one counts.
    """
    if attribute[1] != MP_REACH_NLRI:
        return attribute
    start = 4 if attribute[0] & EXTENDED_LENGTH else 3
    size = attribute[start + 3]  # after AFI and SAFI
    return attribute[:2] + attribute[start + 4 : start + 4 + min(size, 16)]


def _decode_attributes(path: pb.Path, octets: tuple[bytes, ...], asn: int) -> DecodedAttributes:
    reach = [ip_address(one[2:]) for one in octets if one[1] == MP_REACH_NLRI]
    hop: Address | None = reach[0] if reach else None
    numbers: list[int] = []
    large: list[str] = []
    plain: tuple[str, ...] = ()
    local_pref = med = weight = None
    prepend = 0
    best = True
    for attribute in path.pattrs:
        match attribute.WhichOneof("attr"):
            case "origin":
                best = attribute.origin.origin == ORIGIN_BEST
            case "next_hop":
                hop = hop or ip_address(attribute.next_hop.next_hop)
            case "large_communities":
                for one in attribute.large_communities.communities:
                    if one.global_admin == asn and one.local_data1 == 0:
                        numbers.append(one.local_data2)
                    else:
                        large.append(f"{one.global_admin}:{one.local_data1}:{one.local_data2}")
            case "communities":
                plain = tuple(sorted(map(community_text, attribute.communities.communities)))
            case "local_pref":
                local_pref = attribute.local_pref.local_pref
            case "multi_exit_disc":
                med = attribute.multi_exit_disc.med
            case "as_path":  # never of ours: it differs from anything desired
                prepend = -sum(len(part.numbers) for part in attribute.as_path.segments)
            case "extended_communities":
                weight = _weight(attribute.extended_communities)
    prepend = prepend or times(numbers)
    attributes = PathAttributes(plain, tuple(sorted(large)), local_pref, med, prepend, weight, best)
    routers = frozenset(number for number in numbers if MARK < number <= ABOVE)
    return DecodedAttributes(hop, attributes, routers, MARK in numbers)


def _weight(attribute: at.ExtendedCommunitiesAttribute) -> int | None:
    for one in attribute.communities:
        if one.WhichOneof("extcom") == "link_bandwidth":
            return round(one.link_bandwidth.bandwidth / BYTES_PER_WEIGHT)
    return None
