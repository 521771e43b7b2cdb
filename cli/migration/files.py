"""What is made, as YAML files: one for each kind, in the order in which they are applied."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from cli.migration.draft import Draft, Json
from cli.migration.inventory import Object
from cli.migration.services import Served
from pointsman.runtime import go_yaml
from pointsman.runtime.errors import Failed

NAMES: Final = {
    "Secret": "secrets.yaml",
    "BgpConf": "bgpconf.yaml",
    "BgpPeer": "bgppeers.yaml",
    "Eip": "eips.yaml",
    # In a folder of its own: they are others' objects, to be applied server-side, or what applies
    # them otherwise would take our annotations away with the next rollout.
    "Service": "services/services.yaml",
}
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


def annotations(draft: Draft) -> list[Json]:
    """Return what of Services is ours: their annotations alone."""
    return [
        {"apiVersion": "v1", "kind": "Service",
         "metadata": {"name": name, "namespace": namespace, "annotations": found}}
        for (namespace, name), found in sorted(draft.services.items())
    ]  # fmt: skip


def services(draft: Draft, served: Served) -> list[Json]:
    """Return Services as they will be, whole, so that `pointsman plan` can be asked about them."""
    return [_whole(one, served.services[_key(one)]) for one in annotations(draft)]


def _key(one: Json) -> tuple[str, str]:
    return one["metadata"]["namespace"], one["metadata"]["name"]


def _whole(one: Json, theirs: Object) -> Json:
    meta = one["metadata"]
    there = {k: v for k, v in theirs.annotations.items() if k != LAST_APPLIED}
    labels = {"labels": theirs.labels} if theirs.labels else {}
    status = theirs.raw.get("status")
    balancer = status.get("loadBalancer") if isinstance(status, Mapping) else None
    return {
        **one,
        "metadata": {**meta, **labels, "annotations": {**there, **meta["annotations"]}},
        "spec": theirs.spec,
        **({"status": {"loadBalancer": balancer}} if balancer else {}),
    }


def texts(draft: Draft, served: Served) -> Iterator[tuple[str, str]]:
    """Yield (file name, content), without empty ones."""
    everything = [*draft.ordered(), *services(draft, served)]
    for kind, name in NAMES.items():
        found = [one for one in everything if one["kind"] == kind]
        if found:
            yield name, "---\n".join(map(_yaml, found))


def write(draft: Draft, served: Served, folder: Path) -> list[Path]:
    """Write the files into *folder*, which is made; return them. What is secret only we may read.

    Raises:
        Failed: it can't be written, or holds such files already.
    """
    found = dict(texts(draft, served))
    # Not asked of Path, which raises where a folder is closed to us or a name is too long.
    there = [name for name in found if os.path.lexists(folder / name)]
    if there:
        raise Failed(f"{folder / there[0]} is there already: name another folder with -o.")
    try:
        for name, text in found.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            mode = 0o600 if name == NAMES["Secret"] else 0o644
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise Failed(f"{folder} can't be written: {error.strerror}.") from error
    return [folder / name for name in found]


def _yaml(made: Any) -> str:
    text = yaml.dump(made, Dumper=_Dumper, sort_keys=False, default_flow_style=False, width=100)
    return str(text)


class _Dumper(yaml.SafeDumper):
    """What was text in their objects is text for kubectl, too."""


go_yaml.teach(_Dumper)
