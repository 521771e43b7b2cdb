"""Why a Service does not get what it asks for, before it is known what it keeps."""

from dataclasses import dataclass

from manager.planner.addresses.pool import Pool
from manager.planner.desired import Refusal, SourceAsk
from pointsman.model.address import Address
from pointsman.model.verdicts.address import Unserved


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request cannot be met; a verdict once it is known what the Service keeps."""

    reason: type[Unserved]
    because: tuple[str, ...]
    about: str = ""
    refusals: tuple[Refusal, ...] = ()
    leaving_soon: bool = False  # it keeps a shared address for a while only, which comes first
    asks: tuple[SourceAsk, ...] = ()  # what an IPAM is asked for, so that it can be met
    # The address that the IPAM is expected to give, and its Eip: who comes later reckons with it.
    promised: tuple[Address, Pool] | None = None
    source: str = ""  # what the IPAM of the Eip in *about* is called; "": it has none
    elsewhere: str = ""  # an Eip that has what is asked for, and isn't one that the Service names


def refusal_of(address: Address, why: str) -> Refusal:
    """Return the refusal of one address."""
    return Refusal(str(address), why)
