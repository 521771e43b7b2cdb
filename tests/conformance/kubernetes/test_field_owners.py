"""Who wrote our annotation last, as managedFields tell it: what a wiped status comes back by.

Each story begins with our record, written as the manager writes it, and somebody else's deed
follows. What counts is what the manager reads out of it, so that is asked on both servers.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from manager.adapters.kubernetes.managed_fields import hints_are_ours
from pointsman.model.names import ALLOCATED_FROM, FIELD_MANAGER
from tests.conformance.kubernetes.client import Answer, Client
from tests.conformance.kubernetes.objects import service

ADDRESS: Final = "198.51.100.7"
NOTE: Final = f"public/{ADDRESS}"
ALLOCATED: Final = {
    "type": "pointsman.dev/Allocated",
    "status": "True",
    "reason": "Allocated",
    "message": f"It has {ADDRESS} from Eip 'public'.",
    "lastTransitionTime": "2026-02-01T00:00:00Z",
}
INGRESS: Final = [{"ip": ADDRESS, "ipMode": "VIP"}]
APPLY: Final = "application/apply-patch+yaml"
Deed = Callable[[Client, str], Awaitable[Answer]]


def noting(value: str | None) -> dict[str, Any]:
    return {"metadata": {"annotations": {ALLOCATED_FROM: value}}}


async def ours(api: Client, one: str, note: str = NOTE) -> Answer:
    """Write our record as the manager does: annotation, address and condition in one patch."""
    status = {"loadBalancer": {"ingress": INGRESS}, "conditions": [ALLOCATED]}
    body = noting(note) | {"status": status}
    return await api.merge(f"{one}/status", body, fieldManager=FIELD_MANAGER)


def status(**what: Any) -> Deed:
    """Somebody merges into the status."""

    async def deed(api: Client, one: str) -> Answer:
        return await api.merge(f"{one}/status", {"status": what}, fieldManager="kubectl-edit")

    return deed


async def emptied_status(api: Client, one: str) -> Answer:
    whole = (await api.get(one)).body
    whole["status"] = {}
    return await api.put(f"{one}/status", whole, fieldManager="kubectl-replace")


async def stranger_status(api: Client, one: str) -> Answer:
    """A controller replaces the whole status and the annotations with what it thinks is right."""
    whole = (await api.get(one)).body
    whole["status"] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]}}
    whole["metadata"].pop("annotations")
    return await api.put(f"{one}/status", whole, fieldManager="other-controller")


async def replaced_as_it_is(api: Client, one: str) -> Answer:
    whole = (await api.get(one)).body
    whole["metadata"]["labels"] = {"a": "b"}
    return await api.put(one, whole, fieldManager="kubectl-replace")


async def replaced_without(api: Client, one: str) -> Answer:
    whole = (await api.get(one)).body
    whole["metadata"].pop("annotations")
    return await api.put(one, whole, fieldManager="kubectl-replace")


def note(value: str | None, manager: str = "kubectl-annotate", at: str = "") -> Deed:
    """Somebody writes our annotation."""

    async def deed(api: Client, one: str) -> Answer:
        return await api.merge(one + at, noting(value), fieldManager=manager)

    return deed


async def edited_and_undone(api: Client, one: str) -> Answer:
    await note("public/198.51.100.9")(api, one)
    return await note(NOTE)(api, one)


async def edited_and_rewritten_by_us(api: Client, one: str) -> Answer:
    await note("public/198.51.100.9")(api, one)
    return await ours(api, one)


async def grew(api: Client, one: str) -> Answer:
    return await ours(api, one, f"{NOTE},other/198.51.100.9")


async def created_anew_from_a_backup(api: Client, one: str) -> Answer:
    """managedFields and all, as `kubectl get -o yaml` printed them."""
    backup = (await api.get(one)).body
    await api.delete(one)
    for name in ("uid", "resourceVersion", "creationTimestamp"):
        backup["metadata"].pop(name)
    backup["spec"].pop("clusterIP")
    backup["spec"].pop("clusterIPs")
    collection = one.rpartition("/")[0]
    return await api.post(collection, backup, fieldManager="restorer")


async def fields_forgotten(api: Client, one: str) -> Answer:
    """What Kubernetes documents for getting rid of them."""
    forget: dict[str, Any] = {"metadata": {"managedFields": [{}]}}
    return await api.merge(one, forget, fieldManager="kubectl-patch")


async def many_writers(api: Client, one: str) -> Answer:
    for number in range(12):
        labels = {"metadata": {"labels": {f"example.org/{number}": "x"}}}
        last = await api.merge(one, labels, fieldManager=f"writer-{number}")
    return last


async def many_writers_after_an_edit(api: Client, one: str) -> Answer:
    await note("public/198.51.100.9")(api, one)
    return await many_writers(api, one)


async def many_writers_and_us_again(api: Client, one: str) -> Answer:
    await many_writers(api, one)
    await asyncio.sleep(1.1)  # whole seconds tell a server which writer is the oldest
    return await grew(api, one)


STORIES: Final[list[Any]] = [
    pytest.param(status(), True, id="nothing happens"),
    pytest.param(status(loadBalancer={"ingress": None}), True, id="the addresses are cleared"),
    pytest.param(status(loadBalancer=None), True, id="all of loadBalancer is"),
    pytest.param(status(conditions=None), True, id="our condition is taken away"),
    pytest.param(status(conditions=[]), True, id="by an empty list"),
    pytest.param(status(loadBalancer=None, conditions=None), True, id="both"),
    pytest.param(
        status(loadBalancer={"ingress": [{"ip": "203.0.113.9"}]}), True, id="another address"
    ),
    pytest.param(emptied_status, True, id="the status is replaced by nothing"),
    pytest.param(stranger_status, None, id="the annotations are replaced, too"),
    pytest.param(replaced_as_it_is, True, id="the object is replaced by itself"),
    pytest.param(replaced_without, None, id="it is replaced without annotations"),
    pytest.param(note(NOTE), True, id="the very same is written again"),
    pytest.param(note("public/198.51.100.9"), False, id="the annotation is edited"),
    pytest.param(note(f"{NOTE},x/198.51.100.9"), False, id="it is added to"),
    pytest.param(note(""), False, id="it is emptied"),
    pytest.param(note(None), None, id="it is taken away"),
    pytest.param(
        note("public/198.51.100.9", at="/status"), False, id="it is edited through the status"
    ),
    pytest.param(
        note("public/198.51.100.9", FIELD_MANAGER), False, id="under our name, not as we write"
    ),
    pytest.param(edited_and_undone, False, id="it is edited, and that is undone"),
    pytest.param(edited_and_rewritten_by_us, True, id="it is edited, and we write it again"),
    pytest.param(grew, True, id="we write another value"),
    pytest.param(created_anew_from_a_backup, False, id="it is restored with managedFields"),
    pytest.param(fields_forgotten, None, id="managedFields are stripped"),
    pytest.param(many_writers, None, id="more writers than a server tells apart"),
    pytest.param(many_writers_after_an_edit, None, id="an edit among them"),
    pytest.param(many_writers_and_us_again, True, id="and we are the last"),
]


@pytest.mark.parametrize(("deed", "expected"), STORIES)
async def test_who_wrote_our_annotation(
    api: Client, services: str, deed: Deed, expected: bool | None
) -> None:
    await api.post(services, service("web"), fieldManager="kubectl-create")
    one = f"{services}/web"
    assert (await ours(api, one)).code == 200
    answer = await deed(api, one)
    assert answer.code in (200, 201), answer.body
    metadata = (await api.get(one)).meta
    assert hints_are_ours(metadata) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(NOTE, True, id="the very same is applied: it has two owners"),
        pytest.param("public/198.51.100.9", False, id="another value is applied"),
    ],
)
async def test_who_wrote_it_when_somebody_applies_on_the_server(
    api: Client, services: str, value: str, expected: bool
) -> None:
    await api.post(services, service("web"), fieldManager="kubectl-create")
    one = f"{services}/web"
    await ours(api, one)
    applied = {"apiVersion": "v1", "kind": "Service"} | noting(value)
    answer = await api.call("PATCH", one, applied, kind=APPLY, fieldManager="argocd", force="true")
    if not api.endpoint.real:
        assert answer.code == 415  # the stand-in refuses server-side apply, and says so
        return
    assert answer.code == 200, answer.body
    assert hints_are_ours((await api.get(one)).meta) is expected
