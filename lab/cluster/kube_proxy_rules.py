"""What the kube-proxy stand-in does on a node, as nftables text. Pure.

Services and EndpointSlices in, one `Programming` per Service and node out; the transaction
that leads from one state to the next is `lab.cluster.kube_proxy_table`. The address of a
LoadBalancer counts only once it is in `status.loadBalancer`, and only with
`ipMode: VIP`, as in Kubernetes' own proxy. Node ports are answered at every address of
the node but loopback, as its iptables mode does it unless it is told otherwise.

It leaves out what the lab has no use for: external IPs, session affinity, topology
hints, source ranges, health-check ports.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address as parsed
from typing import Any

from lab.network.topology import POD_NETWORKS, Address, Interface
from pointsman.model.names import LOAD_BALANCER, VIP

TABLE = "inet lab_proxy"
MASQUERADE = "0x4000"
PODS = dict(zip((4, 6), POD_NETWORKS, strict=True))
Json = Mapping[str, Any]
ip_address = lru_cache(maxsize=20_000)(parsed)  # the same few pods, thousands of times

SKELETON = f"""\
table {TABLE}
delete table {TABLE}
table {TABLE} {{
  map services4 {{ type ipv4_addr . inet_proto . inet_service : verdict; }}
  map services6 {{ type ipv6_addr . inet_proto . inet_service : verdict; }}
  set itself4 {{ type ipv4_addr . ipv4_addr; elements = {{ @PODS4@ }} }}
  set itself6 {{ type ipv6_addr . ipv6_addr; elements = {{ @PODS6@ }} }}
  map nodeports4 {{ type inet_proto . inet_service : verdict; }}
  map nodeports6 {{ type inet_proto . inet_service : verdict; }}
  map idle4 {{ type ipv4_addr . inet_proto . inet_service : verdict; }}
  map idle6 {{ type ipv6_addr . inet_proto . inet_service : verdict; }}
  chain refuse {{ reject; }}
  chain idle {{
    meta l4proto {{ tcp, udp, sctp }} ip daddr . meta l4proto . th dport vmap @idle4
    meta l4proto {{ tcp, udp, sctp }} ip6 daddr . meta l4proto . th dport vmap @idle6
  }}
  chain services {{
    meta l4proto {{ tcp, udp, sctp }} ip daddr . meta l4proto . th dport vmap @services4
    meta l4proto {{ tcp, udp, sctp }} ip6 daddr . meta l4proto . th dport vmap @services6
    fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @nodeports4
    fib daddr type local ip6 daddr != ::1 meta l4proto . th dport vmap @nodeports6
  }}
  chain refuse_received {{
    type filter hook prerouting priority dstnat - 10; ct state new jump idle;
  }}
  chain refuse_own {{ type filter hook output priority -110; ct state new jump idle; }}
  chain received {{ type nat hook prerouting priority dstnat; jump services; }}
  chain own {{ type nat hook output priority -100; jump services; }}
  chain leaving {{
    type nat hook postrouting priority srcnat;
    meta mark & {MASQUERADE} != 0 meta mark set meta mark ^ {MASQUERADE} masquerade fully-random
    ct status dnat ip saddr . ip daddr @itself4 masquerade
    ct status dnat ip6 saddr . ip6 daddr @itself6 masquerade
  }}
}}
"""


def skeleton(pods: Sequence[tuple[Interface, Interface]]) -> str:
    """Return the empty table of a node; *pods* are its own.

    A pod that a Service leads back to itself would not take a packet from its own address:
    hence masqueraded, as kube-proxy does it, and no other.
    """
    text = SKELETON
    for sign, several in zip(("@PODS4@", "@PODS6@"), zip(*pods, strict=True), strict=True):
        text = text.replace(sign, ", ".join(f"{pod.ip} . {pod.ip}" for pod in several))
    return text


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of an EndpointSlice. Absent conditions mean what Kubernetes says."""

    address: Address
    port: int
    node: str
    ready: bool = True
    serving: bool = True
    terminating: bool = False


@dataclass(frozen=True, slots=True)
class Programming:
    """What one Service is on one node. Equal values: nothing to do.

    A chain is named after its content, so Services with equal endpoints share
    it, thousands cost as much as one, and a chain in use never changes.
    """

    chains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name to rules
    elements: Mapping[tuple[str, str], str] = field(default_factory=dict)  # (map, key): verdict


def usable(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """Return the ready ones; where there is none, those that serve while terminating."""
    every = list(endpoints)
    return [e for e in every if e.ready] or [e for e in every if e.serving and e.terminating]


def endpoints_of(slices: Iterable[Json], port_name: str, version: int) -> list[Endpoint]:
    """Return the endpoints of all *slices* together for one Service port and family, sorted."""
    found: dict[tuple[Address, int], Endpoint] = {}
    for piece in slices:
        if piece.get("addressType") != f"IPv{version}":
            continue
        ports = [p for p in piece.get("ports") or [] if (p.get("name") or "") == port_name]
        for port in ports:
            for entry in piece.get("endpoints") or []:
                endpoint = _endpoint(entry, int(port["port"]))
                found[endpoint.address, endpoint.port] = endpoint
    return [found[key] for key in sorted(found, key=lambda k: (int(k[0]), k[1]))]


def _endpoint(entry: Json, port: int) -> Endpoint:
    conditions = entry.get("conditions") or {}
    return Endpoint(
        ip_address(entry["addresses"][0]),
        port,
        entry.get("nodeName") or "",
        ready=conditions.get("ready") is not False,
        serving=conditions.get("serving") is not False,
        terminating=conditions.get("terminating") is True,
    )


def programming(service: Json, slices: Sequence[Json], node: str) -> Programming:
    """Return what *node* must do for *service*."""
    spec = service["spec"]
    chains: dict[str, tuple[str, ...]] = {}
    elements: dict[tuple[str, str], str] = {}
    if spec.get("type", "ClusterIP") not in ("ClusterIP", "NodePort", LOAD_BALANCER):
        return Programming()
    for port in spec.get("ports") or []:
        for version in (4, 6):
            inside = [a for a in _cluster_addresses(spec) if a.version == version]
            outside = [a for a in _external_addresses(service) if a.version == version]
            if inside or outside:
                endpoints = endpoints_of(slices, port.get("name") or "", version)
                one = _Port(spec, port, version, endpoints, node)
                verdicts = one.verdicts(chains)
                outer, verdict = verdicts[1]
                if port.get("nodePort") and outer == "services":
                    key = f"{one.protocol} . {port['nodePort']}"
                    elements[f"nodeports{version}", key] = verdict
                for addresses, (table, verdict) in zip((inside, outside), verdicts, strict=True):
                    for address in addresses:
                        key = f"{address} . {one.protocol} . {port['port']}"
                        elements[f"{table}{version}", key] = verdict
    return Programming(chains, elements)


@dataclass(frozen=True, slots=True)
class _Port:
    """One port of one Service in one family, on one node."""

    spec: Json
    port: Json
    version: int
    endpoints: Sequence[Endpoint]
    node: str

    @property
    def protocol(self) -> str:
        return str(self.port.get("protocol", "TCP")).lower()

    @property
    def family(self) -> str:
        return "ip" if self.version == 4 else "ip6"

    def verdicts(self, chains: dict[str, tuple[str, ...]]) -> Sequence[tuple[str, str]]:
        """Add the chains needed; return map and verdict for inner and outer addresses."""

        def goto(rules: Iterable[str]) -> str:
            content = tuple(rules)
            name = _chain_name(content)
            chains[name] = content
            return f"goto {name}"

        everywhere = usable(self.endpoints)
        here = usable(e for e in self.endpoints if e.node == self.node)
        near = here if self.spec.get("internalTrafficPolicy") == "Local" else everywhere
        inner = outer = ("idle", "goto refuse")
        if near:
            inner = ("services", goto([*self._mark_strangers(), *self._spread(near)]))
        if everywhere:
            spread = goto(self._spread(everywhere))
            outer = ("services", goto(self._from_outside(here, spread)))
        return inner, outer

    def _mark_strangers(self) -> Iterator[str]:
        """Who is no pod would be answered by the pod directly, past this node."""
        yield f"{self.family} saddr != {PODS[self.version]} fib saddr type != local {_MARK}"

    def _from_outside(self, here: Sequence[Endpoint], everywhere: str) -> Iterator[str]:
        if self.spec.get("externalTrafficPolicy", "Cluster") != "Local":
            yield _MARK
            yield everywhere
            return
        # Inside the cluster, Local means nothing: no hop is lost by going on.
        yield f"{self.family} saddr {PODS[self.version]} {everywhere}"
        yield f"fib saddr type local {_MARK} {everywhere}"
        if here:
            yield from self._spread(here)
        else:
            yield "drop"

    def _spread(self, endpoints: Sequence[Endpoint]) -> Iterator[str]:
        targets = ", ".join(f"{n} : {e.address} . {e.port}" for n, e in enumerate(endpoints))
        yield (
            f"meta l4proto {self.protocol} dnat {self.family} to "
            f"numgen random mod {len(endpoints)} map {{ {targets} }}"
        )


_MARK = f"meta mark set meta mark | {MASQUERADE}"


@lru_cache(maxsize=20_000)
def _chain_name(content: tuple[str, ...]) -> str:
    return f"to_{hashlib.sha256(repr(content).encode()).hexdigest()[:20]}"


def _cluster_addresses(spec: Json) -> list[Address]:
    given = spec.get("clusterIPs") or [spec.get("clusterIP") or "None"]
    return [ip_address(text) for text in given if text not in ("None", "")]


def _external_addresses(service: Json) -> list[Address]:
    if service["spec"].get("type") != LOAD_BALANCER:
        return []
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return [
        ip_address(entry["ip"])
        for entry in ingress
        if entry.get("ip") and entry.get("ipMode", VIP) == VIP
    ]
