"""Whether the addresses of a Service are reachable, and why not.

Sentences name rules and nodes, never counts or times that change by themselves.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from pointsman.model.names import ALLOCATED
from pointsman.model.printable import some
from pointsman.model.verdicts.address import listed
from pointsman.model.verdicts.base import Verdict


@dataclass(frozen=True, slots=True)
class Announced(Verdict):
    """Routers hear of it: decided, and recorded in a speaker.

    It does not list the nodes: a node that comes or goes must not rewrite every Service.
    `pointsman explain service` lists them.
    """

    ok: ClassVar[bool] = True

    service: str
    addresses: tuple[str, ...]
    local: bool = False  # externalTrafficPolicy Local
    notes: tuple[str, ...] = ()  # what is so although one might expect otherwise

    def __str__(self) -> str:
        which = " with a serving endpoint" if self.local else ""
        verb = "is" if len(self.addresses) == 1 else "are"
        advertised = (
            f"Service {self.service}: {listed(self.addresses)} {verb} advertised over BGP with "
            f"every eligible node{which} as next hop."
        )
        return " ".join((advertised, *self.notes))


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
class ForeignController(Verdict):
    """Another load balancer gave the Service its addresses, or writes its own over ours."""

    service: str
    addresses: tuple[str, ...]  # what stands there, of the other's
    ours: tuple[str, ...] | None = None  # what it overwrote; None: it was there first

    def __str__(self) -> str:
        if self.ours is not None:
            there = f"writes {listed(self.addresses)} over" if self.addresses else "takes away"
            ours = listed(self.ours) if self.ours else "what Pointsman leaves empty"
            return (
                f"Service {self.service} is left alone for a while: another controller {there} "
                f"{ours} again and again. Stop it from serving this Service, or run "
                "the manager with --require-class and set spec.loadBalancerClass, so that each "
                "Service has one. Pointsman tries again now and then, and at once when the "
                "Service is changed."
            )
        return (
            f"Service {self.service} is left alone: {listed(self.addresses)} came from another "
            "load balancer. Run the manager with --require-class, or set spec.loadBalancerClass, "
            "so that each Service has one."
        )


@dataclass(frozen=True, slots=True)
class Repaired(Verdict):
    """Somebody changed what we had recorded on a Service; it is recorded again."""

    ok: ClassVar[bool] = True

    service: str
    what: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"Service {self.service}: somebody changed {listed(self.what)}, which is Pointsman's; "
            "it is written again as it was. Leave status.loadBalancer and our annotations out "
            "of what you apply."
        )
