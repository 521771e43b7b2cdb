"""What Kubernetes' own schemas say of a manifest: of the oldest version we serve, and the newest.

Judged strictly: a field that no version knows is a fault, where a cluster would drop it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import kubernetes_validate
import yaml

from tools.chart import OLDEST

Json = dict[str, Any]
VERSIONS: Final = (OLDEST, kubernetes_validate.latest_version())
# Kinds of other projects; their CRDs are not among Kubernetes' schemas.
FOREIGN: Final = ("monitoring.coreos.com/",)


def faults(one: Json) -> Iterator[str]:
    """Yield what is wrong with the object *one*, in each version, in a sentence."""
    if one["apiVersion"].startswith(FOREIGN):
        return
    for version in VERSIONS:
        name = f"{one['kind']} {one['metadata']['name']}, Kubernetes {version}"
        try:
            kubernetes_validate.validate(one, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            path = ".".join(map(str, error.path))
            yield f"{name}: {path}: {error.message}"
        except kubernetes_validate.SchemaNotFoundError:
            yield f"{name}: it has no kind {one['kind']} in {one['apiVersion']}"


def objects(text: str) -> dict[tuple[str, str], Json]:
    """Return the objects of *text* by kind and name; each may be there once."""
    found: dict[tuple[str, str], Json] = {}
    for one in yaml.safe_load_all(text):
        if one is not None:
            key = (one["kind"], one["metadata"]["name"])
            assert key not in found, key
            found[key] = one
    return found
