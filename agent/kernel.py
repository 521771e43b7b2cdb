"""What this node's kernel is to hold for a router on it, and what of it is refused. Pure.

Host addresses on an interface of our own, and routes to aggregates. A route that a router on the
node redistributes leads packets here, so it must not outlive the agent: in IPv4 it is bound to an
address that has a lease, in IPv6 it has a lease itself (docs/decisions/kernel-leases.md). Refuses
whatever would make a second node answer ARP, or cut this one off from its own networks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Final

from agent.planner.strict_arp import IPVS_INTERFACE, silent
from agent.snapshot import Assignment, Link, Network
from pointsman.model.address import Address, Prefix, address_order, prefix_order
from pointsman.model.assignment import KERNEL_INTERFACE
from pointsman.model.delta import Delta
from pointsman.model.printable import clipped

SHORTEST_LEASE_S: Final = 6  # netlink counts seconds, and a third of it must be some
LONGEST_LEASE_S: Final = 3600
# What an IPv4 route is bound to: an address with a lease, out of those that are never routed (RFC
# 3927 section 7), so that no router passes it on. One of 127/8 would not do: the kernel keeps the
# routes that are bound to it, because `lo` has all of that network (measured).
ANCHOR: Final = IPv4Address("169.254.171.1")
# A lease that has this much left is refreshed: two looks in vain, and it still stands.
REFRESH_AT: Final = 2 / 3
# So many addresses are renewed within one lease; more have a longer one. A renewal costs a
# millisecond, and the kernel the more the more there are (measured).
PER_LEASE: Final = 1_000


@dataclass(frozen=True, slots=True)
class HostAddress:
    """An address of the node's own, with a lease."""

    address: Address


@dataclass(frozen=True, slots=True)
class Discarded:
    """A prefix of which what is forwarded and known no better is refused, by ICMP."""

    prefix: Prefix


@dataclass(frozen=True, slots=True)
class Redistributed:
    """A prefix that the main table has, for a router on the node; with a lease."""

    prefix: Prefix


@dataclass(frozen=True, slots=True)
class PassedOn:
    """A prefix to which the node's own programs send, whatever the main table says of it."""

    prefix: Prefix


Route = Discarded | Redistributed | PassedOn
KernelKey = HostAddress | Route
# The address that an IPv4 route goes with; None for all else.
Bound = IPv4Address | None


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of a key that the kernel has."""

    bound: Bound = None
    left_s: float | None = None  # of its lease; None: it has none
    whole: bool = True  # False: no rule leads to its table (any more)


@dataclass(frozen=True, slots=True)
class KernelPlan:
    """What the kernel should hold, and what was asked for and is not put there."""

    desired: Mapping[KernelKey, Bound] = field(default_factory=dict)
    withheld: Mapping[Address, str] = field(default_factory=dict)  # a route by its first address


def kernel_plan(assignment: Assignment, network: Network) -> KernelPlan:
    """Return what *assignment* comes to on *network*."""
    withheld: dict[Address, str] = {}
    desired: dict[KernelKey, Bound] = {}
    near, elsewhere = _networks(network), _elsewhere(network)
    for address in sorted(assignment.kernel, key=address_order):
        if reason := _unfit_address(address, near, elsewhere, network):
            withheld[address] = reason
        else:
            desired[HostAddress(address)] = None
    for route in sorted(assignment.unreachable, key=lambda one: prefix_order(one.prefix)):
        if reason := _unfit_route(route.prefix, near):
            withheld.setdefault(route.prefix.network_address, reason)
            continue
        desired[Discarded(route.prefix)] = None
        if route.redistribute and route.prefix.version == 4:
            # The service proxy translates what the node sends after a route was found for it.
            desired[PassedOn(route.prefix)] = None
            desired[HostAddress(ANCHOR)] = None
            desired[Redistributed(route.prefix)] = ANCHOR
        elif route.redistribute:
            desired[Redistributed(route.prefix)] = None
    return KernelPlan(desired, withheld)


def lease_for(desired: Mapping[KernelKey, Bound], lease_s: int) -> int:
    """Return the lease in seconds of all of *desired*, if that of a few is *lease_s*."""
    return lease_s * max(1, -(-len(desired) // PER_LEASE))


def kernel_work(
    desired: Mapping[KernelKey, Bound], observed: Mapping[KernelKey, Held], *, lease_s: float
) -> Delta[KernelKey, Bound]:
    """Return what to put, renewals of leases included, and what to drop."""
    put = {
        key: bound
        for key, bound in desired.items()
        if (held := observed.get(key)) is None
        or held.bound != bound
        or not held.whole
        or (_is_leased(key) and _runs_down(held, lease_s))
    }
    return Delta(put=put, drop=frozenset(observed.keys() - desired.keys()))


def of_whom(key: KernelKey) -> Address:
    """Return the address under which *key* is reported: a prefix by its first."""
    return key.address if isinstance(key, HostAddress) else key.prefix.network_address


def _is_leased(key: KernelKey) -> bool:
    # An IPv4 route has no lifetime: it goes with the address that it is bound to.
    return isinstance(key, HostAddress) or (
        isinstance(key, Redistributed) and key.prefix.version == 6
    )


def _runs_down(held: Held, lease_s: float) -> bool:
    # A second more: the kernel counts whole ones.
    return held.left_s is None or held.left_s <= lease_s * REFRESH_AT + 1


def _unfit_address(
    address: Address,
    near: Iterable[tuple[Link, Prefix]],
    elsewhere: Mapping[Address, str],
    network: Network,
) -> str:
    """Return why *address* can't be put here; "": it can."""
    if name := elsewhere.get(address):
        return (
            f"{address} is on interface {clipped(name)} of this node already, and not by "
            "Pointsman: take it away there, or exclude it from its Eip."
        )
    if address.version == 6:
        return ""  # a kernel answers NDP on the interface only that has the address (measured)
    for link, prefix in near:
        rules = network.arp.get(link.name)
        if address in prefix and (rules is None or not silent(rules)):
            return (
                f"{address} lies in {prefix}, the network of interface {clipped(link.name)}: every "
                "node that has it would answer ARP for it. Give the Eip addresses outside the "
                "nodes' networks, or set net.ipv4.conf.all.arp_ignore=1 and arp_announce=2 on them."
            )
    return ""


def _unfit_route(prefix: Prefix, near: Iterable[tuple[Link, Prefix]]) -> str:
    """Return why *prefix* can't be discarded here; "": it can."""
    for link, network in near:
        if network.version == prefix.version and network.overlaps(prefix):
            return (
                f"{prefix} overlaps {network}, the network of interface {clipped(link.name)}: "
                "refusing it could cut the node off. Give the Eip addresses outside the nodes' "
                "networks, or a longer aggregationLength."
            )
    return ""


def _networks(network: Network) -> list[tuple[Link, Prefix]]:
    """Return the networks on which this node has neighbors, each with its interface."""
    links = {
        one.index: one
        for one in network.links
        if one.up and not one.loopback and one.name != KERNEL_INTERFACE
    }
    found = {
        (links[one.link], one.interface.network)
        for one in network.addresses
        if one.link in links and one.interface.network.prefixlen < one.interface.max_prefixlen
    }
    return sorted(found, key=lambda one: (one[0].name, prefix_order(one[1])))


def _elsewhere(network: Network) -> dict[Address, str]:
    """Return the node's own addresses, by the interface that leads somewhere.

    kube-ipvs0, dummies and `lo` lead nowhere: a service proxy parks the same addresses there.
    """
    links = {
        one.index: one.name
        for one in network.links
        if not (one.loopback or one.kind == "dummy")
        and one.name not in (IPVS_INTERFACE, KERNEL_INTERFACE)
    }
    return {one.interface.ip: links[one.link] for one in network.addresses if one.link in links}
