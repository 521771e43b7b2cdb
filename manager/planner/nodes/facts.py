"""What of the nodes a stage of the plan reads, as a value that changes with that alone.

A kubelet writes its Node every few minutes, an agent its Announcer, we write both. Most of it
changes nothing for anybody: so a stage is given a snapshot that has no more in it than it reads.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from manager.snapshot import Announcer, Node, NodeName, Settings, Snapshot
from pointsman.model.liveness import Liveness
from pointsman.model.memo import Each, Once

NO_SETTINGS: Final = Settings()


class NodeFacts:
    """The stages: two views of the nodes, each the same object as long as it is equal."""

    def __init__(self) -> None:
        self._addressed = Each[NodeName, Node](_addressed_node)
        self._reporting = Each[NodeName, Announcer](_reporting)
        self._unhealthy = Each[NodeName, Announcer](_unhealthy)
        self._addresses = Once(_addresses)
        self._eligibility = Once(_eligibility)

    def addresses(self, snapshot: Snapshot) -> Snapshot:
        """Return the nodes with labels and addresses only, and what agents say of interfaces."""
        nodes = self._addressed(None, snapshot.nodes)
        return self._addresses(nodes, self._reporting(None, snapshot.announcers))

    def eligibility(self, snapshot: Snapshot) -> Snapshot:
        """Return what decides whether a node may carry traffic at all."""
        unhealthy = self._unhealthy(None, snapshot.announcers)
        drains = replace(NO_SETTINGS, drain_taints=snapshot.settings.drain_taints)
        return self._eligibility(
            snapshot.nodes, unhealthy, drains, snapshot.liveness, snapshot.leaving
        )


def _addresses(
    nodes: Mapping[NodeName, Node], announcers: Mapping[NodeName, Announcer]
) -> Snapshot:
    return Snapshot(nodes=nodes, announcers=announcers)


def _eligibility(
    nodes: Mapping[NodeName, Node],
    unhealthy: Mapping[NodeName, Announcer],
    settings: Settings,
    liveness: Mapping[NodeName, Liveness],
    leaving: frozenset[NodeName],
) -> Snapshot:
    return Snapshot(
        nodes=nodes,
        announcers=unhealthy,
        settings=settings,
        liveness=liveness,
        leaving=leaving,
    )


def _addressed_node(_: None, node: Node) -> Node:
    return Node(node.name, labels=node.labels, internal_ips=node.internal_ips)


def _reporting(_: None, announcer: Announcer) -> Announcer | None:
    if not announcer.reported and not announcer.interfaces:
        return None
    return Announcer(announcer.node, reported=announcer.reported, interfaces=announcer.interfaces)


def _unhealthy(_: None, announcer: Announcer) -> Announcer | None:
    if announcer.proxy_healthy is not False:
        return None
    return Announcer(announcer.node, reported=True, proxy_healthy=False)
