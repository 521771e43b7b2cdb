"""Which manager leads, as `status` says it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from manager.adapters.kubernetes.client import LEASES, NAMESPACES, KubeApi
from manager.adapters.kubernetes.lease_codec import new_lease
from manager.inspect.leading import judged
from pointsman.model.names import LEASE, NAMESPACE, VERSION
from pointsman.runtime.version import version
from tests.cli.live import Ask

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def lease(
    holder: str = "node1", *, age_s: float = 1, runs: str = "", where: str = NAMESPACE
) -> Mapping[str, Any]:
    renewed = (NOW - timedelta(seconds=age_s)).isoformat().replace("+00:00", "Z")
    spec = {"holderIdentity": holder, "renewTime": renewed}
    found = new_lease(LEASE, spec, {VERSION: runs} if runs else None)
    return {**found, "metadata": {**found["metadata"], "namespace": where}}


async def leads(api: KubeApi, runs: str) -> None:
    """Have node1 lead with that version; "": of a time when managers did not say it."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    await api.create(NAMESPACES, "", namespace)
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    spec = {"holderIdentity": "node1", "leaseDurationSeconds": 6, "renewTime": now}
    made = new_lease(LEASE, spec, {VERSION: runs} if runs else None)
    await api.create(LEASES, NAMESPACE, made)


@pytest.mark.parametrize(
    ("leases", "sentence"),
    [
        pytest.param([lease()], "", id="an older manager says no version"),
        pytest.param([lease(runs=version())], "", id="the same version"),
        pytest.param([lease(age_s=-3000)], "", id="our clock is behind"),
        pytest.param([], "No manager leads: there is no Lease pointsman-manager; ", id="none"),
        pytest.param([lease("")], "/pointsman-manager is not renewed; what is", id="given back"),
        pytest.param([lease(age_s=600)], "is not renewed, last node1; what is", id="abandoned"),
        pytest.param(
            [{"metadata": {"name": LEASE}, "spec": {"holderIdentity": "x", "renewTime": 7}}],
            "is not renewed, last x",
            id="of another shape",
        ),
        pytest.param(
            [lease(runs="9.9")],
            f"The manager node1 is of version 9.9, this command of {version()}: it may plan "
            "otherwise than that manager does. Use the command of its version.",
            id="another version",
        ),
        pytest.param(
            [lease(where="a"), lease(where="b")],
            "Managers lead in several namespaces (a, b) and undo each other's work: keep one.",
            id="two of them",
        ),
    ],
)
def test_what_the_leases_say(leases: list[Mapping[str, Any]], sentence: str) -> None:
    trouble = judged(leases, now=NOW).trouble
    assert sentence in trouble
    assert bool(sentence) is bool(trouble)


async def test_status_names_the_manager(api: KubeApi, ask: Ask) -> None:
    _, out, _ = await ask("status", "-o", "json")
    shape = json.loads(out)
    assert shape["manager"] == {"holder": "", "version": ""}
    assert shape["wrong"][0].startswith("No manager leads: there is no Lease")
    await leads(api, version())
    _, out, _ = await ask("status", "-o", "json")
    shape = json.loads(out)
    assert shape["manager"] == {"holder": "node1", "version": version()}
    assert not [one for one in shape["wrong"] if "manager" in one.lower() and "leads" in one]


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ("9.9", ("plan", "--router-config", "frr")),
        ("9.9", ("explain", "eip", "public")),
        ("9.9", ("map", "-o", "-")),
        ("9.9", ("node", "drain", "node1")),
        (version(), ("explain", "eip", "public")),
        ("", ("explain", "eip", "public")),
    ],
)
async def test_a_command_that_plans_names_a_manager_of_another_version(
    api: KubeApi, ask: Ask, runs: str, words: tuple[str, ...]
) -> None:
    await leads(api, runs)
    _, _, err = await ask(*words)
    sentence = f"The manager node1 is of version 9.9, this command of {version()}: "
    assert err.count(sentence) == (runs == "9.9")


async def test_status_names_it_once(api: KubeApi, ask: Ask) -> None:
    await leads(api, "9.9")
    _, out, err = await ask("status")
    assert (out.count("is of version 9.9"), err.count("9.9")) == (1, 0)
