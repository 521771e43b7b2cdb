"""What a user asked `lab up` for, in the form that outlives the command.

Two `up` of one name are the same lab only if these are equal.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from pathlib import Path

from lab.network.topology import PODS_PER_NODE, RouterKind, Topology
from pointsman.runtime.errors import Misuse

OMITTABLE = ("manager", "sidecar", "agents", "proxy", "pods", "router", "api")


class ApiKind(StrEnum):
    STAND_IN = "stand-in"
    ASSETS = "assets"  # kube-apiserver and etcd of our own
    FOREIGN = "kubeconfig"


@dataclass(frozen=True, slots=True)
class Options:
    """Everything that shapes a lab. Strings and numbers only: it is stored as JSON."""

    name: str = "lab"
    nodes: int = 3
    router: RouterKind = RouterKind.FRR
    subnets: int = 1
    managers: int = 1
    speakers: int = 1  # of each manager: its sidecars
    routers: int = 1  # 2: a BIRD beside it
    racks: int = 1  # 2: a router on top of each, and a spine
    pods: int = PODS_PER_NODE  # on each node
    require_class: bool = False
    central: bool = False  # managers have NET_RAW, as with deploy/patches/central.yaml
    kernel: bool = False  # agents have NET_ADMIN, too, as with deploy/patches/kernel.yaml
    manager_args: tuple[str, ...] = ()
    agent_args: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    api: ApiKind = ApiKind.STAND_IN
    api_path: str = ""  # the assets' directory, or the foreign kubeconfig
    kube_proxy: str = ""  # a real kube-proxy's path; empty: our stand-in
    parts: str = ""  # a folder with routers of another version; empty: those of the checkout

    def __post_init__(self) -> None:
        self.topology()  # refuses bad names and sizes
        if unknown := [what for what in self.without if what not in OMITTABLE]:
            raise Misuse(
                f"--without {unknown[0]!r} names nothing the lab starts: use a comma list of "
                f"{', '.join(OMITTABLE)}."
            )
        if "api" in self.without and self.api is not ApiKind.STAND_IN:
            raise Misuse("--without api and a given API contradict each other: drop one.")

    def topology(self) -> Topology:
        return Topology(
            name=self.name,
            node_count=self.nodes,
            subnets=self.subnets,
            manager_count=self.managers,
            speaker_count=self.speakers,
            router_count=self.routers,
            rack_count=self.racks,
            pods_per_node=self.pods,
            router=self.router,
        )

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Options:
        raw = json.loads(text)
        raw["router"], raw["api"] = RouterKind(raw["router"]), ApiKind(raw["api"])
        for several in ("manager_args", "agent_args", "without"):
            raw[several] = tuple(raw[several])
        return cls(**raw)

    def differences(self, other: Options) -> list[str]:
        """Return what *other* has otherwise, as `field: mine, not theirs`."""
        return [
            f"{f.name}: {_shown(getattr(self, f.name))}, not {_shown(getattr(other, f.name))}"
            for f in fields(self)
            if getattr(self, f.name) != getattr(other, f.name)
        ]


def completed(options: Options, environment: Mapping[str, str]) -> Options:
    """Return *options* with the API server and the kube-proxy that *environment* names.

    Whatever builds a lab passes here, so a command, the demo and a test all get the real
    ones. What *options* name or leave out stays so.

    Raises:
        Misuse: what the environment names can't be used.
    """
    if "api" not in options.without and options.api is ApiKind.STAND_IN:
        api, path = named_api(environment)
        options = replace(options, api=api, api_path=path)
    if not {"api", "proxy"} & set(options.without) and not options.kube_proxy:
        options = replace(options, kube_proxy=named_kube_proxy(environment))
    return options


def given_api(kubeconfig: str | None) -> tuple[ApiKind, str]:
    """Return the API that `--kubeconfig` names; without it, none of somebody's.

    Raises:
        Misuse: there is no such file.
    """
    if not kubeconfig:
        return ApiKind.STAND_IN, ""
    path = Path(kubeconfig).resolve()
    if not path.is_file():
        raise Misuse(f"--kubeconfig {kubeconfig}: there is no such file.")
    return ApiKind.FOREIGN, str(path)


def named_api(environment: Mapping[str, str]) -> tuple[ApiKind, str]:
    """Return which API *environment* names. KUBECONFIG is nobody's consent to fake nodes.

    Raises:
        Misuse: what it names can't be used.
    """
    if assets := environment.get("KUBEBUILDER_ASSETS"):
        folder = Path(assets).resolve()
        for program in ("kube-apiserver", "etcd"):
            if not os.access(folder / program, os.X_OK):
                raise Misuse(
                    f"KUBEBUILDER_ASSETS is {assets}, which has no program {program}. Name a "
                    "directory with kube-apiserver and etcd, or unset it for the stand-in."
                )
        return ApiKind.ASSETS, str(folder)
    return ApiKind.STAND_IN, ""


def named_kube_proxy(environment: Mapping[str, str]) -> str:
    """Return the path of the real kube-proxy that *environment* names; empty: none.

    Raises:
        Misuse: it isn't a program.
    """
    given = environment.get("KUBE_PROXY", "")
    if given and not os.access(given, os.X_OK):
        raise Misuse(f"KUBE_PROXY is {given}, which isn't a program: correct or unset it.")
    return str(Path(given).resolve()) if given else ""


def _shown(value: object) -> str:
    return (" ".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)
