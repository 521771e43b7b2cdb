"""A router's needs in the words of FRR: lines for its configuration, or for `vtysh -f`."""

from collections.abc import Iterator, Mapping
from typing import Final

from cli.routers import unassigned
from cli.routers.clauses import Clause
from cli.routers.needs import FAMILIES, Needs

GROUP: Final = "pointsman"
WORDS: Final = {4: "ip", 6: "ipv6"}
DISTANCE: Final = 250  # worse than BGP's: 20, or 200 within an AS
# Which of its lines are about what; and what it does unless it is told otherwise.
MARKS: Final[Mapping[Clause, tuple[str, ...]]] = {
    Clause.NEIGHBOR: (f"peer-group {GROUP}",),
    Clause.AS: ("router bgp", "remote-as", "bgp confederation"),
    Clause.PASSWORD: (" password ",),
    Clause.HOPS: ("ebgp-multihop", "ttl-security"),
    Clause.LISTENING: ("run bgpd with -p",),
    Clause.LIMIT: ("maximum-prefix",),
    Clause.FAMILIES: ("address-family ipv", " activate"),
    Clause.IPV6_NEXT_HOPS: ("extended-nexthop",),
    Clause.BFD: (f"neighbor {GROUP} bfd",),
    Clause.NOTHING_TO_US: (" out", "prefix-list nothing-"),
}
UNASKED: Final[Mapping[Clause, str]] = {
    Clause.SEVERAL_PATHS: f"neighbor {GROUP} disable-addpath-rx",
    Clause.GRACEFUL_RESTART: f"neighbor {GROUP} graceful-restart-disable",
}


def lines(one: Needs) -> Iterator[str]:
    """Yield the configuration of router *one*."""
    yield from one.head("!")
    yield f"router bgp {one.asn}"
    if one.confederation is not None:  # else it drops our paths: their AS path is of members
        yield f" bgp confederation identifier {one.confederation}"
        yield f" bgp confederation peers {one.ours}"
        # Between member ASes FRR sees no filter where there is one (8.4.4, tried).
        yield " ! Without the next line all is discarded between member ASes, filters or not."
        yield " no bgp ebgp-requires-policy"
    yield " no bgp default ipv4-unicast"
    yield f" neighbor {GROUP} peer-group"
    yield f" neighbor {GROUP} remote-as {one.ours}"
    yield from _session(one)
    for manager in one.managers:
        yield f" neighbor {manager} peer-group {GROUP}"
        if one.spec.passive:
            yield f" neighbor {manager} port {one.listen_port}"
    for version in one.families:
        yield from _family(one, version)
    yield "exit"
    yield from _filters(one)
    for prefix in one.aggregates:
        yield f"{WORDS[prefix.version]} route {prefix} blackhole {DISTANCE}"
    yield from unassigned.lines(one, "!")


def _session(one: Needs) -> Iterator[str]:
    spec = one.spec
    if spec.port != 179:
        yield f" ! run bgpd with -p {spec.port}: sessions are opened to that port"
    if not spec.passive:
        yield f" neighbor {GROUP} passive"
    if spec.password_secret_ref is not None:
        yield f" ! neighbor {GROUP} password ..."
    if spec.ebgp_multihop is not None and not one.internal:
        yield f" neighbor {GROUP} ebgp-multihop {spec.ebgp_multihop.ttl}"
    elif one.far and not one.internal:
        yield f" neighbor {GROUP} disable-connected-check"
    if spec.ttl_security:
        yield f" neighbor {GROUP} ttl-security hops 1"
    if one.bare:
        yield f" neighbor {GROUP} capability extended-nexthop"
    if one.bfd and spec.bfd is not None:
        # What we receive is what it sends, and the other way round.
        receive, send = spec.bfd.transmit_milliseconds, spec.bfd.receive_milliseconds
        yield f" neighbor {GROUP} bfd {spec.bfd.multiplier} {receive} {send}"


def _family(one: Needs, version: int) -> Iterator[str]:
    yield f" address-family {FAMILIES[version]} unicast"
    yield f"  neighbor {GROUP} activate"
    yield f"  neighbor {GROUP} prefix-list {GROUP}-v{version} in"
    yield f"  neighbor {GROUP} prefix-list nothing-v{version} out"
    yield f"  neighbor {GROUP} maximum-prefix {one.paths}"
    # Another member AS of a confederation counts as another AS here (8.4, 10.3 and 10.7, tried).
    yield f"  maximum-paths{' ibgp' if one.internal else ''} {one.width}"
    yield " exit-address-family"


def _filters(one: Needs) -> Iterator[str]:
    for version, word in WORDS.items():
        for number, prefix in enumerate(one.of(version), 1):
            longest = prefix.max_prefixlen
            more = f" le {longest}" if prefix.prefixlen < longest else ""
            yield f"{word} prefix-list {GROUP}-v{version} seq {5 * number} permit {prefix}{more}"
        if not one.of(version):
            yield f"{word} prefix-list {GROUP}-v{version} seq 5 deny any"
        yield f"{word} prefix-list nothing-v{version} seq 5 deny any"
