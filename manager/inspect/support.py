"""Everything that somebody who can't reach a cluster needs to see of it, as far as it can be had.

What this user may not read is missing, and said; nothing else is lost by it. It writes
nothing, reads no Secret, and hands on what `redaction` lets through.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from manager.adapters.kubernetes import client
from manager.adapters.kubernetes.client import Kind, KubeApi, Refused
from manager.adapters.kubernetes.pages import PLANNED, pages
from manager.inspect.reach import reached
from manager.inspect.redaction import redacted
from manager.inspect.refusals import refusal
from pointsman.model.names import EVENT_SOURCE, GROUP, LEASE, SPEAKER_PREFIX
from pointsman.model.printable import clipped
from pointsman.runtime.target import Unavailable

Json = Mapping[str, Any]
BESIDE: Final = (client.LEASES, client.EVENTS, client.CRDS, client.PODS)
SELECTORS: Final = {  # what a server need not send
    client.PODS: {"labelSelector": "app.kubernetes.io/name=pointsman"},
}
MOST_PODS: Final = 20  # whose logs are asked for: managers first


@dataclass(slots=True)
class Gathered:
    """What could be had: objects by plural of their kind, texts by name, and what is missing."""

    planned: dict[str, Json] = field(default_factory=dict)  # lists, as kubectl prints them
    beside: dict[str, Json] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    server: str = ""  # its version, JSON
    problems: list[str] = field(default_factory=list)


async def gathered(kubeconfig: Path | None, *, context: str | None, log_lines: int) -> Gathered:
    """Return what this user may read of the cluster.

    Raises:
        NoCluster: the configuration cannot be used.
    """
    found = Gathered()
    async with reached(kubeconfig, context=context) as api:
        for kind in PLANNED:
            await _list(api, kind, found.planned, found.problems)
        for kind in BESIDE:
            await _list(api, kind, found.beside, found.problems)
        try:
            found.server = await api.text("/version", {})
        except (Refused, Unavailable) as error:
            found.problems.append(f"The server's version is missing: {error}.")
        await _logs(api, found, log_lines)
    return found


async def _list(api: KubeApi, kind: Kind, into: dict[str, Json], problems: list[str]) -> None:
    """Put the list of *kind* there, or say why not."""
    items: list[Json] = []
    try:
        async for page in pages(api, kind, SELECTORS.get(kind)):
            items += (redacted(kind.name, one) for one in page["items"] if _is_ours(kind, one))
    except Refused as error:
        problems.append(f"{kind.plural} are missing: {refusal(error, 'list', kind)}")
        return
    except Unavailable as error:
        problems.append(f"{kind.plural} are missing: {error}.")
        return
    version = kind.root.removeprefix("/apis/").removeprefix("/api/")
    into[kind.plural] = {"apiVersion": version, "kind": f"{kind.name}List", "items": items}


def _is_ours(kind: Kind, raw: Json) -> bool:
    """Whether an object of a kind that others use, too, is of us."""
    name = str((raw.get("metadata") or {}).get("name"))
    rule: Callable[[], bool] = {
        client.LEASES: lambda: name == LEASE or name.startswith(SPEAKER_PREFIX),
        client.EVENTS: lambda: _source(raw) == EVENT_SOURCE,
        client.CRDS: lambda: name.endswith(f".{GROUP}"),
    }.get(kind, lambda: True)
    return rule()


def _source(event: Json) -> str:
    source = event.get("source")
    component = source.get("component") if isinstance(source, Mapping) else ""
    return str(event.get("reportingComponent") or component or "")


async def _logs(api: KubeApi, found: Gathered, lines: int) -> None:
    """Ask for the last *lines* of every container of our Pods, managers first."""
    if not lines:
        return
    pods = sorted(found.beside.get(client.PODS.plural, {}).get("items") or (), key=_rank)
    if len(pods) > MOST_PODS:
        found.problems.append(
            f"Logs of {len(pods) - MOST_PODS} of {len(pods)} Pods are left out: they are of agents."
        )
    wanted = [one for pod in pods[:MOST_PODS] for one in _containers(pod)]
    texts = await asyncio.gather(*(_log(api, *one, lines) for one in wanted))
    for (namespace, pod, container), text in zip(wanted, texts, strict=True):
        name = f"{namespace}/{pod}/{container}"
        if isinstance(text, str):
            found.logs[name] = text
        else:
            found.problems.append(f"The log of {clipped(name, 320)} is missing: {text}")


def _rank(pod: Json) -> tuple[bool, str]:
    labels = pod["metadata"].get("labels") or {}
    return labels.get("app.kubernetes.io/component") != "manager", pod["metadata"]["name"]


def _containers(pod: Json) -> Iterator[tuple[str, str, str]]:
    meta = pod["metadata"]
    for one in pod["status"]["containers"]:
        yield str(meta.get("namespace")), str(meta["name"]), str(one["name"])


async def _log(
    api: KubeApi, namespace: str, pod: str, container: str, lines: int
) -> str | Exception:
    path = client.PODS.path(namespace, pod, sub="log")
    try:
        return await api.text(path, {"container": container, "tailLines": str(lines)})
    except Refused as error:
        if error.code == 403:
            why = refusal(error, "get", client.PODS, "log")
            return Refused(error.code, error.reason, why)
        return error
    except Unavailable as error:
        return error
