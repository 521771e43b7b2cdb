"""Why an agent's report says what it says: the sentences of the Announcer's conditions."""

from dataclasses import dataclass
from typing import ClassVar

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
