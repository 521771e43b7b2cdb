"""Claims that stand: each holds what it asks for, as far as any Eip has that, and no other is near.

Nearly all do, nearly always. What such a Service has after the plan follows from its claim and
from the Eips alone, so it is worked out once, not in every plan. Refuses to decide anything:
whatever is in doubt does not stand, and goes the whole way (see allocate.py), which would come
to the same for what stands here.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from manager.planner.addresses.choose import Choice
from manager.planner.addresses.claims import Claim, Share
from manager.planner.addresses.permission import Refused
from manager.planner.addresses.pool import Pool, Pools
from manager.planner.addresses.problem import Problem
from manager.planner.addresses.sharing import agree, terms
from manager.planner.addresses.sources import none_of, out_of_reach
from manager.planner.addresses.verdict import later
from manager.planner.desired import Allocation, Grant
from manager.snapshot import EipName, ServiceKey
from pointsman.model.address import Address, Family, family_of
from pointsman.model.ranges import Numbers, Span
from pointsman.model.verdicts.address import Allocated, Unserved


@dataclass(frozen=True, slots=True)
class Homes:
    """Which numbers lie in one Eip alone, which is not being deleted and has them: and in which.

    By IP version: where each piece begins, and its last number with the name of the Eip.
    """

    starts: Mapping[int, tuple[int, ...]]
    pieces: Mapping[int, tuple[tuple[int, EipName], ...]]

    def of(self, address: Address) -> EipName | None:
        """Return the one Eip of *address*; None: none, or it takes more to say which."""
        number, version = int(address), address.version
        at = bisect_right(self.starts[version], number) - 1
        if at < 0:
            return None
        last, name = self.pieces[version][at]
        return name if number <= last else None


@dataclass(frozen=True, slots=True)
class Reach:
    """Which Eips give nobody an address of a family, whoever asks, and why; and the defaults."""

    out: Mapping[Family, Mapping[EipName, Refused]]
    names: frozenset[EipName]
    defaults: tuple[EipName, ...]

    def why_none(self, named: tuple[EipName, ...], family: Family) -> Problem | None:
        """Return why a Service that names these Eips gets nothing of *family*; None: it might."""
        refused: list[tuple[type[Unserved], str, EipName]] = []
        for name in named or self.defaults:
            gone = out_of_reach(None, family, name) if name not in self.names else None
            found = gone or self.out[family].get(name)
            if found is None:
                return None
            refused.append((*found, name))
        return none_of(refused)


@dataclass(frozen=True, slots=True)
class PoolView:
    """What of the Eips decides about claims that stand."""

    homes: Homes
    reach: Reach


def view_of(pools: Pools) -> PoolView:
    """Return what of *pools* decides about claims that stand."""
    return PoolView(homes_of(pools), _reach_of(pools))


def _reach_of(pools: Pools) -> Reach:
    out: dict[Family, dict[EipName, Refused]] = {family: {} for family in Family}
    for name, pool in pools.by_name.items():
        for family in Family if not pool.selective else ():  # else it depends on who asks
            reason, clause = out_of_reach(pool, family, name)
            if clause:
                out[family][name] = reason, clause
    return Reach(out, frozenset(pools.by_name), tuple(pool.name for pool in pools.defaults))


def homes_of(pools: Pools) -> Homes:
    """Return the homes that *pools* make: closed ones, too, as what is held there stays."""
    starts: dict[int, tuple[int, ...]] = {}
    pieces: dict[int, tuple[tuple[int, EipName], ...]] = {}
    for family in Family:
        found = list(_pieces(pools, family))
        version = 4 if family is Family.IPV4 else 6
        starts[version] = tuple(first for (first, _), _ in found)
        pieces[version] = tuple((last, name) for (_, last), name in found)
    return Homes(starts, pieces)


def _pieces(pools: Pools, family: Family) -> Iterable[tuple[Span, EipName]]:
    """Yield the spans with their Eips, in order."""
    segments = pools.segments[family]
    for (start, inside), (end, _) in pairwise(segments):  # the last is empty
        pool = _alone(inside)
        if pool is not None:
            for span in _within(pool.own.of(family), start, end - 1):
                yield span, pool.name


def _alone(inside: tuple[Pool, ...]) -> Pool | None:
    return inside[0] if len(inside) == 1 and not inside[0].deleting else None


def _within(numbers: Numbers, first: int, last: int) -> Iterable[Span]:
    """Yield what *numbers* has from *first* to *last*."""
    at = numbers.at_or_after(first)
    while at is not None and at <= last:
        _, end = numbers.spans[bisect_right(numbers.spans, at, key=_start) - 1]
        yield at, min(end, last)
        at = numbers.at_or_after(end + 1)


def _start(span: Span) -> int:
    return span[0]


def standing(eips: PoolView, claim: Claim) -> Allocation | None:
    """Return what *claim* has if it stands by itself; None: it takes more to say."""
    if (
        claim.opaque
        or claim.fault is not None
        or claim.ignored
        or claim.overwritten
        or claim.presumed
        or claim.service.deleting
        or (claim.takes_over and claim.others)
    ):
        return None
    choices: list[Choice] = []
    grants: list[Grant] = []
    for family in claim.families:
        held, asked = claim.held.get(family, ()), claim.requested.get(family)
        problem = None if held else _in_vain(eips.reach, claim, family)
        if not (held or problem) or (asked and asked != held):
            return None
        for address in held:
            eip = eips.homes.of(address)
            if eip is None:
                return None
            if claim.named and not claim.names(eip) and (not asked or claim.gave(address)):
                return None
            grants.append(Grant(address, eip))
        choices.append(Choice(family, held, problem=problem))
    if not grants or len(claim.held) + sum(not one.addresses for one in choices) != len(choices):
        return None  # it has nothing, or something that it wants no more
    has = tuple((one.text, one.eip or "") for one in grants)
    return Allocation(
        tuple(grants),
        Allocated(claim.key, has, later(choices)),
        None if claim.share is None else terms(claim.share),
        refusals=tuple(one for c in choices if c.problem is not None for one in c.problem.refusals),
    )


def _in_vain(reach: Reach, claim: Claim, family: Family) -> Problem | None:
    """Return why *claim* does without *family*, as no Eip has that for anybody; None: it won't."""
    if (
        claim.service.family_policy == "RequireDualStack"
        or claim.share is not None
        or claim.requested.get(family)
        or any(family_of(address) is family for _, address in claim.hints)
    ):
        return None
    return reach.why_none(claim.named, family)


def contested(
    _: None,
    claims: Mapping[ServiceKey, Share | None],
    foreign: Mapping[ServiceKey, str] | None,
    pending: Mapping[ServiceKey, None] | None,
    external: Mapping[ServiceKey, str] | None,
    owner: str | None,
) -> bool | None:
    """Whether more is to be said of an address than that *claims* have it; None: nothing is.

    Who records it and is not ours (*foreign*), or has it among its external IPs, whose grant is
    *pending*, and what of the infrastructure it is (*owner*); None: nobody, nothing.
    """
    if foreign is not None or external is not None or owner is not None:
        return True
    if pending is not None and not pending.keys() <= claims.keys():
        return True
    return True if len(claims) > 1 and not agree(claims.values()) else None
