"""A router's needs in the words of BIRD: the whole of a bird.conf that does nothing else."""

from collections.abc import Iterator, Mapping
from typing import Final

from cli.routers import unassigned
from cli.routers.clauses import Clause
from cli.routers.needs import FAMILIES, Needs

# Which of its lines are about what; and what it does unless it is told otherwise.
MARKS: Final[Mapping[Clause, tuple[str, ...]]] = {
    Clause.NEIGHBOR: ("{ neighbor ",),
    Clause.AS: (" as ", "  confederation "),
    Clause.PASSWORD: ("password ",),
    Clause.HOPS: ("multihop ", "ttl security"),
    Clause.LISTENING: (" port ",),
    Clause.LIMIT: ("import limit",),
    Clause.SEVERAL_PATHS: ("add paths rx",),
    Clause.FAMILIES: ("import where", "import none; import limit"),
    Clause.IPV6_NEXT_HOPS: ("extended next hop yes",),
    Clause.BFD: ("bfd yes;", "protocol bfd "),
    Clause.NOTHING_TO_US: ("export none",),
}
UNASKED: Final[Mapping[Clause, str]] = {Clause.GRACEFUL_RESTART: "graceful restart off;"}


def lines(one: Needs) -> Iterator[str]:
    """Yield the configuration of router *one*."""
    yield from one.head("#")
    yield "# What your bird.conf has already of device, direct, kernel or bfd stays there once."
    yield "protocol device { }"
    yield "protocol direct { ipv4; ipv6; }"
    for name in FAMILIES.values():
        yield (
            f"protocol kernel {{ merge paths yes limit {one.width}; {name} {{ import none; "
            "export where source ~ [ RTS_BGP, RTS_STATIC ]; }; }"
        )
    if one.bfd and one.spec.bfd is not None:
        # What we receive is what it sends, and the other way round.
        receive, send = one.spec.bfd.transmit_milliseconds, one.spec.bfd.receive_milliseconds
        yield (
            f'protocol bfd {{ interface "*" {{ min rx interval {receive} ms; '
            f"min tx interval {send} ms; multiplier {one.spec.bfd.multiplier}; }}; }}"
        )
    yield from _template(one)
    port = f" port {one.listen_port}" if one.spec.passive else ""
    for number, manager in enumerate(one.managers, 1):
        yield (
            f"protocol bgp {_word(one.name)}_{number} from pointsman_{_word(one.name)} "
            f"{{ neighbor {manager}{port} as {one.ours}; }}"
        )
    for number, prefix in enumerate(one.aggregates, 1):
        yield (
            f"protocol static discard_{_word(one.name)}_{number} "
            f"{{ {FAMILIES[prefix.version]} {{ preference 50; }}; route {prefix} blackhole; }}"
        )
    yield from unassigned.lines(one, "#")


def _template(one: Needs) -> Iterator[str]:
    spec = one.spec
    port = f" port {spec.port}" if spec.port != 179 else ""
    yield f"template bgp pointsman_{_word(one.name)} {{"
    yield f"  local {one.address}{port} as {one.asn};"
    if one.confederation is not None:  # else it drops our paths: their AS path is of members
        yield f"  confederation {one.confederation};"
        yield "  confederation member yes;"
    if not spec.passive:
        yield "  passive yes;"
    if spec.password_secret_ref is not None:
        yield '  # password "...";'
    if spec.ebgp_multihop is not None:
        yield f"  multihop {spec.ebgp_multihop.ttl};"
    if spec.ttl_security:
        yield "  ttl security yes;"
    if one.bfd:
        yield "  bfd yes;"
    behind = one.far and spec.ebgp_multihop is None and not one.internal
    recursive = "gateway recursive; " if behind else ""
    several = "add paths rx; " if spec.parallel_sessions is None else ""
    for version in one.families:
        mine = one.of(version)
        extended = "extended next hop yes; " if one.bare and version == 4 else ""
        nets = ", ".join(f"{net}{{{net.prefixlen},{net.max_prefixlen}}}" for net in mine)
        yield (
            f"  {FAMILIES[version]} {{ import {f'where net ~ [ {nets} ]' if mine else 'none'}; "
            f"import limit {one.paths} action block; export none; {several}{extended}{recursive}}};"
        )
    yield "}"


def _word(name: str) -> str:
    """Return a name as BIRD's symbols may be: letters, digits and underscores."""
    return "".join(one if one.isalnum() else "_" for one in name)
