"""What docs/concepts.md allows, by brute force: the planner's modules are not asked.

Slow and plain on purpose: every address of every Eip is looked at, one by one.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from ipaddress import ip_address, ip_network
from itertools import chain, product

from manager.snapshot import Eip, Service, Snapshot
from pointsman.model.address import Address, Family

P = "pointsman.dev/"


@cache  # a few texts, read again for every law
def addresses_in(entries: tuple[str, ...]) -> frozenset[Address]:
    """Every address of *entries*; ValueError when one is reversed or two overlap."""
    found: list[Address] = []
    for entry in entries:
        if "-" in entry:
            first, last = map(ip_address, entry.split("-"))
            if int(first) > int(last):
                raise ValueError(entry)
            found += [type(first)(n) for n in range(int(first), int(last) + 1)]
        else:
            found += list(ip_network(entry, strict=False))
    if len(found) != len(set(found)):
        raise ValueError("overlap")
    return frozenset(found)


def pool_of(eip: Eip) -> set[Address]:
    """The addresses that *eip* has, without its exclusions; empty when it is broken."""
    assert eip.spec is not None
    try:
        declared = addresses_in(eip.spec.addresses)
    except ValueError:
        return set()
    return {a for a in declared if not any(a in addresses_in((e,)) for e in eip.spec.exclude)}


def ready_eips(snapshot: Snapshot) -> list[Eip]:
    """The Eips that may give something out: valid, live, not disabled, no older one overlaps."""
    taken: set[Address] = set()
    found = []
    for eip in sorted(snapshot.eips.values(), key=lambda e: (e.created, e.name)):
        pool = pool_of(eip)
        if eip.deleting or not pool or pool & taken:
            continue
        taken |= pool
        assert eip.spec is not None
        if not eip.spec.disabled:
            found.append(eip)
    return found


def grantable(eip: Eip) -> set[Address]:
    assert eip.spec is not None
    buggy = eip.spec.avoid_buggy_ips
    return {a for a in pool_of(eip) if not (buggy and a.version == 4 and int(a) % 256 in (0, 255))}


def admits(eip: Eip, service: Service) -> bool:
    spec = eip.spec
    assert spec is not None
    wanted = spec.service_selector.match_labels if spec.service_selector else {}
    fits = all(service.labels.get(k) == v for k, v in wanted.items())
    return fits and (not spec.namespaces or service.namespace in spec.namespaces)


def items(service: Service, note: str) -> list[str]:
    return [item for item in service.annotations.get(P + note, "").split(",") if item]


def requested(service: Service, family: Family) -> set[Address]:
    texts = items(service, "addresses") or [t for t in [service.load_balancer_ip] if t]
    return {a for a in map(ip_address, texts) if a.version == int(family[-1])}


def faulty(service: Service) -> bool:
    """Whether what it asks for is nonsense, or of a family that it does not have."""
    try:
        texts = items(service, "addresses") or [t for t in [service.load_balancer_ip] if t]
        versions = {ip_address(text).version for text in texts}
    except ValueError:
        return True
    return not versions <= {int(family[-1]) for family in families(service)}


def families(service: Service) -> tuple[Family, ...]:
    return service.families[:1] if service.family_policy == "SingleStack" else service.families


def held(service: Service) -> set[Address]:
    """What of the status is a record; of a Service that we never wrote to, anybody's is.

    The sentence of our condition names what the Service has, and what it keeps before a colon.
    """
    there = {ip_address(entry.ip) for entry in service.ingress}
    if not marked(service):
        return there
    return {a for a in there if says_it_has(service.conditions[0].message, a)}


@lru_cache(maxsize=1 << 12)
def says_it_has(message: str, address: Address) -> bool:
    # Up to the colon, which is not one of "2001:db8::".
    sentence = re.split(r"(?:(?<!:)|(?<=::)): ", message)[0] + " "
    return re.search(rf" {re.escape(str(address))}[.,]? ", sentence) is not None


def mentioned(service: Service) -> list[str]:
    """Every address that our condition mentions, be it why the Service has none of them."""
    found = [re.findall(r"192(?:\.\d+){3}|2001:db8::\d?", c.message) for c in service.conditions]
    return sorted(set(chain.from_iterable(found)))


def marked(service: Service) -> bool:
    return bool(service.conditions)


def takes_over(snapshot: Snapshot, service: Service, address: Address) -> bool:
    """Whether *address*, which somebody else gave *service*, may become ours."""
    return not marked(service) and any(
        address in grantable(eip) and admits(eip, service)
        for eip in snapshot.eips.values()
        if not eip.deleting
    )


def offers(one: Service, other: Service) -> bool:
    """Whether *one*'s key extends to the namespace of *other*."""
    return one.namespace == other.namespace or bool(
        {other.namespace, "*"} & set(items(one, "share-namespaces"))
    )


def same_key(one: Service, other: Service) -> bool:
    key = one.annotations.get(P + "share-key")
    return bool(key) and key == other.annotations.get(P + "share-key")


def may_share(one: Service, other: Service) -> bool:
    if not same_key(one, other) or not (offers(one, other) and offers(other, one)):
        return False
    if one.policy != other.policy:
        return False
    if one.policy == "Local" and not (one.selector and one.selector == other.selector):
        return False
    ports = [{(p.protocol, p.port) for p in s.ports} for s in (one, other)]
    return not ports[0] & ports[1]


def joins(one: Service, other: Service) -> bool:
    """Whether *one* means to share with *other*, who has its key."""
    named = other.namespace in items(one, "share-namespaces")
    mutual = offers(one, other) and offers(other, one)
    return same_key(one, other) and (mutual or named)


def sources(snapshot: Snapshot, service: Service, address: Address) -> list[Eip]:
    """The Eips that may give the very *address* to *service* now."""
    named = items(service, "eip")
    return [
        eip
        for eip in ready_eips(snapshot)
        if (not named or eip.name in named) and admits(eip, service) and address in grantable(eip)
    ]


def is_free(snapshot: Snapshot, service: Service, address: Address) -> bool:
    others = [s for s in snapshot.services.values() if s.key != service.key]
    holders = [other for other in others if address in held(other)]
    return all(is_ours(other) and may_share(service, other) for other in holders)


def is_ours(service: Service) -> bool:
    return service.type == "LoadBalancer" and service.load_balancer_class is None


def fitting(snapshot: Snapshot, service: Service, family: Family) -> Iterator[set[Address]]:
    """Every set of addresses that *service* could be given in *family*, were it to ask now."""
    wanted = requested(service, family)
    if wanted:
        missing = wanted - held(service)
        if all(sources(snapshot, service, a) and is_free(snapshot, service, a) for a in missing):
            yield wanted
        return
    others = [s for s in snapshot.services.values() if s.key != service.key and is_ours(s)]
    shared = {
        a
        for other in others
        if joins(service, other)
        for a in held(other)
        if a.version == int(family[-1])
    }
    named = items(service, "eip")
    assert all(eip.spec is not None for eip in snapshot.eips.values())
    for eip in ready_eips(snapshot):
        assert eip.spec is not None
        if eip.name in named or (not named and (eip.spec.default or shared)):
            for address in grantable(eip) if admits(eip, service) else ():
                right = address.version == int(family[-1]) and (not shared or address in shared)
                if right and is_free(snapshot, service, address):
                    yield {address}


def could_be_served(snapshot: Snapshot, service: Service, lacking: tuple[Family, ...]) -> bool:
    """Whether *service* waits without need."""
    if service.family_policy == "RequireDualStack" and not held(service):
        return any(True for _ in product(*(fitting(snapshot, service, f) for f in lacking)))
    return any(any(True for _ in fitting(snapshot, service, f)) for f in lacking)


def counts(snapshot: Snapshot, eip: Eip, holders: Mapping[Address, object]) -> tuple[int, int]:
    """Capacity and what is left of *eip*, both families together."""
    pool = grantable(eip)
    return len(pool), len([a for a in pool if a not in holders])
