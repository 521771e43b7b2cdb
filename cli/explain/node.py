"""`pointsman explain node NAME`: whether a node may carry traffic, and what it answers for."""

from cli.explain.explanation import Explanation
from cli.output.answered import answered_json, answered_tables, routes_json, routes_tables
from cli.output.arriving import services_by_address
from cli.output.tables import Table
from cli.source.annotations import undrained
from cli.source.cluster import PlannedCluster
from manager.planner.nodes.eligible import nodes_for
from manager.planner.plan_json import Json
from manager.snapshot import Announcer, Node, NodeName
from pointsman.model.address import address_order
from pointsman.model.names import STRICT_ARP_REQUIRED
from pointsman.model.printable import clipped
from pointsman.runtime.errors import Failed


class Everything:
    """Holds all addresses."""

    def __contains__(self, address: object) -> bool:
        return True


def story(seen: PlannedCluster, name: NodeName) -> Json:
    """Return everything that is known and decided about a Node.

    Raises:
        Failed: there is none.
    """
    node = seen.found.nodes.get(name)
    if node is None:
        raise Failed(f"There is no Node {clipped(name)}.")
    return node_story(seen, node)


def node_story(seen: PlannedCluster, node: Node) -> Json:
    """Return everything that is known and decided about *node*."""
    found, name = seen.found, node.name
    announcer = found.announcers.get(name, Announcer(name))
    return {
        "node": name,
        "ready": node.ready,
        "agent": announcer.reported,
        "proxyHealthy": announcer.proxy_healthy,
        "strictARP": announcer.strict_arp,
        "interfaces": [
            {
                "interface": clipped(one.name),
                "up": one.up,
                "mac": clipped(one.mac),
                "addresses": [str(address) for address in one.addresses],
            }
            for one in announcer.interfaces
        ],
        "eips": [
            {"eip": eip, "carries": not why, "why": why}
            for eip, why in sorted(_eips(seen, name).items())
        ],
        "answeredBy": answered_json(found, seen.plan, Everything(), {name}),
        "arriving": _arriving(seen, announcer),
        "arrivingUnmeasured": announcer.arriving_unmeasured,
        "netAdmin": announcer.net_admin,
        "unreachable": routes_json(found, seen.plan, {name}),
        "wrong": [*not_drained(node), *_wrong(announcer)],
    }


def _eips(seen: PlannedCluster, name: NodeName) -> dict[str, str]:
    """Return, by Eip, why the node carries none of its traffic; "": it may."""
    why: dict[str, str] = {}
    for eip, one in seen.found.eips.items():
        nodes = nodes_for(seen.found, one.spec.node_selector if one.spec is not None else None)
        why[eip] = nodes.excluded.get(name) or nodes.draining.get(name) or ""
    return why


def _arriving(seen: PlannedCluster, announcer: Announcer) -> list[Json]:
    """Return who still began a flow here since it drains, the last one to each address."""
    services = services_by_address(seen.plan.allocations)
    return [
        {
            "address": str(one.address),
            "services": list(services.get(one.address, [])),
            "source": str(one.source),
            "last": one.last,
        }
        for one in sorted(announcer.arriving, key=lambda one: address_order(one.address))
    ]


def not_drained(node: Node) -> list[str]:
    """Return the sentence on an annotation that was meant to drain *node*, and doesn't."""
    clause = undrained(node.annotations)
    return [f"Node {node.name}: {clause}."] if clause else []


def _wrong(announcer: Announcer) -> list[str]:
    """Return what its agent says that somebody should look at."""
    found = [one for one in (announcer.contested, announcer.unheard, announcer.unreadable) if one]
    if announcer.strict_arp is False:
        found.append(loose(announcer))
    return found


def loose(announcer: Announcer) -> str:
    """Return the sentence on a kernel that answers ARP for Service addresses of its own."""
    return (
        f"Node {announcer.node}: its kernel answers ARP for Service addresses that it has itself, "
        f"beside the node that is to answer; the condition {STRICT_ARP_REQUIRED} of its Announcer "
        "says where, and what to set."
    )


def explanation(story: Json) -> Explanation:
    """Return *story* for people."""
    agent = "reports" if story["agent"] else "has not reported"
    proxy = {True: ", the service proxy is healthy", False: ", the service proxy fails", None: ""}
    unmeasured = story["arrivingUnmeasured"]
    lines = (
        f"Node {story['node']}",
        f"  Ready: {story['ready']}; its agent {agent}{proxy[story['proxyHealthy']]}",
        *(f"! {sentence}" for sentence in story["wrong"]),
        *((f"  New flows to it are not measurable: {unmeasured}",) if unmeasured else ()),
    )
    interfaces = tuple(
        (one["interface"], str(one["up"]), one["mac"], ",".join(one["addresses"]))
        for one in story["interfaces"]
    )
    eips = tuple((one["eip"], str(one["carries"]), one["why"]) for one in story["eips"])
    arriving = tuple(
        (one["address"], ",".join(one["services"]) or "-", one["source"], one["last"])
        for one in story["arriving"]
    )
    columns = ("ADDRESS", "SERVICES", "SOURCE", "LAST")
    tables = (
        Table("INTERFACES", ("INTERFACE", "UP", "MAC", "ADDRESSES"), interfaces),
        Table("EIPS", ("EIP", "CARRIES", "WHY"), eips),
        *answered_tables(story["answeredBy"]),
        *((Table("STILL COMES", columns, arriving),) if arriving else ()),
        *routes_tables(story["unreachable"]),
    )
    return Explanation(lines, tables)
