"""From a node's snapshot to its report: what of this node the cluster needs to know.

Deterministic and quiet: nothing in a report changes unless the node did. It leaves out
what would only make noise or mislead: loopback, link-local and unusable addresses,
interfaces that lead to one pod, and addresses that kube-proxy parks on every node.
"""

from dataclasses import replace

from agent.planner.desired import Plan, Report, ReportedInterface, ReportedRoute
from agent.planner.verdicts import (
    AnotherAgent,
    NoAddress,
    ProxyHealthy,
    ProxyUnhealthy,
    Reporting,
)
from agent.snapshot import DefaultRoute, Link, LinkAddress, LinkIndex, ProxyHealth, Snapshot
from pointsman.model.address import Family, address_order
from pointsman.model.names import ADDRESSES_CONTESTED, PROXY_HEALTHY, READY
from pointsman.model.record import ConditionValue
from pointsman.model.report import MOST_ADDRESSES, MOST_INTERFACES
from pointsman.model.verdicts.base import Verdict

# In IPVS mode every node holds every Service address on this one; they are not the node's.
IPVS_INTERFACE = "kube-ipvs0"


def plan(snapshot: Snapshot) -> Plan:
    """Return the complete desired state: a report, once the Announcer exists to take it."""
    if snapshot.assignment is None:
        return Plan()
    return Plan(reports={snapshot.settings.node: report(snapshot)})


def report(snapshot: Snapshot) -> Report:
    """Return what this node's Announcer status should say."""
    every = reported_interfaces(snapshot)
    interfaces = within_bounds(every)
    return Report(
        version=snapshot.settings.version,
        host=snapshot.settings.host,
        interfaces=interfaces,
        default_routes=reported_routes(snapshot),
        proxy=snapshot.proxy,
        conditions=_conditions(snapshot, interfaces, cut=interfaces != every),
    )


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
    if link.loopback or link.name == IPVS_INTERFACE:
        return True
    # A veth that holds host addresses only is the gateway of one pod (the ptp way):
    # reporting it would turn every pod's start into a write.
    return link.kind == "veth" and all(
        address.interface.network.prefixlen == address.interface.max_prefixlen
        for address in addresses
    )


def _gateway_order(route: DefaultRoute) -> tuple[int, int]:
    return address_order(route.gateway) if route.gateway else (0, 0)


def _conditions(
    snapshot: Snapshot, interfaces: tuple[ReportedInterface, ...], *, cut: bool
) -> dict[str, ConditionValue]:
    node, url = snapshot.settings.node, snapshot.settings.proxy_url
    ready: Verdict = Reporting(node, cut=cut) if interfaces else NoAddress(node)
    verdicts = {READY: ready}
    if snapshot.proxy is ProxyHealth.HEALTHY:
        verdicts[PROXY_HEALTHY] = ProxyHealthy(node, url)
    elif snapshot.proxy is ProxyHealth.UNHEALTHY:
        verdicts[PROXY_HEALTHY] = ProxyUnhealthy(node, url)
    if snapshot.rival is not None:
        verdicts[ADDRESSES_CONTESTED] = AnotherAgent(node, snapshot.settings.host, snapshot.rival)
    return {
        kind: ConditionValue(verdict.status, verdict.reason, str(verdict))
        for kind, verdict in sorted(verdicts.items())
    }
