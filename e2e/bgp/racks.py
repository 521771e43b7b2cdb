"""Words for two racks and a spine: who is a next hop where, which flows arrive, which circle."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from e2e import cluster, labs
from e2e.bed import Bed, Broken
from e2e.bgp import routers
from lab.demo import NETWORK
from lab.network.topology import RouterKind
from lab.options import Options

TORS = {"tor-1": ("192.0.2.1", 64500), "tor-2": ("192.0.2.201", 64502)}
MACHINES = {"tor-1": "tor1", "tor-2": "tor2"}
ZONE = "topology.kubernetes.io/zone"
FAR = {"ebgpMultihop": {"ttl": 3}}  # over tor1 and the spine

# How many hops a packet lives, in both families.
LIFE = ("/proc/sys/net/ipv4/ip_default_ttl", "/proc/sys/net/ipv6/conf/eth0/hop_limit")
FLOWS = 100
TRIES = 3
# Whoever sends a packet over one router more than this loses it. Spine, router on top, node, Pod;
STRAIGHT = 4
ACROSS = 8  # then, from that node: router on top, spine, the other router on top, node, Pod


@contextlib.contextmanager
def standing(*, first: RouterKind = RouterKind.FRR) -> Iterator[Bed]:
    """Yield a lab of two racks; tor1 is a *first*, tor2 the other kind, and tor-1 is our peer.

    The manager has two speakers that it needs for nobody, at first.
    """
    options = Options(name=labs.fresh(), racks=2, nodes=4, router=first, speakers=3)
    with labs.standing(options) as up:
        up.kubectl("apply", "-f", "-", stdin=NETWORK)
        body = {"addresses": ["198.51.100.0/28", "2001:db8:100::/124"], "default": True}
        up.api.merge(f"{cluster.CRS}/eips/public", {"spec": body})
        routers.up(up, "tor-1")
        yield up


def tidy(lab: Bed) -> None:
    """Put the lab back as `standing` yielded it."""
    cluster.tidy(lab)
    routers.change(lab, "tor-1", nextHops=None)


def conditions(lab: Bed, name: str) -> dict[str, str]:
    """Return the conditions of BgpPeer *name* that are there only in trouble."""
    found = cluster.verdicts(lab.api.get(f"{routers.PEERS}/{name}"))
    return {kind: verdict[2] for kind, verdict in found.items() if kind.startswith("NextHops")}


def unwarned(lab: Bed) -> None:
    """Wait until neither router's BgpPeer has a condition of trouble."""

    def look() -> bool:
        found = {name: conditions(lab, name) for name in TORS}
        if any(found.values()):
            raise Broken(f"they say {found}")
        return True

    lab.wait("no warning", look)


def peered(lab: Bed, *, second: str = "", **hops: Any) -> None:
    """Peer with both routers on top, with the same nextHops; *second*: tor-2 by that address."""
    routers.change(lab, "tor-1", nextHops=hops)
    routers.peer(lab, "tor-2", second or TORS["tor-2"][0], 64502, nextHops=hops, **FAR)
    for name in TORS:
        routers.up(lab, name)


def local(lab: Bed, name: str, *nodes: str) -> list[str]:
    """Create a Service in both families, with a Pod on each of *nodes*; return its addresses."""
    pods = [f"node{number}:1" for number in nodes]
    both: dict[str, Any] = {"ipFamilyPolicy": "RequireDualStack"}
    cluster.make(lab, name, *pods, externalTrafficPolicy="Local", **both)
    return cluster.held(lab, name, 2)


def routed(lab: Bed, machine: str, address: str, nodes: str) -> None:
    """Wait until exactly those nodes are the next hops of *address* there; "": no own route."""
    wanted = cluster.hops(lab, nodes, 6 if ":" in address else 4)
    prefix = f"{address}/{128 if ':' in address else 32}"

    def look() -> bool:
        found = lab.gateways(prefix, machine=machine)
        if found != wanted:
            raise Broken(f"its next hops are {sorted(found)}, not {sorted(wanted)}")
        return True

    lab.wait(f"the route to {address} on {machine}", look)


def at_spine(lab: Bed, address: str, *tors: str) -> None:
    """Wait until the spine sends *address* to exactly those routers."""
    prefix = f"{address}/{128 if ':' in address else 32}"
    afi, ip, family = ("ipv6", "ipv6", "-6") if ":" in address else ("ipv4", "ip", "-4")

    def look() -> bool:
        text = lab.exec("router", "ip", family, "route", "show", "exact", prefix)
        words = text.split()
        found = {words[n + 1] for n, word in enumerate(words) if word == "dev"}
        if found != set(tors):
            known = routers.vtysh(
                lab, f"show bgp {afi} unicast {prefix}", f"show {ip} route {prefix}"
            )
            raise Broken(f"it sends it to {sorted(found)}, not {sorted(tors)}: {known}")
        return True

    lab.wait(f"the spine's route to {address}", look)


def flows(lab: Bed, address: str, count: int) -> Counter[str]:
    """Return which nodes answered *count* connections of the client; "": nobody."""

    def one(_: int) -> str:
        try:
            return lab.get(address)[0]
        except Broken:
            return ""

    with ThreadPoolExecutor(8) as pool:
        return Counter(pool.map(one, range(count)))


def leaves_out_far_nodes(lab: Bed) -> None:
    """Have tor1, one hop away, sent the nodes of rack 2 too: it says no, and flows arrive."""
    routers.change(lab, "tor-1", nextHops={"scope": "All"})
    routers.peer(lab, "tor-2", TORS["tor-2"][0], 64502, **FAR)
    routers.up(lab, "tor-2")
    routers.reported(lab, "tor-1", "NextHopsUnverified", "True", "this router leaves them out")
    (near, _), (far, _) = local(lab, "near", "1", "2"), local(lab, "far", "2")
    routed(lab, "tor1", near, "1")
    at_spine(lab, far, "tor2")
    lab.wait("its no", lambda: _refused(lab, far, "192.0.2.212"))
    shared_out(lab, near, "node1", "node2")
    shared_out(lab, far, "node2")


def _refused(lab: Bed, address: str, hop: str) -> bool:
    """Return whether tor1 was told of *address* by *hop*, and says that it can't be reached."""
    if lab.topology.router is RouterKind.BIRD:
        return f"address {hop} not directly reachable" in lab.log("tor1")
    return f"{hop} (inaccessible" in lab.exec(  # 10.x goes on: ", import-check enabled)"
        "tor1", "vtysh-tor1", "-c", f"show bgp ipv4 unicast {address}/32"
    )


def shared_out(lab: Bed, address: str, *nodes: str, hops: int = STRAIGHT) -> Counter[str]:
    """Have the client's flows to *address* arrive at all *nodes*, at no other, and straight.

    Return how many did where. The nodes' service proxies may be later than the routers: a
    node that doesn't know the address yet gives its packets back.
    """

    def known() -> bool:
        seen = flows(lab, address, FLOWS // 2)
        if set(seen) != set(nodes):
            raise Broken(f"answers came from {dict(seen)}")
        return True

    lab.wait(f"{address} at {nodes}", known)
    # A late packet of a connection that its node has forgotten is given back, too, once; what a
    # route sends in circles goes there every time, and it is a quarter of all flows or more.
    for _ in range(TRIES):
        before = expired(lab)
        with short_lived(lab, hops):
            answers = flows(lab, address, FLOWS)
        lost = circled(lab, before)
        if set(answers) == set(nodes) and not lost:
            return answers
    raise AssertionError(f"{TRIES} times in a row; at last {answers}, packets that died: {lost}")


@contextlib.contextmanager
def short_lived(lab: Bed, hops: int) -> Iterator[None]:
    """Have every packet of the client die after *hops* hops."""

    def write(value: int) -> None:
        lines = (f"echo {value} > {name}" for name in LIFE)
        lab.exec("client", "sh", "-ec", "; ".join(lines))

    write(hops)
    try:
        yield
    finally:
        write(64)  # the kernel's own


def expired(lab: Bed) -> Counter[str]:
    """Return how many packets each router and node was the last to see (TTL, hop limit)."""
    found: Counter[str] = Counter()
    routers_ = ("router", *(rack.tor for rack in lab.topology.racks))
    for machine in (*routers_, *(node.name for node in lab.topology.nodes)):
        text = lab.exec(machine, "cat", "/proc/net/snmp", "/proc/net/snmp6")
        heads, values = (line.split() for line in text.splitlines()[:2])
        found[machine] = int(dict(zip(heads, values, strict=True))["InHdrErrors"])
        six = next(line for line in text.splitlines() if line.startswith("Ip6InHdrErrors"))
        found[machine] += int(six.split()[1])
    return +found


def circled(lab: Bed, before: Counter[str]) -> Counter[str]:
    """Return how many packets ended there since `expired` was *before*."""
    return expired(lab) - before


@contextlib.contextmanager
def without_add_path(lab: Bed) -> Iterator[None]:
    """Have tor2, a BIRD, take one path of each prefix."""
    home = lab.folder("tor2")
    usual = (home / "bird.conf").read_text()
    (home / "one.conf").write_text(usual.replace("add paths rx;", ""))
    birdc = "birdc-tor2"
    answer = lab.exec("tor2", birdc, "configure", f'"{home}/one.conf"')
    try:
        assert "Reconfig" in answer, answer
        yield
    finally:
        lab.exec("tor2", birdc, "configure", f'"{home}/bird.conf"')


@contextlib.contextmanager
def spine(lab: Bed, **spec: Any) -> Iterator[str]:
    """Have the spine peer with us, too, over tor1; yield its BgpPeer's name."""
    manager, own = cluster.MANAGER, str(lab.topology.racks[0].spine_end[0].ip)
    router = ("configure terminal", "router bgp 64510")
    lines = [f"neighbor {manager} {words}" for words in ("remote-as 64501", "ebgp-multihop 2")]
    for family in ("ipv4", "ipv6"):
        lines += [f"address-family {family} unicast", f"neighbor {manager} activate", "exit"]
    routers.vtysh(lab, *router, *lines)
    try:
        routers.peer(lab, "spine", own, 64510, ebgpMultihop={"ttl": 2}, **spec)
        routers.up(lab, "spine")
        yield "spine"
    finally:
        lab.api.delete(f"{routers.PEERS}/spine")
        routers.vtysh(lab, *router, f"no neighbor {manager}")
