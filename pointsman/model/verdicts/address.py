"""Why a Service has the addresses it has, or lacks them; and what an Eip may give out.

`Allocated=True` means that the Service has what it asks for. A Service that keeps an
address while it waits for another one is `False` with the reason of the refusal, and the
sentence says what it keeps: the address itself goes on being served.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from pointsman.model.names import EIP, SHARE_KEY
from pointsman.model.printable import clipped, some
from pointsman.model.verdicts.base import Severity, Verdict

LISTED_MAX: Final = 64  # as many addresses as a Service may have
# Of who changed its terms: it stays for a while, counted from when its condition says so.
LEAVES_SOON: Final = "so the Service waits ten seconds for them to agree again, then leaves it"


def listed(words: Sequence[str]) -> str:
    """Return "a", "a and b" or "a, b and c"; of very many the first ones, "and others"."""
    if len(words) > LISTED_MAX:
        return f"{', '.join(words[:LISTED_MAX])} and others"
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def warned(clause: str) -> str:
    """Return *clause* as a sentence that warns; "" stays ""."""
    return f"Warning: {clause}." if clause else ""


@dataclass(frozen=True, slots=True)
class Allocated(Verdict):
    """The Service has its addresses; *later* says what a second family waits for."""

    ok: ClassVar[bool] = True

    service: str
    grants: tuple[tuple[str, str], ...]  # (address, name of its Eip), in order of families
    later: str = ""
    warning: str = ""  # a clause: who else has one of them

    def __str__(self) -> str:
        held = listed([f"{address} from Eip '{eip}'" for address, eip in self.grants])
        has = f"Service {self.service} has {held}."
        return " ".join(filter(None, (has, self.later, warned(self.warning))))


@dataclass(frozen=True, slots=True)
class Unserved(Verdict):
    """Base of every refusal: what is so, for whom, and what to do."""

    service: str
    lacks: str  # "IPv4 address", "address"
    because: tuple[str, ...]  # one clause for each Eip or address considered
    about: str = ""  # what `remedy` speaks of: an Eip, an address, an annotation
    keeps: tuple[str, ...] = ()
    warning: str = ""  # a clause: who else has one of those it keeps
    source: str = ""  # what the IPAM of the Eip in *about* is called; "": it has none
    elsewhere: str = ""  # an Eip that has what is asked for, and isn't one that the Service names

    def __str__(self) -> str:
        lacks = f"Service {self.service} has no {self.lacks}"
        has = f"Service {self.service} keeps {listed(self.keeps)}" if self.keeps else lacks
        why = f"{has}: {'; '.join(some(self.because))}. {self.remedy()}"
        return f"{why} {warned(self.warning)}" if self.warning else why

    def remedy(self) -> str:
        raise NotImplementedError


class AddressPoolExhausted(Unserved):
    __slots__ = ()

    def remedy(self) -> str:
        if self.source:
            return (
                f"Widen {clipped(self.source)} there, and spec.addresses of Eip '{self.about}' if "
                "it is set; or name another Eip on the Service."
            )
        return f"Widen spec.addresses of Eip '{self.about}', or name another Eip on the Service."


class AddressInUse(Unserved):
    __slots__ = ()

    def remedy(self) -> str:
        return "It gets the address as soon as that is free; or ask for another one."


class AddressOutsideEips(Unserved):
    __slots__ = ()

    def remedy(self) -> str:
        if self.elsewhere:  # put into another Eip, too, it would make that one overlap
            return f"Name Eip '{self.elsewhere}' on the Service, or ask for another address."
        return f"Add {clipped(self.about)} to spec.addresses of an Eip, or ask for another address."


class AddressExcluded(Unserved):
    __slots__ = ()

    def remedy(self) -> str:
        return "Ask for another address."


class WrongFamily(Unserved):
    __slots__ = ()

    def remedy(self) -> str:
        return (
            "Name an Eip, or ask for an address, of a family in spec.ipFamilies of the Service, "
            "or change spec.ipFamilyPolicy."
        )


class EipNotFound(Unserved):
    __slots__ = ()

    def remedy(self) -> str:
        return f"Create Eip '{clipped(self.about)}', or correct the annotation {EIP}."


class EipDisabled(Unserved):
    """The Eip gives out nothing now: disabled, being deleted, or not Ready."""

    __slots__ = ()

    def remedy(self) -> str:
        return f"Put Eip '{clipped(self.about)}' in order, or name another Eip on the Service."


class NotAdmitted(Unserved):
    __slots__ = ()

    def remedy(self) -> str:
        return (
            f"Let spec.namespaces, spec.namespaceSelector and spec.serviceSelector of Eip "
            f"'{self.about}' admit the Service, or name another Eip."
        )


class NoDefaultEip(Unserved):
    __slots__ = ()

    def remedy(self) -> str:
        return f"Name an Eip in its annotation {EIP}, or give an Eip default: true."


class ShareConflict(Unserved):
    __slots__ = ()

    def remedy(self) -> str:
        return (
            f"Change what stands in the way, or take away the annotation {SHARE_KEY} "
            "for an address of its own."
        )


def says_it_leaves(reason: str, sentence: str) -> bool:
    """Whether a condition says that its Service leaves a shared address soon.

    Many another conflict has the same reason, and may have stood there for long.
    """
    return reason == ShareConflict.__name__ and LEAVES_SOON in sentence


class InvalidAnnotation(Unserved):
    __slots__ = ()

    def remedy(self) -> str:
        return f"Correct {self.about}."


class Deleting(Unserved):
    """The Service is being deleted: it keeps what it holds until it is gone."""

    __slots__ = ()

    def remedy(self) -> str:
        return "It goes when its finalizers are taken away; make it anew if it shall stay."


class WaitingForFamily(Unserved):
    __slots__ = ()

    def remedy(self) -> str:
        return (
            "spec.ipFamilyPolicy is RequireDualStack: provide the missing family, or make it "
            "PreferDualStack."
        )


@dataclass(frozen=True, slots=True)
class InternalError(Verdict):
    """Judging one object raised: a fault of ours, confined to that object."""

    kind: str
    name: str
    error: str  # class of the exception; its text might change by itself

    def __str__(self) -> str:
        return (
            f"{self.kind} {clipped(self.name)} could not be judged and stays as it is: "
            f"{self.error}, a fault of Pointsman. See the manager's log, and please report it."
        )


@dataclass(frozen=True, slots=True)
class Ready(Verdict):
    ok: ClassVar[bool] = True

    eip: str
    never: tuple[str, ...] = ()  # "192.0.2.11 (Node node1)": infrastructure inside the pool
    warning: str = ""  # a sentence without its full stop
    empty: bool = False  # spec.exclude and the infrastructure leave nothing
    source: str = ""  # what its IPAM is called; "": its addresses are its own

    def __str__(self) -> str:
        if self.empty and self.source:
            return (
                f"Eip '{self.eip}' has nothing to give out: {clipped(self.source)} has no address "
                "that spec.addresses and spec.exclude leave, and that is not of the infrastructure."
            )
        if self.empty:
            return (
                f"Eip '{self.eip}' has nothing to give out: all of spec.addresses is excluded or "
                "belongs to the infrastructure. Widen spec.addresses, or shorten spec.exclude."
            )
        never = f", but never {listed(self.never)}" if self.never else ""
        warning = f" Warning: {self.warning}." if self.warning else ""
        its = f"addresses from {clipped(self.source)}" if self.source else "its addresses"
        return f"Eip '{self.eip}' gives out {its}{never}.{warning}"


@dataclass(frozen=True, slots=True)
class Overlap(Verdict):
    eip: str
    others: tuple[tuple[str, str], ...]  # every older Eip, and the first block that both have
    more: bool = False  # there are others still

    def __str__(self) -> str:
        if len(self.others) == 1:
            other, common = self.others[0]
            return (
                f"Eip '{self.eip}' gives out nothing: {common} is also in the older Eip "
                f"'{other}'. Take it out of spec.addresses of one of them, or exclude it there."
            )
        found = [f"{common} in '{other}'" for other, common in self.others]
        if self.more:
            found.append("others in more of them")
        return (
            f"Eip '{self.eip}' gives out nothing: addresses of it are also in older Eips: "
            f"{listed(found)}. Take them out of its spec.addresses, or exclude them there."
        )


@dataclass(frozen=True, slots=True)
class InvalidAddresses(Verdict):
    eip: str
    why: str

    def __str__(self) -> str:
        return f"Eip '{self.eip}' gives out nothing: {self.why}."


@dataclass(frozen=True, slots=True)
class InUse(Verdict):
    eip: str
    holder: str  # the first Service that holds an address of it

    def __str__(self) -> str:
        return (
            f"Eip '{self.eip}' is being deleted and gives out nothing; it goes when its addresses "
            f"are released or lie in another Eip. Service {self.holder} holds one."
        )


@dataclass(frozen=True, slots=True)
class Disabled(Verdict):
    severity: ClassVar[Severity] = Severity.NORMAL  # as its owner wants it

    eip: str
    leaving: bool = False  # being deleted, and nothing holds it

    def __str__(self) -> str:
        cause = "it is being deleted" if self.leaving else "spec.disabled is true"
        return f"Eip '{self.eip}' gives out nothing new: {cause}. Addresses that are held stay."
