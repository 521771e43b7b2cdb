"""The proof that addresses stay: our own plan, made of the cluster as it will be."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cli.migration.draft import Draft
from cli.migration.inventory import Inventory
from cli.migration.services import Key, Served
from cli.source.cluster import settled
from manager.inspect import cluster
from manager.planner.plan_json import Json, plan_json
from manager.snapshot import Settings
from pointsman.model.names import ADDRESSES, GROUP, LOAD_BALANCER_CLASS, NAMESPACE


@dataclass(frozen=True, slots=True)
class Proof:
    """What our plan makes of it; each line is a sentence."""

    holding: int  # Services that hold an address
    moves: tuple[str, ...]
    waiting: tuple[str, ...]  # Services that aren't told that all is well
    unready: tuple[str, ...]  # Eips and routers that would not be Ready
    problems: tuple[str, ...]  # objects that the planner can't read


def prove(found: Inventory, draft: Draft, served: Served) -> Proof:
    """Return what would become of the addresses."""
    reading = cluster.read(_world(found, draft, served), Settings())
    planned = settled(reading)
    shape = plan_json(planned.settled, planned.plan)
    moves, waiting = [], []
    for key, held in served.holds.items():
        name = "/".join(key)
        one = shape["services"].get(name)
        has = one["addresses"] if one else []
        lost = [address for address in held if address not in has]
        if lost:
            moves.append(
                f"Service {name} loses {', '.join(lost)} and has {', '.join(has) or 'none'}."
            )
        if one is None:
            waiting.append(
                f"Service {name} would be left alone: it has an address that no Eip gives out."
            )
        elif one["allocated"]["status"] != "True":
            waiting.append(one["allocated"]["message"])
    return Proof(
        sum(bool(held) for held in served.holds.values()),
        tuple(moves), tuple(waiting), tuple(_unready(shape, draft)), reading.problems,
    )  # fmt: skip


def _unready(shape: Json, draft: Draft) -> Iterator[str]:
    for kind, name in sorted(draft.objects):
        conditions = shape["conditions"].get(f"{kind}/{name}", {})
        ready = conditions.get("Ready")
        if ready is not None and ready["status"] != "True":
            yield ready["message"]


def _world(found: Inventory, draft: Draft, served: Served) -> Iterator[tuple[str, object]]:
    """Yield the cluster as it is once all is done."""
    for (group, kind, namespace, name), one in found.objects.items():
        key = namespace or "default", name
        if group == "" and kind == "Service":
            yield "cluster", _service(one.raw, key, draft, served)
        elif group in ("", "discovery.k8s.io", GROUP) and kind != "Secret":
            yield "cluster", one.raw
    for made in draft.ordered():
        if made["kind"] != "Secret":
            yield "pointsman migrate", made
        reference = made["kind"] == "BgpPeer" and made["spec"].get("passwordSecretRef")
        if reference:  # the steps have it made
            yield "pointsman migrate", _secret(reference)


def _secret(reference: Mapping[str, str]) -> object:
    """Return a Secret as it will be there; which password it holds decides nothing."""
    meta = {"name": reference["name"], "namespace": NAMESPACE}
    data = {reference["key"]: "cGxhbm5lZA=="}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data}


def _service(raw: Mapping[str, Any], key: Key, draft: Draft, served: Served) -> object:
    if key not in served.services:
        return raw
    changed: dict[str, Any] = copy.deepcopy(dict(raw))
    meta = changed["metadata"] = dict(changed["metadata"])
    annotations = meta.get("annotations")
    meta["annotations"] = {
        **(annotations if isinstance(annotations, Mapping) else {}), **draft.services.get(key, {}),
    }  # fmt: skip
    if key in served.bound:  # re-made with our class, it begins without a status
        changed["spec"] = {**changed["spec"], "loadBalancerClass": LOAD_BALANCER_CLASS}
        changed.pop("status", None)
        assert ADDRESSES in meta["annotations"] or not served.holds[key]
    return changed
