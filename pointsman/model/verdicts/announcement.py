"""Whether the addresses of a Service are reachable, and why not.

Sentences name rules and nodes, never counts or times that change by themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from pointsman.model.names import ALLOCATED
from pointsman.model.printable import clipped, sentence, some
from pointsman.model.verdicts.address import listed
from pointsman.model.verdicts.base import Verdict

WORDS_MAX: Final = 256  # characters of what an agent says that are repeated


class AnsweredBy(NamedTuple):
    """An address, and the node that answers ARP and NDP for it."""

    address: str
    node: str
    interface: str


class OnNodes(NamedTuple):
    """An address that the nodes have themselves, or a route to what it lies in."""

    address: str
    aggregate: str = ""  # "": it is an address of theirs


class Withheld(NamedTuple):
    """An address that its node does not answer for, or have, and the words of its agent."""

    address: str
    node: str
    why: str


@dataclass(frozen=True, slots=True)
class Announced(Verdict):
    """It is reachable: by paths recorded in a speaker, or by a node that has it on record.

    It does not list next hops: a node that comes or goes must not rewrite every Service.
    `pointsman explain service` lists them. At layer 2 there is one node, and it is named.
    """

    ok: ClassVar[bool] = True

    service: str
    addresses: tuple[str, ...] = ()  # routers hear of these
    local: bool = False  # of these, and on_nodes: externalTrafficPolicy Local
    notes: tuple[str, ...] = ()  # what is so although one might expect otherwise
    owners: tuple[AnsweredBy, ...] = ()
    withheld: tuple[Withheld, ...] = ()  # of these
    on_nodes: tuple[OnNodes, ...] = ()
    missing: tuple[Withheld, ...] = ()  # of these, on single nodes

    def __str__(self) -> str:
        clauses = []
        if self.addresses:
            which = " with a serving endpoint" if self.local else ""
            verb = "is" if len(self.addresses) == 1 else "are"
            clauses.append(
                f"{listed(self.addresses)} {verb} advertised over BGP with "
                f"every eligible node{which} as next hop"
            )
        by_place: dict[tuple[str, str], list[str]] = {}
        for one in self.owners:
            by_place.setdefault((one.node, one.interface), []).append(one.address)
        for (node, interface), addresses in by_place.items():
            verb = "is" if len(addresses) == 1 else "are"
            clauses.append(
                f"{listed(addresses)} {verb} answered for by {node} at {clipped(interface)}"
            )
        clauses += _on_nodes(self.on_nodes, local=self.local)
        silent = [
            f"{one.node} does not {verb} {one.address} now: {_without_stop(one.why)}."
            for verb, several in (("answer for", self.withheld), ("have", self.missing))
            for one in several
        ]
        announced = f"Service {self.service}: {'; '.join(clauses)}."
        return " ".join((announced, *silent, *self.notes))

    def joined(self, other: "Announced") -> "Announced":
        """Return that both are so, of one Service."""
        return Announced(
            self.service,
            self.addresses + other.addresses,
            local=self.local or other.local,
            notes=tuple(dict.fromkeys((*self.notes, *other.notes))),
            owners=self.owners + other.owners,
            withheld=self.withheld + other.withheld,
            on_nodes=self.on_nodes + other.on_nodes,
            missing=self.missing + other.missing,
        )


def _on_nodes(places: tuple[OnNodes, ...], *, local: bool) -> Iterator[str]:
    """Yield a clause for the host addresses, and one for each aggregate."""
    which = " with a serving endpoint" if local else ""
    by_aggregate: dict[str, list[str]] = {}
    for one in places:
        by_aggregate.setdefault(one.aggregate, []).append(one.address)
    for aggregate, addresses in by_aggregate.items():
        what = listed(addresses)
        if aggregate:
            lies = "lies" if len(addresses) == 1 else "lie"
            yield (
                f"{what} {lies} in {aggregate}, to which every eligible node has a route for a "
                "router there to advertise"
            )
        elif len(addresses) == 1:
            yield (
                f"{what} is an address of every eligible node{which}, for a router there to "
                "advertise"
            )
        else:
            yield (
                f"{what} are addresses of every eligible node{which}, for a router there to "
                "advertise"
            )


def _without_stop(text: str) -> str:
    return sentence(text, longest=WORDS_MAX).removesuffix(".")


@dataclass(frozen=True, slots=True)
class NoAddress(Verdict):
    service: str

    def __str__(self) -> str:
        return f"Service {self.service} has no address to announce: see its condition {ALLOCATED}."


def _subject(service: str, at: str) -> str:
    """Return of what a refusal speaks: a Service, or the one address that it concerns."""
    return f"{at} of Service {service}" if at else f"Service {service}"


SHARED: Final = "Its address is shared, and stays advertised while a Service on it is served."


@dataclass(frozen=True, slots=True)
class NoServingEndpoint(Verdict):
    service: str
    why: str = "it has no endpoint that serves"
    at: str = ""  # the address, where the Service has others that may be reachable
    inside: str = ""  # the aggregate that is advertised nevertheless
    shared: bool = False  # others hold the address, too

    def __str__(self) -> str:
        if self.inside:
            return (
                f"{_subject(self.service, self.at)} is not served: {self.why}. Its aggregate "
                f"{self.inside} stays advertised. Start a Pod that its selector matches and that "
                "becomes ready."
            )
        remedy = "Start a Pod that its selector matches and that becomes ready."
        if self.shared:
            return f"{_subject(self.service, self.at)} is not served: {self.why}. {SHARED} {remedy}"
        return f"{_subject(self.service, self.at)} is withdrawn: {self.why}. {remedy}"


@dataclass(frozen=True, slots=True)
class NoEligibleNode(Verdict):
    service: str
    excluded: tuple[str, ...]  # "node1 is labelled ...", one clause per node
    at: str = ""  # as in NoServingEndpoint
    shared: bool = False  # as in NoServingEndpoint

    def __str__(self) -> str:
        verb = "not served" if self.shared else "withdrawn"
        subject = f"{_subject(self.service, self.at)} is {verb}"
        if not self.excluded:
            return f"{subject}: the cluster has no Node."
        note = f" {SHARED}" if self.shared else ""
        return (
            f"{subject}, because no node may carry its traffic: "
            f"{'; '.join(some(self.excluded))}.{note} Lift one of these rules."
        )


@dataclass(frozen=True, slots=True)
class NoNodeOnSubnet(Verdict):
    service: str
    without: tuple[str, ...]  # "node1 has no interface on its network", one clause per node
    at: str = ""  # as in NoServingEndpoint

    def __str__(self) -> str:
        return (
            f"{_subject(self.service, self.at)} is not announced, because no node that may carry "
            f"its traffic could answer for it: {'; '.join(some(self.without))}. Use addresses of "
            "a network that the nodes are on, or name an interface in layer2.interface of the Eip."
        )


@dataclass(frozen=True, slots=True)
class OnNodeNetwork(Verdict):
    """Of protocol kernel: neighbors would ask for the address by ARP, and no router."""

    service: str
    nodes: tuple[str, ...]  # "node1 is itself on 192.0.2.0/24 (eth0)", one clause per node
    at: str = ""  # as in NoServingEndpoint

    def __str__(self) -> str:
        return (
            f"{_subject(self.service, self.at)} is not announced, because the address lies in a "
            "network of the nodes, where neighbors ask for it by ARP and no router leads to it: "
            f"{'; '.join(some(self.nodes))}. Use addresses of no such network with protocol "
            "kernel, or protocol layer2 for these."
        )


@dataclass(frozen=True, slots=True)
class AddressConflict(Verdict):
    """Another host answers for an address of ours."""

    service: str
    address: str
    node: str
    interface: str
    mac: str

    def __str__(self) -> str:
        return (
            f"{self.address} of Service {self.service} is in use by another host: "
            f"{clipped(self.mac)} answers for it on the network of {clipped(self.interface)} of "
            f"{self.node}. Take the address away from that host, or ask for another one; it stays "
            "with the Service meanwhile."
        )


@dataclass(frozen=True, slots=True)
class NoPeer(Verdict):
    service: str
    why: str  # "there is no BgpPeer"
    at: str = ""  # as in NoServingEndpoint

    def __str__(self) -> str:
        return f"{_subject(self.service, self.at)} is not announced: {self.why}."


@dataclass(frozen=True, slots=True)
class NoSession(Verdict):
    service: str
    peers: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"Service {self.service} reaches no router: there has been no session with "
            f"{listed(self.peers)} for a minute. See the condition Established of the BgpPeer."
        )


@dataclass(frozen=True, slots=True)
class NotAnnounced(Verdict):
    service: str
    why: str
    passing: bool = False  # it mends itself within a pass or two: not worth an event

    def __str__(self) -> str:
        return f"Service {self.service} is not announced: {self.why}."


@dataclass(frozen=True, slots=True)
class StrictARPRequired(Verdict):
    """Kernels would answer ARP for the address beside whoever is elected: several MACs."""

    service: str
    nodes: tuple[str, ...]  # whose kernels would, by name
    at: str = ""  # as in NoServingEndpoint

    def __str__(self) -> str:
        verb = "has" if len(self.nodes) == 1 else "have"
        whose = "its kernel answers" if len(self.nodes) == 1 else "their kernels answer"
        return (
            f"{_subject(self.service, self.at)} is not announced: {listed(self.nodes)} "
            f"{verb} Service addresses on an interface such as kube-ipvs0, and {whose} ARP for "
            "them, whichever node is to answer, so clients would be led to several. Set "
            "net.ipv4.conf.all.arp_ignore=1 and net.ipv4.conf.all.arp_announce=2 on every node "
            "(kube-proxy in IPVS mode: ipvs.strictARP: true); the condition StrictARPRequired of "
            "an Announcer names the interfaces."
        )
