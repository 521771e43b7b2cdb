"""The cluster without a manager: from files, or read once from an API server.

What the `pointsman` command knows of adapters. It decides nothing, keeps nothing and
writes nothing; a kind that cannot be listed is an error here, never an empty list.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from manager.adapters.kubernetes import objects
from manager.snapshot import Settings, Snapshot
from pointsman.model.names import API_PATH, PREFIX
from pointsman.runtime.target import Unavailable

GONE: Final = 410  # the server forgot the list that it was asked to continue


class NoCluster(Exception):
    """The cluster cannot be read; the text is the sentence for the user."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a pile of objects amounts to."""

    snapshot: Snapshot
    problems: tuple[str, ...]  # one sentence for each object that cannot be read
    passed_over: Mapping[str, int]  # kinds that Pointsman does not look at, and how many


def read(sources: Iterable[tuple[str, object]], settings: Settings) -> Reading:
    """Return the cluster that *sources*, pairs of (file, object), make.

    Problems name the file. Of two objects with one kind and name the later one counts.
    """
    piles: dict[str, list[object]] = {}
    for where, raw in sources:
        piles.setdefault(where, []).append(raw)
    everything = [raw for pile in piles.values() for raw in pile]
    snapshot, problems = objects.snapshot_of(everything, settings=settings)
    if problems:  # rare: read file by file to learn which one it was
        problems = tuple(
            f"{where}: {problem}"
            for where, pile in piles.items()
            for problem in objects.snapshot_of(pile)[1]
        )
    return Reading(snapshot, problems, _passed_over(everything))


def flattened(raw: object) -> Iterable[object]:
    """Return the objects in *raw*, which may be a list of them."""
    return objects.flattened([raw])


async def fetch(kubeconfig: Path | None, *, context: str | None = None) -> list[object]:
    """Return every object that a plan looks at, as the API server has them now.

    *context*: of the kubeconfig; None: its current one.

    Raises:
        NoCluster: it cannot be reached, or a kind cannot be listed.
    """
    # Why here: kubernetes_asyncio is slow to load, and files need none of it.
    from manager.adapters.kubernetes import client

    kinds = (
        client.SERVICES, client.ENDPOINT_SLICES, client.NODES, client.NAMESPACES,
        client.EIPS, client.BGP_CONFS, client.BGP_PEERS, client.ANNOUNCERS,
    )  # fmt: skip
    found: list[object] = []
    kind = kinds[0]
    try:
        async with client.connect(kubeconfig, context=context) as api:
            for kind in kinds:
                found += await _pages(api, kind)
    except ValueError as error:
        raise NoCluster(str(error)) from error
    except Unavailable as error:
        raise NoCluster(f"The cluster cannot be read: {error}.") from error
    except client.Refused as error:
        remedy = "Ask for the right to list it."
        if error.code == 404 and kind.root == API_PATH:
            remedy = "Create our CRDs: pointsman crds | kubectl apply -f -"
        raise NoCluster(
            f"The cluster does not let us list {kind.plural}: {error}. {remedy}"
        ) from error
    return found


async def _pages(api: Any, kind: Any) -> list[object]:
    """Return the pages of one list; begun anew once if the server forgot it midway."""
    from manager.adapters.kubernetes.client import Refused

    for last in (False, True):
        pages: list[object] = []
        after = ""
        try:
            while True:
                page = await api.list_page(kind, {}, after=after)
                pages.append(page)
                after = (page.get("metadata") or {}).get("continue") or ""
                if not after:
                    return pages
        except Refused as error:
            if error.code != GONE or last:
                raise
    raise AssertionError("either returned or raised")


def _passed_over(everything: Iterable[object]) -> Mapping[str, int]:
    kinds = (
        raw["kind"]
        for raw in objects.flattened(everything)
        if isinstance(raw, Mapping)
        and isinstance(raw.get("kind"), str)
        and raw["kind"]
        and raw["kind"] not in objects.KINDS
        and not str(raw.get("apiVersion")).startswith(PREFIX)
    )
    return dict(sorted(Counter(kinds).items()))
