"""From a node's snapshot to its report: what of this node the cluster needs to know.

Deterministic and quiet: nothing in a report changes unless the node did. It leaves out
what would only make noise or mislead: loopback, link-local and unusable addresses,
interfaces that lead to one pod, and addresses that kube-proxy parks on every node.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from agent.planner.desired import Plan, Report, ReportedInterface, ReportedRoute
from agent.planner.strict_arp import IPVS_INTERFACE, Strictness, strictness
from agent.planner.verdicts import (
    AnotherAgent,
    GatewaySilent,
    HeartbeatsAcknowledged,
    HeartbeatsUnanswered,
    KernelAnswersToo,
    NoAddress,
    NoManagerListens,
    ProxyHealthy,
    ProxyUnhealthy,
    Reporting,
)
from agent.planner.withheld import listed
from agent.snapshot import (
    AddressConflict,
    DefaultRoute,
    Link,
    LinkAddress,
    LinkIndex,
    ProxyHealth,
    Snapshot,
    Withheld,
)
from pointsman.model.address import Family, address_order
from pointsman.model.assignment import KERNEL_INTERFACE, MOST_ARRIVING, Arriving
from pointsman.model.names import (
    ADDRESSES_CONTESTED,
    HEARTBEATS,
    PROXY_HEALTHY,
    READY,
    STRICT_ARP_REQUIRED,
    UNACKNOWLEDGED,
)
from pointsman.model.printable import sentence
from pointsman.model.record import ConditionValue
from pointsman.model.report import (
    LONGEST_REASON,
    MOST_ADDRESSES,
    MOST_CONFLICTS,
    MOST_INTERFACES,
)
from pointsman.model.verdicts.base import Verdict

Spoken = TypeVar("Spoken", AddressConflict, Arriving)


def plan(snapshot: Snapshot) -> Plan:
    """Return the complete desired state: a report, once the Announcer exists to take it."""
    if snapshot.assignment is None:
        return Plan()
    return Plan(reports={snapshot.settings.node: report(snapshot)})


def report(snapshot: Snapshot) -> Report:
    """Return what this node's Announcer status should say."""
    every, arp = reported_interfaces(snapshot), strictness(snapshot)
    interfaces = within_bounds(every)
    return Report(
        version=snapshot.settings.version,
        host=snapshot.settings.host,
        public_key=snapshot.settings.public_key,
        interfaces=interfaces,
        default_routes=reported_routes(snapshot),
        proxy=snapshot.proxy,
        conditions=_conditions(snapshot, interfaces, arp, cut=interfaces != every),
        generation=snapshot.executes,
        withheld=tuple(map(_fitting, listed(snapshot.withheld, snapshot.assignment))),
        conflicts=_first(snapshot.conflicts, MOST_CONFLICTS),
        net_admin=snapshot.net_admin,
        arriving=_first(snapshot.arriving, MOST_ARRIVING),
        quiet=snapshot.quiet,
        arriving_unmeasured=snapshot.arriving_unmeasured,
        strict_arp=arp.strict,
    )


def _first(listed: Iterable[Spoken], most: int) -> tuple[Spoken, ...]:
    """Return the first *most* of them in order of their addresses."""
    return tuple(sorted(listed, key=lambda one: address_order(one.address))[:most])


def _fitting(one: Withheld) -> Withheld:
    """Return *one* with as much of its reason as an Announcer takes."""
    return replace(one, reason=sentence(one.reason, LONGEST_REASON))


def reported_interfaces(snapshot: Snapshot) -> tuple[ReportedInterface, ...]:
    """Return the interfaces with an address others can use, by name."""
    network = snapshot.network
    by_link: dict[LinkIndex, list[LinkAddress]] = {}
    for address in network.addresses:
        if usable(address):
            by_link.setdefault(address.link, []).append(address)
    return tuple(
        ReportedInterface(
            name=link.name,
            mac=link.mac,
            up=link.up,
            addresses=tuple(
                sorted(
                    {address.interface for address in by_link[link.index]},
                    key=lambda i: (address_order(i.ip), i.network.prefixlen),
                )
            ),
        )
        for link in sorted(network.links, key=lambda link: (link.name, link.index))
        if link.index in by_link and not _noise(link, by_link[link.index])
    )


def within_bounds(interfaces: tuple[ReportedInterface, ...]) -> tuple[ReportedInterface, ...]:
    """Return as much of *interfaces* as an Announcer takes: more is refused as a whole."""
    return tuple(
        replace(one, addresses=one.addresses[:MOST_ADDRESSES])
        for one in interfaces[:MOST_INTERFACES]
    )


def reported_routes(snapshot: Snapshot) -> tuple[ReportedRoute, ...]:
    """Return the preferred default route of each family that has one, IPv4 first.

    Smallest metric; of several next hops the lowest gateway, which a change of their
    order in the kernel's reply doesn't touch.
    """
    names = {link.index: link.name for link in snapshot.network.links}
    found: list[ReportedRoute] = []
    for family in Family:
        routes = [
            (route.metric, _gateway_order(route), names[route.link], route)
            for route in snapshot.network.default_routes
            if route.family is family and route.link in names
        ]
        if routes:
            _metric, _gateway, name, best = min(routes, key=lambda entry: entry[:3])
            found.append(ReportedRoute(family=family, interface=name, gateway=best.gateway))
    return tuple(found)


def usable(address: LinkAddress) -> bool:
    """Say whether others can reach the node at *address*, now and for good."""
    ip = address.interface.ip
    return not (
        ip.is_link_local
        or ip.is_loopback
        or address.host_scope
        or address.tentative
        or address.duplicate
        or address.temporary
        # The dialect of Kubernetes has none of these, and nobody routes them (RFC 4291 2.5.5.2).
        or (ip.version == 6 and ip.ipv4_mapped is not None)
    )


def _noise(link: Link, addresses: list[LinkAddress]) -> bool:
    # What is put there is the cluster's, not the node's.
    if link.loopback or link.name in (IPVS_INTERFACE, KERNEL_INTERFACE):
        return True
    # A veth that holds host addresses only is the gateway of one pod (the ptp way):
    # reporting it would turn every pod's start into a write.
    return link.kind == "veth" and all(
        address.interface.network.prefixlen == address.interface.max_prefixlen
        for address in addresses
    )


def _gateway_order(route: DefaultRoute) -> tuple[int, int]:
    return address_order(route.gateway) if route.gateway else (0, 0)


def _heard(snapshot: Snapshot) -> Verdict:
    node, assignment = snapshot.settings.node, snapshot.assignment
    managers = tuple(one.name for one in assignment.managers) if assignment else ()
    if not managers:
        return NoManagerListens(node)
    if unheard := tuple(name for name in managers if name in snapshot.unanswered):
        return HeartbeatsUnanswered(node, unheard)
    return HeartbeatsAcknowledged(node)


def _gateway_silent(snapshot: Snapshot) -> Verdict:
    asked = sorted(
        snapshot.unacknowledged,
        key=lambda one: (one.interface, address_order(one.gateway), address_order(one.address)),
    )
    gateways = dict.fromkeys(f"{one.gateway} on {one.interface}" for one in asked)
    addresses = dict.fromkeys(str(one.address) for one in asked)
    return GatewaySilent(snapshot.settings.node, tuple(gateways), tuple(addresses))


def _conditions(
    snapshot: Snapshot,
    interfaces: tuple[ReportedInterface, ...],
    arp: Strictness,
    *,
    cut: bool,
) -> dict[str, ConditionValue]:
    node, url = snapshot.settings.node, snapshot.settings.proxy_url
    ready: Verdict = Reporting(node, cut=cut) if interfaces else NoAddress(node)
    verdicts = {READY: ready}
    if snapshot.proxy is ProxyHealth.HEALTHY:
        verdicts[PROXY_HEALTHY] = ProxyHealthy(node, url)
    elif snapshot.proxy is ProxyHealth.UNHEALTHY:
        verdicts[PROXY_HEALTHY] = ProxyUnhealthy(node, url)
    verdicts[HEARTBEATS] = _heard(snapshot)
    if arp.strict is False:
        verdicts[STRICT_ARP_REQUIRED] = KernelAnswersToo(node, arp.holders, arp.loose)
    if snapshot.unacknowledged:
        verdicts[UNACKNOWLEDGED] = _gateway_silent(snapshot)
    if snapshot.rival is not None:
        verdicts[ADDRESSES_CONTESTED] = AnotherAgent(node, snapshot.settings.host, snapshot.rival)
    return {
        kind: ConditionValue(verdict.status, verdict.reason, str(verdict))
        for kind, verdict in sorted(verdicts.items())
    }
