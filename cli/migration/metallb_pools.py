"""MetalLB's pools with the advertisements that choose them, as Eips.

Theirs are joined by selectors and may be many to many; ours say everything of a pool in one
place. Where that loses something, it is noted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cli.migration.draft import Draft, Json, Part
from cli.migration.selectors import any_of, matches, names_as_selector

Parts = Mapping[str, Mapping[str, Part]]
NO_PRIORITY: Final = 100  # ours; MetalLB's pools without one come last


@dataclass(frozen=True, slots=True)
class World:
    """What pools are judged by, beside themselves."""

    labels: Mapping[str, Mapping[str, str]]  # of pools
    namespaces: Mapping[str, Mapping[str, str]]
    communities: Mapping[str, str]  # by their names
    aliases: frozenset[str]  # of those: what our BgpConf has


def add(parts: Parts, draft: Draft, world: World) -> None:
    """Add an Eip for each pool."""
    priorities = [p.facts["priority"] for p in parts["IPAddressPool"].values()
                  if p.facts.get("priority", 0) > 0]  # fmt: skip
    last = max([NO_PRIORITY, *(one + 1 for one in priorities)])
    for name, part in parts["IPAddressPool"].items():
        l2 = [one for one in parts["L2Advertisement"].values() if _is_about(one, name, world)]
        bgp = [one for one in parts["BGPAdvertisement"].values() if _is_about(one, name, world)]
        spec = part.spec
        spec.setdefault("default", True)
        priority = part.facts.get("priority", 0) or last
        spec["priority"] = priority
        _admission(part, world)
        if bgp:
            _advertised(part, bgp, world)
            if l2:
                part.note("", "an Eip has one protocol: it is bgp, and the L2Advertisement is left "
                          "out; for addresses at layer 2 make an Eip of their own")  # fmt: skip
        elif l2:
            spec["protocol"] = "layer2"
            _interfaces(part, l2)
        else:
            spec["protocol"] = "none"
            part.note("", "no advertisement is about it, so nothing announced it and nothing "
                      "will: protocol none")  # fmt: skip
        _nodes(part, bgp or l2)
        draft.add("Eip", name, _short(spec), part.subject)


def _short(spec: Json) -> Json:
    """Return *spec* without what a default says anyway."""
    usual: Json = {"default": False, "avoidBuggyIPs": False, "priority": NO_PRIORITY}
    order = ("addresses", "protocol")
    in_order = [*(key for key in order if key in spec), *(k for k in spec if k not in order)]
    return {key: spec[key] for key in in_order if usual.get(key) != spec[key]}


def _is_about(advertisement: Part, pool: str, world: World) -> bool:
    names = advertisement.facts.get("pools", [])
    selectors = advertisement.facts.get("poolSelectors", [])
    if not names and not selectors:
        return True
    return pool in names or any(matches(one, world.labels.get(pool, {})) for one in selectors)


def _admission(part: Part, world: World) -> None:
    names = part.facts.get("namespaces", [])
    selectors = part.facts.get("namespaceSelectors", [])
    if names and not selectors:
        part.spec["namespaces"] = sorted(set(names))
    elif selectors:
        both = [*selectors, *([names_as_selector(names)] if names else [])]
        one, exact = any_of(both)
        if exact and one is not None:
            part.spec["namespaceSelector"] = one
        elif not exact:
            _by_name(part, both, world)
    one, exact = any_of(part.facts.get("serviceSelectors", []))
    if one is not None:
        part.spec["serviceSelector"] = one
    if not exact:
        part.note("spec.serviceAllocation.serviceSelectors", "one selector can't say these, so any "
                  "Service may use the Eip: give those Services a label in common, and write it as "
                  "spec.serviceSelector")  # fmt: skip


def _by_name(part: Part, selectors: list[Json], world: World) -> None:
    """Name the namespaces that several selectors match now."""
    where = "spec.serviceAllocation.namespaceSelectors"
    found = sorted(name for name, labels in world.namespaces.items()
                   if any(matches(one, _labels(name, labels)) for one in selectors))  # fmt: skip
    if found:
        part.spec["namespaces"] = found
        part.note(where, "one selector can't say these: the namespaces that they match now are "
                  "listed by name, and one that is labelled later isn't among them")  # fmt: skip
    else:
        part.note(where, "one selector can't say these, and no Namespace that matches is in the "
                  "dump, so any may use the Eip: list them as spec.namespaces")  # fmt: skip


def _labels(name: str, labels: Mapping[str, str]) -> dict[str, str]:
    (expression,) = names_as_selector([name])["matchExpressions"]
    return {**labels, expression["key"]: name}


def _interfaces(part: Part, advertisements: Iterable[Part]) -> None:
    listed = [one.facts.get("interfaces", []) for one in advertisements]
    found = {name for names in listed for name in names}
    if len(found) == 1 and all(listed):
        part.put("layer2.interface", found.pop())
    elif found:
        part.note("", f"the L2Advertisement's interfaces {', '.join(sorted(found))[:128]} are left "
                  "out: an address is answered for on the interface whose subnet holds it; "
                  "layer2.interface takes one name")  # fmt: skip


def _nodes(part: Part, advertisements: list[Part]) -> None:
    chosen = [one.facts.get("nodes", []) for one in advertisements]
    if not chosen or not all(chosen):
        return  # one of them is for every node
    selector, exact = any_of([one for several in chosen for one in several])
    if selector is not None:
        part.spec["nodeSelector"] = selector
    if not exact:
        part.note("", "one selector can't say the nodeSelectors of its advertisements, so every "
                  "node may announce it: write them as spec.nodeSelector, by a label that those "
                  "nodes share")  # fmt: skip


def _advertised(part: Part, advertisements: list[Part], world: World) -> None:
    """Write spec.bgp: of several advertisements, what they all say, else what the first does."""
    part.spec["protocol"] = "bgp"
    bgp: Json = {}
    for key in ("aggregationLength", "aggregationLengthV6", "localPref"):
        values = [one.spec[key] for one in advertisements if key in one.spec]
        if values:
            bgp[key] = max(values) if key.startswith("aggregation") else values[0]
        if len(set(values)) > 1 or (values and len(values) < len(advertisements)):
            part.note("", f"its BGPAdvertisements differ in {key}; an Eip has one: {bgp[key]}")
    communities = [_spelled(one, world) for a in advertisements
                   for one in a.facts.get("communities", [])]  # fmt: skip
    if communities:
        bgp["communities"] = list(dict.fromkeys(communities))
    sets: list[Any] = [sorted(a.facts.get("communities", [])) for a in advertisements]
    if any(one != sets[0] for one in sets):
        part.note("", "its BGPAdvertisements differ in communities; every path has all of them")
    peers = [a.spec.get("peers", []) for a in advertisements]
    if all(peers):
        bgp["peers"] = sorted({name for names in peers for name in names})
    if any(one != peers[0] for one in peers):
        part.note("", "its BGPAdvertisements differ in peers; each such router hears all of it")
    if bgp:
        part.spec["bgp"] = bgp


def _spelled(community: str, world: World) -> str:
    """Return *community* as an Eip may name it: an alias of ours, or what it stands for."""
    if community in world.aliases:
        return community
    return world.communities.get(community, community)
