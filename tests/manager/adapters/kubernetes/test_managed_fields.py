"""Against what a real 1.36 API server writes, and against anything at all."""

from typing import Any

import pytest

from manager.adapters.kubernetes import codec
from manager.adapters.kubernetes.managed_fields import hints_are_ours

CREATED, LATER = "2026-02-01T00:00:00Z", "2026-02-01T00:00:05Z"
NOTE: Any = {".": {}, "f:pointsman.dev/allocated-from": {}, "f:pointsman.dev/status": {}}


def entry(manager: str, sub: str = "status", *, time: str = LATER, notes: Any = NOTE) -> Any:
    return {
        "apiVersion": "v1", "fieldsType": "FieldsV1", "manager": manager, "operation": "Update",
        "subresource": sub, "time": time, "fieldsV1": {"f:metadata": {"f:annotations": notes}},
    }  # fmt: skip


OURS = entry("pointsman-manager")
ELSEWHERE = entry("kubectl", "", notes={"f:example.net/x": {}})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param([ELSEWHERE, OURS], True, id="we wrote it"),
        pytest.param([entry("kubectl", "")], False, id="somebody else wrote it"),
        pytest.param([entry("pointsman-manager", "")], False, id="with our name, not as we write"),
        pytest.param([entry("pointsman-manager", time="2026-01-01T00:00:00Z")], False, id="copied"),
        pytest.param([OURS, entry("argocd", "")], True, id="another applied the very same"),
        pytest.param([entry("ancient-changes", "")], None, id="the server has forgotten who"),
        pytest.param([entry("ancient-changes", ""), OURS], True, id="who but us"),
        pytest.param([ELSEWHERE], None, id="nobody wrote it"),
        pytest.param(None, None, id="the server tells nothing"),
        pytest.param([{}], None, id="emptied by hand"),
        pytest.param([None, 1, {"fieldsV1": []}, {"fieldsV1": {"f:metadata": 3}}], None, id="junk"),
        pytest.param("text", None, id="text"),
    ],
)
def test_who_wrote_the_note(fields: Any, expected: bool | None) -> None:
    meta = {"name": "web", "creationTimestamp": CREATED, "managedFields": fields}
    assert hints_are_ours(meta) is expected
    raw = {"apiVersion": "v1", "kind": "Service", "metadata": meta}
    assert codec.service(raw).hints_are_ours is expected


@pytest.mark.parametrize("meta", [None, 3, [], "x"])
def test_metadata_that_is_none(meta: Any) -> None:
    assert hints_are_ours(meta) is None
