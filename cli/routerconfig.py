"""`plan --router-config`: what the routers need, for the cluster as it is, in their own words.

It prints configuration and configures nothing. What the cluster cannot say (which nodes
the managers run on) is left for the operator, in a comment.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import summarize_address_range
from typing import Final

from cli.world import World
from manager.snapshot import Eip
from pointsman.api import BgpPeerSpec, EipSpec, Protocol
from pointsman.model.address import Address, Prefix, address_order, prefix_order
from pointsman.model.ranges import address_of, read_block
from pointsman.model.route import PeerName

KINDS: Final = ("frr", "bird")
FAMILIES: Final = {4: ("ipv4", "ip", 32), 6: ("ipv6", "ipv6", 128)}
ROOM: Final = 2  # the limits leave room for twice of what is there
FEWEST: Final = 100


@dataclass(frozen=True, slots=True)
class Needs:
    """What one router has to know."""

    name: str
    address: Address
    asn: int  # the router's
    ours: int
    managers: tuple[Address, ...]  # where sessions may come from
    prefixes: tuple[Prefix, ...]  # whatever may be advertised
    aggregates: tuple[Prefix, ...]
    paths: int
    width: int  # next hops of one prefix, at most
    spec: BgpPeerSpec


def needs(seen: World) -> tuple[Needs, ...]:
    """Return what each router of the cluster needs, by the BgpPeer's name."""
    conf = seen.settled.bgp_confs.get("default")
    if conf is None or conf.spec is None:
        return ()
    return tuple(
        _needs(seen, PeerName(name), peer.spec, conf.spec.asn)
        for name, peer in sorted(seen.settled.bgp_peers.items())
        if peer.spec is not None and not peer.spec.disabled
    )


def _needs(seen: World, name: PeerName, spec: BgpPeerSpec, ours: int) -> Needs:
    told = [key for key, route in seen.plan.speech.routes.items() if name in route.peers]
    hops: dict[Prefix, int] = {}
    for key in told:
        hops[key.prefix] = hops.get(key.prefix, 0) + 1
    prefixes = {
        prefix
        for eip in seen.settled.eips.values()
        if eip.spec is not None and _hears(eip.spec, name)
        for prefix in _blocks(eip)
    }
    sources = {spec.source_address} if spec.source_address is not None else _nodes(seen, spec)
    return Needs(
        name=name,
        address=spec.address,
        asn=spec.asn,
        ours=spec.local_as or ours,
        managers=tuple(sorted(sources, key=address_order)),
        prefixes=tuple(sorted(prefixes, key=prefix_order)),
        aggregates=tuple(
            sorted((one for one in hops if one.prefixlen < one.max_prefixlen), key=prefix_order)
        ),
        paths=max(FEWEST, ROOM * len(told)),
        width=max(1, len(seen.settled.nodes)),
        spec=spec,
    )


def _hears(spec: EipSpec, name: PeerName) -> bool:
    return spec.protocol is Protocol.BGP and (not spec.bgp.peers or name in spec.bgp.peers)


def _blocks(eip: Eip) -> Iterator[Prefix]:
    assert eip.spec is not None
    for block in eip.spec.addresses:
        family, (first, last) = read_block(str(block))
        ends = address_of(family, first), address_of(family, last)
        yield from summarize_address_range(*ends)


def _nodes(seen: World, spec: BgpPeerSpec) -> set[Address]:
    """Return the nodes' addresses of the router's family: a manager speaks from one of them."""
    addresses = (ip for node in seen.settled.nodes.values() for ip in node.internal_ips)
    return {ip for ip in addresses if ip.version == spec.address.version}


def text(seen: World, kind: str) -> str:
    """Return the configuration of every router, as *kind* reads it."""
    parts = [(_frr if kind == "frr" else _bird)(one) for one in needs(seen)]
    return "\n".join("\n".join(part) for part in parts)


def _head(one: Needs, mark: str) -> Iterator[str]:
    yield f"{mark} BgpPeer {one.name}: router {one.address}, AS {one.asn}"
    yield f"{mark} Neighbors are the addresses of all nodes: keep those where managers run."
    if one.spec.password_secret_ref is not None:
        ref = one.spec.password_secret_ref
        yield f"{mark} The password is in Secret {ref.name}, key {ref.key}: put it in yourself."


def _frr(one: Needs) -> Iterator[str]:
    group, spec = "pointsman", one.spec
    yield from _head(one, "!")
    yield f"router bgp {one.asn}"
    yield " no bgp default ipv4-unicast"
    yield f" neighbor {group} peer-group"
    yield f" neighbor {group} remote-as {one.ours}"
    if spec.port != 179:
        yield f" ! run bgpd with -p {spec.port}: sessions are opened to that port"
    if spec.password_secret_ref is not None:
        yield f" ! neighbor {group} password ..."
    if spec.ebgp_multihop is not None:
        yield f" neighbor {group} ebgp-multihop {spec.ebgp_multihop.ttl}"
    if spec.ttl_security:
        yield f" neighbor {group} ttl-security hops 1"
    if spec.bfd is not None and spec.bfd.enabled:
        yield f" neighbor {group} bfd"
    for manager in one.managers:
        yield f" neighbor {manager} peer-group {group}"
    inside = " ibgp" if one.asn == one.ours else ""
    for version, (name, _, _) in FAMILIES.items():
        if f"{name}-unicast" in spec.families:
            yield f" address-family {name} unicast"
            yield f"  neighbor {group} activate"
            yield f"  neighbor {group} prefix-list {group}-v{version} in"
            yield f"  neighbor {group} prefix-list nothing-v{version} out"
            yield f"  neighbor {group} maximum-prefix {one.paths}"
            yield f"  maximum-paths{inside} {one.width}"
            yield " exit-address-family"
    yield "exit"
    for version, (_, word, longest) in FAMILIES.items():
        mine = [prefix for prefix in one.prefixes if prefix.version == version]
        for number, prefix in enumerate(mine, 1):
            more = f" le {longest}" if prefix.prefixlen < longest else ""
            yield f"{word} prefix-list {group}-v{version} seq {5 * number} permit {prefix}{more}"
        if not mine:
            yield f"{word} prefix-list {group}-v{version} seq 5 deny any"
        yield f"{word} prefix-list nothing-v{version} seq 5 deny any"
    for prefix in one.aggregates:
        word = FAMILIES[prefix.version][1]
        yield f"{word} route {prefix} blackhole 250"


def _bird(one: Needs) -> Iterator[str]:
    spec = one.spec
    yield from _head(one, "#")
    for name in ("ipv4", "ipv6"):
        yield (
            f"protocol kernel {{ merge paths yes limit {one.width}; {name} {{ import none; "
            "export where source ~ [ RTS_BGP, RTS_STATIC ]; }; }"
        )
    port = f" port {spec.port}" if spec.port != 179 else ""
    yield f"template bgp pointsman_{_word(one.name)} {{"
    yield f"  local {one.address}{port} as {one.asn};"
    if spec.password_secret_ref is not None:
        yield '  # password "...";'
    if spec.ebgp_multihop is not None:
        yield f"  multihop {spec.ebgp_multihop.ttl};"
    if spec.ttl_security:
        yield "  ttl security yes;"
    if spec.bfd is not None and spec.bfd.enabled:
        yield "  bfd yes;"
    for version, (name, _, longest) in FAMILIES.items():
        if f"{name}-unicast" in spec.families:
            mine = [prefix for prefix in one.prefixes if prefix.version == version]
            nets = ", ".join(f"{prefix}{{{prefix.prefixlen},{longest}}}" for prefix in mine)
            rule = f"where net ~ [ {nets} ]" if mine else "none"
            yield (
                f"  {name} {{ import {rule}; import limit {one.paths} action block; export none; "
                "add paths rx; };"
            )
    yield "}"
    for number, manager in enumerate(one.managers, 1):
        yield (
            f"protocol bgp {_word(one.name)}_{number} from pointsman_{_word(one.name)} "
            f"{{ neighbor {manager} as {one.ours}; }}"
        )
    for number, prefix in enumerate(one.aggregates, 1):
        name = FAMILIES[prefix.version][0]
        yield (
            f"protocol static discard_{_word(one.name)}_{number} "
            f"{{ {name} {{ preference 50; }}; route {prefix} blackhole; }}"
        )


def _word(name: str) -> str:
    """Return a name as BIRD's symbols may be: letters, digits and underscores."""
    return "".join(one if one.isalnum() else "_" for one in name)
