"""PureLB: ServiceGroup and LBNodeAgent.

Source: PureLB's API types v1 and v2 (0.16, 0.17), read 2026-11.
"""

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any, Final

from cli.migration.draft import Draft, Json, Part, Unusable
from cli.migration.fields import (
    Table,
    blocks,
    fact,
    lost,
    mapping,
    text,
    texts,
    walk,
)
from cli.migration.inventory import Inventory
from pointsman.api.eiplayer2 import NAME

GROUP: Final = "purelb.io"
ROUTED: Final = "kernel"  # what PureLB leaves to a router on the node, too
DEFAULT: Final = "default"  # a ServiceGroup of this name serves who names none
WHOLE: Final = {4: 32, 6: 128}


def _pool(family: int, kind: str) -> Any:
    """Return the row of one pool of a ServiceGroup: {pool, subnet, aggregation}."""

    def row(value: Any, part: Part) -> None:
        found = mapping(value)
        part.facts.setdefault("kinds", set()).add(kind)
        part.spec.setdefault("addresses", []).extend(blocks(found.get("pool")))
        version = family or (6 if ":" in part.spec["addresses"][-1] else 4)
        length = _length(found, version)
        if length != WHOLE[version]:
            part.facts.setdefault(f"v{version}", set()).add(length)
        for key in sorted(found.keys() - {"pool", "subnet", "aggregation"}):
            part.note(f"spec.{kind}.{key[:64]}", "this field is unknown, so nothing came of it")

    return row


def _length(pool: Mapping[str, Any], version: int) -> int:
    """Return which prefix length is told: "/24", that of the subnet ("default"), or a host's."""
    named = pool.get("aggregation")
    if named is None or named == "":
        return WHOLE[version]
    word = text(named)
    if word == "default":
        subnet = text(pool.get("subnet"))
        try:
            return ip_network(subnet, strict=False).prefixlen
        except ValueError:
            raise Unusable(f"its subnet {subnet[:64]!r} is no network") from None
    if not word.removeprefix("/").isascii() or not word.removeprefix("/").isdigit():
        raise Unusable(f"its aggregation {word[:64]!r} is neither a length like /24 nor default")
    return int(word.removeprefix("/")[:4])


def _pools(family: int, kind: str) -> Any:
    one = _pool(family, kind)

    def row(value: Any, part: Part) -> None:
        if not isinstance(value, list):
            raise Unusable("it is no list of pools")
        for item in value:
            one(item, part)

    return row


def _rows(kind: str) -> Table:
    at = f"spec.{kind}"
    return {
        f"{at}.v4pool": _pool(4, kind), f"{at}.v6pool": _pool(6, kind),
        f"{at}.v4pools": _pools(4, kind), f"{at}.v6pools": _pools(6, kind),
        f"{at}.pool": fact(f"{kind} pool", text),  # v1, with the two beside it
        f"{at}.subnet": fact(f"{kind} subnet", text),
        f"{at}.aggregation": fact(f"{kind} aggregation", text),
    }  # fmt: skip


ROUTERS: Final = (
    "a router on each node told its addresses; here the managers tell the routers themselves, by "
    "bgp, so write a BgpConf, and a BgpPeer for each of them"
)
NETBOX: Final = (
    "an Eip takes addresses from NetBox by spec.source.netbox, with a prefix and a token of its "
    "own (docs/ipam.md): write it by hand"
)
SERVICE_GROUP: Final[Table] = {
    **_rows("local"),
    **_rows("remote"),
    "spec.netbox": lost(NETBOX, unless=(None,)),
    "spec.namespaces": fact("namespaces", texts),
}
NODE_AGENT: Final[Table] = {
    "spec.local.localint": fact("interface", text),
    "spec.local.localInterface": fact("interface", text),
    "spec.local.extlbint": lost("our agents' interface for protocol kernel is dummy-pointsman"),
    "spec.local.dummyInterface": lost(
        "our agents' interface for protocol kernel is dummy-pointsman"
    ),
    "spec.local.sendgarp": lost("an address that comes or moves is always announced"),
    "spec.local.sendGARP": lost("an address that comes or moves is always announced"),
    "spec.local.garpConfig": lost("an address that comes or moves is always announced"),
}


def read(found: Inventory, draft: Draft, protocol: str) -> None:
    """Make ours of PureLB's objects; *protocol*: of groups that are announced by routing."""
    interface = ""
    for one in found.of(GROUP, "LBNodeAgent"):
        part = Part(one.subject)
        walk(one.raw.get("spec") or {}, NODE_AGENT, part)
        named = part.facts.get("interface", "default")
        if named not in ("", "default"):
            if NAME.fullmatch(named):
                interface = named
            else:
                part.note("spec.local.localint", "a pattern of interfaces can't be given: an "
                          "address is answered for where its subnet is")  # fmt: skip
        draft.notes += part.notes
    for one in found.of_group(GROUP):
        if one.kind == "ServiceGroup":
            part = Part(one.subject)
            walk(one.raw.get("spec") or {}, SERVICE_GROUP, part)
            _group(one.name, part, draft, interface=interface, routed=protocol or ROUTED)
            draft.notes += part.notes
        elif one.kind != "LBNodeAgent":
            draft.note(one.subject, "this kind of PureLB's is unknown, so nothing came of it")


def _group(name: str, part: Part, draft: Draft, *, interface: str, routed: str) -> None:
    for kind in ("local", "remote"):
        pool = {key: part.facts[f"{kind} {key}"] for key in ("pool", "subnet", "aggregation")
                if f"{kind} {key}" in part.facts}  # fmt: skip
        if pool:
            walk(pool, {f"spec.{kind}": _pool(0, kind)}, part, f"spec.{kind}")
    addresses, kinds = part.spec.get("addresses", []), part.facts.get("kinds", set())
    if not addresses:
        part.note("", "it has no addresses that could be read, so there is no Eip")
        return
    remote = kinds == {"remote"}
    if remote and routed == "bgp":
        part.note("", ROUTERS)
    spec: Json = {
        "addresses": list(dict.fromkeys(addresses)),
        "protocol": routed if remote else "layer2",
    }
    if len(kinds) > 1:
        part.note("", "an Eip has one protocol: it is layer2; make one of their own for the remote")
    if name == DEFAULT:
        spec["default"] = True
    if part.facts.get("namespaces"):
        spec["namespaces"] = sorted(set(part.facts["namespaces"]))
    if interface and not remote:
        spec["layer2"] = {"interface": interface}
    _aggregates(part, spec, remote=remote)
    draft.add("Eip", name, spec, part.subject)


def _aggregates(part: Part, spec: Json, *, remote: bool) -> None:
    for version, key in ((4, "aggregationLength"), (6, "aggregationLengthV6")):
        lengths = part.facts.get(f"v{version}", set())
        if lengths and not remote:
            part.note("", "an address of layer2 has no prefix, so its aggregation is left out")
        elif lengths:
            spec.setdefault("bgp", {})[key] = max(lengths)
        if len(lengths) > 1:
            part.note("", f"its pools differ in aggregation; an Eip has one: /{max(lengths)}")
