"""The lab as Kubernetes sees it: our CRDs, namespaces, Nodes, and a kubeconfig.

Nodes carry the lab's name in a label. A cluster with other Nodes is somebody's,
and refused: fake nodes in it would be given real work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from lab.cluster import client, endpoints
from lab.cluster.client import ApiClient, Json
from lab.errors import Broken
from lab.network.topology import Node, Topology
from lab.parts import CHECKOUT
from pointsman.model.names import CLUSTER_NAMESPACE, LAB_LABEL, NAMESPACE, ZONE
from pointsman.model.timestamps import format_micro_time, format_time
from pointsman.runtime.errors import Misuse

NAMESPACES = ("default", CLUSTER_NAMESPACE, "kube-node-lease", NAMESPACE)
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def refuse_strangers(api: ApiClient, lab: str) -> None:
    """Raise Misuse if the cluster holds Nodes that the lab called *lab* did not make."""
    for item in api.get("/api/v1/nodes").get("items", []):
        if item["metadata"].get("labels", {}).get(LAB_LABEL) != lab:
            raise Misuse(
                f"The cluster at {api.access.server} holds Node {item['metadata']['name']!r}, "
                f"which lab {lab!r} did not make. Give the lab an empty cluster: its nodes are "
                "not real, and whatever is scheduled to them never runs."
            )


def seed(api: ApiClient, topology: Topology) -> None:
    """Make what the manager expects to find; what is there already is kept."""
    for name in NAMESPACES:
        api.ensure("/api/v1/namespaces", {"metadata": {"name": name}} | _kind("v1", "Namespace"))
    for crd in crds():
        _put(api, CRDS, crd)
    for node in topology.nodes:
        made = api.ensure("/api/v1/nodes", node_object(topology.name, node))
        path = f"/api/v1/nodes/{node.name}"
        api.merge(f"{path}/status", {"status": node_status(node)})
        if made["spec"].get("taints"):  # a real controller taints what isn't Ready yet
            api.merge(path, {"spec": {"taints": None}})


def unseed(api: ApiClient, topology: Topology) -> None:
    """Take the lab's Nodes out of a cluster that outlives the lab; never another's."""
    for node in topology.nodes:
        found = api.find(f"/api/v1/nodes/{node.name}")
        if found and found["metadata"].get("labels", {}).get(LAB_LABEL) == topology.name:
            api.delete(f"/api/v1/nodes/{node.name}")
            api.delete(f"{LEASES}/{node.name}")


def crds() -> list[Json]:
    """Return our CRDs as generated: from the checkout, else from the installed wheel.

    Raises:
        Broken: a file there isn't YAML.
    """
    folders = (CHECKOUT / "crds", CHECKOUT / "pointsman" / "crds")
    files = next((found for f in folders if (found := sorted(f.glob("*.yaml")))), [])
    documents: list[Json] = []
    for file in files:
        try:
            documents += [d for d in yaml.safe_load_all(file.read_text("utf-8")) if d]
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise Broken(f"{file} isn't YAML: {error}. Run `make update`.") from error
    return [d for d in documents if d.get("kind") == "CustomResourceDefinition"]


def node_object(lab: str, node: Node) -> Json:
    return _kind("v1", "Node") | {
        "metadata": {
            "name": node.name,
            "labels": {
                LAB_LABEL: lab,
                "kubernetes.io/hostname": node.name,
                "kubernetes.io/os": "linux",
                ZONE: node.zone,
            },
        },
        "spec": {"podCIDR": node.pod_cidrs[0], "podCIDRs": list(node.pod_cidrs)},
        "status": node_status(node),
    }


def node_status(node: Node) -> Json:
    addresses = [{"type": "InternalIP", "address": str(a.ip)} for a in node.addresses]
    return {
        "addresses": [*addresses, {"type": "Hostname", "address": node.name}],
        "conditions": [ready_condition("True")],
    }


DOUBT = "NodeStatusUnknown"  # the node controller's reason, when the Lease grew too old


def ready_condition(status: str) -> Mapping[str, str]:
    reasons = {
        "True": ("KubeletReady", "the lab's node is up"),
        "Unknown": (DOUBT, "Kubelet stopped posting node status."),
    }
    reason, message = reasons[status]
    now = format_time(datetime.now(UTC))
    return {
        "type": "Ready",
        "status": status,
        "reason": reason,
        "message": message,
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }


def set_ready(api: ApiClient, node: str, status: str) -> None:
    """Write the Ready condition of *node*, keeping its others."""
    found = api.get(f"/api/v1/nodes/{node}").get("status", {}).get("conditions") or []
    others = [condition for condition in found if condition["type"] != "Ready"]
    conditions = [*others, ready_condition(status)]
    api.merge(f"/api/v1/nodes/{node}/status", {"status": {"conditions": conditions}})


def heartbeat(api: ApiClient, node: str) -> None:
    """Be the kubelet of *node*: renew its Lease, and post Ready where that was doubted.

    A real node controller doubts a Node without a Lease, and believes it again only when its
    kubelet has posted. What else makes a Node not Ready was meant, and stays.
    """
    renew_lease(api, node)
    conditions = api.get(f"/api/v1/nodes/{node}").get("status", {}).get("conditions") or []
    if any(c["type"] == "Ready" and c.get("reason") == DOUBT for c in conditions):
        set_ready(api, node, "True")


def renew_lease(api: ApiClient, node: str) -> None:
    now = format_micro_time(datetime.now(UTC))
    spec = {"holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": now}
    body = _kind("coordination.k8s.io/v1", "Lease") | {"metadata": {"name": node}, "spec": spec}
    api.ensure(LEASES, body)
    api.merge(f"{LEASES}/{node}", {"spec": spec})


def write_endpoints(api: ApiClient, topology: Topology, service: str, words: Sequence[str]) -> None:
    """Write the EndpointSlices of *service* ("NS/NAME"); no words: nobody serves."""
    namespace, name = endpoints.service_name(service)
    wanted = endpoints.parse(words, topology)
    found = api.find(f"/api/v1/namespaces/{namespace}/services/{name}")
    if found is None:
        raise Misuse(f"There is no Service {service}: create it, then give it endpoints.")
    for piece in endpoints.slices(found, wanted):
        _put(api, endpoints.SLICES.format(namespace=namespace), piece)


def plain_kubeconfig(server: str) -> str:
    """Return a kubeconfig for an API without TLS and without users."""
    return _kubeconfig({"server": server}, {})


def relayed_kubeconfig(original: Path, port: int) -> str:
    """Return *original* pointed at 127.0.0.1:*port*, still verifying the same server."""
    cluster, user = client.current_entries(client.document(original), str(original))
    host = urlsplit(cluster["server"]).hostname or ""
    if host != "127.0.0.1" and not cluster.get("insecure-skip-tls-verify"):
        cluster.setdefault("tls-server-name", host)
    cluster["server"] = f"https://127.0.0.1:{port}"
    for entry in (cluster, user):
        for name in ("certificate-authority", "client-certificate", "client-key", "tokenFile"):
            if name in entry:  # relative paths are the original's
                entry[name] = str((original.parent / entry[name]).resolve())
    return _kubeconfig(cluster, user)


def _kubeconfig(cluster: Json, user: Json) -> str:
    context = {"cluster": "lab", "user": "lab", "namespace": "default"}
    document = _kind("v1", "Config") | {
        "clusters": [{"name": "lab", "cluster": cluster}],
        "users": [{"name": "lab", "user": user}],
        "contexts": [{"name": "lab", "context": context}],
        "current-context": "lab",
    }
    return yaml.safe_dump(document, sort_keys=False)


def _put(api: ApiClient, collection: str, body: Json) -> None:
    """Create *body*, or replace the one of that name: a newer checkout has newer CRDs."""
    there = api.find(f"{collection}/{body['metadata']['name']}")
    if there is None:
        api.create(collection, body)
        return
    fresh: dict[str, Any] = body | {
        "metadata": body["metadata"] | {"resourceVersion": there["metadata"]["resourceVersion"]}
    }
    api.replace(f"{collection}/{body['metadata']['name']}", fresh)


def _kind(version: str, kind: str) -> Json:
    return {"apiVersion": version, "kind": kind}
