"""HTTP access to a Kubernetes API server: raw JSON in and out, errors as two kinds.

`Unavailable` is what time may heal (no connection, a timeout, 401 while a token rotates,
429, 5xx, an answer of another shape than an API server's); `Refused` is the server's
considered no, with its code. kubernetes_asyncio's generated models are slow and stay unused.
Nothing here knows what is read or written.
"""

import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import aiohttp

from manager.adapters.kubernetes.credentials import Access, Credentials, NoAccess, no_access
from manager.adapters.kubernetes.event_lines import events
from manager.adapters.kubernetes.fields import Json
from manager.adapters.kubernetes.sockets import unread, watchful
from pointsman.model.names import API_PATH, FIELD_MANAGER
from pointsman.model.printable import sentence
from pointsman.runtime import answer
from pointsman.runtime.answer import Garbled
from pointsman.runtime.outage import Outage
from pointsman.runtime.target import ERROR_MAX, Unavailable
from pointsman.runtime.unanswered import unanswered

log = logging.getLogger(__name__)
MERGE_PATCH: Final = "application/merge-patch+json"  # RFC 7386
# A server that answers late ends a watch itself after timeoutSeconds; ours ends it when it doesn't.
WATCH_GRACE_S: Final = 15.0
LIST_TIMEOUT_S: Final = 30.0
METHODS: Final = {"create": "POST", "patch": "PATCH", "delete": "DELETE"}  # other verbs: GET
RETRY_AFTER_CAP_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Kind:
    """Where a kind of object lives on an API server."""

    name: str
    plural: str
    root: str = "/api/v1"
    namespaced: bool = False
    gather_s: float = 0.0  # what comes within this time after an event is read together

    def path(self, namespace: str = "", name: str = "", *, sub: str = "") -> str:
        """Return the URL path of the collection, of one object, or of its subresource."""
        parts = [self.root]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, sub) if part]
        return "/".join(parts)


SERVICES: Final = Kind("Service", "services", namespaced=True)
# A thousand kubelets report a hundred times in a second, and nearly always nothing new.
NODES: Final = Kind("Node", "nodes", gather_s=0.1)
PODS: Final = Kind("Pod", "pods", namespaced=True)
NAMESPACES: Final = Kind("Namespace", "namespaces")
EVENTS: Final = Kind("Event", "events", namespaced=True)
ENDPOINT_SLICES: Final = Kind(
    "EndpointSlice", "endpointslices", "/apis/discovery.k8s.io/v1", namespaced=True
)
LEASES: Final = Kind("Lease", "leases", "/apis/coordination.k8s.io/v1", namespaced=True)
CRDS: Final = Kind(
    "CustomResourceDefinition", "customresourcedefinitions", "/apis/apiextensions.k8s.io/v1"
)
EIPS: Final = Kind("Eip", "eips", API_PATH)
BGP_CONFS: Final = Kind("BgpConf", "bgpconfs", API_PATH)
BGP_PEERS: Final = Kind("BgpPeer", "bgppeers", API_PATH)
ANNOUNCERS: Final = Kind("Announcer", "announcers", API_PATH)


class Refused(Exception):
    """The API server said no to this one request; the same request would be refused again."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(sentence(message, ERROR_MAX))
        self.code, self.reason = code, reason


class Overloaded(Unavailable):
    """The API server, or somebody it asks, answered "not now": 401, 429 or 5xx."""


class KubeApi:
    """An API server, over one pool of connections. *ended* hears each request's verb and status."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        credentials: Credentials,
        *,
        request_timeout_s: float = 5.0,
        ended: Callable[[str, int | None], None] = lambda _verb, _code: None,
    ) -> None:
        self._session, self._credentials, self._ended = session, credentials, ended
        self.request_timeout_s = request_timeout_s
        self._outage = Outage("the API server", log=log)

    async def server(self) -> str:
        """Return the URL that is asked."""
        return (await self._credentials.access()).base

    async def list_page(
        self, kind: Kind, params: Mapping[str, str], *, limit: int = 500, after: str = ""
    ) -> Json:
        """Return one page of a list; *after* is the `continue` of the page before."""
        query = {**params, "limit": str(limit)} | ({"continue": after} if after else {})
        with _translated(f"GET {kind.path()}"):
            page = await self._call("list", kind.path(), query, timeout_s=LIST_TIMEOUT_S)
            return answer.as_list(page, kind.name)

    async def get(self, kind: Kind, namespace: str, name: str) -> Json:
        path = kind.path(namespace, name)
        with _translated(f"GET {path}"):
            return answer.as_thing(await self._call("get", path, {}), name=name)

    async def text(self, path: str, params: Mapping[str, str]) -> str:
        """Return what is no object: a log, the server's version."""
        with _translated(f"GET {path}"):
            raw = await self._answer("get", path, params, timeout_s=LIST_TIMEOUT_S)
        return raw.decode(errors="replace")

    async def create(self, kind: Kind, namespace: str, body: Json) -> Json:
        path, query = kind.path(namespace), {"fieldManager": FIELD_MANAGER}
        with _translated(f"POST {path}"):
            return answer.as_thing(await self._call("create", path, query, body=body))

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
        with _translated(f"PATCH {path}"):
            made = await self._call("patch", path, query, body=body, content_type=MERGE_PATCH)
            return answer.as_thing(made, name=name)

    async def delete(self, kind: Kind, namespace: str, name: str, *, body: Json) -> Json:
        path = kind.path(namespace, name)
        with _translated(f"DELETE {path}"):  # a Status or the object
            return answer.as_object(await self._call("delete", path, {}, body=body))

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
            access = await self._credentials.access()
            async with self._request(
                access, "watch", kind.path(), params=query, headers=access.headers, timeout=total
            ) as response:
                await self._raise_for(response)
                chunks = response.content.iter_any()
                yield events(chunks, kind.gather_s, unread=partial(unread, response))

    async def _call(self, verb: str, path: str, query: Mapping[str, str], **more: Any) -> object:
        """Return the JSON that was answered; called where errors are translated."""
        return answer.decoded(await self._answer(verb, path, query, **more))

    async def _answer(
        self,
        verb: str,
        path: str,
        query: Mapping[str, str],
        *,
        body: Json | None = None,
        content_type: str = "application/json",
        timeout_s: float | None = None,
    ) -> bytes:
        access = await self._credentials.access()  # a rotated token is read again here
        content = {} if body is None else {"Content-Type": content_type}
        async with self._request(
            access,
            verb,
            path,
            params=query,
            data=None if body is None else json.dumps(body),
            headers={**access.headers, **content},
            timeout=aiohttp.ClientTimeout(total=timeout_s or self.request_timeout_s),
        ) as response:
            await self._raise_for(response)
            return await response.read()

    @asynccontextmanager
    async def _request(
        self, access: Access, verb: str, path: str, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send one request; whether it was answered is noted, for the end of an outage."""
        code: int | None = None
        try:
            async with self._session.request(
                METHODS.get(verb, "GET"),
                access.base + path,
                ssl=access.tls,
                server_hostname=access.server_name,
                proxy=access.proxy,
                **options,
            ) as response:
                code = response.status
                self._outage.note(answered=code < 500)
                yield response
        except (aiohttp.ClientError, OSError):  # OSError holds TimeoutError
            self._outage.note(answered=False)
            raise
        finally:
            self._ended(verb, code)

    async def _raise_for(self, response: aiohttp.ClientResponse) -> None:
        """Raise what an answer that is not 2xx means."""
        code = response.status
        if code < 300:
            return
        message, reason = answer.complaint(await response.read(), str(response.reason or code))
        message = answer.redirect(code, response.headers) or message
        if code == 401:
            self._credentials.doubt()
        if code in (401, 429) or code >= 500:
            raise Overloaded(
                f"the API server answered {code}: {message}",
                answer.retry_after_s(response.headers, RETRY_AFTER_CAP_S),
            )
        raise Refused(code, reason, message)


@asynccontextmanager
async def connect(
    kubeconfig: Path | None,
    *,
    context: str | None = None,
    request_timeout_s: float = 5.0,
    ended: Callable[[str, int | None], None] = lambda _verb, _code: None,
) -> AsyncIterator[KubeApi]:
    """Give access as *kubeconfig* says, or as a Pod has it when that is None.

    *context*: which one of the kubeconfig's; None: its current one.

    Raises:
        ValueError: the configuration cannot be used; the text is the sentence for the user.
    """
    credentials = Credentials(kubeconfig, context=context)
    try:
        await credentials.access()
    except NoAccess as error:
        raise ValueError(no_access(error, context)) from error
    connector = aiohttp.TCPConnector(limit=64, socket_factory=watchful)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield KubeApi(session, credentials, request_timeout_s=request_timeout_s, ended=ended)


@contextmanager
def _translated(deed: str) -> Iterator[None]:
    try:
        yield
    except Garbled as error:
        raise Garbled(f"no answer from the API server ({deed}): {error}") from error
    except NoAccess as error:
        raise Unavailable(f"no access to the API server ({deed}): {error}") from error
    except TimeoutError as error:
        raise Unavailable(f"the API server did not {deed} in time") from error
    except (aiohttp.ClientError, OSError) as error:
        what = unanswered(error)
        raise Unavailable(f"no answer from the API server ({deed}): {what}") from error
