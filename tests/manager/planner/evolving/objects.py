"""One random object of each kind: few names and few addresses, so that they meet often.

Much of what is made is wrong, or names what is not there: bad input takes ways of its own.
"""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import IPv4Network, ip_address
from typing import Any, Final

from manager.snapshot import (
    Announcer,
    BgpConf,
    BgpPeer,
    Eip,
    EndpointSlice,
    Ingress,
    Node,
    Resource,
    Service,
    ServicePort,
)
from pointsman.api import BgpConfSpec, BgpPeerSpec, EipSpec, Legible
from pointsman.model.address import Family
from pointsman.model.names import LOAD_BALANCER, LOAD_BALANCER_CLASS, PREFIX
from pointsman.model.route import LIVE
from tests.manager.planner.evolving.reports import answering, reported
from tests.manager.planner.scene import MARKS, endpoints, node

V4, V6 = Family.IPV4, Family.IPV6
NAMES: Final = tuple(f"s{n}" for n in range(7))
NAMESPACES: Final = ("a", "b")
EIPS: Final = ("public", "other", "third")
PEERS: Final = ("tor-1", "tor-2", "tor-3")
NODES: Final = ("node1", "node2", "node3", "node4")
SOURCES: Final = ("192.0.2.101", "192.0.2.102", "192.0.2.103")
INSIDE: Final = ("198.51.100.2", "198.51.100.2", "203.0.113.200", "2001:db8:200::9")  # of Eips
BLOCKS: Final = {
    "public": ("198.51.100.0/29", "2001:db8:100::/125"),
    "other": ("203.0.113.0/30", "2001:db8:300::/127", "198.51.100.6-198.51.100.9"),
    "third": ("203.0.113.128/25", "2001:db8:200::/64"),
}


class Maker:
    """Random objects, out of one *rng*; *now* is when they come to be.

    *oddness*, 0 to 1, is how much of what could be odd is so: a world in which all is odd has no
    route left that could go wrong.
    """

    def __init__(self, rng: random.Random, now: datetime, oddness: float) -> None:
        self.rng, self.now, self.oddness = rng, now, oddness
        self._made = 0

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def odd(self, share: float) -> bool:
        return self.rng.random() < share * self.oddness

    def stamp(self, back_s: int = 0) -> str:
        return (self.now - timedelta(seconds=back_s)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def version(self) -> str:
        """Return a resourceVersion that nothing had before."""
        self._made += 1
        return str(self._made)

    def address(self) -> str:
        pick = self.rng.randrange
        return self.rng.choice(
            [
                f"198.51.100.{pick(10)}",
                f"203.0.113.{pick(5)}",
                f"2001:db8:100::{pick(9):x}",
                "192.0.2.11",  # a node's
                "192.0.2.200",  # in no Eip
            ]
        )

    def service(self) -> Service:
        """Return a Service that has nothing yet."""
        rng = self.rng
        families = rng.choice([(V4,), (V4,), (V4,), (V6,), (V4, V6), (V6, V4)])
        strange = self.odd(0.15)
        return Service(
            rng.choice(NAMESPACES),
            rng.choice(NAMES),
            uid=f"u{rng.randrange(1000)}",
            resource_version=self.version(),
            created=self.stamp(rng.choice([0, 3, 100, 10_000])),
            deleting=self.odd(0.03),
            labels={"tier": rng.choice(["web", "db"])} if self.chance(0.5) else {},
            annotations=self.annotations(),
            type=rng.choice(["ClusterIP", "NodePort"]) if strange else LOAD_BALANCER,
            load_balancer_class=self._class(),
            policy=rng.choice(["Cluster", "Local"]),
            families=families,
            family_policy=rng.choice(["PreferDualStack", "RequireDualStack"])
            if len(families) > 1
            else "SingleStack",
            load_balancer_ip=self.address() if self.odd(0.1) else "",
            cluster_ips=(ip_address(f"10.96.0.{rng.randrange(4)}"),) if self.chance(0.5) else (),
            external_ips=(ip_address(self.address()),) if self.odd(0.05) else (),
            ports=tuple({ServicePort("TCP", rng.randrange(80, 83)) for _ in range(2)}),
            selector={"app": rng.choice("xy")} if self.chance(0.3) else {},
            ingress=(Ingress(self.address()),) if self.odd(0.1) else (),
        )

    def _class(self) -> str | None:
        other = self.rng.choice([LOAD_BALANCER_CLASS, "example.com/lb", None])
        return other if self.odd(0.15) else None

    def annotations(self) -> dict[str, str]:
        """Return what a Service's user asks for."""
        rng, found = self.rng, {}
        if self.chance(0.35):
            found["share-key"] = rng.choice("kl")
        if self.odd(0.1):
            found["share-namespaces"] = rng.choice(["a", "a,b", "*", "?"])
        if self.odd(0.25):
            asked = {self.address() for _ in range(rng.choice([1, 1, 2]))}
            found["addresses"] = ",".join(sorted(asked)) if not self.odd(0.1) else "nonsense"
        if self.odd(0.2):
            found["eip"] = rng.choice([*EIPS, "other,public", "none", ",", ""])
        return {PREFIX + name: text for name, text in found.items()}

    def slice_of(self, namespace: str, name: str, family: Family | None = None) -> EndpointSlice:
        """Return one of the four EndpointSlices that a Service may have."""
        rng = self.rng
        states = ["", "", "", "", "", ":unready", ":terminating", ":gone", ":silent"]
        words = [
            f"{rng.choice(['-', 'node9', *NODES, *NODES[:3], *NODES[:3]])}@{n}{rng.choice(states)}"
            for n in range(rng.choice([0, 1, 2, 2, 3, 5]))
        ]
        text = " ".join(words)
        found = endpoints(
            f"{namespace}/{name}",
            text,
            family=family or rng.choice([V4, V4, V6]),
            slice_name=rng.choice(["one", "two"]),
        )
        return replace(found, has_ports=not self.odd(0.05))

    def node(self, name: str) -> Node:
        rng = self.rng
        marks = [mark for mark in MARKS if self.odd(0.09)]
        if self.chance(0.2):
            marks.append(rng.choice(["drained", "unready", "dead"]))
        found = node(name, *marks, labels={"rack": rng.choice("12")}, created=self.stamp())
        if self.chance(0.1):
            found = replace(found, internal_ips=found.internal_ips[:1])
        if self.odd(0.05):
            found = replace(found, internal_ips=(ip_address("192.0.2.11"),))  # as another has
        if self.chance(0.07):
            found = replace(found, other_ips=(ip_address(rng.choice(INSIDE)),))
        if self.odd(0.1):
            found = replace(found, pod_cidrs=(IPv4Network("198.51.100.4/31"),))
        return replace(
            found, labels={**found.labels, "topology.kubernetes.io/zone": rng.choice("xy")}
        )

    def announcer(self, name: str) -> Announcer:
        return reported(self, name)

    def eip(self, name: str) -> Eip:
        """Return an Eip, now and then one that cannot be read, or overlaps with another."""
        rng = self.rng
        meant = Legible(default=True, addresses=tuple(BLOCKS[name]))
        fault = "spec.addresses: it is broken"
        found: Eip = Resource(name, None, fault, created=self.stamp(), legible=meant)
        if not self.odd(0.05):
            more = [block for block in BLOCKS[name][1:] if self.chance(0.5)]
            blocks = [BLOCKS[name][0], *more] if not self.odd(0.3) else list(BLOCKS[name][-1:])
            spec: dict[str, Any] = {
                "addresses": blocks,
                "default": self.chance(0.3) or (name == "public" and not self.odd(0.3)),
                "disabled": self.odd(0.1),
                "protocol": "none" if self.odd(0.1) else self._protocol(),
                "priority": rng.choice([100, 100, 10]),
                "avoidBuggyIps": self.chance(0.1),
                "exclude": [blocks[0].split("/")[0].split("-")[0]] if self.chance(0.1) else [],
                "namespaces": ["a"] if self.odd(0.1) else [],
                "bgp": self._advertisement(),
                "layer2": answering(self),
            }
            if self.chance(0.15):
                spec["nodeSelector"] = {"matchLabels": {"rack": rng.choice("12")}}
            if self.odd(0.1):
                spec["serviceSelector"] = {"matchLabels": {"tier": "web"}}
            if self.odd(0.1):
                spec["namespaceSelector"] = {"matchLabels": {"team": "red"}}
            found = replace(found, spec=EipSpec.model_validate(spec), invalid="")
        return self.resource(found, deleting=self.odd(0.07))

    def _protocol(self) -> str:
        return self.rng.choice(["bgp", "bgp", "layer2", "layer2", "kernel"])

    def _advertisement(self) -> dict[str, Any]:
        rng = self.rng
        found: dict[str, Any] = {}
        if self.chance(0.3):
            found["aggregationLength"] = rng.choice([24, 30, 31, 29])
            found["aggregationLengthV6"] = rng.choice([64, 126, 128])
        if self.chance(0.3):
            found["communities"] = rng.sample(["64501:7", "64501:1:2", "no-export", "blue"], 2)
        if self.chance(0.2):
            found |= {"localPref": 200, "med": 5, "asPathPrepend": rng.randrange(3)}
        if self.chance(0.3):
            found["peers"] = rng.sample([*PEERS, "nobody"], 2)
        if self.chance(0.5):
            found["weighting"] = "Endpoints"
        return found

    def peer(self, name: str) -> BgpPeer:
        rng = self.rng
        found: BgpPeer = Resource(name, None, "spec.address: it is broken", created=self.stamp())
        if not self.odd(0.05):
            number = PEERS.index(name) + 1 if not self.odd(0.05) else 1
            v6 = self.chance(0.15)
            spec: dict[str, Any] = {
                "address": f"2001:db8:2::{number}" if v6 else f"192.0.2.{number}",
                "as": rng.choice([64500, 64500, 64501]),
                "disabled": self.odd(0.07),
                "addPath": {"enabled": self.chance(0.8)},
                "families": rng.choice([["ipv4-unicast", "ipv6-unicast"], ["ipv4-unicast"]]),
                "nextHops": {"scope": rng.choice(["Auto", "Auto", "All", "Connected"])},
            }
            if self.chance(0.2):
                spec["nextHops"]["maxPaths"] = rng.choice([1, 2])
            if self.chance(0.2):
                spec["nextHops"]["nodeSelector"] = {"matchLabels": {"rack": rng.choice("12")}}
            if self.chance(0.2) and not v6:
                spec["parallelSessions"] = {
                    "sourceAddresses": rng.sample(SOURCES, rng.choice([1, 3]))
                }
            elif self.chance(0.1):
                spec["passwordSecretRef"] = {"name": "bgp", "key": rng.choice(["there", "missing"])}
            if self.chance(0.1):
                spec["gracefulRestart"] = {"enabled": rng.choice(["Auto", "Always", "Never"])}
            found = replace(found, spec=BgpPeerSpec.model_validate(spec), invalid="")
        if self.chance(0.2):
            entry = {"name": "other", "state": LIVE, "addPathNegotiated": self.chance(0.5)}
            found = replace(found, status={"speakers": [entry]})
        return self.resource(found, deleting=self.odd(0.05))

    def conf(self, name: str) -> BgpConf:
        rng = self.rng
        if self.odd(0.05):
            return self.resource(Resource(name, None, "spec.as: it is broken"))
        spec: dict[str, Any] = {"as": 64501 if not self.odd(0.1) else 64502}
        if self.chance(0.3):
            spec["communityAliases"] = {"blue": rng.choice(["64501:9", "64501:10"])}
        if self.chance(0.2):
            spec["gracefulRestart"] = {"enabled": rng.choice(["Auto", "Always"])}
        return self.resource(Resource(name, BgpConfSpec.model_validate(spec)))

    def resource(self, found: Resource[Any], **more: Any) -> Resource[Any]:
        """Return *found* with what every object has."""
        return replace(
            found,
            uid=f"uid-{found.name}",
            resource_version=self.version(),
            generation=self._made,
            **more,
        )
