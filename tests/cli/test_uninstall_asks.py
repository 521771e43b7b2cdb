"""`pointsman uninstall`: what stops it, and what it asks first."""

import asyncio
import io
import sys
from pathlib import Path

import pytest

from manager.adapters.kubernetes.client import (
    LEASES,
    NAMESPACES,
    KubeApi,
    Refused,
)
from manager.adapters.kubernetes.lease_codec import new_lease
from manager.inspect.uninstall import leader
from pointsman.model.names import LEASE, NAMESPACE
from tests.cli.installed import YES, guarded, services
from tests.cli.live import Ask, config
from tests.cli.running import ROOT


async def lease(api: KubeApi, renewed: str, holder: str = "node1", **spec: object) -> None:
    spec = {
        "holderIdentity": holder, "leaseDurationSeconds": 1, "leaseTransitions": 1,
        "renewTime": f"2026-01-01T00:00:{renewed}.000000Z", **spec,
    }  # fmt: skip
    try:
        await api.patch(LEASES, NAMESPACE, LEASE, body={"spec": spec})
    except Refused:  # it isn't there yet
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        await api.create(NAMESPACES, "", namespace)
        await api.create(LEASES, NAMESPACE, new_lease(LEASE, spec))


async def test_while_a_manager_leads_nothing_is_written(installed: KubeApi, ask: Ask) -> None:
    await lease(installed, "01")
    before = await services(installed)

    async def renew() -> None:
        for second in range(2, 60):
            await asyncio.sleep(0.3)
            await lease(installed, f"{second:02}")

    renewing = asyncio.create_task(renew())
    status, out, err = await ask(*YES, "release")
    assert (status, out) == (1, "")
    assert (
        f"The manager node1 leads (Lease {NAMESPACE}/{LEASE}) and would write everything back: "
        "delete its Deployment first, or scale it to 0. Or go on all the same with --force." in err
    )
    assert await services(installed) == before
    status, _, _ = await ask(*YES, "release", "--force")
    assert status == 0
    renewing.cancel()


@pytest.mark.parametrize(
    ("looks", "leads"),
    [
        pytest.param([("01", "a"), ("01", "a")], False, id="nobody renews it"),
        pytest.param([("01", "a"), ("02", "a")], True, id="it is renewed"),
        pytest.param([("01", ""), ("02", "b")], True, id="another takes it"),
        pytest.param([("01", "a"), ("02", "")], False, id="it is given back"),
        pytest.param([], False, id="there is none"),
    ],
)
async def test_who_leads_is_seen_by_two_looks(
    looks: list[tuple[str, str]], leads: bool, api: KubeApi
) -> None:
    """By no clock but one for waiting: those of nodes need not agree."""
    rest = iter(looks[1:])
    if looks:
        await lease(api, looks[0][0], looks[0][1])

    async def no_sleep(_: float) -> None:
        if (look := next(rest, None)) is not None:
            await lease(api, *look)

    assert (await leader(api, sleep=no_sleep) is not None) is leads


async def test_who_may_not_read_leases_is_told_so(tmp_path: Path, ask: Ask) -> None:
    async with guarded("GET", "/apis/coordination.k8s.io/v1/leases") as url:
        path = config(tmp_path / "other", url)
        status, out, err = await ask(*YES, "leave", "--kubeconfig", path)
        assert (status, out) == (1, "")
        assert "Whether a manager leads can't be known: You may not list leases.coordination" in err
        status, _, _ = await ask(*YES, "leave", "--kubeconfig", path, "--force")
        assert status == 0


@pytest.mark.parametrize(
    "words", [(), ("--yes",), ("--addresses", "leave"), ("--addresses", "keep", "--yes")]
)
async def test_where_nobody_can_be_asked_it_must_be_said(
    words: tuple[str, ...], installed: KubeApi, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    before = await services(installed)
    status, out, err = await ask("uninstall", *words)
    assert (status, out) == (2, "")
    assert "leave" in err
    assert await services(installed) == before


@pytest.mark.parametrize(
    ("answers", "status", "written"),
    [
        ("release\ny\n", 0, True),
        ("leave\n\n", 1, False),
        ("leave\nno\n", 1, False),
        pytest.param("leave\n\x04", 1, False, id="Ctrl-D"),
    ],
)
async def test_on_a_terminal_it_asks_first(
    answers: str, status: int, written: bool, installed: KubeApi, tmp_path: Path
) -> None:
    """With `script`, which gives the command a terminal."""
    command = f"{sys.executable} -m cli uninstall --kubeconfig {tmp_path / 'kubeconfig'}"
    process = await asyncio.create_subprocess_exec(
        "script", "-qec", command, "/dev/null", cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate(answers.encode())
    assert process.returncode == status, out
    assert b"our finalizer off 1 Eip." in out
    assert b"Traceback" not in out
    notes = (await services(installed))["web"]["metadata"]["annotations"]
    assert ("pointsman.dev/status" not in notes) is written
