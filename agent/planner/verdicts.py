"""Why an agent's report says what it says: the sentences of the Announcer's conditions."""

from dataclasses import dataclass
from typing import ClassVar, Final

from pointsman.model.printable import clipped, some
from pointsman.model.report import MOST_ADDRESSES, MOST_INTERFACES
from pointsman.model.verdicts.base import Severity, Verdict


@dataclass(frozen=True, slots=True)
class Reporting(Verdict):
    """Ready: the node has an interface with a usable address."""

    ok: ClassVar[bool] = True
    node: str
    cut: bool = False  # it has more than an Announcer takes

    def __str__(self) -> str:
        sentence = f"The agent of node {self.node} reports its interfaces and addresses."
        if not self.cut:
            return sentence
        return (
            f"{sentence} It leaves some out: {MOST_INTERFACES} interfaces in order of their "
            f"names, and {MOST_ADDRESSES} addresses of each in order, are all that an Announcer "
            "takes."
        )


@dataclass(frozen=True, slots=True)
class NoAddress(Verdict):
    """Not Ready: nothing on this node can be a next hop."""

    node: str

    def __str__(self) -> str:
        return (
            f"Node {self.node} has no interface with an address that others can reach: link-local, "
            "tentative and duplicate addresses don't count. Give one of its interfaces an address "
            "(`ip address` on the node shows what it has)."
        )


@dataclass(frozen=True, slots=True)
class ProxyHealthy(Verdict):
    """The service proxy says it programs this node."""

    ok: ClassVar[bool] = True
    node: str
    url: str

    def __str__(self) -> str:
        return f"The service proxy of node {self.node} is healthy at {self.url}."


@dataclass(frozen=True, slots=True)
class ProxyUnhealthy(Verdict):
    """The service proxy fails or doesn't answer: the node would drop what it is sent."""

    node: str
    url: str

    def __str__(self) -> str:
        return (
            f"The service proxy of node {self.node} is not healthy at {self.url}, so the node "
            "counts as draining. Look at kube-proxy on that node; if this cluster has no "
            "kube-proxy, run the agents with --proxy-health off or with the URL of what it has."
        )


@dataclass(frozen=True, slots=True)
class AnotherAgent(Verdict):
    """Of the condition Contested: True, because two report for one node."""

    severity: ClassVar[Severity] = Severity.WARNING

    ok: ClassVar[bool] = True
    node: str
    mine: str  # the hosts on which they run
    other: str  # "" where it is not known, or the same

    def __str__(self) -> str:
        where = f", on {self.mine} and on {self.other}" if self.mine and self.other else ""
        return (
            f"Two agents report for node {self.node}{where}: what is reported is one's, then the "
            "other's, and each gives way for a while. Let one agent run on each node, with the "
            "name of that node (--node, or NODE_NAME)."
        )


@dataclass(frozen=True, slots=True)
class HeartbeatsAcknowledged(Verdict):
    """Every manager that the Announcer names hears this node."""

    ok: ClassVar[bool] = True
    node: str

    def __str__(self) -> str:
        return (
            f"The managers hear the heartbeats of node {self.node}: its death is noticed at once."
        )


@dataclass(frozen=True, slots=True)
class NoManagerListens(Verdict):
    """The Announcer names no manager: nothing is sent, and nothing follows from silence."""

    severity: ClassVar[Severity] = Severity.NORMAL
    node: str

    def __str__(self) -> str:
        return (
            f"The Announcer of node {self.node} names no manager that hears heartbeats, so none "
            "are sent: should the node die, Kubernetes' own conditions decide, tens of seconds "
            "later. A manager names itself while it runs; if one does, look whether its "
            "--heartbeat is off."
        )


@dataclass(frozen=True, slots=True)
class HeartbeatsUnanswered(Verdict):
    """A manager does not acknowledge: for it, this node's life is Kubernetes' word alone."""

    node: str
    managers: tuple[str, ...]

    def __str__(self) -> str:
        names = ", ".join(self.managers)
        return (
            f"The heartbeats of node {self.node} are not acknowledged by {names}: it judges this "
            "node by Kubernetes' conditions alone. Let UDP pass between the node and the addresses "
            "in spec.managers of its Announcer, both ways."
        )


@dataclass(frozen=True, slots=True)
class KernelAnswersToo(Verdict):
    """Of the condition StrictARPRequired: True, because this kernel answers for every Service."""

    severity: ClassVar[Severity] = Severity.WARNING

    ok: ClassVar[bool] = True
    node: str
    holders: tuple[str, ...]  # interfaces with Service addresses
    loose: tuple[str, ...]  # interfaces on which the kernel would answer for them

    def __str__(self) -> str:
        holders = ", ".join(some([clipped(name) for name in self.holders]))
        loose = ", ".join(some([clipped(name) for name in self.loose]))
        return (
            f"Node {self.node} has Service addresses of its own on {holders}, and its kernel "
            f"answers ARP for them on {loose}, whichever node is to answer: clients would be led "
            "to several. Set net.ipv4.conf.all.arp_ignore=1 and net.ipv4.conf.all.arp_announce=2 "
            "on every node; for kube-proxy in IPVS mode set ipvs.strictARP: true in its "
            "configuration, which does both."
        )


NAMED: Final = 4  # addresses of an unlimited number: whoever looks needs one


@dataclass(frozen=True, slots=True)
class GatewaySilent(Verdict):
    """Of the condition Unacknowledged: True, because nobody knows where a gateway sends packets."""

    severity: ClassVar[Severity] = Severity.WARNING

    ok: ClassVar[bool] = True
    node: str
    gateways: tuple[str, ...]  # "192.0.2.1 on eth0"
    addresses: tuple[str, ...]

    def __str__(self) -> str:
        gateways = ", ".join(some([clipped(name) for name in self.gateways]))
        addresses = ", ".join(some(self.addresses, NAMED))
        return (
            f"Node {self.node} answers for {addresses}, asked {gateways} in that name, and got no "
            "answer: whether packets that come by that way are sent to this node is not known. If "
            "they are not, look what the gateway's neighbor table has for the address, and let ARP "
            "and Neighbor Discovery pass between the gateway and the node."
        )
