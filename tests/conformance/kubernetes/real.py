"""A real kube-apiserver with its etcd, as the lab starts them; or a cluster by kubeconfig."""

import base64
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from lab.cluster.apiserver import ApiServer
from pointsman.runtime.tls import verifying
from tests.conformance.kubernetes.client import Endpoint

START_S = 90.0


def wanted() -> bool:
    return bool(os.environ.get("KUBEBUILDER_ASSETS") or os.environ.get("POINTSMAN_TEST_KUBECONFIG"))


@contextmanager
def real_server(directory: Path) -> Iterator[Endpoint]:
    """Yield the API server the environment names; start it if it is ours to start."""
    if path := os.environ.get("POINTSMAN_TEST_KUBECONFIG"):
        yield from_kubeconfig(Path(path), directory)
        return
    server = ApiServer(Path(os.environ["KUBEBUILDER_ASSETS"]), directory / "server")
    server.prepare()
    with ExitStack() as running:
        for name, command in server.daemons():
            log = directory / f"{name}.log"
            process = running.enter_context(_process(log, command))
        endpoint = from_kubeconfig(server.kubeconfig, directory)
        _wait_ready(endpoint, process, log)
        yield endpoint


@contextmanager
def _process(log: Path, command: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_ready(endpoint: Endpoint, server: "subprocess.Popen[bytes]", log: Path) -> None:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends and server.poll() is None:
        try:
            address = f"{endpoint.url}/readyz"
            with urllib.request.urlopen(address, context=endpoint.tls, timeout=5) as reply:
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
    sections = ("clusters", "users", "contexts")
    named = {kind: {entry["name"]: entry for entry in config[kind]} for kind in sections}
    context = named["contexts"][config["current-context"]]["context"]
    cluster = named["clusters"][context["cluster"]]["cluster"]
    user = named["users"][context["user"]].get("user") or {}
    if "exec" in user or "auth-provider" in user:
        raise ValueError(f"{path}: use a user with a client certificate or a token")
    url, headers, tls = cluster["server"].rstrip("/"), {}, None
    if url.startswith("https"):
        authority = _file(cluster, "certificate-authority", directory)
        tls = verifying(file=Path(authority) if authority else None)
        if certificate := _file(user, "client-certificate", directory):
            tls.load_cert_chain(certificate, _file(user, "client-key", directory))
    if "token" in user:
        headers["Authorization"] = f"Bearer {user['token']}"
    return Endpoint(url, tls, headers, str(path), real=True)


def _file(section: dict[str, Any], name: str, directory: Path) -> str | None:
    if f"{name}-data" in section:
        path = directory / name
        path.write_bytes(base64.b64decode(section[f"{name}-data"]))
        path.chmod(0o600)
        return str(path)
    found = section.get(name)
    return str(found) if found else None
