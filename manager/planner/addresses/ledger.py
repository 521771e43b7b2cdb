"""Who holds which address while one plan is made, and which addresses are free.

An address that any Service's status records is not free, even if its holder gives it up
in this very plan: the release counts once it is written. The same goes for an address
that a speaker still holds a path for. The ledger dies with the plan.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from manager.planner.addresses.claims import Claim
from manager.planner.addresses.collisions import collision, external_users
from manager.planner.addresses.own_record import bears_mark, own_record
from manager.planner.addresses.permission import Refused, forbidden, refused, takes_over
from manager.planner.addresses.pools import Pool, Pools
from manager.planner.addresses.sharing import Holders, Obstacle, ShareIndex
from manager.snapshot import EipName, Service, ServiceKey, Snapshot
from pointsman.model.address import Address, Family, family_of
from pointsman.model.free import FreeNumbers
from pointsman.model.names import LOAD_BALANCER, LOAD_BALANCER_CLASS
from pointsman.model.ranges import address_of
from pointsman.model.verdicts.address import AddressInUse

_PoolFamily = tuple[EipName, int]  # one IP version of one Eip; an enum member hashes slowly


def recorded_holders(snapshot: Snapshot) -> Mapping[Address, tuple[ServiceKey, ...]]:
    """Return the Services, ours or not, whose status records each address, oldest first.

    What somebody else wrote into the status of one that we serve is no record: it goes. A grant
    that is on its way counts as recorded: it may stand there by now.
    """
    found: dict[Address, list[ServiceKey]] = {}
    for service in sorted(snapshot.services.values(), key=lambda s: (s.created, s.key)):
        if service.ingress:
            for address in _recorded(service):
                found.setdefault(address, []).append(service.key)
    for key, addresses in snapshot.pending.items():
        for address in addresses:
            if key not in found.get(address, ()):
                found.setdefault(address, []).append(key)
    return {address: tuple(keys) for address, keys in found.items()}


def _recorded(service: Service) -> tuple[Address, ...]:
    if bears_mark(service):
        return own_record(service).addresses
    ours = service.type == LOAD_BALANCER and service.load_balancer_class == LOAD_BALANCER_CLASS
    return () if ours else service.status_addresses


def still_routed(snapshot: Snapshot) -> frozenset[Address]:
    """Return the addresses that our speakers have a host route for, or are being given one.

    Aggregates hold none.
    """
    one_of_each = {key.order[:3]: key.prefix for key in snapshot.routes}  # numbers hash faster
    coming = (prefix for one in snapshot.speakers for prefix in one.putting)
    return frozenset(
        prefix.network_address
        for prefix in (*one_of_each.values(), *coming)
        if prefix.prefixlen == prefix.max_prefixlen
    )


class Ledger:
    """Who holds what, while one plan is made."""

    def __init__(self, snapshot: Snapshot, pools: Pools) -> None:
        self.pools = pools
        self.namespaces = snapshot.namespaces
        self.recorded = recorded_holders(snapshot)
        self.routed = still_routed(snapshot)
        self.external = external_users(snapshot)
        self.holders: dict[Address, Holders] = {}
        self.pool_of: dict[Address, Pool | None] = {}
        self.share_index = ShareIndex()
        self.taken_at = snapshot.taken_at
        self.leaving_soon: dict[tuple[ServiceKey, Address], Obstacle] = {}  # who stays for a while
        self.again_s: float | None = None  # until the first of them leaves
        self._busy: set[Address] = set()
        self._busy_in: dict[_PoolFamily, set[int]] = {}
        self._avoid_in: dict[_PoolFamily, set[int]] = {}
        self._free: dict[_PoolFamily, FreeNumbers] = {}
        self._exhausted: dict[_PoolFamily, str] = {}
        self._refused: dict[tuple[ServiceKey, EipName], Refused | None] = {}
        self._unawaited: dict[_PoolFamily, FreeNumbers] = {}  # free, and nobody waits for it
        for address in (*self.recorded, *self.routed):
            self._make_busy(address)

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
        self.holders.setdefault(address, Holders()).add(claim)
        self.pool_of.setdefault(address, pool)
        if claim.share is not None:
            self.share_index.add(claim.share, family_of(address), address)
        if address not in self._busy:
            self._make_busy(address)

    def hold_for_grace(
        self, claim: Claim, address: Address, obstacle: Obstacle, left: timedelta
    ) -> None:
        """Write down that *claim* keeps *address* beside its holders until *left* is over."""
        self.leaving_soon[claim.key, address] = obstacle
        self.again_s = min(left.total_seconds(), self.again_s or left.total_seconds())
        if claim.share is not None:
            self.share_index.add(claim.share, family_of(address), address)

    def release(self, claim: Claim, address: Address) -> None:
        """Note that *claim* gives *address* up, which stays busy until the next plan."""
        self.leaving_soon.pop((claim.key, address), None)
        self.holders[address] = self.holders[address].without(claim)
        if claim.share is not None:
            self.share_index.remove(claim.share, family_of(address), address)

    def obstacle(self, claim: Claim, address: Address) -> Obstacle | None:
        """Return the Service that keeps *claim* from holding *address*, or None.

        Whoever still records it without being a holder gives it up, or isn't ours; those who
        stay are named first.
        """
        holders = self.holders.get(address)
        stays = None if holders is None else holders.obstacle(claim)
        if stays is not None:
            return stays
        for key in self.recorded.get(address, ()):
            if key != claim.key and (holders is None or key not in holders.claims):
                return Obstacle(key, f"Service {key} holds it", AddressInUse)
        return None

    def refused(self, claim: Claim, pool: Pool) -> Refused | None:
        """Return why *pool* gives *claim* nothing at all, or None; asked once for each pair."""
        if not pool.selective:
            return None
        pair = claim.key, pool.name
        if pair not in self._refused:
            self._refused[pair] = refused(pool, claim.service, self.namespaces)
        return self._refused[pair]

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
        return collision(address, claim.key, infrastructure=whose, users=self.external)

    def is_nobodys(self, address: Address) -> bool:
        """Whether no Service has *address*, be there a path for it or not."""
        return address not in self.holders and address not in self.recorded

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
            self._exhausted[key] = _none_left(pool, family)
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
            buggy = pool.avoids_buggy and family is Family.IPV4
            free = FreeNumbers(pool.grantable.of(family), avoid_buggy=buggy)
            free.take_all(self._busy_in.get(key, ()))
            if caches is self._unawaited:
                free.take_all(self._avoid_in.get(key, ()))
            caches[key] = free
        return free

    def _make_busy(self, address: Address) -> None:
        self._busy.add(address)
        number = int(address)
        for pool in self.pools.at(address):
            key = pool.name, address.version
            self._busy_in.setdefault(key, set()).add(number)
            for caches in (self._free, self._unawaited):
                if key in caches:
                    caches[key].take(number)


def _none_left(pool: Pool, family: Family) -> str:
    size = pool.capacity(family)
    if not pool.declared.of(family):
        return f"Eip '{pool.name}' has no {family} addresses"
    if not size:
        return f"Eip '{pool.name}' may give out none of its {family} addresses"
    if size == 1:
        return f"the only {family} address of Eip '{pool.name}' is in use"
    return f"all {size} {family} addresses of Eip '{pool.name}' are in use"
