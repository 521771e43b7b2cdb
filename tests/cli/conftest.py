"""A live cluster for commands: the stand-in, over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from cli.__main__ import main
from manager.adapters.kubernetes.client import CRDS, EIPS, NODES, SERVICES, KubeApi, connect
from pointsman.model.names import FINALIZER
from standin.in_process import serving
from standin.server import Api
from tests.cli.installed import OURS, hold
from tests.cli.live import KINDS, Ask, config
from tests.cli.running import ROOT, service, small


@pytest.fixture
async def server(tmp_path: Path, monkeypatch) -> AsyncIterator[Api]:
    """A cluster that $KUBECONFIG points at, with the objects of `small`."""
    api = Api()
    async with serving(api) as url:
        monkeypatch.setenv("KUBECONFIG", config(tmp_path / "kubeconfig", url))
        async with connect(tmp_path / "kubeconfig") as client:
            for path in sorted((ROOT / "crds").glob("*.yaml")):
                await client.create(CRDS, "", yaml.safe_load(path.read_text()))
            for raw in small():
                kind = KINDS[raw["kind"]]
                await client.create(kind, "default" if kind.namespaced else "", raw)
                if raw["kind"] == "Node":
                    body = {"status": raw["status"]}
                    await client.patch(NODES, "", raw["metadata"]["name"], body=body, sub="status")
        yield api


@pytest.fixture
def ask(capsys) -> Ask:
    async def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = await asyncio.to_thread(main, words)
        out, err = capsys.readouterr()
        return status, out, err

    return run


@pytest.fixture
async def api(server: Api, tmp_path: Path) -> AsyncIterator[KubeApi]:
    async with connect(tmp_path / "kubeconfig") as client:
        yield client


@pytest.fixture
async def installed(api: KubeApi) -> KubeApi:
    """Two Services with addresses, one of another's, one that only looks like ours."""
    await api.create(SERVICES, "default", service("shop"))
    await api.create(SERVICES, "default", service("copied", notes=OURS))
    await api.create(SERVICES, "default", service("foreign", loadBalancerClass="example.com/lb"))
    await hold(api, "web", "198.51.100.0")
    await hold(api, "shop", "198.51.100.1")
    finalizers = {"metadata": {"finalizers": ["example.com/theirs", FINALIZER]}}
    await api.patch(EIPS, "", "public", body=finalizers)
    return api
