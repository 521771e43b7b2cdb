"""The CustomResourceDefinitions, made of the models: what `crds/` holds and a cluster is given."""

from dataclasses import dataclass
from typing import Any

import yaml

from pointsman.api.announcer import AnnouncerSpec
from pointsman.api.announcerstatus import AnnouncerStatus
from pointsman.api.base import ApiModel
from pointsman.api.bgpconf import BgpConfSpec, BgpConfStatus
from pointsman.api.bgppeer import BgpPeerSpec
from pointsman.api.bgppeerstatus import BgpPeerStatus
from pointsman.api.eip import EipSpec, EipStatus
from pointsman.api.reading import parse
from pointsman.api.structural import Schema, structural
from pointsman.model.names import ADD_PATH, API_VERSION, ESTABLISHED, GROUP

VERSION = API_VERSION.partition("/")[2]
HEADER = "# Generated from pointsman/api by `make update`; edit the models instead.\n"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`. The API server prints the first match of a path only."""

    name: str
    path: str
    description: str
    type: str = "string"


@dataclass(frozen=True, slots=True)
class Kind:
    """One custom resource: its names, its two halves, and how it is listed."""

    name: str
    description: str
    spec: type[ApiModel]
    status: type[ApiModel]
    columns: tuple[Column, ...]

    @property
    def singular(self) -> str:
        return self.name.lower()

    @property
    def plural(self) -> str:
        return f"{self.singular}s"


def _condition(name: str, kind: str, description: str) -> Column:
    return Column(name, f'.status.conditions[?(@.type=="{kind}")].status', description)


READY = _condition(
    "Ready", "Ready", "Whether the object is in use; if not, its condition says why."
)
AGE = Column("Age", ".metadata.creationTimestamp", "When the object was created.", "date")

KINDS = (
    Kind(
        "Eip",
        "A pool of external addresses for Services of type LoadBalancer.",
        EipSpec,
        EipStatus,
        (
            Column("Protocol", ".spec.protocol", "How the addresses become reachable."),
            Column("Default", ".spec.default", "Whether it serves all Services.", "boolean"),
            Column("Addresses", ".spec.addresses", "The addresses of the pool."),
            Column("Allocated", ".status.totals.allocated", "How many addresses are held."),
            Column("Available", ".status.totals.available", "How many more can be given out."),
            READY,
            AGE,
        ),
    ),
    Kind(
        "BgpConf",
        "Our side of every BGP session. Only the object named default is used.",
        BgpConfSpec,
        BgpConfStatus,
        (
            Column("AS", ".spec.as", "Our AS number.", "integer"),
            Column("RouterId", ".status.routerIds", "The router ids of the speakers."),
            READY,
            AGE,
        ),
    ),
    Kind(
        "BgpPeer",
        "A router that is told how to reach the external addresses.",
        BgpPeerSpec,
        BgpPeerStatus,
        (
            Column("Address", ".spec.address", "Address of the router."),
            Column("AS", ".spec.as", "AS number of the router.", "integer"),
            _condition("Established", ESTABLISHED, "Whether the session is established."),
            _condition("AddPath", ADD_PATH, "Whether the router takes several paths."),
            AGE,
        ),
    ),
    Kind(
        "Announcer",
        "One node, as its agent reports it. Created and deleted with the Node; not for editing.",
        AnnouncerSpec,
        AnnouncerStatus,
        (
            Column("Node", ".metadata.name", "The node."),
            READY,
            Column("Interfaces", ".status.interfaces[*].name", "The node's first interface."),
            Column(
                "Announcing",
                ".spec.announcing",
                "How many addresses of protocol layer2 the node answers for.",
                "integer",
            ),
            AGE,
        ),
    ),
)


def definition(kind: Kind) -> dict[str, Any]:
    """Return the CustomResourceDefinition of *kind* (apiextensions.k8s.io/v1)."""
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [_printed(column) for column in kind.columns],
        "schema": {"openAPIV3Schema": _root(kind)},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Cluster",
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.singular,
                "shortNames": [kind.singular],
                "categories": ["pointsman"],
            },
            "versions": [version],
        },
    }


def _printed(column: Column) -> dict[str, str]:
    return {
        "name": column.name,
        "type": column.type,
        "jsonPath": column.path,
        "description": column.description,
    }


def _root(kind: Kind) -> Schema:
    spec = structural(kind.spec.model_json_schema())
    root: Schema = {"description": kind.description, "type": "object"}
    if parse(kind.spec, None)[0] is None:  # else an object without spec would pass unjudged
        root["required"] = ["spec"]
    root["properties"] = {
        "apiVersion": {"description": API_VERSION, "type": "string"},
        "kind": {"description": kind.name, "type": "string"},
        "metadata": {"type": "object"},  # the API server knows it and refuses any other word
        "spec": spec,
        "status": structural(kind.status.model_json_schema()),
    }
    return root


def files() -> dict[str, str]:
    """Return the YAML of every CRD by file name: the whole content of `crds/`."""
    return {f"{kind.singular}.yaml": HEADER + render(definition(kind)) for kind in KINDS}


def render(document: dict[str, Any]) -> str:
    """Return *document* as YAML, always the same for the same document."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=96, allow_unicode=True)
    return text


class _Dumper(yaml.SafeDumper):
    """Indents lists as people do, and repeats a shared part instead of pointing at it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:
        return True
