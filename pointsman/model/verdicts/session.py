"""Verdicts on the sessions of a BgpPeer: are they up, and what was negotiated."""

from dataclasses import dataclass
from typing import ClassVar

from pointsman.model.verdicts.base import Severity, Verdict


@dataclass(frozen=True, slots=True)
class Established(Verdict):
    ok: ClassVar[bool] = True

    peer: str
    unwatched: bool = False  # BFD is asked for, and the router does not take part
    confusable: bool = False  # with another replica's: planner.bgp.restarting

    def __str__(self) -> str:
        text = f"The session with BgpPeer '{self.peer}' is established."
        if self.unwatched:
            text += " BFD is down: run it on the router for us, too, or remove spec.bfd."
        if self.confusable:
            text += (
                " Several manager replicas speak from the same source address, and "
                "gracefulRestart.enabled is Always: if more than one host has that address, the "
                "router takes each session for the other's next, and it goes to and fro. Set "
                "gracefulRestart.enabled to Auto, or let one host at a time have the address."
            )
        return text


@dataclass(frozen=True, slots=True)
class NotEstablished(Verdict):
    peer: str
    address: str
    asn: int
    why: str = ""

    def __str__(self) -> str:
        cause = f" ({self.why})" if self.why else ""
        return (
            f"There is no session with BgpPeer '{self.peer}'{cause}. Check that {self.address} "
            f"is reachable, runs AS {self.asn} and has us configured as a neighbor."
        )


@dataclass(frozen=True, slots=True)
class SpeakerSilent(Verdict):
    """Neither up nor down: whoever has the session does not answer."""

    known: ClassVar[bool] = False

    peer: str

    def __str__(self) -> str:
        return (
            f"Nothing is known of the session with BgpPeer '{self.peer}': the BGP speaker of the "
            "manager does not answer, so the router may have lost what it was told. See the "
            "container gobgp beside the leading manager; it is told everything again when it "
            "answers."
        )


@dataclass(frozen=True, slots=True)
class TooManyPrefixes(Verdict):
    """Of the condition PrefixesReceived: True, because a router sends us what nobody uses."""

    ok: ClassVar[bool] = True
    severity: ClassVar[Severity] = Severity.WARNING

    peer: str

    def __str__(self) -> str:
        return (
            f"BgpPeer '{self.peer}' sends us more than 1,000 prefixes. None is used, and each "
            "costs the speaker memory; the session is left alone. Have the router's filter for "
            "us deny everything outwards (FRR: 'neighbor ADDRESS prefix-list NAME out', with "
            "'seq 5 deny any'; BIRD: 'export none'); docs/routers has each."
        )


@dataclass(frozen=True, slots=True)
class PartlyEstablished(Verdict):
    """Some of several parallel sessions are up: the router is reached, by fewer next hops."""

    ok: ClassVar[bool] = True
    severity: ClassVar[Severity] = Severity.WARNING

    peer: str
    sessions: int
    down: tuple[str, ...]  # the source addresses of those that are not up

    def __str__(self) -> str:
        up = self.sessions - len(self.down)
        return (
            f"{up} of {self.sessions} sessions with BgpPeer '{self.peer}' are established, none "
            f"from {', '.join(self.down)}. Check that the manager's host has that address and the "
            "router has it as a neighbor."
        )


@dataclass(frozen=True, slots=True)
class Negotiated(Verdict):
    ok: ClassVar[bool] = True

    peer: str
    forgets: bool = True  # what a restarted speaker no longer announces; False: it may not

    def __str__(self) -> str:
        text = f"BgpPeer '{self.peer}' takes several paths of a prefix (ADD-PATH, RFC 7911)."
        if not self.forgets:
            text += (
                " If it is FRR before 9.0.5, 9.1.3, 10.0.3 or 10.1.2, it may keep next hops that "
                "went away during a graceful restart: update it, or set gracefulRestart.enabled "
                "to Never; docs/routers has the cases."
            )
        return text


@dataclass(frozen=True, slots=True)
class SinglePath(Verdict):
    peer: str
    off: bool = False  # by spec.addPath.enabled

    def __str__(self) -> str:
        if self.off:
            return (
                f"BgpPeer '{self.peer}' is told one path of each prefix, so one node carries all "
                "its traffic: spec.addPath.enabled is false. A router without ADD-PATH has several "
                "with spec.parallelSessions."
            )
        return (
            f"BgpPeer '{self.peer}' keeps one path of each prefix, so one node carries all its "
            "traffic: the router did not negotiate ADD-PATH. Let it receive additional paths from "
            "us (FRR: on unless 'disable-addpath-rx'; BIRD: 'add paths rx'; Cisco: "
            "'additional-paths receive'; Juniper: 'add-path receive'; Arista: 'bgp "
            "additional-paths receive'); docs/routers has each. Or "
            "set spec.parallelSessions, for a router that cannot."
        )


@dataclass(frozen=True, slots=True)
class ParallelSessions(Verdict):
    """Of the condition AddPathNegotiated: False, and no fault."""

    severity: ClassVar[Severity] = Severity.NORMAL

    peer: str
    sessions: int

    def __str__(self) -> str:
        if self.sessions == 1:
            return f"BgpPeer '{self.peer}' keeps one path of each prefix: it has one session."
        return (
            f"BgpPeer '{self.peer}' keeps one path of each prefix for each session. Its "
            f"{self.sessions} parallel sessions give it up to {self.sessions} next hops."
        )
