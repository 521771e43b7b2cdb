"""kube-vip: the ConfigMap of its cloud provider, whose keys are pools, and how it announces them.

Source: kube-vip-cloud-provider's documentation, read 2026-11.
"""

import re
from typing import Final

from cli.migration import kubevip_program
from cli.migration.draft import Draft, Json
from cli.migration.inventory import Inventory
from cli.migration.kubevip_program import Program
from pointsman.model.printable import clipped

NAME: Final = "kubevip"  # of the ConfigMap
KEY: Final = re.compile(r"(cidr|range|interface|allow-share)-(.+)")
GLOBAL: Final = "global"
DHCP: Final = "0.0.0.0/32"
OTHERS: Final = {
    "skip-end-ips-in-cidr": "the ends of a network aren't given out where it is one of the nodes' "
    "own (layer2); elsewhere list them as spec.exclude",
    "search-order": "addresses are given in order; there is nothing to choose",
    "enable-service-security": "that is kube-proxy's: loadBalancerSourceRanges",
}


def read(found: Inventory, draft: Draft, protocol: str) -> None:
    """Make ours of kube-vip's pools, and of what it was started with.

    *protocol*: how addresses are announced; "": as its DaemonSet says, else layer2.
    """
    program = kubevip_program.read(found, draft)
    protocol = protocol or program.protocol
    for one in found.of("", "ConfigMap"):
        if one.name != NAME:
            continue
        data = one.raw.get("data")
        if not isinstance(data, dict):
            draft.note(one.subject, "it has no data, so there are no Eips")
            continue
        _read(one.subject, data, draft, Program(protocol or "layer2", program.interface))
        if not protocol:
            draft.note(one.subject, "neither this nor a DaemonSet says how addresses are "
                       "announced, so the Eips are layer2, as kube-vip's ARP is: give --protocol "
                       "bgp for BGP")  # fmt: skip


def _read(subject: str, data: Json, draft: Draft, program: Program) -> None:
    pools: dict[str, list[str]] = {}
    interfaces: dict[str, str] = {}
    for key in sorted(data, key=str):
        found, value = KEY.fullmatch(str(key)), data[key]
        where = f"data.{clipped(str(key))}"
        if found is None or not isinstance(value, str):
            draft.note(subject, OTHERS.get(str(key), "it is no pool of addresses; nothing came "
                       "of it"), where)  # fmt: skip
        elif found[1] == "interface":
            interfaces[found[2]] = value.strip()
        elif found[1] == "allow-share":
            draft.note(
                subject, "addresses are shared by Services that say so, with a share-key", where
            )
        else:
            blocks = ["-".join(end.strip() for end in item.split("-")) for item in value.split(",")]
            if DHCP in blocks:
                draft.note(subject, "DHCP isn't there: give the Eip addresses of its own", where)
            pools.setdefault(found[2], []).extend(b for b in blocks if b and b != DHCP)
    for name in sorted(pools):
        if not pools[name]:
            continue
        spec: Json = {"addresses": pools[name], "protocol": program.protocol, "default": True}
        if name != GLOBAL:  # a namespace's own pool comes before the global one
            spec |= {"priority": 50, "namespaces": [name]}
        interface = interfaces.pop(name, interfaces.get(GLOBAL, program.interface))
        if interface and program.protocol == "layer2":
            spec["layer2"] = {"interface": interface}
        draft.add("Eip", name, spec, subject)
    for name in sorted(interfaces.keys() - {GLOBAL}):
        draft.note(subject, "there is no pool of that name", f"data.interface-{clipped(name)}")
