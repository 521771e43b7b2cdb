"""Both sides show a certificate, as with any kubeconfig of kubeadm's."""

import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from manager.adapters.kubernetes.client import NODES, connect
from pointsman.runtime.target import Unavailable
from standin.server import Api


def openssl(home: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=home, capture_output=True, check=True)


def certificate(home: Path, name: str, extensions: str) -> None:
    (home / f"{name}.ext").write_text(extensions)
    keyed = ("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}")
    openssl(home, *keyed, "-keyout", f"{name}.key", "-out", f"{name}.csr")
    signed = ("x509", "-req", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2")
    ends = ("-in", f"{name}.csr", "-extfile", f"{name}.ext", "-out", f"{name}.crt")
    openssl(home, *signed, *ends)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("tls")
    ca = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=ca")
    openssl(home, *ca, "-keyout", "ca.key", "-out", "ca.crt")
    certificate(home, "server", "subjectAltName=DNS:api.example.com\n")
    certificate(home, "client", "extendedKeyUsage=clientAuth\n")
    return home


@asynccontextmanager
async def server(home: Path) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_verify_locations(home / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(home / "server.crt", home / "server.key")
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", Api().handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


def kubeconfig(home: Path, port: int, **cluster: object) -> Path:
    named = {"server": f"https://127.0.0.1:{port}", "certificate-authority": "ca.crt"} | cluster
    user = {"client-certificate": "client.crt", "client-key": "client.key"}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": named}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    path = home / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


async def test_certificates_of_both_sides(home: Path) -> None:
    async with server(home) as port:
        path = kubeconfig(home, port, **{"tls-server-name": "api.example.com"})
        async with connect(path) as api:
            assert (await api.list_page(NODES, {}))["items"] == []


async def test_a_server_under_another_name_is_not_trusted(home: Path) -> None:
    async with server(home) as port, connect(kubeconfig(home, port)) as api:
        with pytest.raises(Unavailable, match="certificate"):
            await api.list_page(NODES, {})
