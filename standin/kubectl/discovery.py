"""Which groups, versions and resources there are: `/api`, `/apis` and below, `/version`."""

from collections.abc import Iterable
from typing import Any, Final

from standin.kinds.kind import Kind

VERSION: Final = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0-pointsman-standin",
    "gitCommit": "",
    "gitTreeState": "",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}
VERBS: Final = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


def core_versions() -> dict[str, Any]:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def group(name: str, kinds: Iterable[Kind]) -> dict[str, Any]:
    versions = list(dict.fromkeys(k.version for k in kinds if k.group == name))
    listed = [{"groupVersion": f"{name}/{v}", "version": v} for v in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def groups(kinds: list[Kind]) -> dict[str, Any]:
    names = list(dict.fromkeys(k.group for k in kinds if k.group))
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group(n, kinds) for n in names]}


def resources(name: str, version: str, kinds: Iterable[Kind]) -> dict[str, Any]:
    """Return the resource list of one group and version."""
    listed: list[dict[str, Any]] = []
    for kind in sorted(kinds, key=lambda k: k.plural):
        if (kind.group, kind.version) != (name, version):
            continue
        entry: dict[str, Any] = {
            "name": kind.plural,
            "singularName": kind.singular,
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": VERBS,
        }
        if kind.short_names:
            entry["shortNames"] = list(kind.short_names)
        if kind.categories:
            entry["categories"] = list(kind.categories)
        listed.append(entry)
        if kind.has_status:
            listed.append(
                {
                    "name": f"{kind.plural}/status",
                    "singularName": "",
                    "namespaced": kind.namespaced,
                    "kind": kind.kind,
                    "verbs": ["get", "patch", "update"],
                }
            )
    full = f"{name}/{version}" if name else version
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": full,
        "resources": listed,
    }
