"""`pointsman lab demo`: the product's story, told on the terminal with real output.

Every claim is looked at before it is told: a step waits until what it promises
is so, prints the command that shows it, and is timed. What does not come true
ends the story, and the exit status is 1.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence

from lab.errors import Broken
from lab.handle import CLIENT_ADDRESSES, Lab
from lab.options import Options
from lab.story import Story, Untrue
from lab.supervision.control import NotUp
from pointsman.runtime.errors import Misuse

V4, V6 = "198.51.100.0", "2001:db8:100::"

NETWORK = """\
apiVersion: pointsman.dev/v1alpha1
kind: BgpConf
metadata: {name: default}
spec: {as: 64501}
---
apiVersion: pointsman.dev/v1alpha1
kind: BgpPeer
metadata: {name: tor-1}
spec: {address: 192.0.2.1, as: 64500}
---
apiVersion: pointsman.dev/v1alpha1
kind: Eip
metadata: {name: public}
spec: {addresses: [198.51.100.0/28], default: true}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  ports: [{port: 80, targetPort: 8080}]
"""
NETWORK6 = """\
apiVersion: pointsman.dev/v1alpha1
kind: Eip
metadata: {name: public6}
spec: {addresses: ['2001:db8:100::/124'], default: true}
"""
SERVICE6 = """\
apiVersion: v1
kind: Service
metadata: {name: web6}
spec:
  type: LoadBalancer
  ipFamilyPolicy: RequireDualStack
  ports: [{port: 80, targetPort: 8080}]
"""
LAN_ADDRESS = "192.0.2.200"
LAN = """\
apiVersion: pointsman.dev/v1alpha1
kind: Eip
metadata: {name: lan}
spec: {addresses: [192.0.2.200-192.0.2.220], protocol: layer2}
"""
LAN_SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: near, annotations: {pointsman.dev/eip: lan}}
spec:
  type: LoadBalancer
  ports: [{port: 80, targetPort: 8080}]
"""


def tell(story: Story) -> None:
    """Tell it all.

    Raises:
        Untrue: something was not as told.
    """
    chapters = (an_address, the_route, requests_arrive, local, a_pod_moves, a_drain, ipv6)
    for chapter in (*chapters, on_the_lan, a_power_cut):
        chapter(story)


def an_address(story: Story) -> None:
    story.chapter("1. The network is described once; an application applies a Service")
    story.kubectl("apply", "-f", "-", stdin=NETWORK)
    story.kubectl("apply", "-f", "-", stdin=SERVICE)
    story.endpoints("default/web", "node1:3", "node2:3", "node3:3")
    story.claim(f"the Service has address {V4}", lambda: ingress(story.lab, "web") == [V4])
    story.kubectl("get", "service", "web")


def the_route(story: Story) -> None:
    story.chapter("2. A real router has one next hop per node")
    story.claim("three next hops in the router's kernel", lambda: hops(story, V4, "123"))
    story.show("router", "ip", "route", "show", V4)


def requests_arrive(story: Story) -> None:
    story.chapter("3. The client's requests reach every pod of every node")
    story.requests(
        V4,
        90,
        what="all nine pods answered",
        true=lambda found: len({pod for _, pod, _ in found}) == 9,
    )


def local(story: Story) -> None:
    story.chapter("4. externalTrafficPolicy: Local: only nodes with a pod, and no masquerade")
    story.endpoints("default/web", "node1:1", "node2:1")
    policy = '{"spec": {"externalTrafficPolicy": "Local"}}'
    story.kubectl("patch", "service", "web", "--type=merge", "-p", policy)
    story.claim("two next hops: node1 and node2", lambda: hops(story, V4, "12"))
    story.show("router", "ip", "route", "show", V4)
    story.requests(
        V4,
        10,
        what="the pods see the client's own address",
        true=lambda found: {client for _, _, client in found} == {CLIENT_ADDRESSES[0]},
    )


def a_pod_moves(story: Story) -> None:
    story.chapter("5. A pod moves from node2 to node3, and the route follows")
    story.endpoints("default/web", "node1:1", "node3:1")
    story.claim("two next hops: node1 and node3", lambda: hops(story, V4, "13"))
    story.show("router", "ip", "route", "show", V4)


def a_drain(story: Story) -> None:
    story.chapter("6. node1 is drained for maintenance, and returns")
    story.kubectl("annotate", "node", "node1", "pointsman.dev/drain=true")
    story.claim("node1 is no next hop any more", lambda: hops(story, V4, "3"))
    story.show("router", "ip", "route", "show", V4)
    story.kubectl("annotate", "node", "node1", "pointsman.dev/drain-")
    story.claim("node1 is a next hop again", lambda: hops(story, V4, "13"))


def ipv6(story: Story) -> None:
    story.chapter("7. The same in IPv6, over the same session")
    story.kubectl("apply", "-f", "-", stdin=NETWORK6)
    story.kubectl("apply", "-f", "-", stdin=SERVICE6)
    story.endpoints("default/web6", "node1:1", "node2:1", "node3:1")
    story.claim("an address of each family", lambda: V6 in ingress(story.lab, "web6"))
    story.claim("three IPv6 next hops", lambda: hops(story, V6, "123"))
    story.show("router", "ip", "-6", "route", "show", V6)
    story.requests(
        V6,
        30,
        what="all three nodes answered",
        true=lambda found: len({node for node, _, _ in found}) == 3,
    )
    story.chapter("8. kubectl describe tells which address, from where, and who announces it")
    story.kubectl("describe", "service", "web")


def on_the_lan(story: Story) -> None:
    story.chapter("9. layer2: an address of the nodes' own network, and one node answers for it")
    story.kubectl("apply", "-f", "-", stdin=LAN)
    story.kubectl("apply", "-f", "-", stdin=LAN_SERVICE)
    story.endpoints("default/near", "node1:3", "node2:3", "node3:3")
    story.requests(
        LAN_ADDRESS,
        30,
        what="requests arrive through the node that answers",
        true=lambda found: len({node for node, _, _ in found}) == 3,
    )
    story.claim("the router's kernel knows its MAC", lambda: owner(story))
    story.show("router", "ip", "neigh", "show", LAN_ADDRESS)
    story.show("router", "arping", "-b", "-I", "eth0", "-c", "2", LAN_ADDRESS)


def a_power_cut(story: Story) -> None:
    before = owner(story)
    story.chapter(f"10. The power of {before} fails: another node takes its addresses")
    others = [f"{node.name}:3" for node in story.lab.topology.nodes if node.name != before]
    story.endpoints("default/near", *others)
    story.fail(before)
    story.claim(
        "the router's kernel has the MAC of another node",
        lambda: owner(story) not in ("", before),
    )
    story.show("router", "ip", "neigh", "show", LAN_ADDRESS)
    story.requests(
        LAN_ADDRESS,
        30,
        what="both other nodes answered",
        true=lambda found: len({node for node, _, _ in found}) == 2,
    )
    story.kubectl("get", "service", "near")


def owner(story: Story) -> str:
    """Return the node whose MAC the router's kernel has for the LAN's address; "": none."""
    entry = story.lab.exec("router", "ip", "neigh", "show", LAN_ADDRESS)
    for node in story.lab.topology.nodes:
        mac = json.loads(story.lab.exec(node.name, "ip", "-j", "link", "show", "eth0"))
        if mac[0]["address"] in entry:
            return node.name
    return ""


def ingress(lab: Lab, service: str) -> list[str]:
    """Return the addresses in the status of *service*, in default."""
    status = lab.api.get(f"/api/v1/namespaces/default/services/{service}").get("status") or {}
    return [entry["ip"] for entry in status.get("loadBalancer", {}).get("ingress") or []]


def hops(story: Story, address: str, nodes: str) -> bool:
    """Return whether the router's next hops for *address* are exactly those nodes."""
    wide, family = (128, 1) if ":" in address else (32, 0)
    wanted = {
        str(node.addresses[family].ip)
        for node in story.lab.topology.nodes
        if str(node.number) in nodes
    }
    found = story.lab.gateways(f"{address}/{wide}")
    if found != wanted:
        raise Broken(f"the next hops are {shown(found)}, not {shown(wanted)}")
    return True


def shown(addresses: set[str]) -> str:
    return ", ".join(sorted(addresses)) or "none"


def run(options: Options, *, keep: bool, progress: Callable[[str], None]) -> int:
    """Build a lab, tell the story in it, take it down; return the exit status.

    Raises:
        Misuse: there is a lab of that name; it may be somebody's, so it is left alone.
    """
    began = time.monotonic()
    with contextlib.suppress(NotUp):
        Lab.running(options.name)
        raise Misuse(
            f"Lab {options.name!r} is up already, and the story starts with an empty one: take "
            f"it down with `pointsman lab down --name {options.name}`, or give another --name."
        )
    lab = Lab.up(options, attached=not keep, progress=progress)
    story, status = Story(lab), 0
    try:
        tell(story)
    except (Untrue, Broken) as why:
        status = 1
        print(f"\n{why}", file=sys.stderr)
        for line in _end_of(lab, ("manager", "sidecar")):
            print(line, file=sys.stderr)
    finally:
        if not keep:
            lab.down()
    print(f"\n{story.table()}")
    print(f"{'all as told' if status == 0 else 'not as told'}, {time.monotonic() - began:.0f} s")
    return status


def _end_of(lab: Lab, programs: Sequence[str]) -> list[str]:
    """Return the last words of *programs*: where one looks first."""
    lines = []
    for program in programs:
        lines += [f"--- {program}", *lab.log(program).splitlines()[-15:]]
    return lines
