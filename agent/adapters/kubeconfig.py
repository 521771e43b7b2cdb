"""How to reach the API server: from a kubeconfig file, or from inside a Pod.

By hand, because the client library costs 70 MiB on every node. It takes what kubeadm,
k3s, kind and service accounts write: server, CA, client certificate, token, token file.
It refuses, with a sentence, what would need another program: exec and auth-provider.
"""

import base64
import binascii
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from pointsman.runtime.rotation import Rotating
from pointsman.runtime.tls import unverified, verifying

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class NoAccess(Exception):
    """The way to the API server can't be read; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where the API server is and how to speak to it."""

    server: str  # without a trailing slash; may hold a path
    trust: Rotating[ssl.SSLContext] | None = None  # None: plain HTTP
    server_name: str | None = None  # to verify instead of the host in *server*
    token: str = ""
    token_file: Path | None = None

    @property
    def tls(self) -> ssl.SSLContext | None:
        """Return whom to trust and who we are; the files are read anew when one changed.

        Raises:
            NoAccess: they can't be read now.
        """
        return self.trust.value if self.trust else None

    def headers(self) -> dict[str, str]:
        """Return the credentials of one request; a token file is read anew: it rotates.

        Raises:
            NoAccess: the token file can't be read now, or holds no token.
        """
        token = self.token
        if self.token_file:
            try:
                token = self.token_file.read_text().strip()
            except (OSError, ValueError) as error:
                raise NoAccess(
                    f"The token file {self.token_file} can't be read: {error}."
                ) from error
        if not (token.isascii() and token.isprintable()):
            raise NoAccess(
                f"The token in {self.token_file or 'the kubeconfig'} is no line of text."
            )
        return {"Authorization": f"Bearer {token}"} if token else {}


def in_cluster(environment: Mapping[str, str], account: Path = SERVICE_ACCOUNT) -> Access:
    """Return the access every Pod is given.

    Raises:
        NoAccess: this isn't a Pod, or it has no service account token.
    """
    host = environment.get("KUBERNETES_SERVICE_HOST", "")
    port = environment.get("KUBERNETES_SERVICE_PORT", "443")
    token, authority = account / "token", account / "ca.crt"
    if not host or not token.exists():
        raise NoAccess(
            "The agent has no way to the API server: this is not a Pod with a service account. "
            "Name a kubeconfig file with --kubeconfig."
        )
    host = f"[{host}]" if ":" in host else host

    def trust() -> ssl.SSLContext:
        try:
            return verifying(file=authority)
        except OSError as error:
            what = f"{authority} is no CA certificate the agent can read"
            raise NoAccess(f"{what}: {error}.") from error

    return Access(
        server=f"https://{host}:{port}", trust=Rotating(trust, [authority]), token_file=token
    )


def from_file(path: Path) -> Access:
    """Return the access that the current context of the kubeconfig *path* describes.

    Raises:
        NoAccess: with a sentence that says what to change in the file.
    """
    import yaml  # only here: a Pod has no kubeconfig and spares the memory

    try:
        raw = yaml.safe_load(path.read_text())
    except OSError as error:
        raise NoAccess(f"The kubeconfig {path} can't be read: {error.strerror}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise NoAccess(f"The kubeconfig {path} is not YAML: {_one_line(error)}.") from error
    if not isinstance(raw, dict):
        raise NoAccess(f"The kubeconfig {path} is not a kubeconfig: it holds no mapping.")
    return _File(path, raw).access()


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    raw: Mapping[str, object]

    def access(self) -> Access:
        context = self._named("contexts", "context", str(self.raw.get("current-context") or ""))
        cluster = self._named("clusters", "cluster", str(context.get("cluster") or ""))
        user_name = str(context.get("user") or "")
        user = self._named("users", "user", user_name) if user_name else {}
        for foreign in ("exec", "auth-provider"):
            if foreign in user:
                raise self._wrong(
                    f"user {user_name!r} gets its credentials from {foreign!r}, which the agent "
                    "doesn't run; give it a token, a tokenFile or a client certificate"
                )
        if cluster.get("proxy-url"):
            raise self._wrong("proxy-url isn't supported; name the API server itself")
        server = str(cluster.get("server") or "").rstrip("/")
        parts = urlsplit(server)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise self._wrong(f"server {server!r} is no http:// or https:// URL")
        token_file = user.get("tokenFile")
        return Access(
            server=server,
            trust=self._trust(cluster, user) if parts.scheme == "https" else None,
            server_name=str(cluster.get("tls-server-name") or "") or None,
            token=str(user.get("token") or ""),
            token_file=self._beside(token_file) if token_file else None,
        )

    def _trust(
        self, cluster: Mapping[str, object], user: Mapping[str, object]
    ) -> Rotating[ssl.SSLContext]:
        named = [cluster.get("certificate-authority")]
        named += [user.get("client-certificate"), user.get("client-key")]
        files = [self._beside(name) for name in named if name]
        return Rotating(lambda: self._tls(cluster, user), files)

    def _tls(self, cluster: Mapping[str, object], user: Mapping[str, object]) -> ssl.SSLContext:
        authority = self._content(cluster, "certificate-authority")
        try:
            tls = verifying(authority=authority)
        except (OSError, UnicodeDecodeError) as error:
            raise self._wrong(f"certificate-authority is no PEM certificate: {error}") from error
        if cluster.get("insecure-skip-tls-verify") is True:
            unverified(tls)
        certificate = self._content(user, "client-certificate")
        key = self._content(user, "client-key")
        if bool(certificate) != bool(key):
            raise self._wrong("client-certificate and client-key only work together")
        if certificate and key:
            try:
                _load_pair(tls, certificate, key)
            except (ssl.SSLError, OSError) as error:
                raise self._wrong(f"client certificate and key don't load: {error}") from error
        return tls

    def _content(self, section: Mapping[str, object], key: str) -> bytes:
        """Return what *key*-data (base64) or the file *key* holds; empty if neither is set."""
        if data := section.get(f"{key}-data"):
            try:
                return base64.b64decode(str(data), validate=True)
            except binascii.Error as error:
                raise self._wrong(f"{key}-data is not base64: {error}") from error
        if name := section.get(key):
            try:
                return self._beside(name).read_bytes()
            except (OSError, ValueError) as error:  # ValueError: a null byte in the name
                what = getattr(error, "strerror", None) or error
                raise self._wrong(f"{key} {name} can't be read: {what}") from error
        return b""

    def _beside(self, name: object) -> Path:
        return self.path.parent / str(name)  # relative paths start at the file's folder

    def _named(self, plural: str, singular: str, name: str) -> Mapping[str, object]:
        listed = self.raw.get(plural)
        for entry in listed if isinstance(listed, list) else []:
            if isinstance(entry, dict) and entry.get("name") == name:
                found = entry.get(singular)
                if isinstance(found, dict):
                    return cast(Mapping[str, object], found)
        what = f"no {singular} {name!r}" if name else f"no {singular} chosen"
        raise self._wrong(f"{what} under {plural}; `kubectl config view` shows what is there")

    def _wrong(self, what: str) -> NoAccess:
        return NoAccess(f"The kubeconfig {self.path} can't be used: {what}.")


def _load_pair(tls: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    # OpenSSL wants a file; this one has no name and leaves nothing behind.
    descriptor = os.memfd_create("client-certificate")
    try:
        os.write(descriptor, certificate.rstrip() + b"\n" + key)
        tls.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
