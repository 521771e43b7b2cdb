"""A real Kubernetes API server of the lab's own, from envtest's two programs.

kube-apiserver and etcd on free ports of the loopback, with certificates made by
openssl for this lab alone. No controllers: what they would do, the lab does or
does without.
"""

from __future__ import annotations

import base64
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import yaml

from lab.errors import Broken
from lab.network.topology import SERVICE_NETWORKS
from lab.parts import tool

DAYS = "30"  # a lab is taken down before


class ApiServer:
    """Programs from *assets*, everything they write below *home*."""

    def __init__(self, assets: Path, home: Path) -> None:
        self._assets, self._home = assets, home

    @property
    def kubeconfig(self) -> Path:
        return self._home / "admin.kubeconfig"

    def prepare(self) -> None:
        """Choose the ports, make the certificates, write the administrator's kubeconfig."""
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        ports = [str(port) for port in free_ports(3)]
        (self._home / "ports").write_text(" ".join(ports))
        self._openssl("genrsa", "-out", "sa.key", "2048")
        self._openssl("rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub")
        self._openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", DAYS),
            *("-subj", "/CN=pointsman-lab", "-keyout", "ca.key", "-out", "ca.crt"),
        )
        server = "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n"
        self._certificate("server", "/CN=kube-apiserver", server)
        client = "extendedKeyUsage=clientAuth\n"
        self._certificate("admin", "/O=system:masters/CN=lab", client)
        self.kubeconfig.write_text(self._kubeconfig(ports[0]))
        self.kubeconfig.chmod(0o600)

    def daemons(self) -> Iterator[tuple[str, list[str]]]:
        """Yield name and command of each daemon, in starting order; prepare() comes first."""
        secure, client, peer = (self._home / "ports").read_text().split()
        etcd, home = f"http://127.0.0.1:{client}", self._home
        yield (
            "etcd",
            [
                *(str(self._assets / "etcd"), "--name=lab", f"--data-dir={home}/etcd"),
                *(f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}"),
                f"--listen-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-cluster=lab=http://127.0.0.1:{peer}",
                "--unsafe-no-fsync=true",
            ],
        )
        yield (
            "kube-apiserver",
            [
                str(self._assets / "kube-apiserver"),
                f"--etcd-servers={etcd}",
                *("--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"),
                # It would publish itself as a Service endpoint, and refuses a loopback there.
                "--endpoint-reconciler-type=none",
                f"--secure-port={secure}",
                f"--service-cluster-ip-range={','.join(SERVICE_NETWORKS)}",
                f"--tls-cert-file={home}/server.crt",
                f"--tls-private-key-file={home}/server.key",
                f"--client-ca-file={home}/ca.crt",
                f"--cert-dir={home}",
                "--service-account-issuer=https://127.0.0.1",
                f"--service-account-key-file={home}/sa.pub",
                f"--service-account-signing-key-file={home}/sa.key",
                "--authorization-mode=RBAC",
                # No controller makes service accounts here, and nobody runs pods.
                "--disable-admission-plugins=ServiceAccount",
                "--allow-privileged=true",
            ],
        )

    def _certificate(self, name: str, subject: str, extensions: str) -> None:
        (self._home / f"{name}.ext").write_text(extensions)
        self._openssl(
            *("req", "-newkey", "rsa:2048", "-nodes", "-subj", subject),
            *("-keyout", f"{name}.key", "-out", f"{name}.csr"),
        )
        self._openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key"),
            *("-CAcreateserial", "-days", DAYS, "-extfile", f"{name}.ext"),
            *("-out", f"{name}.crt"),
        )

    def _openssl(self, *words: str) -> None:
        command = [tool("openssl", "openssl"), *words]
        done = subprocess.run(command, cwd=self._home, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Broken(f"openssl {words[0]} failed: {done.stderr.strip()}")

    def _kubeconfig(self, port: str) -> str:
        def data(name: str) -> str:
            return base64.b64encode((self._home / name).read_bytes()).decode()

        cluster = {
            "server": f"https://127.0.0.1:{port}",
            "certificate-authority-data": data("ca.crt"),
        }
        user = {
            "client-certificate-data": data("admin.crt"),
            "client-key-data": data("admin.key"),
        }
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "lab", "cluster": cluster}],
            "users": [{"name": "lab", "user": user}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
            "current-context": "lab",
        }
        return yaml.safe_dump(document, sort_keys=False)


def free_ports(count: int) -> list[int]:
    """Return TCP ports of the loopback that are free now; held until all are known."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()
