"""What a topology's files may hold, as models: containerlab's and kind's, as far as we use them.

A field that isn't here is refused: the programs would take it, and nothing here would look at it.
Written from the programs' documentation (containerlab 0.79, kind's v1alpha4).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

CLAB, KIND = "topology.clab.yml", "kind.yaml"
End = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9-]*:eth[1-9]\d*$")]
NodeName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9-]*$")]


def dashed(name: str) -> str:
    return name.replace("_", "-")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClabNode(Strict):
    """A node of containerlab: a container, a cluster, or a container that the cluster made."""

    model_config = ConfigDict(alias_generator=dashed, extra="forbid", frozen=True)
    kind: Literal["linux", "k8s-kind", "ext-container"]
    image: str = ""
    binds: tuple[str, ...] = ()
    exec: tuple[str, ...] = ()
    sysctls: dict[str, int] = {}
    startup_config: str = ""


class ClabDefaults(Strict):
    image: str


class ClabLink(Strict):
    endpoints: Annotated[tuple[End, ...], Field(min_length=2, max_length=2)]


class ClabParts(Strict):
    kinds: dict[Literal["linux"], ClabDefaults]
    nodes: dict[NodeName, ClabNode]
    links: tuple[ClabLink, ...]


class Clab(Strict):
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]
    topology: ClabParts


class KindNode(Strict):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)
    role: Literal["control-plane", "worker"]
    image: str = ""
    labels: dict[str, str] = {}
    kubeadm_config_patches: tuple[str, ...] = ()


class KindNetworking(Strict):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)
    ip_family: Literal["ipv4", "ipv6", "dual"] = "ipv4"
    pod_subnet: str = ""
    service_subnet: str = ""
    # Spelled as kind spells it.
    disable_default_cni: bool = Field(default=False, validation_alias="disableDefaultCNI")
    kube_proxy_mode: Literal["iptables", "nftables", "ipvs"] = "iptables"


class Kind(Strict):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)
    kind: Literal["Cluster"]
    api_version: Literal["kind.x-k8s.io/v1alpha4"]
    name: NodeName
    networking: KindNetworking = KindNetworking()
    nodes: Annotated[tuple[KindNode, ...], Field(min_length=1)]

    def containers(self) -> list[str]:
        """Return what kind calls its containers: the second of a role has a 2 at its end."""
        seen: dict[str, int] = {}
        names = []
        for node in self.nodes:
            seen[node.role] = number = seen.get(node.role, 0) + 1
            names.append(f"{self.name}-{node.role}{number if number > 1 else ''}")
        return names


def read_clab(folder: Path) -> Clab:
    return Clab.model_validate(yaml.safe_load((folder / CLAB).read_text()))


def read_kind(folder: Path) -> Kind:
    return Kind.model_validate(yaml.safe_load((folder / KIND).read_text()))
