"""What `lab fail` and `lab heal` can be told, as values. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from lab.network.topology import Topology
from pointsman.runtime.errors import Misuse

DAEMONS = ("zebra", "bfdd", "bgpd", "bird")  # of a router, whichever it runs


class Part(StrEnum):
    """The kinds of things that fail."""

    NODE = "node"  # link cut, processes killed, Ready=Unknown five seconds later
    LINK = "link"  # a machine's cable, and nothing else
    PROGRAM = "program"  # killed, and not restarted until healed
    PROXY = "proxy"  # one node's kube-proxy: unhealthy, its rules as they were
    API = "api"  # out of reach, as a server that hangs; for all machines or one


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is to fail or to heal. *which*: node, machine or program names."""

    text: str
    part: Part
    which: tuple[str, ...] = ()


def parse(text: str, topology: Topology) -> Fault:
    """Return what *text* names in *topology*.

    Raises:
        Misuse: nothing; the sentence lists what can fail.
    """
    for fault in possible(topology):
        if fault.text == text:
            return fault
    hints = [f.text for f in possible(topology) if not re.search(r":(?!node1$)|api:", f.text)]
    raise Misuse(
        f"{text!r} is nothing that fails or heals in lab {topology.name!r}: use one of "
        f"{', '.join(hints)}, the same with another node, or api:MACHINE."
    )


def possible(topology: Topology) -> Iterator[Fault]:
    """Yield all that can fail in *topology*."""
    for node in topology.nodes:
        name = node.name
        yield Fault(name, Part.NODE, (name,))
        yield Fault(f"link:{name}", Part.LINK, (name,))
        yield Fault(f"agent:{name}", Part.PROGRAM, (f"agent:{name}",))
        yield Fault(f"pods:{name}", Part.PROGRAM, (f"pods:{name}",))
        yield Fault(f"proxy:{name}", Part.PROXY, (name,))
    for manager in topology.managers:
        yield Fault(manager.name, Part.PROGRAM, (manager.name,))
        for sidecar in manager.sidecars:
            yield Fault(sidecar, Part.PROGRAM, (sidecar,))
        yield Fault(f"link:{manager.name}", Part.LINK, (manager.name,))
    yield Fault("router", Part.PROGRAM, DAEMONS)
    for rack in topology.racks:
        daemons = tuple(f"{daemon}:{rack.tor}" for daemon in DAEMONS)
        yield Fault(rack.tor, Part.PROGRAM, daemons)
    yield Fault("api", Part.API)
    for machine in topology.machines():
        yield Fault(f"api:{machine}", Part.API, (machine,))
