"""A story as written in YAML: what happens, step by step, in the fewest words.

A step has any of: `services`, `eips`, `peers` (name -> spec, with `notes` for annotations
of ours, `labels`, `status`), `put` (whole objects), `endpoints` (as `pointsman lab
endpoints` takes them; " / " parts slices, "default/web IPv6" names a family), `merge`
(name -> merge patch), `delete` (names), `clock` (seconds that pass), `down` (peer ->
state of its session; null: up again), `single` (peer -> whether it keeps one path),
`liveness` (node -> verdict of its heartbeats; null: none), `frozen` (failure domains), `ipams`
(Eip -> what its IPAM may give and who else has what; away, since, refuses: what it says).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from manager.snapshot import EipName, Settings
from pointsman.model.liveness import Liveness
from tests.manager.planner.evolving.warm import WarmPlanner
from tests.scripts.ipams import Ipam
from tests.scripts.world import Json, World

FOLDER = Path(__file__).resolve().parent / "stories"
OURS = "pointsman.dev/v1alpha1"
STATES = {  # of one endpoint: ready, serving, terminating
    "": (True, True, False),
    "unready": (False, False, False),
    "terminating": (False, True, True),
    "gone": (False, False, True),
}


@dataclass(frozen=True, slots=True)
class Story:
    """One story; *history* says why its end depends on the way there, where it does."""

    name: str
    about: str
    steps: tuple[Json, ...]
    without: tuple[str, ...] = ()  # names of objects of base.yaml
    settings: Settings = Settings()
    history: str = ""
    speaker: str = ""  # why a speaker that restarts empty changes the outcome, where it does

    def world(self) -> World:
        """The world before the first step: three nodes, a router, a pool."""
        settled = _settled(self.settings, self.without)
        found = replace(settled.restarted(), planner=WarmPlanner())
        found.planner.know(settled.snapshot())
        return found


@cache
def _settled(settings: Settings, without: tuple[str, ...]) -> World:
    """The world of base.yaml at rest, which is the same for nearly every story: to be copied."""
    found = World(settings=settings)
    for doc in yaml.safe_load_all((FOLDER / "base.yaml").read_text()):
        found.put(doc)
    for name in without:
        found.delete(name)
    found.settle()
    return found


def stories(path: Path) -> list[Story]:
    """Return the stories of one file, in their order."""
    found = []
    for raw in yaml.safe_load_all(path.read_text()):
        settings = Settings(
            require_class=raw.get("requireClass", False),
            speakers=raw.get("speakers", 1),
            honoured=tuple(raw.get("honoured", ())),
        )
        found.append(
            Story(
                name=raw["story"],
                about=raw.get("about", ""),
                steps=tuple(raw["steps"]),
                without=tuple(raw.get("without", ())),
                settings=settings,
                history=raw.get("history", ""),
                speaker=raw.get("speaker", ""),
            )
        )
    return found


def tell(world: World, step: Json) -> None:
    """Do to *world* what *step* says; doing it twice is doing it once."""
    unknown = step.keys() - {
        "say",
        *_VERBS,
        "clock",
        "down",
        "single",
        "liveness",
        "frozen",
        "ipams",
    }
    assert not unknown, f"a step has no {sorted(unknown)}"
    for name in step.get("delete", ()):
        world.delete(name)
    for verb, make in _MAKERS.items():
        for name, spec in step.get(verb, {}).items():
            world.put(make(name, dict(spec or {})))
    for doc in step.get("put", ()):
        world.put(doc)
    for name, text in step.get("endpoints", {}).items():
        for doc in _slices(name, text):
            world.put(doc)
    for name, patch in step.get("merge", {}).items():
        world.merge(name, patch)
    for name, state in step.get("down", {}).items():
        world.down.pop(name, None)
        if state is not None:
            world.down[name] = state
    for name, one in step.get("single", {}).items():
        (world.single.add if one else world.single.discard)(name)
    for name, verdict in step.get("liveness", {}).items():
        world.liveness.pop(name, None)
        if verdict is not None:
            world.liveness[name] = Liveness(verdict)
    for name, given in step.get("ipams", {}).items():
        world.ipams.setdefault(EipName(name), Ipam()).tell(given)
    world.frozen = tuple(step.get("frozen", world.frozen))
    world.now += timedelta(seconds=step.get("clock", 0))


def _service(name: str, spec: Json) -> Json:
    doc = _object("v1", "Service", name, spec)
    doc["spec"] = {"type": "LoadBalancer", "ports": [{"port": 80}], **doc["spec"]}
    return doc


def _eip(name: str, spec: Json) -> Json:
    return _object(OURS, "Eip", name, spec)


def _peer(name: str, spec: Json) -> Json:
    return _object(OURS, "BgpPeer", name, {"as": 64500, **spec})


def _object(version: str, kind: str, name: str, spec: Json) -> Json:
    namespace, _, own = name.rpartition("/")
    notes = {f"pointsman.dev/{key}": text for key, text in spec.pop("notes", {}).items()}
    meta: Json = {"name": own, "annotations": notes, "labels": spec.pop("labels", {})}
    if namespace:
        meta["namespace"] = namespace
    status = spec.pop("status", {})
    return {"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec, "status": status}


_MAKERS = {"services": _service, "eips": _eip, "peers": _peer}
_VERBS = {*_MAKERS, "put", "endpoints", "merge", "delete"}


def _slices(name: str, text: str) -> Iterator[Json]:
    """Yield two slices per family, so that a shorter list empties the second one."""
    key, _, family = name.partition(" ")
    namespace, _, service = key.partition("/")
    parts = text.split(" / ")
    for number, part in enumerate([*parts, ""][:2]):
        family = family or "IPv4"
        pods = f"10.244.{number}." if family == "IPv4" else f"2001:db8:244:{number}::"
        endpoints = [_endpoint(word, f"{pods}{n}") for n, word in enumerate(part.split(), 1)]
        yield {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "namespace": namespace,
                "name": f"{service}-{family.lower()}-{number}",
                "labels": {"kubernetes.io/service-name": service},
            },
            "addressType": family,
            "endpoints": endpoints,
        }


def _endpoint(word: str, address: str) -> Json:
    where, _, state = word.partition(":")
    ready, serving, terminating = STATES[state]
    conditions = {"ready": ready, "serving": serving, "terminating": terminating}
    entry: dict[str, Any] = {"addresses": [address], "conditions": conditions}
    return entry if where == "-" else entry | {"nodeName": where}
