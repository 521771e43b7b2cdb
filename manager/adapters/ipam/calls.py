"""HTTP with JSON in and out, for an IPAM: an answer, or why there is none.

What time, or whoever runs the IPAM, must heal is `Unavailable`: no connection, a certificate that
cannot be verified, 401, 403, 429, 5xx, a redirect, and every answer that is no JSON (a proxy's
page). Other codes are the IPAM's considered answer and are returned. `Unanswered` is the one
case in which a request may have been carried out, or may yet be. It follows no redirect, for
the token must not go elsewhere, and puts no token into any text.
"""

import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import aiohttp
from pydantic import ValidationError

from manager.ports import SOURCE_AT_ONCE
from pointsman.model.printable import clipped
from pointsman.model.urls import shown_url
from pointsman.runtime import answer
from pointsman.runtime.answer import Garbled
from pointsman.runtime.target import Unavailable
from pointsman.runtime.tls import UNKNOWN_CA, distrust, verifying
from pointsman.runtime.unanswered import unanswered

Json = dict[str, Any]
Query = Sequence[tuple[str, str]]
Ended = Callable[[str, int | None, float], None]

LONGEST_ANSWER: Final = 32 << 20  # a thousand entries of NetBox are about two megabytes
MESSAGE_MAX: Final = 300  # characters of what an IPAM says
RETRY_AFTER_CAP_S: Final = 300.0
# A server may close a connection that is idle; gunicorn does after two seconds by default.
IDLE_S: Final = 1.0
READS: Final = frozenset({"GET"})
# A proxy gave up; what it asked may still work on the request.
PROXY_GAVE_UP: Final = frozenset({502, 504})


class Unanswered(Unavailable):
    """A request that changes something was sent, and what became of it is not known."""


def _unmeasured(_method: str, _status: int | None, _seconds: float) -> None: ...


def _unfenced() -> None: ...


@dataclass(frozen=True, slots=True)
class Access:
    """Where an IPAM is, and how it is asked.

    *name*: as sentences call it. *token*: asked anew for each request, for it rotates; "": none.
    *authority*: the CAs that are believed, as PEM; "": the system's.
    *ended* hears of each request its method, its status (None: no answer) and its seconds.
    *check* is called before each request that changes something, and raises if it may not be sent.
    """

    name: str
    url: str
    token: Callable[[], str]
    authority: str = ""
    timeout_s: float = 10.0
    ended: Ended = _unmeasured
    check: Callable[[], None] = _unfenced


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: a status below 500, JSON (None: nothing), and the version it names."""

    status: int
    body: object
    etag: str = ""

    @property
    def ok(self) -> bool:
        return self.status < 300

    @property
    def message(self) -> str:
        """Return what an error's body says, in one line."""
        return clipped("; ".join(_texts(self.body)) or f"status {self.status}", MESSAGE_MAX)


class Calls:
    """Requests to one IPAM, over a pool of connections of its own."""

    def __init__(self, access: Access, *, schemes: Callable[[str], str]) -> None:
        self.access, self._schemes = access, schemes
        self._session: aiohttp.ClientSession | None = None

    @property
    def name(self) -> str:
        return f"{self.access.name} at {self.access.url}"

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Json | None = None,
        if_match: str = "",
    ) -> Answer:
        """Return what is answered to *method* of *path*, which is below the IPAM's URL.

        Raises:
            Unavailable: nothing was changed. Unanswered, of a request that changes: not known.
            NotLeading: so nothing that changes anything was sent.
        """
        if method not in READS:
            self.access.check()
        started, status = time.monotonic(), None
        headers = {"Accept": "application/json"}
        if token := self.access.token():
            headers["Authorization"] = self._schemes(token)
        if if_match:
            headers["If-Match"] = if_match
        try:
            with self._translated(method, path):
                async with self._open().request(
                    method,
                    self.access.url.rstrip("/") + path,
                    params=list(query),
                    json=body,
                    headers=headers,
                    ssl=self._tls,
                    allow_redirects=False,
                ) as response:
                    status = response.status
                    raw = await _whole(response)
                    if token and status >= 400:  # what it says is repeated in a condition
                        raw = raw.replace(token.encode(), b"...")
        finally:
            self.access.ended(method, status, time.monotonic() - started)
        return self._read(method, path, response, raw)

    def as_object(self, value: object) -> Json:
        """Return *value*, of an answer, which is a JSON object.

        Raises:
            Garbled: it is something else.
        """
        if not isinstance(value, dict):
            raise self.garbled(f"it is {answer.shown(value)}, not an object")
        return value

    def garbled(self, what: str) -> Garbled:
        """Return the error that an answer is none of this IPAM's: *what* is wrong with it."""
        return Garbled(f"an answer of {self.name} is none of its kind: {what}")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # No request waits for a connection: its time would run out before it is sent.
                connector=aiohttp.TCPConnector(limit=SOURCE_AT_ONCE, keepalive_timeout=IDLE_S),
                timeout=aiohttp.ClientTimeout(
                    total=self.access.timeout_s, sock_connect=self.access.timeout_s / 2
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        try:
            return verifying(authority=self.access.authority.encode())
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable(
                f"caBundle of {self.name} is no list of certificates: write PEM"
            ) from error

    def _read(self, method: str, path: str, response: aiohttp.ClientResponse, raw: bytes) -> Answer:
        """Return the answer, unless it says that the IPAM cannot be used now."""
        status = response.status
        deed = f"{method} {path}"
        if 300 <= status < 400:
            where = shown_url(response.headers.get("Location") or "elsewhere")
            raise Unavailable(
                f"{self.name} answers {deed} with a redirect to {where}: write the URL that "
                "answers itself"
            )
        unusable = status in (401, 403, 429) or status >= 500
        try:
            body = answer.decoded(raw) if raw.strip() else None
        except Garbled as error:
            if not unusable:
                raise Garbled(
                    f"{self.name} answers {deed} with {status} and {_kind(response)}: is this a "
                    f"proxy's page, or another program's? {error}"
                ) from error
            body = None
        result = Answer(status, body, response.headers.get("ETag", ""))
        if unusable:
            raise self._trouble(method, deed, result, response)
        return result

    def _trouble(
        self, method: str, deed: str, result: Answer, response: aiohttp.ClientResponse
    ) -> Unavailable:
        status, message = result.status, result.message
        if status == 401:
            return Unavailable(f"{self.name} refuses the token (401: {message})")
        if status == 403:
            return Unavailable(
                f"{self.name} does not let the token {deed} (403: {message}): is it right, and "
                "has its user the permission?"
            )
        after_s = answer.retry_after_s(response.headers, RETRY_AFTER_CAP_S)
        text = f"{self.name} answers {deed} with {status}: {message}"
        if status in PROXY_GAVE_UP and method not in READS:
            return Unanswered(text, after_s)
        return Unavailable(text, after_s)

    @contextmanager
    def _translated(self, method: str, path: str) -> Iterator[None]:
        deed = f"{method} {path}"
        sent = Unavailable if method in READS else Unanswered
        try:
            yield
        except Garbled as error:
            raise Garbled(f"{self.name} answers {deed} with too much: {error}") from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unavailable(f"no answer from {self.name}: {_untrusted(error)}") from error
        except UnicodeError as error:  # of the resolver: an empty label, or one beyond 63 letters
            raise Unavailable(f"no answer from {self.name}: that is no name of a host") from error
        except TimeoutError as error:
            seconds = self.access.timeout_s
            raise sent(f"{self.name} did not answer {deed} within {seconds:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise sent(f"no answer from {self.name} to {deed}: {unanswered(error)}") from error


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > LONGEST_ANSWER:
            raise Garbled(f"more than {LONGEST_ANSWER >> 20} MiB")
    return b"".join(parts)


def _kind(response: aiohttp.ClientResponse) -> str:
    return clipped(response.headers.get("Content-Type", "no type").partition(";")[0])


def _untrusted(error: BaseException) -> str:
    """Return why no connection came about, in the words of whoever wrote the Eip."""
    why = distrust(error)
    if why == UNKNOWN_CA:
        return (
            "it is not trusted: its certificate is not signed by a CA that we believe: does "
            "caBundle of the Eip hold the right one?"
        )
    if why:
        advice = "use a name in its subjectAltName as server, or as tls-server-name"
        why = why.replace(advice, "write a name in its subjectAltName into the URL")
        return f"it is not trusted: {why}"
    return unanswered(error)


def first_fault(error: ValueError) -> str:
    """Return what is wrong with JSON that a model does not take: the first thing, in short."""
    if not isinstance(error, ValidationError):
        return clipped(str(error), MESSAGE_MAX)
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return clipped(f"{where}: {first['msg']}" if where else first["msg"], MESSAGE_MAX)


def _texts(value: object) -> Iterator[str]:
    """Yield the texts of an error's body, with the fields that they are about."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            plain = name in ("detail", "message", "non_field_errors", "__all__")
            for text in _texts(one):
                yield text if plain else f"{name}: {text}"
