"""Builders for the tests of layer 2: three nodes on one LAN, whose agents report.

Node N is 192.0.2.1N/24 and 2001:db8:2::1N/64 on eth0; Eip `lan` is 192.0.2.64/26 and
2001:db8:2::64/122. What a plan asks of the Announcers is applied by `settle`, write by write.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from manager.planner.announcer_specs import assignments_in
from manager.planner.contribution import Plug
from manager.planner.desired import Plan
from manager.planner.plan import plan
from manager.planner.protocols import PROTOCOLS
from manager.planner.whatif import applied, assigned
from manager.snapshot import Announcer, Assigned, Interface, NodeName, Service, Snapshot
from pointsman.api import Protocol
from tests.manager.planner.addresses.addressing import eip, service
from tests.manager.planner.scene import NODES, announcer, condition_of, endpoints, nic, scene

LAN = eip("lan", "192.0.2.64/26", "2001:db8:2::64/122", default=True, protocol="layer2")
WEB = service("a/web")
FIRST = "192.0.2.64"


def lan_eip(*, created: str = "", **layer2: Any) -> Any:
    """Eip `lan` with these fields of `layer2`."""
    return replace(
        eip(
            "lan",
            "192.0.2.64/26",
            "2001:db8:2::64/122",
            default=True,
            protocol="layer2",
            layer2=layer2,
        ),
        created=created,
    )


def agent(name: str, *more: Interface, up: bool = True, **words: Any) -> Announcer:
    """The Announcer of a node of the LAN."""
    n = name.removeprefix("node")
    eth0 = nic("eth0", f"192.0.2.1{n}/24", f"2001:db8:2::1{n}/64", up=up)
    eth0 = replace(eth0, mac=f"02:00:00:00:00:0{n}")
    return announcer(name, eth0, *more, **words)


def agents(*others: Announcer) -> dict[NodeName, Announcer]:
    """The Announcers of all nodes, *others* instead of their own."""
    found = {NodeName(name): agent(name) for name in NODES}
    return found | {one.node: one for one in others}


def served(*services: Service, at: str = "node1 node2 node3") -> list[Any]:
    """Services, each with endpoints."""
    return [one for each in services for one in (each, endpoints(each.key, at))]


def lan(*objects: Any, marks: str = "", **more: Any) -> Snapshot:
    """A cluster on the LAN: Eip `lan` unless another is given, and Service `a/web` likewise."""
    found = list(objects) or served(WEB)
    if not any(type(one).__name__ == "Resource" for one in found):
        found.append(LAN)
    drawn = agents() if "announcers" not in more else more.pop("announcers")
    return scene(*found, marks=marks, announcers=drawn, **more)


def owners(snapshot: Snapshot) -> dict[str, list[str]]:
    """By address, at which nodes it stands, as "node1/eth0"."""
    found: dict[str, list[str]] = {}
    for name, one in sorted(snapshot.announcers.items()):
        for entry in one.assignments:
            for address in entry.addresses:
                found.setdefault(str(address), []).append(f"{name}/{entry.interface}")
    return found


def planned(decided: Plan) -> dict[str, list[str]]:
    """By address, at which nodes a plan has it."""
    found: dict[str, list[str]] = {}
    for name, record in decided.announcers.items():
        for entry in assignments_in(record.spec):
            for address in entry["addresses"]:
                found.setdefault(address, []).append(f"{name}/{entry['interface']}")
    return found


def standing_at(node: str, *addresses: str, interface: str = "eth0", **more: Any) -> Announcer:
    """The Announcer of *node*, to which these addresses are assigned."""
    there = Assigned(interface, more.pop("responder", "Node"), tuple(map(ip_address, addresses)))
    return replace(agent(node, **more), assignments=(there,))


def steps(
    snapshot: Snapshot, protocols: Mapping[Protocol, Plug] = PROTOCOLS, *, most: int = 12
) -> Iterable[tuple[Snapshot, Plan]]:
    """Yield each snapshot with its plan, each plan applied at once, until nothing changes."""
    for _ in range(most):
        decided = plan(snapshot, protocols)
        yield snapshot, decided
        after = applied(snapshot, decided)
        if after == snapshot:
            return
        snapshot = after
    raise AssertionError("not settled")


def settled(
    snapshot: Snapshot, protocols: Mapping[Protocol, Plug] = PROTOCOLS
) -> tuple[Snapshot, Plan]:
    """Return where *snapshot* comes to, having looked at every step for two holders."""
    found = list(steps(snapshot, protocols))
    for seen, _ in found:
        assert_one_holder(seen)
    return found[-1]


def assert_one_holder(snapshot: Snapshot) -> None:
    """Raise if an address stands in the specs of two nodes that are not dead."""
    live = replace(
        snapshot,
        announcers={
            name: one
            for name, one in snapshot.announcers.items()
            if str(snapshot.liveness.get(name, "")) != "Dead"
        },
    )
    assert not {ip: at for ip, at in owners(live).items() if len(at) > 1}


def written(snapshot: Snapshot, decided: Plan, *names: str) -> Snapshot:
    """Return *snapshot* with the Announcers of these nodes written as planned, and no others."""
    found: Mapping[NodeName, Announcer] = {
        name: assigned(one, decided.announcers.get(name)) if name in names else one
        for name, one in snapshot.announcers.items()
    }
    return replace(snapshot, announcers=found)


def announced(decided: Plan, key: str = "a/web") -> str:
    """The condition Announced of a Service: "True Announced: …"."""
    one = condition_of(decided, key)
    return f"{one.status} {one.reason}: {one.message}"


def by(decided: Plan, key: Any = WEB.key) -> str:
    return decided.services[key].annotations.get("pointsman.dev/announced-by", "")


def entries(decided: Plan) -> list[Any]:
    """All assignments of a plan, in order of the nodes."""
    return [e for one in decided.announcers.values() for e in assignments_in(one.spec)]
