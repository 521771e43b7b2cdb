"""A live cluster with another load balancer: its objects, read once, and ours, made there.

It never changes what is theirs, and of ours nothing that is there already and different.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from manager.inspect import reach
from manager.inspect.cluster import NoCluster
from manager.inspect.reach import WRITER, away
from pointsman.model.names import CLUSTER_NAMESPACE
from pointsman.runtime.target import Unavailable

if TYPE_CHECKING:
    from manager.adapters.kubernetes.client import Kind, KubeApi

Json = Mapping[str, Any]
# Their kinds: (kind, plural, path of group and version).
THEIRS: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
    "openelb": tuple(
        (kind, plural, "/apis/network.kubesphere.io/v1alpha2")
        for kind, plural in (("Eip", "eips"), ("BgpConf", "bgpconfs"), ("BgpPeer", "bgppeers"))
    ),
    "metallb": (
        ("IPAddressPool", "ipaddresspools", "/apis/metallb.io/v1beta1"),
        ("L2Advertisement", "l2advertisements", "/apis/metallb.io/v1beta1"),
        ("BGPAdvertisement", "bgpadvertisements", "/apis/metallb.io/v1beta1"),
        ("BGPPeer", "bgppeers", "/apis/metallb.io/v1beta2"),
        ("Community", "communities", "/apis/metallb.io/v1beta1"),
        ("BFDProfile", "bfdprofiles", "/apis/metallb.io/v1beta1"),
    ),
    "purelb": (
        ("ServiceGroup", "servicegroups", "/apis/purelb.io/v2"),
        ("ServiceGroup", "servicegroups", "/apis/purelb.io/v1"),
        ("LBNodeAgent", "lbnodeagents", "/apis/purelb.io/v2"),
        ("LBNodeAgent", "lbnodeagents", "/apis/purelb.io/v1"),
    ),
    "kube-vip": (("DaemonSet", "daemonsets", "/apis/apps/v1"),),
}
# The one ConfigMap that is looked at, and which refusals mean that there is none: of MetalLB it is
# that of versions before 0.13, and only said.
CONFIG_MAPS: Final[Mapping[str, tuple[str, str, frozenset[int]]]] = {
    "kube-vip": (CLUSTER_NAMESPACE, "kubevip", frozenset({404})),
    "metallb": ("metallb-system", "config", frozenset({403, 404})),
}


@asynccontextmanager
async def reached(kubeconfig: Path | None, *, context: str | None) -> AsyncIterator["KubeApi"]:
    """Give access to a cluster.

    Raises:
        NoCluster: it can't be reached, or its configuration can't be used.
    """
    from manager.adapters.kubernetes import client

    try:
        async with reach.reached(kubeconfig, context=context) as api:
            yield api
    except Unavailable as error:
        raise away(error) from error
    except client.Refused as error:
        raise NoCluster(f"The cluster does not let us do this: {error}.") from error


async def fetch(api: "KubeApi", name: str) -> list[object]:
    """Return what a migration from the load balancer *name* looks at; kinds that aren't there
    have no objects.
    """
    from manager.adapters.kubernetes import client
    from manager.adapters.kubernetes.pages import PLANNED

    theirs = [client.Kind(kind, plural, root) for kind, plural, root in THEIRS[name]]
    found: list[object] = []
    seen: set[str] = set()
    for kind in (*PLANNED, *theirs):
        if kind in theirs and kind.name in seen:
            continue  # a newer version of it was there
        pages = await _list(api, kind)
        if pages is not None:
            found += pages
            seen.update({kind.name} if kind in theirs else ())
    if name in CONFIG_MAPS:
        found += await _config_map(api, *CONFIG_MAPS[name])
    return found


async def _list(api: "KubeApi", kind: "Kind") -> list[Any] | None:
    from manager.adapters.kubernetes.client import Refused
    from manager.adapters.kubernetes.pages import whole_list

    try:
        pages = await whole_list(api, kind)
    except Refused as error:
        if error.code == 404:
            return None
        raise
    return [
        {**page, "kind": f"{kind.name}List", "apiVersion": _version(kind.root)} for page in pages
    ]


def _version(root: str) -> str:
    return root.removeprefix("/apis/").removeprefix("/api/")


async def _config_map(
    api: "KubeApi", namespace: str, name: str, none: frozenset[int]
) -> list[object]:
    from manager.adapters.kubernetes.client import Kind, Refused

    try:
        raw = await api.get(Kind("ConfigMap", "configmaps", namespaced=True), namespace, name)
    except Refused as error:
        if error.code in none:
            return []
        raise
    return [{"apiVersion": "v1", "kind": "ConfigMap", **raw}]


async def apply(
    api: "KubeApi", objects: Iterable[Json], services: Iterable[Json]
) -> AsyncIterator[tuple[bool, str]]:
    """Make *objects*, and annotate *services*; yield for each whether it stands, and a sentence."""
    from manager.adapters.kubernetes import client

    kinds = {
        "Eip": client.EIPS, "BgpConf": client.BGP_CONFS, "BgpPeer": client.BGP_PEERS,
        "Secret": client.Kind("Secret", "secrets", namespaced=True),
    }  # fmt: skip
    for made in objects:
        subject = f"{made['kind']} {made['metadata']['name']}"
        try:
            yield await _make(api, kinds[made["kind"]], made, subject)
        except client.Refused as error:
            yield False, f"{subject}: the API server refuses it: {error}."
    for one in services:
        meta = one["metadata"]
        subject = f"Service {meta['namespace']}/{meta['name']}"
        body = {"metadata": {"annotations": meta["annotations"]}}
        try:
            await api.patch(
                client.SERVICES, meta["namespace"], meta["name"], body=body, manager=WRITER
            )
            yield True, f"{subject} is annotated."
        except client.Refused as error:
            yield False, f"{subject}: the API server refuses it: {error}."


async def _make(api: "KubeApi", kind: "Kind", made: Json, subject: str) -> tuple[bool, str]:
    from manager.adapters.kubernetes.client import Refused

    namespace, name = made["metadata"].get("namespace", ""), made["metadata"]["name"]
    try:
        there = await api.get(kind, namespace, name)
    except Refused as error:
        if error.code != 404:
            raise
        await api.create(kind, namespace, made)
        return True, f"{subject} is made."
    if kind.name == "Secret":
        return False, f"{subject} is there already and isn't touched: compare it with the file."
    spec = there.get("spec")
    if isinstance(spec, Mapping) and _says(spec, made["spec"]):
        return True, f"{subject} is there already, and is the same."
    return False, f"{subject} is there already, and differs: delete it first, or apply the file."


def _says(there: Any, wanted: Any) -> bool:
    """Whether *there* has everything that is *wanted*; defaults may stand beside it."""
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(
            key in there and _says(there[key], one) for key, one in wanted.items()
        )
    return bool(there == wanted)
