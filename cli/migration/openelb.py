"""OpenELB, and Porter, as it was called: Eip, BgpConf, BgpPeer of both versions.

Source: OpenELB's API types v1alpha1 and v1alpha2, and its documentation, read 2026-11.
"""

from collections.abc import Mapping
from typing import Any, Final

from cli.migration.draft import Draft, Json, Part, Unusable
from cli.migration.fields import (
    Row,
    Table,
    blocks,
    boolean,
    fact,
    integer,
    lost,
    mapping,
    seconds,
    selector,
    text,
    texts,
    to,
    walk,
)
from cli.migration.inventory import Inventory, Object

GROUP: Final = "network.kubesphere.io"
DEFAULTS: Final = (
    "eip.openelb.kubesphere.io/is-default-eip", "eip.porter.kubesphere.io/is-default-eip",
)  # fmt: skip
RACK: Final = ("openelb.kubesphere.io/rack", "porter.kubesphere.io/rack")  # labels of nodes
MANAGED: Final = "GoBGP's own; Pointsman manages it"
GOBGPS: Final = (
    "allowOwnAs", "peerGroup", "peerType", "removePrivateAs", "replacePeerAs", "routeFlapDamping",
    "sendCommunity",
)  # fmt: skip
FAMILIES: Final = {("AFI_IP", "SAFI_UNICAST"): "ipv4-unicast",
                   ("AFI_IP6", "SAFI_UNICAST"): "ipv6-unicast"}  # fmt: skip


def _protocol(value: Any, part: Part) -> None:
    named = text(value)
    if named == "vip":
        part.note("", "there is no VRRP; layer2 it is, where exactly one node answers")
    elif named not in ("", "bgp", "layer2"):
        raise Unusable(f"it is {named[:64]!r} and neither bgp, layer2 nor vip")
    part.put("protocol", "layer2" if named in ("layer2", "vip") else "bgp")


def _restart(prefix: str) -> dict[str, Row]:
    """Return the rows of graceful restart, as GoBGP has it."""
    nothing = "only how long and whether is ours to say; it is left out"

    def enabled(value: Any, part: Part) -> None:
        part.put("gracefulRestart.enabled", "Always" if boolean(value) else "Never")

    others = (
        "deferralTime", "helperOnly", "localRestarting", "longLivedEnabled", "mode",
        "notificationEnabled", "peerRestartTime", "peerRestarting", "staleRoutesTime",
    )  # fmt: skip
    return {
        f"{prefix}.enabled": enabled,
        f"{prefix}.restartTime": to("gracefulRestart.restartSeconds", integer),
        **{f"{prefix}.{one}": lost(nothing) for one in others},
    }


def _multihop(value: Any, part: Part) -> None:
    found = mapping(value)
    if found.get("enabled") is True:
        part.put("ebgpMultihop.ttl", integer(found.get("multihopTtl") or 255))
    for key in sorted(found.keys() - {"enabled", "multihopTtl"}):
        part.note(f"spec.ebgpMultihop.{key[:64]}", "this field is unknown; nothing came of it")


def _family(value: Any, part: Part) -> None:
    found = mapping(value)
    pair = str(found.get("afi") or ""), str(found.get("safi") or "")
    family = FAMILIES.get(pair)
    if family is None:
        raise Unusable(f"it is {' '.join(pair)[:64]!r}, and only unicast IPv4 and IPv6 are spoken")
    there = part.spec.setdefault("families", [])
    if family not in there:
        there.append(family)


def _paths(value: Any, part: Part) -> None:
    most = integer(value)
    if most > 0:
        part.put("nextHops.maxPaths", max(most, part.spec.get("nextHops", {}).get("maxPaths", 0)))


EIP: Final[Table] = {
    "spec.address": to("addresses", blocks),
    "spec.protocol": _protocol,
    "spec.interface": fact("interface", text),
    "spec.disable": to("disabled", boolean),
    "spec.usingKnownIPs": lost("it had no effect in OpenELB, and has none here"),
    "spec.priority": to("priority", integer),
    "spec.namespaces": to("namespaces", texts),
    "spec.namespaceSelector": to("namespaceSelector.matchLabels", mapping),
}
BGP_CONF: Final[Table] = {
    "spec.as": to("as", integer),
    "spec.asPerRack": fact("racks", mapping),
    "spec.routerId": fact("routerId", text),
    "spec.routerID": fact("routerId", text),  # v1alpha1
    "spec.listenPort": fact("port", integer),
    "spec.port": fact("port", integer),  # v1alpha1
    "spec.listenAddresses": fact("listen", texts),
    "spec.families": lost("which families are spoken is said per router: spec.families of BgpPeer"),
    "spec.useMultiplePaths": lost("several paths are always told; nothing is needed"),
    **_restart("spec.gracefulRestart"),
    "spec.policy": lost(
        "GoBGP policies aren't read; attributes are spec.bgp of an Eip (communities, med, "
        "localPref, asPathPrepend, peers), and nothing from a router is ever accepted"
    ),
}
_TIMER: Final = "spec.timers.config"
BGP_PEER: Final[Table] = {
    **{
        f"spec.{part}.{name}": row
        for part in ("conf", "config")  # v1alpha2, v1alpha1
        for name, row in {
            "peerAs": to("as", integer),
            "neighborAddress": to("address", text),
            "localAs": fact("localAs", integer),
            "authPassword": fact("password", text),
            "adminDown": to("disabled", boolean),
            "description": lost("there is no such field; write it as an annotation of the BgpPeer"),
            "neighborInterface": lost(
                "unnumbered sessions aren't there; give the router's address"
            ),
            "vrf": lost("there are no VRFs; peer with a router that has them"),
            **{one: lost(f"{one} is {MANAGED}") for one in GOBGPS},
        }.items()
    },
    "spec.ebgpMultihop": _multihop,
    f"{_TIMER}.holdTime": to("timers.holdSeconds", seconds),
    f"{_TIMER}.keepaliveInterval": to("timers.keepaliveSeconds", seconds),
    f"{_TIMER}.connectRetry": to("timers.connectRetrySeconds", seconds),
    f"{_TIMER}.minimumAdvertisementInterval": lost(
        "changes are told at once; there is no interval"
    ),
    f"{_TIMER}.idleHoldTimeAfterReset": lost(
        "a refused session is tried again within 60 s at most"
    ),
    "spec.transport.passiveMode": to("passive", boolean),
    "spec.transport.remotePort": to("port", integer),
    "spec.transport.localAddress": to("sourceAddress", text),
    **{
        f"spec.transport.{one}": lost(f"{one} is {MANAGED}")
        for one in ("bindInterface", "localPort", "mtuDiscovery", "remoteAddress", "tcpMss", "ttl")
    },
    **_restart("spec.gracefulRestart"),
    "spec.afiSafis[].config.family": _family,
    "spec.afiSafis[].config.enabled": lost("a family that is listed is spoken", unless=(True,)),
    "spec.afiSafis[].addPaths.config.sendMax": _paths,
    "spec.afiSafis[].addPaths.config.receive": lost("nothing from a router is ever accepted"),
    "spec.addPaths.sendMax": _paths,  # v1alpha1
    "spec.usingPortForward": lost("sessions are opened outwards; nothing has to be forwarded"),
    "spec.nodeSelector": to("nextHops.nodeSelector", selector),
}
TABLES: Final[Mapping[str, Table]] = {"Eip": EIP, "BgpConf": BGP_CONF, "BgpPeer": BGP_PEER}


def read(found: Inventory, draft: Draft) -> None:
    """Make ours of OpenELB's objects."""
    parts: dict[str, list[tuple[Object, Part]]] = {kind: [] for kind in TABLES}
    for one in found.of_group(GROUP):
        if one.kind not in TABLES:
            draft.note(one.subject, "this kind of OpenELB's is unknown, so nothing came of it")
            continue
        part = Part(one.subject)
        walk(one.raw.get("spec") or {}, TABLES[one.kind], part)
        parts[one.kind].append((one, part))
    passive = any(part.spec.get("passive") for _, part in parts["BgpPeer"])
    racks = _conf(parts["BgpConf"], draft, passive=passive)
    for one, part in parts["BgpPeer"]:
        _peer(one, part, draft, racks)
    _eips(parts["Eip"], draft)
    for several in parts.values():
        for _, part in several:
            draft.notes += part.notes


def _eips(found: list[tuple[Object, Part]], draft: Draft) -> None:
    """Add the Eips: those of namespaces serve whoever names none there, before the default one."""
    own = [p.spec.get("priority", 0) for _, p in found if _is_selective(p.spec)]
    for one, part in found:
        spec, interface = part.spec, part.facts.get("interface")
        is_default = any(one.annotations.get(key) == "true" for key in DEFAULTS)
        spec.setdefault("protocol", "bgp")
        spec.setdefault("priority", 0)  # theirs, where ours is 100
        if is_default and own and spec["priority"] <= max(own):
            spec["priority"] = max(own) + 1
            part.note(
                "", "its priority is larger here, so that Eips of namespaces still come first"
            )
        if is_default or _is_selective(spec):
            spec["default"] = True
        if interface and spec["protocol"] == "layer2":
            part.put("layer2.interface", interface)
        elif interface:
            part.note("spec.interface", "BGP needs no interface, so it is left out")
        if spec.get("namespaces") and _selects(spec):
            part.note("spec.namespaceSelector", "here a namespace must be listed and match, too")
        draft.add("Eip", one.name, _meant(spec), one.subject)


def _is_selective(spec: Json) -> bool:
    return bool(spec.get("namespaces")) or _selects(spec)


def _selects(spec: Json) -> bool:
    return bool(spec.get("namespaceSelector", {}).get("matchLabels"))


def _meant(spec: Json) -> Json:
    """Return *spec* without what says nothing: false is every such field's default."""
    nothing: tuple[object, ...] = ({}, [], {"matchLabels": {}})
    return {k: v for k, v in spec.items() if v is not False and v not in nothing}


def _conf(found: list[tuple[Object, Part]], draft: Draft, *, passive: bool) -> Json:
    """Add the BgpConf; return the AS of each rack."""
    racks: Json = {}
    for one, part in found:
        facts = part.facts
        if one.name != "default":
            part.note("", "only the BgpConf 'default' counts, there as here, so it is left out")
            continue
        if facts.get("routerId"):
            part.note("spec.routerId", "each manager derives its own; leave it so with two of them")
        if passive and facts.get("port", -1) > 0:
            part.put("listenPort", facts["port"])
            if facts.get("listen"):
                part.put("listenAddresses", facts["listen"])
        elif facts.get("port", -1) > 0 or facts.get("listen"):
            part.note("spec.listenPort", "sessions are opened outwards, so nothing listens; set "
                      "listenPort of the BgpConf if a router is to open them")  # fmt: skip
        racks = facts.get("racks", {})
        if "as" in part.spec:
            draft.add("BgpConf", "default", part.spec, one.subject)
        else:
            part.note("spec.as", "without an AS number there is no BgpConf")
    return racks


def _peer(one: Object, part: Part, draft: Draft, racks: Json) -> None:
    spec, facts = part.spec, part.facts
    missing = [theirs for ours, theirs in (("address", "neighborAddress"), ("as", "peerAs"))
               if ours not in spec]  # fmt: skip
    if missing:
        part.note("", f"without {' and '.join(missing)} there is no BgpPeer")
        return
    if facts.get("password"):
        spec["passwordSecretRef"] = draft.add_password(one.name, facts["password"])
        draft.by_hand.append(
            f"The password of {one.subject} stood in the open; it is in a Secret now: "
            "let the manager read Secrets (deploy/options/passwords.yaml)."
        )
    labels = spec.get("nextHops", {}).get("nodeSelector", {}).get("matchLabels")
    labels = labels if isinstance(labels, Mapping) else {}
    rack = next((str(labels[key]) for key in RACK if key in labels), None)
    local = facts.get("localAs") or (racks.get(rack) if rack is not None else None)
    if local:
        spec["localAs"] = local
    if racks and rack is None:
        part.note("", "the AS of a rack (asPerRack) applies to routers whose nodeSelector names "
                  f"{RACK[0]}; this one hears the BgpConf's: set localAs otherwise")  # fmt: skip
    if spec.get("nextHops", {}).get("nodeSelector") == {}:
        del spec["nextHops"]["nodeSelector"]
    draft.add("BgpPeer", one.name, _meant(spec), one.subject)
