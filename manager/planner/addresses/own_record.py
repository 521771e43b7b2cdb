"""Which addresses in a Service's status we wrote there ourselves: our record, and nothing else.

Anybody who may write a Service's status can put an address there, other load balancers do.
Ours is known by its structure: our conditions, which users cannot write, stand beside it,
and they name the addresses, as the annotation allocated-from does. How a condition puts it
doesn't matter: another version may have other words. But a reason may name what the Service
never had: an address that it asks for, that others share with it, that an Eip or a Node has for
a name. So only what stands before the reason counts. It refuses to believe the annotation
alone, which whoever may edit the Service may write, unless the API server remembers that it
is as we wrote it: then it outlasts a status that was wiped.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from manager.snapshot import Condition, EipName, Service
from pointsman.model.address import Address
from pointsman.model.names import (
    ALLOCATED,
    ALLOCATED_FROM,
    ANNOUNCED,
    LOAD_BALANCER,
    LOAD_BALANCER_CLASS,
    OUR_CONDITIONS,
)
from pointsman.model.ranges import read_address
from pointsman.model.verdicts.address import InternalError
from pointsman.model.verdicts.announcement import NoAddress

HOPED: Final = "?"  # behind an item of allocated-from: it had that once, and waits for it
_WORD: Final = re.compile(r"[0-9A-Fa-f:.]{2,}")
# The colon before a reason; of "keeps 2001:db8::: it asks for" the third.
_REASON: Final = re.compile(r"(?:(?<!:)|(?<=::)):(?=\s|$)")
_QUOTED: Final = re.compile(r"'[^']*'")  # names of Eips


@dataclass(frozen=True, slots=True)
class OwnRecord:
    """What of a Service's status is our own record, in the order of the status."""

    addresses: tuple[Address, ...] = ()
    presumed: frozenset[Address] = frozenset()  # of these: nothing but the status names them
    others: tuple[Address, ...] = ()  # what somebody else wrote there


def bears_mark(service: Service) -> bool:
    """Whether we ever wrote a record on *service*; what a user can write is no mark."""
    return bool(service.hints_are_ours) or any(
        one.type in OUR_CONDITIONS for one in service.conditions
    )


def own_record(service: Service) -> OwnRecord:
    """Return which addresses in the status of *service* are our record."""
    return Traces(service).record()


class Traces:
    """What stands on a Service and may be of us, read once for all questions about it."""

    __slots__ = ("conditions", "hints_are_ours", "in_status", "items", "marked", "only_ours")

    def __init__(self, service: Service) -> None:
        self.in_status = service.status_addresses
        self.conditions = {
            one.type: one for one in service.conditions if one.type in OUR_CONDITIONS
        }
        self.items = allocated_from_items(service.annotations.get(ALLOCATED_FROM, ""))
        self.hints_are_ours = service.hints_are_ours
        self.marked = bears_mark(service)
        self.only_ours = (
            service.type == LOAD_BALANCER and service.load_balancer_class == LOAD_BALANCER_CLASS
        )

    def record(self) -> OwnRecord:
        """Return which addresses in the status are our record."""
        in_status, ours, annotated = self.in_status, self.conditions, self.items.annotated
        if not in_status or not ours:
            annotated = annotated if self.hints_are_ours else frozenset()
            return _record(in_status, annotated)
        allocated = ours.get(ALLOCATED)
        if allocated is None:  # the other says what is announced, to whom, what is in the way
            named = annotated or named_in(ours[ANNOUNCED].message)
        else:
            named = had_in(allocated.message)
        if _says_none(ours, named):
            return OwnRecord(others=in_status)
        found = _record(in_status, named or annotated)
        if found.addresses or named:
            return found
        return OwnRecord(in_status, presumed=frozenset(in_status))

    def recorded(self, record: OwnRecord) -> tuple[Address, ...]:
        """Return what the status, of which *record* is ours, keeps from everybody else.

        What somebody else wrote into the status of one that only we serve is none: it goes.
        """
        if self.marked:
            return record.addresses
        return () if self.only_ours else self.in_status

    def overwritten(self) -> bool:
        """Whether addresses that we recorded are gone from the status; allocated-from has them.

        Who wrote that last is what the API server remembers. Where it doesn't tell, conditions
        of ours must stand there, and must not deny the addresses.
        """
        annotated, in_status = self.items.annotated, frozenset(self.in_status)
        if not annotated or annotated == in_status:
            return False
        allocated = self.conditions.get(ALLOCATED)
        has_all = allocated is not None and allocated.status == "True"
        if annotated < in_status and not has_all:
            return False  # an address that lies in no Eip is held, too
        named = frozenset() if allocated is None else had_in(allocated.message)
        if in_status and named == in_status:
            return False  # status and condition agree: it is the annotation that was changed
        if self.hints_are_ours is not None:
            return self.hints_are_ours
        if allocated is None or _says_none(self.conditions, named):
            return False
        return annotated <= named if named else not in_status


def _record(in_status: tuple[Address, ...], known: frozenset[Address]) -> OwnRecord:
    if known.issuperset(in_status):
        return OwnRecord(in_status)
    own = tuple(address for address in in_status if address in known)
    return OwnRecord(own, others=tuple(a for a in in_status if a not in known))


def _says_none(ours: Mapping[str, Condition], named: frozenset[Address]) -> bool:
    """Whether our conditions say that the Service has no address of ours."""
    allocated, announced = ours.get(ALLOCATED), ours.get(ANNOUNCED)
    if allocated is not None and allocated.status == "True":
        return False
    if allocated is not None and allocated.reason == InternalError.__name__:
        return False  # it was not judged, and everything stayed as it was
    if announced is None:  # refused before anything was announced: it had none, or names it
        return not named
    return announced.reason == NoAddress.__name__


def had_in(sentence: str) -> frozenset[Address]:
    """Return the addresses that a sentence about an allocation says the Service has."""
    return named_in(_QUOTED.sub(" ", _REASON.split(sentence, 1)[0]))


def named_in(sentence: str) -> frozenset[Address]:
    """Return the addresses that *sentence* mentions, whatever it says about them."""
    found: set[Address] = set()
    for word in _WORD.findall(sentence):
        if ":" not in word and "." not in word:
            continue  # a word or a number: most of them are
        # An IPv6 address may end in a colon itself: "keeps 2001:db8::: it asks for ...".
        for spelled in (word, word[:-1]) if word[-1] in ".:" else (word,):
            address = _address(spelled)
            if address is not None:
                found.add(address)
                break
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class AllocatedFrom:
    """What an annotation allocated-from says; anyone may have written it."""

    hints: tuple[tuple[EipName, Address], ...] = ()  # what it had, or hopes for; no nonsense
    given: tuple[Address, ...] = ()  # of these: what was given, not what is hoped for
    annotated: frozenset[Address] = frozenset()  # what was given, with or without its Eip


def allocated_from_items(text: str) -> AllocatedFrom:
    """Return what allocated-from says: "EIP/ADDRESS,...", with a mark behind what is hoped for."""
    if not text:
        return AllocatedFrom()
    hints: list[tuple[EipName, Address]] = []
    given: dict[Address, None] = {}
    annotated: set[Address] = set()
    for item in map(str.strip, text.split(",")):
        name, _, spelled = item.removesuffix(HOPED).partition("/")
        address = _address(spelled)
        if address is not None:
            hints.append((EipName(name), address))
        if item.endswith(HOPED):
            continue
        last = item.rpartition("/")[2].strip()
        listed = address if last == spelled else _address(last)
        if listed is not None:
            annotated.add(listed)
        if address is not None:
            given[address] = None
    return AllocatedFrom(tuple(hints), tuple(given), frozenset(annotated))


def _address(text: str) -> Address | None:
    try:
        return read_address(text)
    except ValueError:
        return None
