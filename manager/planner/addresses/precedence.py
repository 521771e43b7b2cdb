"""Who comes first of the Services on one address: whom the others have to fit.

Who holds it by our record stays before who doesn't, then whom the Eip admits, then who kept its
terms, then the older.
"""

from collections.abc import Iterable

from manager.planner.addresses.claims import Claim
from manager.planner.addresses.pool import Pool
from manager.planner.addresses.share_grace import changed_terms
from pointsman.model.address import Address

TermsRank = tuple[int, tuple[str, str]]  # see sharing.terms_rank
Precedence = tuple[bool, bool, bool, TermsRank]


def owning(at: Iterable[Pool], address: Address) -> list[Pool]:
    """Return those of the pools *at* an address that have it: it is not excluded there."""
    return [pool for pool in at if address in pool.own]


def precedence(
    claim: Claim, address: Address, *, ours: bool, admitted: bool, rank: TermsRank, shared: bool
) -> Precedence:
    """Return the sort key of *claim* among those on *address*.

    *ours*: our record names it; *admitted*: by an Eip that has the address, if any has;
    *shared*: some Service there records that it shares.
    """
    changed = changed_terms(claim, address, unchanged=rank[0] == 0, shared=shared)
    return not ours, not admitted, changed, rank
