"""The cluster without a manager: from files, or read once from an API server.

What the `pointsman` command knows of adapters. It decides nothing, keeps nothing and
writes nothing; a kind that cannot be listed is an error here, never an empty list.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from manager.adapters.kubernetes import objects
from manager.inspect.leading import other_version
from manager.inspect.refusals import refusal
from manager.snapshot import Settings, Snapshot
from pointsman.runtime.target import Unavailable

AWAITED_S: Final = 5.0  # without a word: whoever sits there begins to wonder


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


async def fetch(
    kubeconfig: Path | None,
    *,
    context: str | None = None,
    waiting: Callable[[str], None] = lambda _: None,
    differing: Callable[[str], None] = lambda _: None,
    awaited_s: float = AWAITED_S,
) -> list[object]:
    """Return every object that a plan looks at, as the API server has them now.

    *context*: of the kubeconfig; None: its current one. *waiting* is told, once, who is awaited
    if that takes longer than *awaited_s*; *differing*, that a manager of another version leads.

    Raises:
        NoCluster: it cannot be reached, or a kind cannot be listed.
    """
    # Why here: kubernetes_asyncio is slow to load, and files need none of it.
    from manager.adapters.kubernetes import client
    from manager.adapters.kubernetes.pages import PLANNED, whole_list

    found: list[object] = []
    kind, awaited = PLANNED[0], f"what {kubeconfig or 'this Pod'} logs in with"
    loop = asyncio.get_running_loop()
    late = loop.call_later(awaited_s, lambda: waiting(f"Still waiting for {awaited}."))
    try:
        async with client.connect(kubeconfig, context=context) as api:
            server = await api.server()
            for kind in PLANNED:
                awaited = f"the API server {server} to list {kind.plural}"
                found += await whole_list(api, kind)
            if sentence := await other_version(api):
                differing(sentence)
    except ValueError as error:
        raise NoCluster(str(error)) from error
    except Unavailable as error:
        raise NoCluster(f"The cluster cannot be read: {error}.") from error
    except client.Refused as error:
        raise NoCluster(refusal(error, "list", kind)) from error
    finally:
        late.cancel()
    return found


def _passed_over(everything: Iterable[object]) -> Mapping[str, int]:
    kinds = (objects.passed_over(raw) for raw in objects.flattened(everything))
    return dict(sorted(Counter(filter(None, kinds)).items()))
