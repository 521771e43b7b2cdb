"""How long a sharer stays whose terms no longer fit: until the others had time to follow.

One `apply` that renames the key of several Services reaches us one by one. So who changed its
terms says first that it will leave, and leaves ten seconds after its condition turned to that.
There is no other memory of the start; without a clock nobody leaves. Who never shared the
address has no such time. It refuses to count from a `ShareConflict` of another cause.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from manager.planner.addresses.claims import Claim
from manager.planner.addresses.own_record import bears_mark
from manager.snapshot import Condition
from pointsman.model.address import Address
from pointsman.model.names import ALLOCATED
from pointsman.model.timestamps import parse_time
from pointsman.model.verdicts.address import says_it_leaves

# A condition's time is written to the second: it began up to one later than it says.
GRACE: Final = timedelta(seconds=10) + timedelta(seconds=1)
OVER: Final = timedelta()


def recorded_as_shared(found: Iterable[Claim]) -> bool:
    """Whether any of *found* on one address records that it is shared."""
    return any(claim.shared_as is not None for claim in found)


def changed_terms(claim: Claim, address: Address, *, unchanged: bool, shared: bool) -> bool:
    """Whether *claim* shared *address* on terms that it no longer has; *unchanged*: none differ.

    Annotations that are gone took what was agreed with them: a manifest was put in place of
    the object, without its share-key or with another. Others on the address then record that
    it was *shared*.
    """
    if claim.shared_as is not None:
        return not unchanged
    lost = address not in claim.origins or _leaving_condition(claim) is not None
    return shared and lost and bears_mark(claim.service)


def time_left(claim: Claim, now: datetime | None) -> timedelta:
    """Return for how long *claim* still stays; all of it while its condition does not say so."""
    condition = _leaving_condition(claim)
    if now is None or condition is None:
        return GRACE
    since = parse_time(condition.last_transition_time)
    return GRACE if since is None else max(OVER, min(GRACE, since + GRACE - now))


def _leaving_condition(claim: Claim) -> Condition | None:
    """Return the condition of *claim* if it says that it leaves soon."""
    allocated = (one for one in claim.service.conditions if one.type == ALLOCATED)
    return next((one for one in allocated if says_it_leaves(one.reason, one.message)), None)
