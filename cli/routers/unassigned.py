"""An access list for a router's ports to the nodes: what comes back for addresses nobody has.

A discard of the aggregate's length doesn't end it there: it is inactive while our route stands. The
list is nftables' (a router that filters otherwise has the same prefixes and addresses to go by),
in comments: FRR and BIRD filter no packets. It holds the addresses of now, so packets for a later
Service pass only from elsewhere, until it is printed anew.
"""

from collections.abc import Iterator

from cli.routers.needs import Needs
from pointsman.model.address import Address, Family, Prefix, family_of
from pointsman.model.ranges import span_text, union

TABLE = "pointsman_unassigned"
PORTS = "NODES"


def lines(one: Needs, mark: str) -> Iterator[str]:
    """Yield the list as comments that begin with *mark*; nothing where nodes end it themselves."""
    if not one.unguarded:
        return
    yield (
        f"{mark} Some nodes send packets back that nobody has the address of: an access list for "
        f"the ports to the nodes."
    )
    yield f"{mark} Write their names for {PORTS}, and load it with nft -f."
    for line in _ruleset(one):
        yield f"{mark}   {line}"


def _ruleset(one: Needs) -> Iterator[str]:
    yield f"table inet {TABLE} {{"
    yield "  chain from_nodes {"
    yield "    type filter hook forward priority 0;"
    for prefix in one.unguarded:
        word = "ip" if prefix.version == 4 else "ip6"
        held = ", ".join(_blocks(one.held_in(prefix), prefix))
        others = f" {word} daddr != {{ {held} }}" if held else ""
        yield f'    iifname "{PORTS}" {word} daddr {prefix}{others} drop'
    yield "  }"
    yield "}"


def _blocks(addresses: tuple[Address, ...], prefix: Prefix) -> Iterator[str]:
    """Yield *addresses*, those that follow each other as ranges."""
    family: Family = family_of(prefix)
    spans = union((family, (int(one), int(one))) for one in addresses).of(family).spans
    return (span_text(family, first, last) for first, last in spans)
