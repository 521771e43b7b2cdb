"""Who holds which address while one plan is made, and which addresses are free.

An address that any Service's status records is not free, even if its holder gives it up
in this very plan: the release counts once it is written. The same goes for an address
that a speaker still holds a path for. The ledger dies with the plan. Claims that stand are
not entered: they are found in the facts when somebody comes to one of their addresses.
"""

from collections.abc import Iterable
from datetime import timedelta
from functools import partial

from manager.planner.addresses.claims import Claim, Share
from manager.planner.addresses.collisions import collision
from manager.planner.addresses.facts import Facts, Number
from manager.planner.addresses.permission import Refused, forbidden, refused, takes_over
from manager.planner.addresses.pool import Pool, name_of
from manager.planner.addresses.precedence import Precedence, owning, precedence
from manager.planner.addresses.share_grace import recorded_as_shared
from manager.planner.addresses.sharing import Holders, Obstacle, ShareIndex, terms_rank
from manager.snapshot import EipName, ServiceKey
from pointsman.model.address import Address, Family, address_order, family_of
from pointsman.model.free import FreeNumbers
from pointsman.model.ranges import address_of
from pointsman.model.verdicts.address import AddressInUse

_PoolFamily = tuple[EipName, int]  # one IP version of one Eip; an enum member hashes slowly


class Ledger:
    """Who holds what, while one plan is made."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.pools = facts.pools
        self.namespaces = facts.namespaces
        self.routed = facts.routed
        self.taken_at = facts.taken_at
        self.leaving_soon: dict[tuple[ServiceKey, Address], Obstacle] = {}  # who stays for a while
        self.again_s: float | None = None  # until the first of them leaves
        self._holders: dict[Number, Holders] = {}
        self._pool_of: dict[Number, Pool | None] = {}
        self._shares = ShareIndex()
        self._known_keys: set[str] = set()  # share-keys of whose holders none is missing there
        self._taken_in: dict[_PoolFamily, set[int]] = {}  # in this plan
        self._avoid_in: dict[_PoolFamily, set[int]] = {}
        self._free: dict[_PoolFamily, FreeNumbers] = {}
        self._exhausted: dict[_PoolFamily, str] = {}
        self._refused: dict[tuple[ServiceKey, EipName], Refused | None] = {}
        self._unawaited: dict[_PoolFamily, FreeNumbers] = {}  # free, and nobody waits for it
        self._promised: set[Number] = set()  # expected of an IPAM, and nobody's yet

    def holders_of(self, address: Address) -> Holders | None:
        """Return who holds *address* now; None: nobody did since this plan began."""
        number = address_order(address)
        found = self._holders.get(number)
        if found is None and (claims := self.facts.standing_at(number)):
            found = self._holders[number] = Holders()
            for claim in self._by_precedence(address, claims):
                found.add(claim)
            self._pool_of[number] = self.pools.at(address)[0]  # those who stand are in one alone
        return found

    def pool_of(self, address: Address) -> Pool | None:
        """Return the Eip that counts *address*, which is held, as its own; None: no Eip does."""
        number = address_order(address)
        if number not in self._pool_of:
            self.holders_of(address)
        return self._pool_of.get(number)

    def _by_precedence(self, address: Address, claims: tuple[Claim, ...]) -> Iterable[Claim]:
        """Return *claims*, which stand and hold *address*, in the order of their adoption."""
        if len(claims) == 1:
            return claims
        at = owning(self.pools.at(address), address)
        shared = recorded_as_shared(claims)

        def rank(claim: Claim) -> Precedence:
            admitted, by_terms = self.admitted(claim, at), terms_rank(claim)
            return precedence(
                claim, address, ours=True, admitted=admitted, rank=by_terms, shared=shared
            )

        return sorted(claims, key=rank)

    def joinable(self, share: Share, family: Family) -> tuple[Address, ...]:
        """Return the addresses, in order, that a Service is meant to join with these terms."""
        self._learn(share.key)
        return self._shares.addresses(share, family)

    def _learn(self, key: str) -> None:
        """Enter those who stand and have the share-key *key*, once."""
        if key in self._known_keys:
            return
        self._known_keys.add(key)
        for holder, share in self.facts.sharers.get(key, {}).items():
            if holder not in self.facts.restless:
                for family, addresses in self.facts.claims[holder].held.items():
                    for address in addresses:
                        self._shares.add(share, family, address)

    def avoid(self, addresses: Iterable[Address]) -> None:
        """Give *addresses* out last: somebody waits for each of them.

        To be called before the first address is given out.
        """
        for address in addresses:
            for pool in self.pools.at(address):
                key = pool.name, address.version
                self._avoid_in.setdefault(key, set()).add(int(address))

    def hold(self, claim: Claim, address: Address, pool: Pool | None) -> None:
        """Note that *claim* holds *address*, which *pool* counts as its own."""
        number, holders = address_order(address), self.holders_of(address)
        if holders is None:
            holders = self._holders[number] = Holders()
        holders.add(claim)
        self._pool_of.setdefault(number, pool)
        if claim.share is not None:
            self._shares.add(claim.share, family_of(address), address)
        if not self.facts.is_recorded(number):
            self._take(address)

    def promise(self, claim: Claim, address: Address, pool: Pool) -> None:
        """Note that *claim* waits for an IPAM, of which *address* is expected: as if it held it."""
        if not self.is_held(address):
            self.hold(claim, address, pool)
            self._promised.add(address_order(address))

    def is_promised(self, address: Address) -> bool:
        """Whether somebody waits for an IPAM to give it *address*."""
        return address_order(address) in self._promised

    def hold_for_grace(
        self, claim: Claim, address: Address, obstacle: Obstacle, left: timedelta
    ) -> None:
        """Write down that *claim* keeps *address* beside its holders until *left* is over."""
        self.leaving_soon[claim.key, address] = obstacle
        self.again_s = min(left.total_seconds(), self.again_s or left.total_seconds())
        if claim.share is not None:
            self._shares.add(claim.share, family_of(address), address)

    def release(self, claim: Claim, address: Address) -> None:
        """Note that *claim* gives *address* up, which stays busy until the next plan."""
        self.leaving_soon.pop((claim.key, address), None)
        number = address_order(address)
        self._holders[number] = self._holders[number].without(claim)
        if claim.share is not None:
            self._shares.remove(claim.share, family_of(address), address)

    def obstacle(self, claim: Claim, address: Address) -> Obstacle | None:
        """Return the Service that keeps *claim* from holding *address*, or None.

        Whoever still records it without being a holder gives it up, or isn't ours; those who
        stay are named first.
        """
        holders = self.holders_of(address)
        stays = None if holders is None else holders.obstacle(claim)
        if stays is not None:
            return stays
        for key in self.facts.recorded_by(address):
            if key != claim.key and (holders is None or key not in holders.claims):
                return Obstacle(key, f"Service {key} holds it", AddressInUse)
        return None

    def is_closed(self, claim: Claim, address: Address) -> bool:
        """Whether *claim* surely may not join those who hold *address*; said without the words."""
        holders = self.holders_of(address)
        if holders is not None and holders.collides(claim):
            return True
        return self.obstacle(claim, address) is not None

    def refused(self, claim: Claim, pool: Pool) -> Refused | None:
        """Return why *pool* gives *claim* nothing at all, or None; asked once for each pair."""
        if not pool.selective:
            return None
        pair = claim.key, pool.name
        if pair not in self._refused:
            self._refused[pair] = refused(pool, claim.service, self.namespaces)
        return self._refused[pair]

    def admitted(self, claim: Claim, at: Iterable[Pool]) -> bool:
        """Whether any of the pools *at* an address admits *claim*, or there is none."""
        at = tuple(at)
        return not at or any(self.refused(claim, pool) is None for pool in at)

    def forbidden(self, claim: Claim, pool: Pool, address: Address) -> Refused | None:
        """Return why *pool* may never give *claim* the *address*, or None: see permission.py."""
        return forbidden(pool, address, self.refused(claim, pool))

    def giver(self, claim: Claim, address: Address) -> Pool | None:
        """Return the Eip that may take over *address*, which somebody else gave *claim*."""
        for pool in self.pools.at(address):
            if takes_over(pool, address, self.refused(claim, pool)):
                return pool
        return None

    def collision(self, claim: Claim, address: Address) -> str:
        """Return who else has *address*, which *claim* holds, as a clause, or ""."""
        whose = self.pools.infrastructure
        users = self.facts.external_users(address)
        found = collision(address, claim.key, infrastructure=whose, users=users)
        return found or self._changed(address)

    def _changed(self, address: Address) -> str:
        """Return what the IPAM of its Eip says of *address*, which is held, as a clause, or ""."""
        pool = self.pool_of(address)
        index = None if pool is None else self.facts.sources.get(pool.name)
        return "" if pool is None or index is None else index.warning_about(address, name_of(pool))

    def is_nobodys(self, address: Address) -> bool:
        """Whether no Service has *address*, be there a path for it or not."""
        return not self.facts.is_recorded(address_order(address)) and not self.is_held(address)

    def is_held(self, address: Address) -> bool:
        """Whether any Service held *address* since this plan began."""
        return self.holders_of(address) is not None

    def first_free(self, pool: Pool, family: Family) -> Address | None:
        """Return the lowest free address, one that nobody waits for if there is any."""
        key = pool.name, 4 if family is Family.IPV4 else 6
        if key in self._exhausted:
            return None
        number = None
        if key in self._avoid_in:
            number = self._numbers(self._unawaited, pool, family).first()
        if number is None:
            number = self._numbers(self._free, pool, family).first()
        if number is None:
            self._exhausted[key] = none_left(pool, family)
            return None
        return address_of(family, number)

    def why_none(self, pool: Pool, family: Family) -> str:
        """Return the clause about a pool that has no free address of *family*."""
        return self._exhausted[pool.name, 4 if family is Family.IPV4 else 6]

    def _numbers(
        self, caches: dict[_PoolFamily, FreeNumbers], pool: Pool, family: Family
    ) -> FreeNumbers:
        key = pool.name, 4 if family is Family.IPV4 else 6
        free = caches.get(key)
        if free is None:
            version = key[1]
            index = self.facts.sources.get(pool.name) if pool.source else None
            free = FreeNumbers(
                pool.grantable.of(family),
                avoid_buggy=pool.avoids_buggy and version == 4,
                busy=partial(self.facts.is_busy, version)
                if index is None
                else partial(self._is_busy_there, index.taken, version),
                full=self.facts.full_blocks(version),
            )
            free.take_all(self._taken_in.get(key, ()))
            if caches is self._unawaited:
                free.take_all(self._avoid_in.get(key, ()))
            caches[key] = free
        return free

    def _is_busy_there(self, taken: frozenset[Number], version: int, number: int) -> bool:
        return (version, number) in taken or self.facts.is_busy(version, number)

    def _take(self, address: Address) -> None:
        number = int(address)
        for pool in self.pools.at(address):
            key = pool.name, address.version
            self._taken_in.setdefault(key, set()).add(number)
            for caches in (self._free, self._unawaited):
                if key in caches:
                    caches[key].take(number)


def none_left(pool: Pool, family: Family) -> str:
    """Return the clause about *pool*, which has no free address of *family*."""
    size = pool.capacity(family)
    if not pool.declared.of(family):
        return f"Eip '{pool.name}' has no {family} addresses"
    if not size:
        return f"Eip '{pool.name}' may give out none of its {family} addresses"
    if size == 1:
        return f"the only {family} address of Eip '{pool.name}' is in use"
    return f"all {size} {family} addresses of Eip '{pool.name}' are in use"
