"""Verdicts on a BgpConf and on a BgpPeer: may it be used, and how does its session go."""

from dataclasses import dataclass
from typing import ClassVar

from pointsman.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Usable(Verdict):
    """Base of what is fine; ``reason`` is the class name of the subclass."""

    ok: ClassVar[bool] = True

    what: str

    def __str__(self) -> str:
        return f"{self.what} is used."


class Ready(Usable):
    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Invalid(Verdict):
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what} cannot be read and changes nothing: {self.why}."


@dataclass(frozen=True, slots=True)
class Ignored(Verdict):
    what: str

    def __str__(self) -> str:
        return f"{self.what} is ignored: only the BgpConf named 'default' is used."


@dataclass(frozen=True, slots=True)
class Disabled(Verdict):
    what: str

    def __str__(self) -> str:
        return f"{self.what} is disabled: no session is opened. Set spec.disabled to false."


@dataclass(frozen=True, slots=True)
class Duplicate(Verdict):
    what: str
    other: str
    address: str

    def __str__(self) -> str:
        return (
            f"{self.what} is not used: the older BgpPeer '{self.other}' has the same address "
            f"{self.address}. Delete one of the two."
        )


@dataclass(frozen=True, slots=True)
class NoBgpConf(Verdict):
    what: str

    def __str__(self) -> str:
        return (
            f"{self.what} has no session of ours: there is no usable BgpConf named 'default'. "
            "Create one with spec.as."
        )


@dataclass(frozen=True, slots=True)
class Established(Verdict):
    ok: ClassVar[bool] = True

    peer: str
    unwatched: bool = False  # BFD is asked for, and the router does not take part

    def __str__(self) -> str:
        said = f"The session with BgpPeer '{self.peer}' is established."
        if self.unwatched:
            said += " BFD is down: run it on the router for us, too, or remove spec.bfd."
        return said


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
class Negotiated(Verdict):
    ok: ClassVar[bool] = True

    peer: str
    forgets: bool = True  # what a restarted speaker no longer announces; False: it may not

    def __str__(self) -> str:
        said = f"BgpPeer '{self.peer}' takes several paths of a prefix (ADD-PATH, RFC 7911)."
        if not self.forgets:
            said += (
                " If it is FRR before 9.0.5, 9.1.3, 10.0.3 or 10.1.2, it may keep next hops that "
                "went away during a graceful restart: update it, or set gracefulRestart.enabled "
                "to Never; docs/routers has the cases."
            )
        return said


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
class SecretMissing(Verdict):
    what: str
    secret: str
    key: str
    read: bool = True  # False: Secrets were not read, so nothing is known of this one

    def __str__(self) -> str:
        if not self.read:
            return (
                f"{self.what} needs the password '{self.key}' of Secret '{self.secret}', and "
                "Secrets have not been read: a session that exists keeps its password, none is "
                "opened anew."
            )
        return (
            f"{self.what} has no session: Secret '{self.secret}' in the manager's namespace has "
            f"no password '{self.key}'. Create it; a session never goes without."
        )


@dataclass(frozen=True, slots=True)
class SecretUnusable(Verdict):
    what: str
    secret: str
    key: str

    def __str__(self) -> str:
        return (
            f"{self.what} has no session: the value of '{self.key}' in Secret '{self.secret}' is "
            "too long for a password of a session (TCP MD5). Use at most 80 bytes."
        )


@dataclass(frozen=True, slots=True)
class NotListening(Verdict):
    what: str

    def __str__(self) -> str:
        return (
            f"{self.what} has no session: it is passive, and BgpConf 'default' does not listen. "
            "Set spec.listenPort there, or spec.passive to false."
        )


@dataclass(frozen=True, slots=True)
class NeedsOwnSpeaker(Verdict):
    """A router that keeps one path, and may not be sent the one that others are sent."""

    what: str
    other: str
    stays: str = ""  # what must be done before a further speaker could take the session over

    def __str__(self) -> str:
        return (
            f"{self.what} is told nothing: it keeps one path of each prefix, and may be sent other "
            f"next hops than BgpPeer '{self.other}', but a speaker has one best path for all. "
            f"Enable ADD-PATH on the router, or give both the same nextHops, or {self._more}."
        )

    @property
    def _more(self) -> str:
        if self.stays:
            return f"{self.stays}, so that a further speaker can serve it"
        return "give the managers one more speaker (--gobgp-socket)"


@dataclass(frozen=True, slots=True)
class TooFewSpeakers(Verdict):
    """A router with fewer sessions than its parallelSessions name; it is used, for all that."""

    ok: ClassVar[bool] = True

    what: str
    wanted: int
    served: int

    def __str__(self) -> str:
        lacking = self.wanted - self.served
        return (
            f"{self.what} is used, with {self.served} of its {self.wanted} parallel sessions: no "
            "further speaker is left for the others. Give each manager "
            f"{lacking} more (--gobgp-socket, a sidecar each), or name fewer sourceAddresses."
        )


@dataclass(frozen=True, slots=True)
class PartlyEstablished(Verdict):
    """Some of several parallel sessions are up: the router is reached, by fewer next hops."""

    ok: ClassVar[bool] = True

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
class ParallelSessions(Verdict):
    """Of the condition AddPathNegotiated: False, and no fault."""

    peer: str
    sessions: int

    def __str__(self) -> str:
        if self.sessions == 1:
            return f"BgpPeer '{self.peer}' keeps one path of each prefix: it has one session."
        return (
            f"BgpPeer '{self.peer}' keeps one path of each prefix for each session. Its "
            f"{self.sessions} parallel sessions give it up to {self.sessions} next hops."
        )


@dataclass(frozen=True, slots=True)
class NoNextHop(Verdict):
    """Of the condition NextHopsMissing: True, because no node may be sent."""

    ok: ClassVar[bool] = True

    peer: str
    families: tuple[str, ...]
    why: tuple[str, ...]  # clauses, such as "has no IPv4 address": each node has one of them

    def __str__(self) -> str:
        return (
            f"BgpPeer '{self.peer}' is told no {' and no '.join(self.families)} prefix, because no "
            f"node may be its next hop: each {', or '.join(self.why)}. Correct nextHops of the "
            "BgpPeer, or the nodes."
        )


@dataclass(frozen=True, slots=True)
class NotConnected(Verdict):
    """Of the condition NextHopsUnverified: True, because next hops are further off."""

    ok: ClassVar[bool] = True

    peer: str
    direct: bool  # its session is an eBGP one of one hop: RFC 4271 section 5.1.3

    def __str__(self) -> str:
        how = ": every router in between must"
        if self.direct:
            how = (
                ". Where they really are further off, this router leaves them out, as its session "
                "is one hop long; if it is told to take them, every router in between must"
            )
        return (
            f"BgpPeer '{self.peer}' is sent nodes that are on no network it shares, as far as "
            f"their agents report{how} know the same prefixes, or packets loop. Set "
            "nextHops.scope to Connected to send only nodes nearby."
        )
