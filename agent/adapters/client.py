"""HTTP calls to an API server, and what can go wrong on the way: one kind, Unavailable.

It knows no resource: what is asked, and what an answer means, is `agent.adapters.api`'s.
"""

import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from agent.adapters.kubeconfig import Access, NoAccess
from pointsman.runtime import answer
from pointsman.runtime.answer import Garbled
from pointsman.runtime.outage import Outage
from pointsman.runtime.target import Unavailable
from pointsman.runtime.unanswered import unanswered

REQUEST_S = 10.0

Json = Mapping[str, Any]


class Refused(Unavailable):
    """The server's answer was no; *code* is its HTTP status."""

    def __init__(self, message: str, code: int, retry_after_s: float) -> None:
        super().__init__(message, retry_after_s)
        self.code = code


class Client:
    """Calls one API server; *outage* hears whether it answers."""

    def __init__(self, session: aiohttp.ClientSession, access: Access, outage: Outage) -> None:
        self._session, self._access, self._outage = session, access, outage
        # Hears of each request that ended: its verb, and the HTTP status if there was an answer.
        self.ended: Callable[[str, int | None], None] = lambda _verb, _code: None

    @asynccontextmanager
    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str],
        data: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send one request; everything that can go wrong on the way is Unavailable."""
        code: int | None = None
        try:
            async with self._session.request(
                method,
                self._access.server + path,
                params=params,
                data=data,
                headers={"Accept": "application/json", **(headers or {}), **self._access.headers()},
                timeout=timeout or aiohttp.ClientTimeout(total=REQUEST_S),
                ssl=self._access.tls or True,
                server_hostname=self._access.server_name,
                allow_redirects=False,
            ) as response:
                code = response.status
                self._outage.note(answered=code < 500)
                if code != 200:
                    raise await _refusal(method, path, response)
                yield response
        except Garbled as error:
            raise Garbled(f"the API server did not answer {method} {path}: {error}") from error
        except NoAccess as error:
            raise Unavailable(f"no access to the API server ({method} {path}): {error}") from error
        except (aiohttp.ClientError, OSError) as error:  # OSError holds TimeoutError
            self._outage.note(answered=False)
            what = unanswered(error)
            raise Unavailable(f"the API server did not answer {method} {path}: {what}") from error
        finally:
            verb = "patch" if method == "PATCH" else "watch" if "watch" in params else "list"
            self.ended(verb, code)


async def _refusal(method: str, path: str, response: aiohttp.ClientResponse) -> Refused:
    message, _ = answer.complaint(await response.read(), str(response.reason or ""))
    message = answer.redirect(response.status, response.headers) or message
    return Refused(
        f"the API server refused {method} {path} with {response.status}: {message}",
        response.status,
        answer.retry_after_s(response.headers, REQUEST_S),
    )


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Json]]:
    """Yield the events of a watch: one JSON object per line, of any length."""
    rest = b""
    async for chunk in response.content.iter_any():
        lines, rest = answer.lines(rest, chunk)
        for line in lines:
            yield answer.as_event(answer.decoded(line))


def lasting_socket(info: tuple[Any, ...]) -> socket.socket:
    """Return a socket that notices within 30 s that the other side vanished.

    A watch is silent for minutes; without probes a server that lost its power would go
    unnoticed as long. For aiohttp's ``socket_factory``.
    """
    family, kind, protocol, *_rest = info
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    return sock
