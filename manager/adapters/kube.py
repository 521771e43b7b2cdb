"""HTTP access to a Kubernetes API server: raw JSON in and out, errors as two kinds.

`Unavailable` is what time may heal (no connection, a timeout, 401 while a token rotates,
429, 5xx); `Refused` is the server's considered no, with its code. Credentials come from
kubernetes_asyncio's loaders; its generated models are slow and stay unused. Nothing here
knows what is read or written.
"""

import json
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import yaml
from kubernetes_asyncio import config as kube_config
from kubernetes_asyncio.client import Configuration

from manager.adapters.fields import Json
from pointsman.runtime.target import Unavailable

FIELD_MANAGER: Final = "pointsman-manager"
MERGE_PATCH: Final = "application/merge-patch+json"  # RFC 7386
# A server that answers late ends a watch itself after timeoutSeconds; ours ends it when it doesn't.
WATCH_GRACE_S: Final = 15.0
LIST_TIMEOUT_S: Final = 30.0
# What the loader raises for a kubeconfig that is no YAML, or YAML of another shape.
MISREAD: Final = (yaml.YAMLError, TypeError, AttributeError, KeyError, ValueError)


@dataclass(frozen=True, slots=True)
class Kind:
    """Where a kind of object lives on an API server."""

    name: str
    plural: str
    root: str = "/api/v1"
    namespaced: bool = False

    def path(self, namespace: str = "", name: str = "", *, sub: str = "") -> str:
        """Return the URL path of the collection, of one object, or of its subresource."""
        parts = [self.root]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, sub) if part]
        return "/".join(parts)


POINTSMAN: Final = "/apis/pointsman.dev/v1alpha1"
SERVICES: Final = Kind("Service", "services", namespaced=True)
NODES: Final = Kind("Node", "nodes")
NAMESPACES: Final = Kind("Namespace", "namespaces")
EVENTS: Final = Kind("Event", "events", namespaced=True)
ENDPOINT_SLICES: Final = Kind(
    "EndpointSlice", "endpointslices", "/apis/discovery.k8s.io/v1", namespaced=True
)
LEASES: Final = Kind("Lease", "leases", "/apis/coordination.k8s.io/v1", namespaced=True)
CRDS: Final = Kind(
    "CustomResourceDefinition", "customresourcedefinitions", "/apis/apiextensions.k8s.io/v1"
)
EIPS: Final = Kind("Eip", "eips", POINTSMAN)
BGP_CONFS: Final = Kind("BgpConf", "bgpconfs", POINTSMAN)
BGP_PEERS: Final = Kind("BgpPeer", "bgppeers", POINTSMAN)
ANNOUNCERS: Final = Kind("Announcer", "announcers", POINTSMAN)


class Refused(Exception):
    """The API server said no to this one request; the same request would be refused again."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason = code, reason


class KubeApi:
    """An API server, over one pool of connections."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        configuration: Configuration,
        *,
        request_timeout_s: float = 5.0,
    ) -> None:
        self._session, self._configuration = session, configuration
        self._base = str(configuration.host).rstrip("/")
        self.request_timeout_s = request_timeout_s

    async def list_page(
        self, kind: Kind, params: Mapping[str, str], *, limit: int = 500, after: str = ""
    ) -> Json:
        """Return one page of a list; *after* is the `continue` of the page before."""
        query = {**params, "limit": str(limit)} | ({"continue": after} if after else {})
        return await self._call("GET", kind.path(), query, timeout_s=LIST_TIMEOUT_S)

    async def get(self, kind: Kind, namespace: str, name: str) -> Json:
        return await self._call("GET", kind.path(namespace, name), {})

    async def create(self, kind: Kind, namespace: str, body: Json) -> Json:
        query = {"fieldManager": FIELD_MANAGER}
        return await self._call("POST", kind.path(namespace), query, body=body)

    async def patch(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        *,
        body: Json,
        sub: str = "",
        manager: str = FIELD_MANAGER,
    ) -> Json:
        """Merge *body* into an object or its subresource; return the object as it is then."""
        path, query = kind.path(namespace, name, sub=sub), {"fieldManager": manager}
        return await self._call("PATCH", path, query, body=body, content_type=MERGE_PATCH)

    async def delete(self, kind: Kind, namespace: str, name: str, *, body: Json) -> Json:
        return await self._call("DELETE", kind.path(namespace, name), {}, body=body)

    @asynccontextmanager
    async def watch(
        self, kind: Kind, params: Mapping[str, str], *, version: str, timeout_s: int
    ) -> AsyncIterator[AsyncIterator[Json]]:
        """Follow *kind* from resourceVersion *version* on, for *timeout_s* at most.

        Entered: the server has accepted. A connection that died without a word ends with
        Unavailable WATCH_GRACE_S after the server should have ended it; a broken wire is
        noticed sooner, by TCP's keep-alive.
        """
        query = {
            **params,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(timeout_s),
        }
        total = aiohttp.ClientTimeout(total=timeout_s + WATCH_GRACE_S, sock_connect=5)
        with _translated(f"watch {kind.plural}"):
            async with self._session.get(
                self._base + kind.path(),
                params=query,
                headers=await self._headers(),
                timeout=total,
                server_hostname=self._configuration.tls_server_name,
            ) as response:
                await _raise_for(response)
                yield _lines(response)

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        *,
        body: Json | None = None,
        content_type: str = "application/json",
        timeout_s: float | None = None,
    ) -> Json:
        headers = await self._headers()
        if body is not None:
            headers["Content-Type"] = content_type
        timeout = aiohttp.ClientTimeout(total=timeout_s or self.request_timeout_s)
        with _translated(f"{method} {path}"):
            async with self._session.request(
                method,
                self._base + path,
                params=query,
                data=None if body is None else json.dumps(body),
                headers=headers,
                timeout=timeout,
                server_hostname=self._configuration.tls_server_name,
            ) as response:
                await _raise_for(response)
                answer: Json = json.loads(await response.read())
                return answer

    async def _headers(self) -> dict[str, str]:
        """Return the headers of every request; a rotated token is read again here."""
        headers = {"Accept": "application/json"}
        token = await self._configuration.get_api_key_with_prefix("BearerToken")
        if token:
            headers["Authorization"] = token
        return headers


@asynccontextmanager
async def connect(
    kubeconfig: Path | None, *, request_timeout_s: float = 5.0
) -> AsyncIterator[KubeApi]:
    """Give access as *kubeconfig* says, or as a Pod has it when that is None.

    Raises:
        ValueError: the configuration cannot be used; the text is the sentence for the user.
    """
    configuration = Configuration()
    try:
        if kubeconfig is None:
            kube_config.load_incluster_config(client_configuration=configuration)
        else:
            await kube_config.load_kube_config(
                str(kubeconfig), client_configuration=configuration, persist_config=False
            )
    except (kube_config.ConfigException, *MISREAD, OSError) as error:
        where = kubeconfig or "the Pod's service account"
        raise ValueError(
            f"No access to a cluster: {where}: {error}. Name a kubeconfig with --kubeconfig."
        ) from error
    connector = aiohttp.TCPConnector(
        limit=64, ssl=_tls(configuration), socket_factory=_watchful_socket
    )
    async with aiohttp.ClientSession(connector=connector, proxy=configuration.proxy) as session:
        yield KubeApi(session, configuration, request_timeout_s=request_timeout_s)


def _tls(configuration: Configuration) -> ssl.SSLContext | bool:
    if not str(configuration.host).startswith("https"):
        return True
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _watchful_socket(info: tuple[Any, ...]) -> socket.socket:
    """Return a socket whose peer's silent death shows within half a minute, idle or not."""
    family, kind, protocol = info[0], info[1], info[2]
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 25_000)
    return opened


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[Json]:
    """Yield the JSON lines of a watch. Not readline(): an object may exceed its limit."""
    rest = b""
    async for chunk in response.content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line.strip():
                yield json.loads(line)


async def _raise_for(response: aiohttp.ClientResponse) -> None:
    """Raise what an answer that is not 2xx means."""
    if response.status < 300:
        return
    text = await response.text(errors="replace")
    status: dict[str, Any] = {}
    with suppress(ValueError):
        loaded = json.loads(text)
        status = loaded if isinstance(loaded, dict) else {}
    message = str(status.get("message") or text.strip()[:300] or response.reason)
    code = response.status
    if code in (401, 429) or code >= 500:
        raise Unavailable(f"the API server answered {code}: {message}", _retry_after_s(response))
    raise Refused(code, str(status.get("reason") or ""), message)


def _retry_after_s(response: aiohttp.ClientResponse) -> float:
    """Return Retry-After in seconds (RFC 9110 section 10.2.3; API servers send the number)."""
    text = response.headers.get("Retry-After", "")
    return min(float(text), 60.0) if text.isdecimal() else 0.0


@contextmanager
def _translated(deed: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise Unavailable(f"the API server did not {deed} in time") from error
    except (aiohttp.ClientError, OSError, json.JSONDecodeError) as error:
        raise Unavailable(f"no answer from the API server ({deed}): {error}") from error
