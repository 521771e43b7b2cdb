"""MetalLB: the tables of its kinds' fields. What follows from several objects: metallb_pools.py.

Source: MetalLB's API types v1beta1 and v1beta2 (0.16), read 2026-11.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from cli.migration import metallb_pools
from cli.migration.draft import Draft, Json, Part, Unusable
from cli.migration.fields import (
    Table,
    blocks,
    boolean,
    fact,
    integer,
    lost,
    mapping,
    seconds,
    selectors,
    text,
    texts,
    to,
    walk,
)
from cli.migration.inventory import Inventory, Object
from cli.migration.selectors import any_of
from pointsman.api.community import is_name
from pointsman.model.community import WELL_KNOWN

GROUP: Final = "metallb.io"
OLD: Final = ("metallb-system", "config")  # the ConfigMap that it read before 0.13
MULTIHOP_TTL: Final = 255  # what FRR, which MetalLB drives, takes
REPORTS: Final = (  # what MetalLB itself writes
    "BGPSessionStatus", "ConfigurationState", "ServiceBGPStatus", "ServiceL2Status",
)  # fmt: skip


def _community(value: str) -> str:
    return value.removeprefix("large:")


def _communities(value: Any, part: Part) -> None:
    part.facts["communities"] = [_community(one) for one in texts(value)]


def _aliases(value: Any, part: Part) -> None:
    if not isinstance(value, list):
        raise Unusable("it is no list of names and values")
    found = part.facts.setdefault("aliases", {})
    for one in value:
        entry = mapping(one)
        found[text(entry.get("name"))] = _community(text(entry.get("value")))


def _dynamic(value: Any, part: Part) -> None:
    word = text(value)
    if word not in ("internal", "external"):
        raise Unusable(f"it is {word[:64]!r} and neither internal nor external")
    part.facts["dynamic"] = word


def _milliseconds(path: str) -> Any:
    return to(path, integer)


POOL: Final[Table] = {
    "spec.addresses": to("addresses", blocks),
    "spec.autoAssign": to("default", boolean),
    "spec.avoidBuggyIPs": to("avoidBuggyIPs", boolean),
    "spec.serviceAllocation.priority": fact("priority", integer),
    "spec.serviceAllocation.namespaces": fact("namespaces", texts),
    "spec.serviceAllocation.namespaceSelectors": fact("namespaceSelectors", selectors),
    "spec.serviceAllocation.serviceSelectors": fact("serviceSelectors", selectors),
}
_CHOICE: Final[Table] = {  # which pools an advertisement is about
    "spec.ipAddressPools": fact("pools", texts),
    "spec.ipAddressPoolSelectors": fact("poolSelectors", selectors),
    "spec.nodeSelectors": fact("nodes", selectors),
    "spec.serviceSelectors": lost(
        "what an Eip's addresses are announced with doesn't depend on the Service; give such "
        "Services an Eip of their own (spec.serviceSelector)"
    ),
}
L2: Final[Table] = {**_CHOICE, "spec.interfaces": fact("interfaces", texts)}
BGP: Final[Table] = {
    **_CHOICE,
    "spec.aggregationLength": to("aggregationLength", integer),
    "spec.aggregationLengthV6": to("aggregationLengthV6", integer),
    "spec.localPref": to("localPref", integer),
    "spec.communities": _communities,
    "spec.peers": to("peers", texts),
}
PEER: Final[Table] = {
    "spec.myASN": fact("ours", integer),
    "spec.localASN": fact("local", integer),
    "spec.peerASN": to("as", integer),
    "spec.dynamicASN": _dynamic,
    "spec.peerAddress": to("address", text),
    "spec.peerPort": to("port", integer),
    "spec.holdTime": to("timers.holdSeconds", seconds),
    "spec.keepaliveTime": to("timers.keepaliveSeconds", seconds),
    "spec.connectTime": to("timers.connectRetrySeconds", seconds),
    "spec.password": fact("password", text),
    "spec.passwordSecret": fact("secret", mapping),
    "spec.ebgpMultiHop": fact("multihop", boolean),
    "spec.bfdProfile": fact("bfd", text),
    "spec.enableGracefulRestart": fact("restart", boolean),
    "spec.nodeSelectors": fact("nodes", selectors),
    "spec.routerID": lost("each manager derives its own router id; leave it so with two of them"),
    "spec.sourceAddress": lost(
        "it is a node's; here the manager's host opens the session, from its address on the "
        "router's network: set sourceAddress if another one is wanted"
    ),
    "spec.vrf": lost("there are no VRFs; peer with a router that has them"),
    "spec.interface": lost("unnumbered sessions aren't there; give the router's address"),
    "spec.disableMP": fact("single", boolean),
    "spec.dualStackAddressFamily": lost("both families are spoken over each session anyway"),
}
COMMUNITY: Final[Table] = {"spec.communities": _aliases}
BFD: Final[Table] = {
    "spec.receiveInterval": _milliseconds("receiveMilliseconds"),
    "spec.transmitInterval": _milliseconds("transmitMilliseconds"),
    "spec.detectMultiplier": to("multiplier", integer),
    "spec.echoInterval": lost("BFD's echo isn't spoken; the intervals of control packets count"),
    "spec.echoMode": lost("BFD's echo isn't spoken; the intervals of control packets count"),
    "spec.passiveMode": lost("BFD is begun by both sides"),
    "spec.minimumTtl": lost("BFD works over one hop, where the TTL is 255 (RFC 5881)"),
}
TABLES: Final[Mapping[str, Table]] = {
    "IPAddressPool": POOL, "L2Advertisement": L2, "BGPAdvertisement": BGP, "BGPPeer": PEER,
    "Community": COMMUNITY, "BFDProfile": BFD,
}  # fmt: skip


def read(found: Inventory, draft: Draft) -> None:
    """Make ours of MetalLB's objects."""
    parts: dict[str, dict[str, Part]] = {kind: {} for kind in TABLES}
    labels: dict[str, dict[str, str]] = {}
    for one in found.of_group(GROUP):
        if one.kind in TABLES and one.name not in parts[one.kind]:
            part = parts[one.kind][one.name] = Part(one.subject)
            walk(one.raw.get("spec") or {}, TABLES[one.kind], part)
            if one.kind == "IPAddressPool":
                labels[one.name] = one.labels
        elif one.kind not in REPORTS:
            draft.note(one.subject, _why_not(one))
    if not any(found.of_group(GROUP)):
        _old_configuration(found, draft)
    aliases = _communities_of(parts["Community"])
    ours = Counter(part.facts["ours"] for part in parts["BGPPeer"].values() if "ours" in part.facts)
    asn = ours.most_common(1)[0][0] if ours else 0
    for name, part in parts["BGPPeer"].items():
        _peer(name, part, draft, {"as": asn, "bfd": parts["BFDProfile"]})
    if asn:
        conf = {"as": asn} | ({"communityAliases": aliases} if aliases else {})
        draft.add("BgpConf", "default", conf, "BGPPeer, spec.myASN")
    known = {name: alias for part in parts["Community"].values()
             for name, alias in part.facts.get("aliases", {}).items()}  # fmt: skip
    namespaces = {one.name: one.labels for one in found.of("", "Namespace")}
    world = metallb_pools.World(labels, namespaces, known, frozenset(aliases))
    metallb_pools.add(parts, draft, world)
    for several in parts.values():
        for part in several.values():
            draft.notes += part.notes


def _old_configuration(found: Inventory, draft: Draft) -> None:
    """Note the configuration of a MetalLB before 0.13, which nothing but its generator reads.

    Where its own kinds have objects, that is what was left of it, and MetalLB doesn't look at it.
    """
    for one in found.of("", "ConfigMap"):
        data = one.raw.get("data")
        if (one.namespace, one.name) == OLD and isinstance(data, Mapping) and OLD[1] in data:
            draft.note(
                one.subject,
                "this is the configuration of a MetalLB before 0.13, which is not read: make "
                "objects of it with MetalLB's own generator, configmaptocrs, and run migrate again "
                "with them and the Services",
                f"data.{OLD[1]}",
            )


def _why_not(one: Object) -> str:
    if one.kind in TABLES:
        return "there is one of this name in another namespace already, so it is left out"
    if one.kind == "AddressPool":
        return "MetalLB itself dropped this kind in 0.14; write it as an IPAddressPool, or an Eip"
    return "this kind of MetalLB's is unknown, so nothing came of it"


def _communities_of(parts: Mapping[str, Part]) -> dict[str, str]:
    """Return the aliases that a BgpConf can have; others are replaced where they are used."""
    found: dict[str, str] = {}
    for part in parts.values():
        for name, value in part.facts.get("aliases", {}).items():
            if is_name(name) and name not in WELL_KNOWN and len(name) <= 63:
                found[name] = value
            else:
                part.note("spec.communities", f"an alias has lower-case letters, digits and dashes "
                          f"here, so {value[:64]} stands in place of {name[:64]!r}")  # fmt: skip
    return found


def _peer(name: str, part: Part, draft: Draft, about: Json) -> None:
    """Add the BgpPeer of one BGPPeer; *about*: our AS, and the BFD profiles."""
    spec, facts, asn = part.spec, part.facts, about["as"]
    if "dynamic" in facts:
        if facts["dynamic"] == "internal" and "ours" in facts:
            spec.setdefault("as", facts["ours"])
        elif "as" not in spec:
            part.note("spec.dynamicASN", "a BgpPeer says its router's AS; write it as spec.as")
    if "as" not in spec or "address" not in spec:
        part.note("", "without peerASN and peerAddress there is no BgpPeer")
        return
    local = facts.get("local") or facts.get("ours")
    if local and local != asn:
        spec["localAs"] = local
    _password(name, part, draft)
    if facts.get("multihop"):
        spec["ebgpMultihop"] = {"ttl": MULTIHOP_TTL}
    if facts.get("restart"):
        part.put("gracefulRestart.enabled", "Always")
    if facts.get("single"):
        spec["families"] = ["ipv6-unicast" if ":" in spec["address"] else "ipv4-unicast"]
    _bfd(part, about["bfd"])
    nodes, exact = any_of(facts.get("nodes", []))
    if nodes is not None:
        part.put("nextHops.nodeSelector", nodes)
    if not exact:
        part.note("spec.nodeSelectors", "one selector can't say these: write those nodes as "
                  "nextHops.nodeSelector of the BgpPeer, by a label that they share")  # fmt: skip
    draft.add("BgpPeer", name, spec, part.subject)


def _password(name: str, part: Part, draft: Draft) -> None:
    facts, spec = part.facts, part.spec
    if facts.get("password"):
        spec["passwordSecretRef"] = draft.add_password(name, facts["password"])
        draft.by_hand.append(
            f"The password of {part.subject} stood in the open; it is in a Secret now: "
            "let the manager read Secrets (deploy/options/passwords.yaml)."
        )
    elif facts.get("secret", {}).get("name"):
        secret = str(facts["secret"]["name"])
        spec["passwordSecretRef"] = {"name": secret, "key": "password"}
        draft.by_hand.append(
            f"Copy Secret {secret[:64]}, which {part.subject} names, into the manager's namespace, "
            "and let the manager read Secrets there (deploy/options/passwords.yaml)."
        )


def _bfd(part: Part, profiles: Mapping[str, Part]) -> None:
    name = part.facts.get("bfd")
    if not name:
        return
    if part.spec.get("ebgpMultihop"):
        part.note("spec.bfdProfile", "BFD works over one hop only, so it is left out")
    elif name not in profiles:
        part.note("spec.bfdProfile", f"there is no BFDProfile {name[:64]}, so BFD has our defaults")
        part.spec["bfd"] = {"enabled": True}
    else:
        part.spec["bfd"] = {"enabled": True, **profiles[name].spec}
