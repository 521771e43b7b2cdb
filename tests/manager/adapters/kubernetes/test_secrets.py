"""Secrets of one namespace: read when wanted, decoded, never shown."""

import asyncio
import base64
import random
from pathlib import Path
from typing import Any, Self

import pytest

from manager.adapters.kubernetes.client import Kind, Refused, connect
from manager.adapters.kubernetes.fields import Json
from manager.adapters.kubernetes.informer import Pace
from manager.adapters.kubernetes.secret_codec import LONGEST, secret
from manager.adapters.kubernetes.secrets import Secrets
from manager.snapshot import Snapshot
from standin.in_process import serving
from standin.server import Api
from tests.fakes.kube import FakeKube
from tests.manager.adapters.kubernetes.standin_cluster import kubeconfig, until

HOME = "pointsman-system"
HERE = Kind("Secret", "secrets", namespaced=True)
QUICK = Pace(page=2, first_delay_s=0.02, longest_delay_s=0.05)


def coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def raw(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


@pytest.mark.parametrize(
    ("data", "entries"),
    [
        pytest.param({"k": coded(b"s3cret")}, {"k": "s3cret"}, id="a password"),
        pytest.param({"k": coded(b"a\n")}, {"k": "a\n"}, id="a line feed belongs to it"),
        pytest.param({"k": coded("ü".encode())}, {"k": "ü"}, id="UTF-8"),
        pytest.param({"k": ""}, {"k": ""}, id="empty, which is for others to refuse"),
        pytest.param({"k": coded(b"\xff\xfe"), "l": coded(b"x")}, {"l": "x"}, id="no text"),
        pytest.param({"k": "%%%"}, {}, id="no base64"),
        pytest.param({"k": coded(b"x" * (LONGEST + 1))}, {}, id="a file"),
        pytest.param(None, {}, id="nothing in it"),
    ],
)
def test_what_is_in_a_secret(data: dict[str, str] | None, entries: dict[str, str]) -> None:
    found = secret({"metadata": {"name": "bgp"}, "data": data})
    assert found.entries == entries
    assert "s3cret" not in repr(found)


def test_a_snapshot_shows_no_password() -> None:
    assert "s3cret" not in repr(Snapshot(secrets={("bgp", "tor-1"): "s3cret"}))


class Watched:
    """Secrets on a fake API server, running."""

    def __init__(self) -> None:
        self.api = FakeKube()
        self.wakes: list[str] = []
        self.secrets = Secrets(
            self.api, HOME, wake=lambda: self.wakes.append(""), rng=random.Random(1), pace=QUICK
        )

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.secrets.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


async def test_nothing_is_asked_for_until_a_peer_names_a_secret() -> None:
    async with Watched() as watched:
        watched.api.put(HERE, raw("bgp", k=coded(b"one")))
        await asyncio.sleep(0)
        assert (watched.api.requests, watched.secrets.read) == ([], False)
        watched.secrets.want()
        await until(lambda: watched.secrets.read, "they are read")
        assert watched.secrets.values == {("bgp", "k"): "one"}
        watched.wakes.clear()
        watched.api.put(HERE, raw("bgp", k=coded(b"two")))
        await until(lambda: watched.secrets.values == {("bgp", "k"): "two"}, "it is the new one")
        assert watched.wakes


async def test_a_refusal_is_said_and_is_not_taken_for_an_empty_namespace(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Watched() as watched:
        watched.api.fault = lambda verb, plural, name: Refused(403, "Forbidden", "not for you")
        watched.secrets.want()
        await until(lambda: watched.secrets.unavailable is not None, "it is said")
        assert "grant get, list and watch" in str(watched.secrets.unavailable)
        assert not watched.secrets.read
        watched.api.fault = lambda verb, plural, name: None
        watched.api.put(HERE, raw("bgp", k=coded(b"s3cret")))
        await until(lambda: watched.secrets.values != {}, "they are read at last")
    assert "s3cret" not in caplog.text


async def test_only_the_managers_own_namespace_is_read(tmp_path: Path) -> None:
    async with serving(Api()) as url, connect(kubeconfig(tmp_path / "k", url)) as api:
        made: Json
        for namespace, word in ((HOME, "ours"), ("default", "theirs")):
            if namespace == HOME:
                meta = {"metadata": {"name": namespace}}
                await api.create(
                    Kind("Namespace", "namespaces"),
                    "",
                    {"apiVersion": "v1", "kind": "Namespace", **meta},
                )
            body = {"apiVersion": "v1", "kind": "Secret", **raw(word, k=coded(word.encode()))}
            made = await api.create(HERE, namespace, body)
        assert made
        secrets = Secrets(api, HOME, wake=lambda: None, rng=random.Random(1), pace=QUICK)
        task = asyncio.create_task(secrets.run())
        secrets.want()
        await until(lambda: secrets.read, "they are read")
        assert secrets.values == {("ours", "k"): "ours"}
        task.cancel()
        await asyncio.wait([task])
