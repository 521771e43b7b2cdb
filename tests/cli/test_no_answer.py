"""What stops every command that looks at a cluster: one sentence that says what to do."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from manager.adapters.kubernetes.client import CRDS, connect
from standin.in_process import serving
from standin.server import Api
from tests.cli.installed import guarded, prepared
from tests.cli.live import Ask, config
from tests.cli.running import run

LOOKING = (
    ("status",), ("explain", "eip", "public"), ("explain", "peer", "tor-1"), ("peers",),
    ("routes",), ("plan", "--router-config", "frr"), ("node", "undrain", "node1"),
)  # fmt: skip
# What else than --kubeconfig helps: nothing, where files can't be meant.
INSTEAD = {
    "migrate": ", or give the objects with -f PATH", "node": "", "support-dump": "",
    "uninstall": "",
}  # fmt: skip
Url = Callable[[], AbstractAsyncContextManager[str]]


@asynccontextmanager
async def answering(code: int, message: str) -> Any:
    """Serve an API server that answers everything in one way."""
    api = Api()

    async def handle(_: web.Request) -> web.StreamResponse:
        status = {"kind": "Status", "code": code, "reason": "x", "message": message}
        return web.json_response(status, status=code)

    api.handle = handle  # type: ignore[method-assign, assignment]
    async with serving(api) as url:
        yield url


@asynccontextmanager
async def without_right(plural: str) -> Any:
    """Serve a whole cluster in which this user may not list one kind."""
    root = "/api/v1" if plural == "nodes" else "/apis/pointsman.dev/v1alpha1"
    async with guarded("GET", f"{root}/{plural}") as url:
        yield url


@asynccontextmanager
async def nowhere() -> Any:
    yield "http://127.0.0.1:1"


@asynccontextmanager
async def empty() -> Any:
    async with serving(Api()) as url:
        yield url


CASES = [
    pytest.param(
        lambda: without_right("nodes"),
        "You may not list nodes: not you. Ask for the verb list on it; `kubectl auth can-i list "
        "nodes` says whether you have it.",
        id="no right on a kind of Kubernetes",
    ),
    pytest.param(
        lambda: without_right("bgppeers"),
        "You may not list bgppeers.pointsman.dev: not you. Ask for the verb list on it; `kubectl "
        "auth can-i list bgppeers.pointsman.dev` says whether you have it.",
        id="no right on a kind of ours",
    ),
    pytest.param(
        empty,
        "There is no kind Eip in this cluster. Create our CRDs: pointsman crds | kubectl apply -f "
        "-",
        id="no CRDs",
    ),
    pytest.param(nowhere, "The cluster cannot be read: no answer from the API server", id="away"),
    pytest.param(
        lambda: answering(401, "Unauthorized"),
        "The cluster cannot be read: the API server answered 401: Unauthorized",
        id="a token that is not taken",
    ),
]  # fmt: skip


@pytest.mark.parametrize("words", LOOKING[:-1], ids=" ".join)
@pytest.mark.parametrize(("cluster", "sentence"), CASES)
async def test_it_is_one_sentence_and_1(
    cluster: Url, sentence: str, words: tuple[str, ...], tmp_path: Path, ask: Ask
) -> None:
    async with cluster() as url:
        path = config(tmp_path / "k", url)
        if "may not" in sentence:
            async with connect(Path(path)) as api:
                await prepared(api)
        status, out, err = await ask(*words, "--kubeconfig", path)
    assert (status, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert err.startswith(f"pointsman {words[0]}: {sentence}")


@pytest.mark.parametrize(
    "words",
    [*LOOKING, ("status", "--watch"), ("uninstall", "--yes", "--addresses", "leave"),
     ("support-dump", "x.tar.gz"), ("migrate", "--from", "metallb"), ("map",)],
    ids=" ".join,
)  # fmt: skip
async def test_without_a_kubeconfig_it_is_2(
    words: tuple[str, ...], tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.chdir(tmp_path)
    status, out, err = await ask(*words)
    assert (status, out) == (2, "")
    assert err == (
        f"pointsman {words[0]}: There is no kubeconfig {tmp_path}/.kube/config: name one with "
        f"--kubeconfig{INSTEAD.get(words[0], ', or give the objects with --offline -f PATH')}.\n"
    )
    assert not (tmp_path / "x.tar.gz").exists()


@pytest.mark.parametrize("plural", ["announcers", "bgpconfs", "bgppeers", "eips"])
async def test_one_crd_that_is_gone_is_named(plural: str, tmp_path: Path, ask: Ask) -> None:
    async with serving(Api()) as url:
        path = config(tmp_path / "k", url)
        async with connect(Path(path)) as api:
            await prepared(api)
            await api.delete(CRDS, "", f"{plural}.pointsman.dev", body={})
        status, out, err = await ask("status", "--kubeconfig", path)
    assert (status, out) == (1, "")
    assert err.startswith("pointsman status: There is no kind ")
    assert plural.rstrip("s") in err.lower()


@pytest.mark.parametrize("command", ["node", "support-dump"])
def test_a_help_offers_nothing_that_is_always_refused(command: str, capsys) -> None:
    _, out, _ = run(capsys, command, "--help")
    assert "[--offline]" not in out
    assert "--filename" not in out
