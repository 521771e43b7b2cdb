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
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from manager.snapshot import Condition, Service
from pointsman.model.address import Address
from pointsman.model.names import ALLOCATED, ALLOCATED_FROM, ANNOUNCED, OUR_CONDITIONS
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
    in_status = service.status_addresses
    ours = {one.type: one for one in service.conditions if one.type in OUR_CONDITIONS}
    annotated = _annotated(service)
    if not in_status or not ours:
        annotated = annotated if service.hints_are_ours else frozenset()
        own = tuple(address for address in in_status if address in annotated)
        return OwnRecord(own, others=tuple(a for a in in_status if a not in annotated))
    allocated = ours.get(ALLOCATED)
    if allocated is None:  # the other says what is announced, to whom, and what is in the way
        named = annotated or named_in(ours[ANNOUNCED].message)
    else:
        named = had_in(allocated.message)
    if _says_none(ours, named):
        return OwnRecord(others=in_status)
    known = named or annotated
    own = tuple(address for address in in_status if address in known)
    if own or named:
        return OwnRecord(own, others=tuple(a for a in in_status if a not in known))
    return OwnRecord(in_status, presumed=frozenset(in_status))


def overwritten(service: Service) -> bool:
    """Whether addresses that we recorded are gone from the status; allocated-from has them.

    Who wrote that last is what the API server remembers. Where it doesn't tell, conditions of
    ours must stand there, and must not deny the addresses.
    """
    annotated = _annotated(service)
    in_status = frozenset(service.status_addresses)
    ours = {one.type: one for one in service.conditions if one.type in OUR_CONDITIONS}
    allocated = ours.get(ALLOCATED)
    has_all = allocated is not None and allocated.status == "True"
    if not annotated or annotated == in_status or (annotated < in_status and not has_all):
        return False  # an address that lies in no Eip is held, too
    named = frozenset() if allocated is None else had_in(allocated.message)
    if in_status and named == in_status:
        return False  # status and condition agree: it is the annotation that was changed
    if service.hints_are_ours is not None:
        return service.hints_are_ours
    if allocated is None or _says_none(ours, named):
        return False
    return annotated <= named if named else not in_status


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


@lru_cache(maxsize=1 << 14)  # every plan reads the same conditions again
def had_in(sentence: str) -> frozenset[Address]:
    """Return the addresses that a sentence about an allocation says the Service has."""
    return named_in(_QUOTED.sub(" ", _REASON.split(sentence, 1)[0]))


@lru_cache(maxsize=1 << 14)
def named_in(sentence: str) -> frozenset[Address]:
    """Return the addresses that *sentence* mentions, whatever it says about them."""
    found: set[Address] = set()
    for word in _WORD.findall(sentence):
        # An IPv6 address may end in a colon itself: "keeps 2001:db8::: it asks for ...".
        for spelled in (word, word[:-1]) if word[-1] in ".:" else (word,):
            try:
                found.add(read_address(spelled))
                break
            except ValueError:
                continue
    return frozenset(found)


def recorded_items(text: str) -> Iterator[str]:
    """Yield the items of allocated-from that say what was given, not what is hoped for."""
    items = (item.strip() for item in text.split(","))
    return (item for item in items if not item.endswith(HOPED))


def _annotated(service: Service) -> frozenset[Address]:
    return _addresses_listed(",".join(recorded_items(service.annotations.get(ALLOCATED_FROM, ""))))


def _addresses_listed(text: str) -> frozenset[Address]:
    """Return the addresses of a comma list, with or without the Eip before each."""
    return frozenset(_readable(item.rpartition("/")[2].strip() for item in text.split(",")))


def _readable(texts: Iterable[str]) -> Iterator[Address]:
    for text in texts:
        try:
            yield read_address(text)
        except ValueError:
            continue
