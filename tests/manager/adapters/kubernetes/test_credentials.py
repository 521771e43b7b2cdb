"""What a manager shows an API server is what its files hold now; what can't be read is named."""

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from manager.adapters.kubernetes import credentials
from manager.adapters.kubernetes.client import NODES, connect
from manager.adapters.kubernetes.credentials import Credentials, NoAccess
from pointsman.runtime.target import Unavailable
from tests.authorities import SHAPES, authority
from tests.manager.test_odd_answers import answering


def written(path: Path, user: Any, **cluster: Any) -> Path:
    document = {
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9", **cluster}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


async def token(own: Credentials) -> str | None:
    return (await own.access()).headers.get("Authorization")


@pytest.mark.parametrize(
    ("current", "chosen", "sentence"),
    [
        pytest.param("c", "nope", "there is no context 'nope', but 'c', 'd'. Name one of these "
                     "with --context.", id="none of that name"),
        pytest.param("gone", None, "there is no context 'gone', but 'c', 'd'. Choose one with "
                     "kubectl config use-context NAME.", id="the current one is gone"),
        pytest.param("", None, "there is no current context, but 'c', 'd'. Choose one with "
                     "kubectl config use-context NAME.", id="no current one"),
        pytest.param("", "d", "", id="another than none"),
        pytest.param("gone", "c", "", id="another than the current one"),
    ],
)  # fmt: skip
async def test_a_context_that_is_not_there_is_answered_with_those_that_are(
    tmp_path: Path, current: str, chosen: str | None, sentence: str
) -> None:
    path, other = written(tmp_path / "k", {"token": "t"}), tmp_path / "other"
    document = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**document, "current-context": current}))
    second = [{"name": "d", "context": {"cluster": "c", "user": "u"}}]
    other.write_text(yaml.safe_dump({**document, "contexts": second, "current-context": ""}))
    several = Path(f"{path}:{tmp_path}/none:{other}")
    if not sentence:
        async with connect(several, context=chosen):
            return
    with pytest.raises(ValueError, match="No access") as raised:
        async with connect(several, context=chosen):
            pass
    assert str(raised.value) == f"No access to a cluster: {several}: {sentence}"


async def test_a_token_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    own = Credentials(written(tmp_path / "k", {"tokenFile": "token"}))
    assert await token(own) == "Bearer first"
    fresh = tmp_path / "fresh"
    fresh.write_text("second")
    fresh.replace(file)  # as a kubelet does
    assert await token(own) == "Bearer second"


async def test_a_kubeconfig_that_is_written_anew_is_read_again(tmp_path: Path) -> None:
    path = written(tmp_path / "k", {"token": "first"})
    own = Credentials(path)
    assert await token(own) == "Bearer first"
    written(path, {"token": "the second"})
    assert await token(own) == "Bearer the second"


async def test_a_login_program_is_asked_again_when_the_server_refuses_its_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = tmp_path / "count"
    program = tmp_path / "login"
    program.write_text(
        f"#!/bin/sh\necho x >> {count}\n"
        'echo \'{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", '
        '"status": {"token": "t\'$(wc -l < ' + str(count) + ")'\"}}'\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    login = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": str(program),
        "interactiveMode": "Never",
    }
    own = Credentials(written(tmp_path / "k", {"exec": login}))
    assert await token(own) == "Bearer t1"
    assert await token(own) == "Bearer t1"
    own.doubt()  # at once: a server that refuses all has it asked now and then only
    assert await token(own) == "Bearer t1"
    monkeypatch.setattr(credentials, "DOUBT_S", 0.0)
    await asyncio.sleep(0.01)
    own.doubt()
    assert await token(own) == "Bearer t2"


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(os.environ, "KUBERNETES_SERVICE_HOST", "2001:db8::1")
    monkeypatch.setitem(os.environ, "KUBERNETES_SERVICE_PORT", "443")
    account = authority(tmp_path / "account", SHAPES["k3s"])
    (account / "token").write_text("first\n")
    return account


async def test_a_pods_account_is_read_again(pod: Path) -> None:
    own = Credentials(None, account=pod)
    access = await own.access()
    assert (access.base, access.headers["Authorization"]) == (
        "https://[2001:db8::1]:443",
        "Bearer first",
    )
    (pod / "token").write_text("second\n")
    assert await token(own) == "Bearer second"
    before = (await own.access()).tls
    (pod / "ca.crt").write_bytes((pod / "server.crt").read_bytes() + b"\n")
    assert (await own.access()).tls is not before
    assert (await own.access()).tls is (await own.access()).tls  # one pool of connections


def _as_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


SPOILED: dict[str, Callable[[Path], object]] = {
    "gone": lambda file: file.unlink(),
    "empty": lambda file: file.write_text(""),
    "a folder": _as_folder,
    "no text": lambda file: file.write_bytes(b"\xff\xfe\x00"),
}


@pytest.mark.parametrize("what", SPOILED)
@pytest.mark.parametrize("name", ["token", "ca.crt"])
async def test_a_pods_file_that_is_spoiled_is_no_access(pod: Path, name: str, what: str) -> None:
    own = Credentials(None, account=pod)
    good = await own.access()
    content = (pod / name).read_bytes()
    SPOILED[what](pod / name)
    with pytest.raises(NoAccess, match="the Pod's service account: "):
        await own.access()
    if (pod / name).is_dir():
        (pod / name).rmdir()
    (pod / name).write_bytes(content)
    assert (await own.access()).headers == good.headers


async def test_at_a_request_it_is_unavailable(tmp_path: Path) -> None:
    async with answering(tmp_path) as (response, _):
        pass
    file = tmp_path / "token"
    file.write_text("first")
    path = written(tmp_path / "k2", {"tokenFile": "token"})
    async with connect(path) as api:
        file.unlink()
        with pytest.raises(Unavailable, match="no access to the API server"):
            await api.list_page(NODES, {})
        with pytest.raises(Unavailable, match="no access to the API server"):
            async with api.watch(NODES, {}, version="1", timeout_s=1):
                pass
        file.write_text("two\nlines")
        with pytest.raises(Unavailable, match="the token is no line of plain text"):
            await api.list_page(NODES, {})
        file.write_text("second")
        with pytest.raises(Unavailable, match="no answer from the API server"):
            await api.list_page(NODES, {})  # nobody listens there; but it was asked
    assert response


@pytest.mark.parametrize(
    "cluster",
    [
        pytest.param({"server": 7}, id="a server that is a number"),
        pytest.param(
            {"server": "https://127.0.0.1:9", "certificate-authority": "none"}, id="no CA"
        ),
        pytest.param(
            {"server": "https://127.0.0.1:9", "certificate-authority": "."}, id="a folder"
        ),
        pytest.param(
            {"server": "https://127.0.0.1:9", "certificate-authority-data": "eA=="}, id="no PEM"
        ),
        pytest.param(
            {"server": "https://127.0.0.1:9", "certificate-authority-data": "§"}, id="no base64"
        ),
    ],
)
async def test_an_odd_kubeconfig_is_a_sentence(tmp_path: Path, cluster: Any) -> None:
    path = written(tmp_path / "k", {"token": "t"}, **cluster)
    with pytest.raises(ValueError, match=r"No access to a cluster: .*Name a kubeconfig") as raised:
        async with connect(path):
            pass
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "server", ["nonsense", "127.0.0.1:6443", "ftp://127.0.0.1", "https://", "http://[::1"]
)
async def test_a_server_that_is_no_url_is_named(tmp_path: Path, server: str) -> None:
    path = written(tmp_path / "k", {"token": "t"}, server=server)
    with pytest.raises(NoAccess, match=f"{path}: "):
        await Credentials(path).access()


async def test_several_kubeconfigs_are_one_and_a_missing_one_is_nothing(tmp_path: Path) -> None:
    """As $KUBECONFIG names them for kubectl."""
    path = written(tmp_path / "k", {"token": "t"})
    several = Path(os.pathsep.join((str(tmp_path / "none"), str(path))))
    assert await token(Credentials(several)) == "Bearer t"


async def test_a_tilde_is_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell doesn't see it behind `--kubeconfig=`."""
    written(tmp_path / "k", {"token": "t"})
    monkeypatch.setenv("HOME", str(tmp_path))
    assert await token(Credentials(Path("~/k"))) == "Bearer t"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(lambda path: None, "No such file or directory", id="nothing there"),
        pytest.param(lambda path: path.mkdir(), "Is a directory", id="a folder"),
        pytest.param(lambda path: path.write_bytes(b"\xff\xfe"),
                     "it is no kubeconfig: it is not text in UTF-8", id="no text"),
        pytest.param(lambda path: written(path, {"tokenFile": "/nonexistent/token"}),
                     "/nonexistent/token: No such file or directory", id="no token file"),
    ],
)  # fmt: skip
async def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, make: Callable[[Path], object], sentence: str
) -> None:
    path = tmp_path / "k"
    make(path)
    with pytest.raises(ValueError, match="No access") as raised:
        async with connect(path):
            pass
    assert str(raised.value) == (
        f"No access to a cluster: {path}: {sentence}. Name a kubeconfig with --kubeconfig."
    )
