"""kube-vip itself: the environment of its DaemonSet, which says how addresses are announced.

Its routers become BgpPeers. What has to do with the control plane's address is passed over: that
address stays where it is.

Source: kube-vip's names of settings, and its documentation, read 2026-11.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

from cli.migration.draft import Draft, Json, Part, Unusable
from cli.migration.fields import Row, Table, fact, integer, lost, text, walk
from cli.migration.inventory import Inventory, Object
from pointsman.model.printable import clipped

# A path, "kube-vip", and neither a longer name ("kube-vip-cloud-provider") nor another's.
IMAGE: Final = re.compile(r"(?:.*/)?kube-vip(?:-iptables)?(?:[:@].*)?")
SERVICES: Final = "svc_enable"
# How kube-vip runs, and what only its control plane's address has to do with.
OWN: Final = (
    *("address", "cp_detect", "cp_enable", "cp_namespace", "dns_mode", "enable_endpoints"),
    *("health_check_port", "iptables_backend", "k8s_config_file", "kubernetes_addr"),
    *("lb_class_legacy_handling", "lb_class_only", "lb_enable", "lb_fwdmethod", "lb_port", "port"),
    *("prometheus_server", "svc_election", "svc_leasename", "vip_address", "vip_arpRate"),
    *("vip_cidr", "vip_cleanroutingtable", "vip_ddns", "vip_interfaceloglobal"),
    *("vip_leaderelection", "vip_leaseannotations", "vip_leaseduration", "vip_leasename"),
    *("vip_loglevel", "vip_nodename", "vip_renewdeadline", "vip_retryperiod"),
    *("vip_routingprotocol", "vip_routingtableid", "vip_routingtabletype", "vip_singlenode"),
    *("vip_startleader", "vip_subnet"),
)
FALSE: Final = ("", "false", "False", "0", "f", "F", "FALSE")
EGRESS: Final = "what Pods send outwards is the CNI's: Pointsman gives it no address"
NEXT_HOPS: Final = "next hops are the nodes' own addresses, of the family of each path"


def _flag(value: object) -> bool:
    return text(value) not in FALSE


def _ignored(value: Any, part: Part) -> None:
    """Be the row of what makes no difference here."""


ENVIRONMENT: Final[Table] = {
    f"env.{name}": row
    for name, row in {
        **dict[str, Row].fromkeys(OWN, _ignored),
        SERVICES: fact("services", _flag),
        "vip_arp": fact("layer2", _flag),
        "bgp_enable": fact("bgp", _flag),
        "vip_routingtable": fact("kernel", _flag),
        "vip_interface": fact("interface", text),
        "vip_servicesinterface": fact("servicesInterface", text),
        "lb_class_name": fact("class", text),
        "bgp_as": fact("as", integer),
        "bgp_peers": fact("peers", text),
        "bgp_peeraddress": fact("address", text),
        "bgp_peeras": fact("peerAs", integer),
        "bgp_peerpass": fact("password", text),
        "bgp_multihop": fact("multihop", _flag),
        "bgp_hold_time": fact("holdSeconds", integer),
        "bgp_keepalive_interval": fact("keepaliveSeconds", integer),
        "bgp_routerid": lost("each manager derives its own"),
        "bgp_routerinterface": lost("each manager derives its own router ID"),
        "bgp_sourceif": lost("sessions come from the managers' nodes: spec.sourceAddress of a "
                             "BgpPeer, where the usual address isn't right"),
        "bgp_sourceip": lost("sessions come from the managers' nodes: spec.sourceAddress of a "
                             "BgpPeer, where the usual address isn't right"),
        "mpbgp_nexthop": lost(NEXT_HOPS),
        "mpbgp_ipv4": lost(NEXT_HOPS),
        "mpbgp_ipv6": lost(NEXT_HOPS),
        "zebra_enable": lost("routes are told to routers by BGP, or put into the nodes' kernels "
                             "(protocol kernel), where zebra finds them", unless=FALSE),
        "zebra_url": _ignored,
        "zebra_version": _ignored,
        "zebra_software_name": _ignored,
        "vip_wireguard": lost("there is no announcing over WireGuard", unless=FALSE),
        "svc_namespace": lost("Services of all namespaces are served: spec.namespaces of an Eip "
                              "restricts who has its addresses"),
        "annotation": lost("the routers of a cloud's nodes aren't looked up: write BgpPeers"),
        "config_file": lost("the file isn't read: what stands there is missing here"),
        "backend_health_check_interval": lost("whether endpoints serve is what Kubernetes says"),
        "disable_service_updates": lost("the Service's status is always written", unless=FALSE),
        "enable_node_labeling": lost("pointsman explain service says which nodes", unless=FALSE),
        "enable_service_security": lost("that is kube-proxy's: loadBalancerSourceRanges",
                                        unless=FALSE),
        "enable_upnp": lost("no ports are opened at a router by UPnP", unless=FALSE),
        "mirror_dest_interface": lost("nothing is mirrored"),
        **{f"egress_{one}": lost(EGRESS, unless=FALSE)
           for one in ("clean", "podcidr", "servicecidr", "withnftables")},
    }.items()
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Program:
    """What is known of how addresses are announced; "": it doesn't say."""

    protocol: str = ""
    interface: str = ""


def read(found: Inventory, draft: Draft) -> Program:
    """Make ours of what kube-vip was started with; return how it announces."""
    programs = []
    for one in sorted(found.of("apps", "DaemonSet"), key=lambda one: (one.namespace, one.name)):
        for environment in _environments(one):
            part = Part(one.subject)
            walk(environment, ENVIRONMENT, part, "env")
            if part.facts.get("services"):
                programs.append(_program(one, part, draft))
            else:
                part.notes = []  # of the control plane's address
                part.note(f"env.{SERVICES}", "it has the control plane's address only, and stays")
            draft.notes += part.notes
    return next((one for one in programs if one.protocol), Program())


def _environments(one: Object) -> Iterator[Json]:
    """Yield the environment of each container of *one* that is kube-vip; texts, or what else."""
    template = one.spec.get("template")
    spec = template.get("spec") if isinstance(template, Mapping) else None
    containers = spec.get("containers") if isinstance(spec, Mapping) else None
    for container in containers if isinstance(containers, list) else ():
        if isinstance(container, Mapping) and IMAGE.fullmatch(str(container.get("image"))):
            listed = container.get("env")
            yield {
                str(entry.get("name")): entry["value"]
                for entry in (listed if isinstance(listed, list) else ())
                if isinstance(entry, Mapping) and isinstance(entry.get("value"), str)
            }


def _program(one: Object, part: Part, draft: Draft) -> Program:
    facts = part.facts
    if facts.get("class"):
        draft.classes.append(facts["class"])
    named = [name for name in ("layer2", "bgp", "kernel") if facts.get(name)]
    if len(named) > 1:
        part.note("", f"it announces in several ways; the Eips are {named[0]}: give --protocol "
                  "otherwise")  # fmt: skip
    if facts.get("bgp"):
        _speaker(part, draft)
    placed = one.spec["template"]["spec"]
    if placed.get("nodeSelector") or placed.get("affinity"):
        part.note("spec.template.spec", "only nodes that it runs on announced, and here every "
                  "node may: restrict them by nodeSelector of the Eips, if few are to")  # fmt: skip
    interface = facts.get("servicesInterface") or facts.get("interface") or ""
    return Program(named[0] if named else "", "" if interface == "lo" else interface)


def _speaker(part: Part, draft: Draft) -> None:
    """Add the BgpConf and the BgpPeers."""
    facts = part.facts
    if "as" in facts:
        draft.add("BgpConf", "default", {"as": facts["as"]}, part.subject)
    else:
        part.note("env.bgp_as", "without an AS number there is no BgpConf")
    timers = {name: facts[name] for name in ("holdSeconds", "keepaliveSeconds") if facts.get(name)}
    try:
        peers = list(_peers(facts))
    except Unusable as error:
        part.note("env.bgp_peers", f"{error}, so it makes no BgpPeer")
        return
    if not peers:
        part.note("env.bgp_peers", "no router is named, so there is no BgpPeer")
    for name, spec, password in peers:
        if timers:
            spec["timers"] = dict(timers)
        if spec["as"] == facts.get("as"):
            spec.pop("ebgpMultihop", None)
        if password:
            spec["passwordSecretRef"] = draft.add_password(name, password)
            draft.by_hand.append(
                f"The password of router {spec['address']} stood in the open; it is in a Secret "
                "now: let the manager read Secrets (deploy/options/passwords.yaml)."
            )
        draft.add("BgpPeer", name, spec, part.subject)


def _peers(facts: Json) -> Iterator[tuple[str, Json, str]]:
    """Yield the name of each router's BgpPeer, its spec, and its password.

    Raises:
        Unusable: a text says of no router what it has to.
    """
    for entry in str(facts.get("peers") or "").split(","):
        if entry.strip():
            yield _listed(entry.strip().partition("/")[0])
    if facts.get("address"):
        yield _peer(facts["address"], facts.get("peerAs"), facts.get("password", ""),
                    multihop=bool(facts.get("multihop")))  # fmt: skip


def _listed(entry: str) -> tuple[str, Json, str]:
    """Read `address:AS:password:multihop:port`, of which all but two may be missing."""
    address, rest = entry, ""
    if entry.startswith("["):
        address, _, rest = entry[1:].partition("]")
        rest = rest.removeprefix(":")
    else:
        address, _, rest = entry.partition(":")
    number, password, multihop, port, *_ = [*rest.split(":"), "", "", "", ""]
    return _peer(address, number, password, multihop=multihop not in FALSE, port=port)


def _peer(
    address: str, number: object, password: str, *, multihop: bool, port: str = ""
) -> tuple[str, Json, str]:
    try:
        router = ip_address(address)
    except ValueError:
        raise Unusable(f"'{clipped(address)}' is no router's address") from None
    spec: Json = {"address": str(router), "as": integer(number)}
    if multihop:
        spec["ebgpMultihop"] = {"ttl": 255}
    if port:
        spec["port"] = integer(port)
    return re.sub("[.:]+", "-", f"router-{router}").rstrip("-"), spec, password
