"""In which chunks the addresses of one Eip are advertised: host routes, or aggregates.

Whatever protocol advertises them: the lengths are `bgp.aggregationLength` and its IPv6 twin. An
aggregate is used only where it lies wholly inside the Eip, and never for externalTrafficPolicy
Local.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_network
from types import MappingProxyType
from typing import Final

from manager.planner.addresses.reserved import Owned
from manager.planner.desired import Grant
from manager.snapshot import EipName, TrafficPolicy
from pointsman.api import EipSpec
from pointsman.model.address import Address, Family, Prefix, family_of
from pointsman.model.ranges import AddressSet, Span, read_disjoint, span_text, union

NO_ADDRESSES: Final = AddressSet()
HOST_LENGTHS: Final = {Family.IPV4: 32, Family.IPV6: 128}


@dataclass(frozen=True, slots=True)
class Aggregation:
    """The lengths of aggregates, and where they may lie."""

    lengths: Mapping[Family, int]
    whole: AddressSet  # what aggregates must lie in; empty: there are none
    torn: tuple[str, ...] = ()  # why not everywhere: a clause each

    def prefix(self, grant: Grant, policy: TrafficPolicy) -> Prefix:
        """Return what is advertised for the address of *grant*: its aggregate, or host route."""
        address = grant.address
        length = self.lengths[family_of(address)]
        if policy == "Local" or length == address.max_prefixlen:
            return grant.host
        wide = ip_network((address, length), strict=False)
        return wide if self.holds(wide) else grant.host

    def holds(self, prefix: Prefix) -> bool:
        """Whether *prefix* may be an aggregate: it lies wholly in the Eip."""
        family, span = _block(prefix)
        return self.whole.of(family).covers(*span)


def aggregation(
    spec: EipSpec, *, overlaps: bool, barred: Mapping[Prefix, str] = MappingProxyType({})
) -> Aggregation:
    """Return the aggregates of an Eip; *overlaps*: it lost addresses to an older Eip.

    *barred*: those which are not to be used all the same, and of each what lies in it.
    """
    lengths = _lengths(spec)
    if lengths == HOST_LENGTHS:
        return Aggregation(lengths, NO_ADDRESSES)
    if overlaps:
        why = "there are no aggregates while an older Eip overlaps this one"
        return Aggregation(lengths, NO_ADDRESSES, (why,))
    if spec.source is not None and not spec.addresses:
        why = (
            "there are no aggregates, as the IPAM may give what lies in them to others: list in "
            "spec.addresses what is this Eip's alone"
        )
        return Aggregation(lengths, NO_ADDRESSES, (why,))
    try:
        own = read_disjoint(spec.addresses)
    except ValueError:  # said in the Eip's condition Ready
        why = "there are no aggregates while spec.addresses cannot be read"
        return Aggregation(lengths, NO_ADDRESSES, (why,))
    torn: list[str] = []
    for family, length in lengths.items():
        size = 1 << HOST_LENGTHS[family] - length
        for first, last in own.of(family).spans:
            if first % size or (last + 1) % size:
                torn.append(
                    f"{span_text(family, first, last)} does not fill its /{length}s, so addresses "
                    "beside them are advertised as host routes"
                )
    for prefix, whose in barred.items():
        torn.append(f"addresses in {prefix} are advertised as host routes, as {whose} lies in it")
    return Aggregation(lengths, own - union(map(_block, barred)), tuple(torn))


def inside(owned: Owned, specs: Mapping[EipName, EipSpec]) -> Owned:
    """Return what of *owned* lies in any Eip of *specs* that has aggregates."""
    found: list[tuple[Family, Span]] = []
    for spec in specs.values():
        with suppress(ValueError):  # then it has none
            own = AddressSet() if _lengths(spec) == HOST_LENGTHS else read_disjoint(spec.addresses)
            found += [(family, span) for family in Family for span in own.of(family).spans]
    own = union(found)
    return tuple(one for one in owned if one[0] in own) if found else ()


def occupied(spec: EipSpec, owned: Owned) -> Mapping[Prefix, str]:
    """Return the aggregates that an Eip would have and that hold an address of *owned*: whose.

    Whoever learned such a route would send to a node what is meant for that machine, and a router
    its own packets to a next hop.
    """
    lengths, found = _lengths(spec), dict[Prefix, str]()
    if lengths == HOST_LENGTHS:
        return found
    try:
        own = read_disjoint(spec.addresses)
    except ValueError:  # nor are there aggregates
        return found
    for address, whose in owned:
        family = family_of(address)
        host_bits = HOST_LENGTHS[family] - lengths[family]
        first = int(address) >> host_bits << host_bits
        if host_bits and own.of(family).covers(first, first + (1 << host_bits) - 1):
            chunk = ip_network((address, lengths[family]), strict=False)
            found.setdefault(chunk, f"{address} ({whose})")
    return found


def _lengths(spec: EipSpec) -> Mapping[Family, int]:
    return {
        Family.IPV4: spec.bgp.aggregation_length,
        Family.IPV6: spec.bgp.aggregation_length_v6,
    }


def _block(prefix: Prefix) -> tuple[Family, Span]:
    first: Address = prefix.network_address
    return family_of(first), (int(first), int(prefix.broadcast_address))
