"""Services that another load balancer serves: which they are, what they hold, what they ask for."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from cli.migration.draft import Draft
from cli.migration.inventory import Inventory, Object
from pointsman.model import names
from pointsman.model.dialects import KUBE_VIP, METALLB, OPENELB, PURELB, Dialect
from pointsman.model.printable import clipped, some
from pointsman.model.ranges import read_address

Key = tuple[str, str]  # namespace, name
OPT_IN: Final = ("lb.kubesphere.io/v1alpha1", ("openelb", "porter"))
WRITTEN: Final = "it was written by {title} itself; Pointsman writes its own"
_PROTOCOLS: Final = ("protocol.openelb.kubesphere.io/v1alpha1",
                     "protocol.porter.kubesphere.io/v1alpha1")  # fmt: skip
_NODE: Final = "where an address goes is chosen; spec.layer2.preferredNodes of the Eip has a say"
# Annotations that are not understood by themselves, and what is nearest; "": nothing is lost.
OTHERS: Final[Mapping[str, Mapping[str, str]]] = {
    OPENELB.name: {
        OPT_IN[0]: "",
        **dict.fromkeys(_PROTOCOLS, ""),  # carried, as the Eips of that protocol
        "layer2.openelb.kubesphere.io/v1alpha1": _NODE,
        "layer2.porter.kubesphere.io/v1alpha1": _NODE,
    },
    METALLB.name: {
        "metallb.io/ip-allocated-from-pool": WRITTEN,
        "metallb.universe.tf/ip-allocated-from-pool": WRITTEN,
    },
    PURELB.name: {
        "purelb.io/allocated-from": WRITTEN, "purelb.io/allocated-by": WRITTEN,
        "purelb.io/announcing-IPv4": WRITTEN, "purelb.io/announcing-IPv6": WRITTEN,
        "purelb.io/pool-type": WRITTEN, "purelb.io/skip-ipv6-dad": "spec.layer2.conflictCheck of "
        "the Eip is the same question, for all of its addresses",
    },
    KUBE_VIP.name: {"kube-vip.io/vipHost": WRITTEN},
}  # fmt: skip
PREFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    OPENELB.name: ("kubesphere.io/",), METALLB.name: ("metallb.io/", "metallb.universe.tf/"),
    PURELB.name: ("purelb.io/",), KUBE_VIP.name: ("kube-vip.io/",),
}  # fmt: skip
FINALIZERS: Final = ("kubesphere.io", "metallb", "purelb", "kube-vip", "load-balancer-cleanup")


@dataclass(slots=True)
class Served:
    """The Services that they serve."""

    services: dict[Key, Object] = field(default_factory=dict)
    holds: dict[Key, tuple[str, ...]] = field(default_factory=dict)
    bound: list[Key] = field(default_factory=list)  # to a class of theirs, which can't be changed
    finalizers: dict[Key, tuple[str, ...]] = field(default_factory=dict)  # theirs


def add(found: Inventory, draft: Draft, dialect: Dialect, classes: Iterable[str]) -> Served:
    """Write what our annotations are of each Service that *dialect*'s load balancer serves."""
    served = _served(found, dialect, frozenset(classes))
    notes: dict[tuple[str, str], list[str]] = defaultdict(list)
    keys: dict[Key, str] = {}
    for key, one in served.services.items():
        wanted = draft.services.setdefault(key, {})
        _pool(one, draft, dialect, wanted, notes)
        _addresses(one, dialect, wanted, notes)
        shared = _first(one, dialect.share_keys, notes)
        if shared:
            keys[key] = shared
        for name in sorted(one.annotations):
            _other(name, one, dialect, notes)
        if key in served.bound and served.holds[key]:
            wanted[names.ADDRESSES] = ",".join(served.holds[key])
    _share(served, keys, draft)
    _ours_win(served, draft)
    for (name, text), subjects in sorted(notes.items()):
        draft.note(f"annotation {clipped(name)} of {', '.join(some(subjects))}", text)
    return served


def _served(found: Inventory, dialect: Dialect, classes: frozenset[str]) -> Served:
    served = Served()
    for one in found.services():
        theirs = one.spec.get("loadBalancerClass")
        if theirs is not None and str(theirs) not in classes:
            continue
        if dialect is OPENELB and one.annotations.get(OPT_IN[0]) not in OPT_IN[1]:
            continue
        key = one.namespace or "default", one.name
        served.services[key] = one
        served.holds[key] = _held(one)
        if theirs is not None:
            served.bound.append(key)
        meta = one.raw.get("metadata")
        listed = meta.get("finalizers") if isinstance(meta, Mapping) else None
        own = tuple(str(f) for f in listed if any(word in str(f) for word in FINALIZERS)) if (
            isinstance(listed, list)) else ()  # fmt: skip
        if own:
            served.finalizers[key] = own
    return served


def _held(one: Object) -> tuple[str, ...]:
    """Return the addresses in a Service's status, each in its one spelling."""
    status = one.raw.get("status")
    balancer = status.get("loadBalancer") if isinstance(status, Mapping) else None
    ingress = balancer.get("ingress") if isinstance(balancer, Mapping) else None
    found: list[str] = []
    for entry in ingress if isinstance(ingress, list) else ():
        try:
            found.append(str(read_address(str(entry["ip"]))))
        except (KeyError, TypeError, ValueError):
            continue  # a host name, or nonsense: no address of ours either
    return tuple(dict.fromkeys(found))


def _first(one: Object, annotations: Iterable[str], notes: dict[tuple[str, str], list[str]]) -> str:
    """Return what the first of *annotations* says; one that disagrees is noted."""
    found = [(name, text) for name in annotations
             if (text := one.annotations.get(name, "").strip())]  # fmt: skip
    for name, text in found[1:]:
        if text != found[0][1]:
            notes[name, f"{found[0][0]} says something else, and counts"].append(one.subject)
    return found[0][1] if found else ""


def _pool(
    one: Object, draft: Draft, dialect: Dialect, wanted: dict[str, str],
    notes: dict[tuple[str, str], list[str]],
) -> None:  # fmt: skip
    eips = draft.of("Eip")
    named = _first(one, dialect.pools, notes)
    if named in eips:
        wanted[names.EIP] = named
    elif named:
        text = "no Eip came of the pool that it names, so any default Eip may serve it"
        notes[dialect.pools[0], text].append(one.subject)
    elif dialect is OPENELB and (protocol := _first(one, _PROTOCOLS, notes)):
        wanted_protocol = "layer2" if protocol in ("layer2", "vip") else "bgp"
        fitting = sorted(
            (eip["spec"].get("priority", 100), name) for name, eip in eips.items()
            if eip["spec"].get("protocol", "bgp") == wanted_protocol
        )  # fmt: skip
        if fitting:
            wanted[names.EIP] = ",".join(name for _, name in fitting)


def _addresses(
    one: Object, dialect: Dialect, wanted: dict[str, str],
    notes: dict[tuple[str, str], list[str]],
) -> None:  # fmt: skip
    asked = [item.strip() for item in _first(one, dialect.addresses, notes).split(",")]
    found: list[str] = []
    for text in filter(None, asked):
        if text in dialect.anything:
            notes[dialect.addresses[0], "DHCP isn't there: it gets an address of an Eip"].append(
                one.subject
            )
            continue
        try:
            found.append(str(read_address(text)))
        except ValueError as error:
            notes[dialect.addresses[0], f"{error}; it is left out"].append(one.subject)
    if found:
        wanted[names.ADDRESSES] = ",".join(dict.fromkeys(found))


def _other(
    name: str, one: Object, dialect: Dialect, notes: dict[tuple[str, str], list[str]]
) -> None:
    if name in dialect.understood:
        return
    text = OTHERS[dialect.name].get(name)
    if text is None and any(prefix in name for prefix in PREFIXES[dialect.name]):
        text = "pointsman migrate doesn't know it, so nothing came of it"
    if text:
        notes[name, text.format(title=dialect.title)].append(one.subject)


def _share(served: Served, keys: dict[Key, str], draft: Draft) -> None:
    """Have those that are on one address share it, and those that would share by their key."""
    by_address: dict[str, set[Key]] = defaultdict(set)
    for key, held in served.holds.items():
        for address in held:
            by_address[address].add(key)
    for address in sorted(by_address):
        together = by_address[address]
        texts = {keys.get(key) for key in together}
        if len(together) > 1 and (len(texts) > 1 or None in texts):
            known = sorted(text for text in texts if text is not None)
            made = known[0] if known else f"migrated-{address.replace(':', '-').replace('.', '-')}"
            keys.update(dict.fromkeys(together, made))
    spaces: dict[str, set[str]] = defaultdict(set)
    for key, text in keys.items():
        spaces[text].add(key[0])
    for key, text in keys.items():
        draft.services[key][names.SHARE_KEY] = text
        others = sorted(spaces[text] - {key[0]})
        if others:
            draft.services[key][names.SHARE_NAMESPACES] = ",".join(others)


def _ours_win(served: Served, draft: Draft) -> None:
    for key, wanted in list(draft.services.items()):
        there = served.services[key].annotations
        draft.services[key] = {k: v for k, v in sorted(wanted.items()) if k not in there}
        if not draft.services[key]:
            del draft.services[key]
