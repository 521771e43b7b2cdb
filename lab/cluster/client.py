"""The lab's own way to a Kubernetes API: a kubeconfig, one request at a time.

For setting up, for tests and for the verbs. Synchronous on purpose; it refuses
kubeconfigs that log in by running programs.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import yaml

from lab.errors import Broken
from pointsman.runtime.answer import Garbled, decoded
from pointsman.runtime.errors import Misuse
from pointsman.runtime.tls import unverified, verifying
from pointsman.runtime.unanswered import unanswered

Json = dict[str, Any]
MERGE_PATCH = "application/merge-patch+json"  # RFC 7396


class Refusal(Broken):
    """The API server's answer was an error: its HTTP *code*, and its own words."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(f"The API server refused: {message} ({code} {reason}).")
        self.code, self.reason = code, reason


@dataclass(frozen=True, slots=True)
class Access:
    """What a kubeconfig says: where the server is, how to trust it, who we are."""

    server: str
    tls: ssl.SSLContext | None = None
    token: str = ""
    server_name: str = ""  # verified instead of the host, for an API behind a relay

    @property
    def host(self) -> str:
        return urlsplit(self.server).hostname or "127.0.0.1"

    @property
    def port(self) -> int:
        parts = urlsplit(self.server)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def current_entries(config: Json, source: str) -> tuple[Json, Json]:
    """Return cluster and user of the current context of a kubeconfig.

    Raises:
        Misuse: there is none.
    """

    def named(kind: str, name: str) -> Json:
        entries = config.get(f"{kind}s")
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and entry.get("name") == name:
                found = entry.get(kind) or {}
                if isinstance(found, dict):
                    return dict(found)
        raise Misuse(f"{source} names no {kind} {name!r}: set current-context, then try again.")

    context = named("context", str(config.get("current-context") or ""))
    user = named("user", str(context["user"])) if context.get("user") else {}
    return named("cluster", str(context.get("cluster"))), user


def load(kubeconfig: Path) -> Access:
    """Return what the current context of *kubeconfig* gives access to.

    Raises:
        Misuse: it is none, or wants a login we don't do.
    """
    cluster, user = current_entries(document(kubeconfig), str(kubeconfig))
    if strange := sorted(user.keys() & {"exec", "auth-provider", "username", "password"}):
        raise Misuse(
            f"{kubeconfig} logs in by {strange[0]!r}; the lab knows client certificates and "
            "tokens. Make a kubeconfig with one of these."
        )
    folder = kubeconfig.parent
    server = str(cluster.get("server") or "")
    if not server.startswith(("http://", "https://")):
        raise Misuse(f"{kubeconfig}: server {server!r} is no http:// or https:// URL.")
    token = str(user.get("token") or "")
    try:
        if user.get("tokenFile"):
            token = (folder / str(user["tokenFile"])).read_text().strip()
        tls = _tls(cluster, user, folder) if server.startswith("https:") else None
    except (OSError, ValueError) as error:  # a file isn't there; what it holds is no PEM
        words = " ".join(str(error).split())
        raise Misuse(f"{kubeconfig} can't be used: {words}.") from error
    return Access(server, tls, token, str(cluster.get("tls-server-name") or ""))


def document(kubeconfig: Path) -> Json:
    """Return what *kubeconfig* holds.

    Raises:
        Misuse: it can't be read, or is no kubeconfig.
    """
    try:
        read = yaml.safe_load(kubeconfig.read_text())
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        words = " ".join(str(error).split())
        raise Misuse(f"{kubeconfig} can't be read as a kubeconfig: {words}.") from error
    if not isinstance(read, dict):
        raise Misuse(f"{kubeconfig} is no kubeconfig: it holds no mapping.")
    return read


def _tls(cluster: Json, user: Json, folder: Path) -> ssl.SSLContext:
    context = verifying(authority=_material(cluster, "certificate-authority", folder))
    if cluster.get("insecure-skip-tls-verify"):
        unverified(context)
    certificate = _material(user, "client-certificate", folder)
    key = _material(user, "client-key", folder)
    if certificate and key:
        # The ssl module reads key material from files only; 0600, and gone at once.
        with tempfile.NamedTemporaryFile() as file:
            file.write(certificate + b"\n" + key)
            file.flush()
            context.load_cert_chain(file.name)
    return context


def _material(entry: Json, name: str, folder: Path) -> bytes:
    if data := entry.get(f"{name}-data"):
        return base64.b64decode(str(data), validate=True)
    return (folder / str(entry[name])).read_bytes() if entry.get(name) else b""


class _NamedHttps(http.client.HTTPSConnection):
    """HTTPS to one host whose certificate names another (RFC 6066 section 3)."""

    server_name = ""

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        context: ssl.SSLContext = self._context  # type: ignore[attr-defined]
        self.sock = context.wrap_socket(self.sock, server_hostname=self.server_name or self.host)


class ApiClient:
    """Requests to one API server; each its own connection, so any thread may ask."""

    def __init__(self, access: Access, *, timeout_s: float = 10.0) -> None:
        self.access, self._timeout_s = access, timeout_s

    def get(self, path: str, **query: str) -> Json:
        return self.request("GET", f"{path}?{urlencode(query)}" if query else path)

    def find(self, path: str) -> Json | None:
        """Return the object at *path*, or None where there is none."""
        try:
            return self.get(path)
        except Refusal as refusal:
            if refusal.code == 404:
                return None
            raise

    def create(self, path: str, body: Json) -> Json:
        return self.request("POST", path, body)

    def ensure(self, path: str, body: Json) -> Json:
        """Create *body* in the collection at *path*; return what is there if it exists."""
        try:
            return self.create(path, body)
        except Refusal as refusal:
            if refusal.code != 409:
                raise
            return self.get(f"{path}/{body['metadata']['name']}")

    def replace(self, path: str, body: Json) -> Json:
        return self.request("PUT", path, body)

    def merge(self, path: str, body: Json) -> Json:
        return self.request("PATCH", path, body, content_type=MERGE_PATCH)

    def delete(self, path: str) -> None:
        """Delete the object at *path*; one that is gone is fine."""
        try:
            self.request("DELETE", path)
        except Refusal as refusal:
            if refusal.code != 404:
                raise

    def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        content_type: str = "application/json",
    ) -> Json:
        """Return the answer's JSON.

        Raises:
            Refusal: the server answered with an error.
            Broken: it didn't answer.
        """
        connection = self._connection()
        headers = {"Accept": "application/json", "Content-Type": content_type}
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, headers | dict(self.access.headers))
            response = connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Broken(
                f"The API server at {self.access.server} did not answer: {unanswered(error)}."
            ) from error
        finally:
            connection.close()
        answer = _json(raw)
        if response.status >= 400:
            message = str(answer.get("message") or raw.decode(errors="replace")[:300])
            reason = str(answer.get("reason") or response.reason)
            raise Refusal(response.status, reason, f"{method} {path}: {message.strip()}")
        return answer

    def _connection(self) -> http.client.HTTPConnection:
        access = self.access
        if access.tls is None:
            return http.client.HTTPConnection(access.host, access.port, timeout=self._timeout_s)
        secure = _NamedHttps(access.host, access.port, timeout=self._timeout_s, context=access.tls)
        secure.server_name = access.server_name
        return secure


def _json(raw: bytes) -> Json:
    try:
        value = decoded(raw)
    except Garbled:
        return {}
    return value if isinstance(value, dict) else {}
