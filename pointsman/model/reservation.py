"""Addresses that come from an IPAM: what is asked of it, and what it was seen to hold of ours.

An IPAM (NetBox, or whoever speaks our HTTP contract) is one more system that is read back: an
address is a Service's only once it was *observed* there as reserved for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from pointsman.model.address import Address, Family
from pointsman.model.ranges import AddressSet

SERVICES_MAX: Final = 150  # characters; a description of NetBox's holds 200


class ReservationState(StrEnum):
    """What an IPAM says of one address."""

    HELD = "held"
    QUARANTINED = "quarantined"  # released, and given to nobody for a while


@dataclass(frozen=True, slots=True)
class ReservationKey:
    """For whom an address is reserved: one family of one Service, by its uid.

    The Eip, and the cluster, are those of the source that is asked.
    """

    service_uid: str
    family: Family


@dataclass(frozen=True, slots=True)
class SourceOwner:
    """In whose name an Eip reserves: this cluster (the uid of kube-system), this Eip.

    Everything of its own that it can find again starts with :attr:`text`.
    """

    cluster_uid: str
    eip: str

    @property
    def text(self) -> str:
        """Return what is common to all that this Eip owns: CLUSTER/EIP."""
        return f"{self.cluster_uid}/{self.eip}"

    def entry(self, key: ReservationKey | None) -> str:
        """Return the owner of what is reserved for *key*; None: for no Service yet."""
        return self.text if key is None else f"{self.text}/{key.service_uid}/{key.family}"

    def owns(self, text: str) -> bool:
        """Whether *text*, which anybody may have written, names this cluster and this Eip."""
        return text == self.text or text.startswith(f"{self.text}/")

    def key(self, text: str) -> ReservationKey | None:
        """Return for whom *text* says that an address is reserved; None: for nobody of ours."""
        parts = text.removeprefix(f"{self.text}/").split("/") if self.owns(text) else []
        if len(parts) != 2 or not parts[0] or parts[1] not in set(Family):
            return None
        return ReservationKey(parts[0], Family(parts[1]))


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has an address, as the IPAM's people shall read it.

    Make it with :meth:`of`: an IPAM's fields are short, and what is read back must be equal.
    """

    services: tuple[str, ...]  # "NAMESPACE/NAME", in order; several share it
    dns_name: str = ""

    @classmethod
    def of(cls, services: Iterable[str], dns_name: str = "") -> "Holder":
        """Return the holder as an IPAM can keep it: of many Services the first, and how many more.

        NetBox stores a DNS name in small letters.
        """
        names = sorted(services)
        shown = names
        while len(", ".join(shown)) > SERVICES_MAX and len(shown) > 1:
            names_shown = len([one for one in shown if "/" in one]) - 1
            shown = [*names[:names_shown], f"and {len(names) - names_shown} more"]
        return cls(tuple(shown), dns_name.lower())


@dataclass(frozen=True, slots=True)
class AddressRequest:
    """What is asked of the IPAM for one key: some address, or this one.

    It is met by an observed reservation of the key whose address is *address*, if that is set,
    and lies in the Eip in any case. *within*: only these may be given, where the Eip limits them
    (`addresses`, `exclude`, `avoidBuggyIps`); None: whatever the IPAM has.
    """

    holder: Holder
    address: Address | None = None
    within: AddressSet | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """One entry of the IPAM that names this cluster and this Eip as its owner.

    *id*: the IPAM's own name of it; opaque. *since*: when it was changed last, by the IPAM's own
    clock (RFC 3339; "": it does not say): of a quarantined one, when that began.
    A holder without Services: the entry is not as we write it, and is to be described again.
    """

    id: str
    address: Address
    key: ReservationKey | None = None  # None: its owner field names no Service that can be read
    state: ReservationState = ReservationState.HELD
    holder: Holder = Holder(())
    since: str = ""


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """What an IPAM said about one request, a clause; and which address was asked for.

    Of another request of the same key it says nothing.
    """

    why: str
    address: Address | None = None  # None: any


@dataclass(frozen=True, slots=True)
class SourceReading:
    """What the IPAM of one Eip held when it answered last.

    *blocks*: the addresses it may give, worked out of its prefix or range; None: never read.
    *foreign*: addresses inside the blocks that belong to somebody else, with whose they are. One
    of a reservation of ours may be among them: an IPAM may let two write down the same address.
    It is granted to nobody until it is ours alone; who holds it already goes on holding it.
    *problem*: why it does not answer, or reserves nothing, a clause with *since* when (RFC 3339);
    "": it does. *unreleased*: why what nobody has any more is not given back, clauses, *withheld*:
    since when; of reservations that says nothing.
    *refusals*: what it said about a single request, until it is met, or not asked any more.
    *changed*: addresses in use whose entry somebody deleted or edited, with what he did, a clause;
    until the entry says again what it should. Nobody's address moves for it.
    """

    blocks: AddressSet | None = None
    reservations: tuple[Reservation, ...] = ()
    foreign: Mapping[Address, str] = field(default_factory=dict)
    problem: str = ""
    since: str = ""
    refusals: Mapping[ReservationKey, RefusedRequest] = field(default_factory=dict)
    changed: Mapping[Address, str] = field(default_factory=dict)
    unreleased: tuple[str, ...] = ()
    withheld: str = ""


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """What the IPAM of one Eip should come to.

    *requests*: reserve these. *held*: these addresses are in use; keep an entry for each, owned
    by *owners* of it, and put back what somebody took away. Whatever else is ours is released.
    An address of a request may be ours and quarantined: it is taken out of that, and described.
    An Eip that has no plan is left alone, whatever the reason. *leaving*: the Eip is being
    deleted, and goes once nothing of ours is left: what is released goes at once.
    With *publish_only* nothing is asked and nothing is granted from there: entries are written
    for others to read.
    """

    requests: Mapping[ReservationKey, AddressRequest] = field(default_factory=dict)
    held: Mapping[Address, Holder] = field(default_factory=dict)
    owners: Mapping[Address, ReservationKey] = field(default_factory=dict)
    publish_only: bool = False
    leaving: bool = False
