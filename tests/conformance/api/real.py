"""A real kube-apiserver with its etcd, as envtest runs them; or a cluster by kubeconfig.

Certificates come from openssl, live in a temporary directory and die with it.
"""

import base64
import json
import os
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.api.client import Endpoint

START_S = 90.0
SERVICE_CIDRS = "10.96.0.0/16,fd00:10:96::/112"  # the stand-in's


def wanted() -> bool:
    return bool(os.environ.get("KUBEBUILDER_ASSETS") or os.environ.get("POINTSMAN_TEST_KUBECONFIG"))


@contextmanager
def real_server(directory: Path) -> Iterator[Endpoint]:
    """Yield the API server the environment names; start it if it is ours to start."""
    if path := os.environ.get("POINTSMAN_TEST_KUBECONFIG"):
        yield from_kubeconfig(Path(path), directory)
        return
    with _started(Path(os.environ["KUBEBUILDER_ASSETS"]), directory) as endpoint:
        yield endpoint


def _openssl(directory: Path, *arguments: str) -> None:
    subprocess.run(
        ["openssl", *arguments], cwd=directory, check=True, capture_output=True, timeout=60
    )


def make_certificates(directory: Path) -> None:
    """Write ca, server and admin certificates with their keys, and a service-account key."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    _openssl(
        directory, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2",
        "-subj", "/CN=pointsman-test-ca",
    )  # fmt: skip
    for name, subject, extensions in (
        (
            "server",
            "/CN=kube-apiserver",
            "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n",
        ),
        ("admin", "/O=system:masters/CN=pointsman-test", "extendedKeyUsage=clientAuth\n"),
    ):
        (directory / f"{name}.ext").write_text(extensions)
        _openssl(
            directory, "req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr",
            "-subj", subject,
        )  # fmt: skip
        _openssl(
            directory, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.crt",
        )  # fmt: skip
    _openssl(directory, "genrsa", "-out", "sa.key", "2048")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _started(assets: Path, directory: Path) -> Iterator[Endpoint]:
    make_certificates(directory)
    etcd, peer, port = _free_port(), _free_port(), _free_port()
    with (
        _process(
            directory / "etcd.log",
            [
                assets / "etcd",
                f"--data-dir={directory / 'etcd'}",
                f"--listen-client-urls=http://127.0.0.1:{etcd}",
                f"--advertise-client-urls=http://127.0.0.1:{etcd}",
                f"--listen-peer-urls=http://127.0.0.1:{peer}",
                "--unsafe-no-fsync",
            ],
        ),
        _process(
            directory / "apiserver.log",
            [
                assets / "kube-apiserver",
                f"--etcd-servers=http://127.0.0.1:{etcd}",
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                "--endpoint-reconciler-type=none",
                f"--secure-port={port}",
                f"--cert-dir={directory}",
                f"--client-ca-file={directory / 'ca.crt'}",
                f"--tls-cert-file={directory / 'server.crt'}",
                f"--tls-private-key-file={directory / 'server.key'}",
                "--service-account-issuer=https://127.0.0.1",
                f"--service-account-key-file={directory / 'sa.key'}",
                f"--service-account-signing-key-file={directory / 'sa.key'}",
                f"--service-cluster-ip-range={SERVICE_CIDRS}",
                "--authorization-mode=RBAC",
                # No controllers run here: nothing would make the account, nothing lift the taint.
                "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
            ],
        ) as server,
    ):
        url = f"https://127.0.0.1:{port}"
        endpoint = _endpoint(url, directory)
        assert endpoint.tls is not None
        _wait_ready(url, endpoint.tls, server, directory / "apiserver.log")
        yield endpoint


@contextmanager
def _process(log: Path, command: list[Any]) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as out:
        process = subprocess.Popen([str(c) for c in command], stdout=out, stderr=out)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _endpoint(url: str, directory: Path) -> Endpoint:
    tls = ssl.create_default_context(cafile=str(directory / "ca.crt"))
    tls.load_cert_chain(directory / "admin.crt", directory / "admin.key")
    config = directory / "kubeconfig"
    config.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [
                    {
                        "name": "test",
                        "cluster": {
                            "server": url,
                            "certificate-authority": str(directory / "ca.crt"),
                        },
                    }
                ],
                "users": [
                    {
                        "name": "test",
                        "user": {
                            "client-certificate": str(directory / "admin.crt"),
                            "client-key": str(directory / "admin.key"),
                        },
                    }
                ],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
                "current-context": "test",
            }
        )
    )
    return Endpoint(url, tls, kubeconfig=str(config), real=True)


def _wait_ready(
    url: str, tls: ssl.SSLContext, server: "subprocess.Popen[bytes]", log: Path
) -> None:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/readyz", context=tls, timeout=5) as reply:
                if reply.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.2)
    tail = log.read_text(errors="replace")[-2000:]
    raise AssertionError(f"kube-apiserver did not become ready:\n{tail}")


def from_kubeconfig(path: Path, directory: Path) -> Endpoint:
    """Return the current context of *path*: certificates, or a token.

    Raises:
        ValueError: the context logs in in a way this suite doesn't know.
    """
    config = yaml.safe_load(path.read_text())
    named = {
        kind: {e["name"]: e for e in config[kind]} for kind in ("clusters", "users", "contexts")
    }
    context = named["contexts"][config["current-context"]]["context"]
    cluster = named["clusters"][context["cluster"]]["cluster"]
    user = named["users"][context["user"]].get("user") or {}
    url, headers, tls = cluster["server"].rstrip("/"), {}, None
    if url.startswith("https"):
        tls = ssl.create_default_context(cafile=_file(cluster, "certificate-authority", directory))
        if certificate := _file(user, "client-certificate", directory):
            tls.load_cert_chain(certificate, _file(user, "client-key", directory))
    if "token" in user:
        headers["Authorization"] = f"Bearer {user['token']}"
    if "exec" in user or "auth-provider" in user:
        raise ValueError(f"{path}: use a user with a client certificate or a token")
    return Endpoint(url, tls, headers, str(path), real=True)


def _file(section: dict[str, Any], name: str, directory: Path) -> str | None:
    if f"{name}-data" in section:
        path = directory / name
        path.write_bytes(base64.b64decode(section[f"{name}-data"]))
        path.chmod(0o600)
        return str(path)
    found = section.get(name)
    return str(found) if found else None
