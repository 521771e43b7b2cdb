"""Why an agent's report says what it says: the sentences of the Announcer's conditions."""

from dataclasses import dataclass
from typing import ClassVar

from pointsman.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Reporting(Verdict):
    """Ready: the node has an interface with a usable address."""

    ok: ClassVar[bool] = True
    node: str

    def __str__(self) -> str:
        return f"The agent of node {self.node} reports its interfaces and addresses."


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
