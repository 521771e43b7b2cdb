"""A switch that keeps the router's broadcasts from the nodes, and who answers there."""

import contextlib
import json
from collections.abc import Iterator

from e2e.bed import Bed
from e2e.layer2 import lan

EIPS = {
    4: ("central4", "192.0.2.230-192.0.2.239"),
    6: ("central6", "2001:db8:2::230-2001:db8:2::239"),
}
# What the router asks of everybody goes to no node: neither an ARP broadcast nor a solicitation.
TO_ALL = "ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00"
FILTER = """
add table bridge deaf
delete table bridge deaf
add table bridge deaf {{
  chain forward {{
    type filter hook forward priority 0; policy accept;
    iifname "router" oifname {{ {nodes} }} {all} ether type arp counter drop
    iifname "router" oifname {{ {nodes} }} {all} icmpv6 type nd-neighbor-solicit counter drop
  }}
}}
"""


@contextlib.contextmanager
def deaf_nodes(lab: Bed) -> Iterator[Bed]:
    """Let the nodes hear no broadcast of the router meanwhile, and entries live for seconds."""
    for name, addresses in EIPS.values():
        lan.eip(lab, name, addresses, responder="Central")
    nodes = ", ".join(f'"{node.name}"' for node in lab.topology.nodes)
    rules = lab.folder("layer2") / "deaf.nft"
    rules.write_text(FILTER.format(nodes=nodes, all=TO_ALL))
    lab.exec("switch", "nft", "-f", str(rules))
    lan.patience(lab, lan.SHORT)
    yield lab
    lab.exec("switch", "nft", "delete", "table", "bridge", "deaf")
    lan.tidy(lab)


def serve(lab: Bed, name: str, family: int, **spec: object) -> str:
    """Create a Service with an address that is answered for centrally; return it.

    While its node still asks whether anybody has it, the manager answers nobody.
    """
    address = lan.serve(lab, name, family=family, eip=EIPS[family][0], **spec)
    lab.wait(f"the probes of {address}", lambda: _probed(lab, address))
    return address


def _probed(lab: Bed, address: str) -> bool:
    announcers = json.loads(lab.kubectl("get", "announcers", "-o", "json"))["items"]
    entries = [entry for one in announcers for entry in one["spec"].get("assignments", ())]
    return any(address in entry["addresses"] for entry in entries) and not any(
        address in entry.get("probe", ()) for entry in entries
    )
