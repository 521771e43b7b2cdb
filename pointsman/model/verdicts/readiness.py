"""Verdicts on a BgpConf and on a BgpPeer: may it be used, and what is it sent."""

from dataclasses import dataclass
from typing import ClassVar

from pointsman.model.printable import clipped
from pointsman.model.verdicts.address import listed
from pointsman.model.verdicts.base import Severity, Verdict


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
class AnsweredCentrally(Verdict):
    """Of the condition CentralResponder: what to know before one relies on it."""

    ok: ClassVar[bool] = True

    eip: str

    def __str__(self) -> str:
        return (
            f"The leading manager answers broadcasts for addresses of Eip '{self.eip}' with the "
            "MAC address of their node, from its own port. That works neither with ARP or ND "
            "inspection nor with switches that bind an entry to the port it was learnt on: set "
            "layer2.responder to Node there."
        )


@dataclass(frozen=True, slots=True)
class AgentsSilentTogether(Verdict):
    """Of the condition LivenessFrozen: True, because it may be ourselves who hear nobody."""

    ok: ClassVar[bool] = True
    severity: ClassVar[Severity] = Severity.WARNING

    domains: tuple[str, ...]

    def __str__(self) -> str:
        where = listed([f"'{clipped(one)}'" for one in self.domains])
        return (
            f"Half or more of the agents of {where} fell silent together, which may be the "
            "manager's own network. None of their nodes is taken for dead until agents elsewhere "
            "cannot reach them either; all else goes on. Look at the network between them and the "
            "manager."
        )


@dataclass(frozen=True, slots=True)
class NotStarted(Verdict):
    """A speaker refuses what the BgpConf asks for: its port or address cannot be had."""

    what: str
    why: str  # sentences of the speaker's

    def __str__(self) -> str:
        return f"A speaker does not start as {self.what} says, and has no session. {self.why}"


@dataclass(frozen=True, slots=True)
class Disabled(Verdict):
    severity: ClassVar[Severity] = Severity.NORMAL  # as its owner wants it

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
    why: str  # a clause: there is none, or it cannot be read
    cure: str  # what to do, as a clause
    keeps: bool = False  # a speaker has the session, and goes on advertising what it does

    def __str__(self) -> str:
        has = "has no session of ours"
        if self.keeps:
            has = "keeps its session and every path that it was told, and is told nothing new"
        return f"{self.what} {has}: {self.why}. {self.cure[:1].upper()}{self.cure[1:]}."


@dataclass(frozen=True, slots=True)
class SecretMissing(Verdict):
    what: str
    secret: str
    key: str
    read: bool = True  # False: Secrets were not read, so nothing is known of this one

    def __str__(self) -> str:
        if not self.read:
            return (
                f"{self.what} needs the password '{clipped(self.key)}' of Secret "
                f"'{clipped(self.secret)}', and Secrets have not been read: a session that exists "
                "keeps its password, none is opened anew. The right to read them is list and "
                "watch on secrets in the manager's namespace: apply "
                "deploy/options/passwords.yaml if it isn't granted."
            )
        return (
            f"{self.what} has no session: Secret '{clipped(self.secret)}' in the manager's "
            f"namespace has no password '{clipped(self.key)}'. Create it; a session never goes "
            "without."
        )


@dataclass(frozen=True, slots=True)
class SecretUnusable(Verdict):
    what: str
    secret: str
    key: str

    def __str__(self) -> str:
        return (
            f"{self.what} has no session: the value of '{clipped(self.key)}' in Secret "
            f"'{clipped(self.secret)}' is too long for a password of a session (TCP MD5). "
            "Use at most 80 bytes."
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
    severity: ClassVar[Severity] = Severity.WARNING

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
class NoNextHop(Verdict):
    """Of the condition NextHopsMissing: True, because no node may be sent."""

    ok: ClassVar[bool] = True
    severity: ClassVar[Severity] = Severity.WARNING

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
class SpeakerLimit(Verdict):
    """Of the condition NextHopsLimited: True, because a speaker sends no more paths."""

    ok: ClassVar[bool] = True

    peer: str
    most: int

    def __str__(self) -> str:
        return (
            f"BgpPeer '{self.peer}' is sent {self.most} next hops of a prefix at most, though "
            "more nodes may be its next hops: a speaker sends no more. They are spread over the "
            "zones, and each prefix leaves out others. To choose yourself, set "
            "nextHops.nodeSelector or nextHops.maxPaths of the BgpPeer, or nodeSelector of the Eip."
        )


@dataclass(frozen=True, slots=True)
class NotConnected(Verdict):
    """Of the condition NextHopsUnverified: True, because next hops are further off."""

    ok: ClassVar[bool] = True
    severity: ClassVar[Severity] = Severity.WARNING

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


@dataclass(frozen=True, slots=True)
class AddressOnSeveralNodes(Verdict):
    """Of the condition NextHopsContested: True, because nodes share an address."""

    ok: ClassVar[bool] = True
    severity: ClassVar[Severity] = Severity.WARNING

    peer: str
    addresses: tuple[tuple[str, tuple[str, ...]], ...]  # each with the nodes that have it
    more: bool = False

    def __str__(self) -> str:
        found = [f"{address} on {listed(nodes)}" for address, nodes in self.addresses]
        if self.more:
            found.append("others")
        return (
            f"BgpPeer '{self.peer}' would reach one of several nodes by one address: "
            f"{listed(found)}. It is the next hop of no node but of those whose InternalIP it is. "
            "Let one node have it, and see that every agent runs with the name of its own node "
            "(--node)."
        )
