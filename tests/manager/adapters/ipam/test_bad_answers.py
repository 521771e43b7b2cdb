"""What stands where an IPAM should: nothing, a proxy, another program, an IPAM that says no.

Whatever comes, it is Unavailable or a refusal of this one request, in a sentence that names the
IPAM and no token; and what was reserved stays as it was.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import pytest
from aiohttp import web

from manager.adapters.ipam.calls import Access, Calls
from manager.adapters.ipam.netbox import NetboxSource, scheme
from manager.adapters.ipam.netbox_codec import NetboxFields
from manager.adapters.ipam.webhook import WebhookSource
from manager.ports import AddressSource, SourceRefused
from pointsman.model.address import Family
from pointsman.model.reservation import AddressRequest, Holder, ReservationKey, SourceOwner
from pointsman.runtime.target import Unavailable
from tests.authorities import PAST, SHAPES, authority
from tests.conformance.ipam.worlds import BLOCK, arranged
from tests.fakes import ipam_webhook, netbox
from tests.fakes.ipam_webhook import FakeWebhook
from tests.fakes.netbox import ADMIN, FakeNetbox

KEY = ReservationKey("s1", Family.IPV4)
ANY = AddressRequest(Holder.of(["red/web"]))
Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
Garble = Callable[[web.Request, web.StreamResponse], Awaitable[web.StreamResponse]]


def answers(
    status: int, body: str, content_type: str = "application/json", **headers: str
) -> Fault:
    async def fault(_request: web.Request) -> web.StreamResponse:
        return web.Response(
            status=status, text=body, content_type=content_type,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )  # fmt: skip

    return fault


async def cut_off(request: web.Request) -> web.StreamResponse | None:
    assert request.transport is not None
    request.transport.abort()
    await asyncio.sleep(0)
    return web.Response()


async def never(_request: web.Request) -> web.StreamResponse | None:
    await asyncio.Event().wait()
    return None


async def echo(request: web.Request) -> web.StreamResponse | None:
    detail = f"who is {request.headers['Authorization']}?"
    return web.json_response({"detail": detail}, status=401)


async def half(request: web.Request) -> web.StreamResponse | None:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = 1000
    await response.prepare(request)
    await response.write(b'{"results": [')
    assert request.transport is not None
    request.transport.close()
    return response


PAGE = "<html><h1>Sign in to continue</h1></html>"
NONE = "is none of its kind"
BAD: dict[str, tuple[Fault, str]] = {
    "401": (answers(401, '{"detail": "Token expired"}'), "refuses the token .*Token expired"),
    "401 that repeats the token": (echo, "refuses the token .*who is"),
    "403": (answers(403, '{"detail": "Invalid v1 token"}'), "Invalid v1 token.*permission"),
    "429": (answers(429, '{"detail": "throttled"}', Retry_After="7"), "429: throttled"),
    "500": (answers(500, '{"error": "boom"}'), "500: error: boom"),
    "500 as a page": (answers(500, PAGE, "text/html"), "with 500"),
    "502 of a proxy": (answers(502, PAGE, "text/html"), "with 502"),
    "503": (answers(503, "", Retry_After="3"), "with 503"),
    "a proxy's page": (answers(200, PAGE, "text/html"), "a proxy's page"),
    "a page that is not there": (answers(404, PAGE, "text/html"), "404 and text/html"),
    "a redirect": (answers(302, "", Location="https://sso.example.com"), "redirect to https://sso"),
    "a redirect with secrets": (
        answers(307, "", Location="https://me:pw@sso.example.com/x?t=1"),
        r"redirect to https://…@sso\.example\.com/x\?…: write",
    ),
    "nothing": (answers(200, ""), NONE),
    "JSON of another program": (answers(200, '{"status": "ok"}'), NONE),
    "a list": (answers(200, "[]"), NONE),
    "a number": (answers(200, "7"), NONE),
    "lists of what they should not hold": (
        answers(200, '{"results": [7], "addresses": [7], "reservations": [{"id": 1}]}'),
        NONE,
    ),
    "no JSON": (answers(200, '{"results": ['), "no JSON"),
    "a connection that is cut off": (cut_off, "no answer"),
    "half an answer": (half, "no answer"),
    "silence": (never, "within 0.1 s|Connection timeout"),
}


@dataclass(slots=True)
class Bed:
    """A source, one on the same server that waits for no time at all, and a fault for both."""

    source: AddressSource
    impatient: AddressSource
    put_fault: Callable[[Fault | None], None]
    garble: Callable[[Garble | None], None]


@pytest.fixture(params=["netbox", "webhook"])
async def bed(request: pytest.FixtureRequest) -> AsyncIterator[Bed]:
    async with AsyncExitStack() as stack:
        if request.param == "netbox":
            fake = FakeNetbox()
            url = await stack.enter_async_context(netbox.serving(fake))
            access = Access("NetBox", url, lambda: ADMIN, timeout_s=60.0)
            world = await stack.enter_async_context(arranged(access))
            fields = replace(world.fields(), prefix=BLOCK, vrf=f"vrf-{world.field}")
            made = Bed(
                NetboxSource(access, fields, world.owner),
                NetboxSource(replace(access, timeout_s=0.1), fields, world.owner),
                lambda fault: setattr(fake, "before", fault),
                lambda fault: setattr(fake, "after", fault),
            )
        else:
            server, owner = FakeWebhook(blocks=("192.0.2.0/28",)), SourceOwner("c1", "public")
            url = await stack.enter_async_context(ipam_webhook.serving(server))
            access = Access("the IPAM", url, lambda: ipam_webhook.TOKEN, timeout_s=60.0)
            made = Bed(
                WebhookSource(access, owner),
                WebhookSource(replace(access, timeout_s=0.1), owner),
                lambda fault: setattr(server, "fault", fault),
                lambda fault: setattr(server, "after", fault),
            )
        yield made
        await made.source.close()
        await made.impatient.close()


@pytest.mark.parametrize("kind", BAD)
async def test_a_bad_answer_is_unavailable_in_a_sentence_and_changes_nothing(
    bed: Bed, kind: str
) -> None:
    made = await bed.source.reserve(KEY, ANY)
    before = await bed.source.observe()
    fault, words = BAD[kind]
    asked = bed.impatient if kind == "silence" else bed.source
    bed.put_fault(fault)
    for call in (
        lambda: asked.observe(),
        lambda: asked.reserve(ReservationKey("s2", Family.IPV4), ANY),
        lambda: asked.describe(made, KEY, Holder.of(["red/other"])),
    ):
        with pytest.raises(Unavailable, match=words) as caught:
            await call()
        assert "127.0.0.1" in str(caught.value)
        assert not any(token in str(caught.value) for token in (ADMIN, ipam_webhook.TOKEN))
    bed.put_fault(None)
    after = await bed.source.observe()
    assert after == before


@pytest.mark.parametrize(("status", "asked_s"), [(429, 7.0), (503, 7.0)])
async def test_what_asks_to_be_left_alone_is_left_alone(
    bed: Bed, status: int, asked_s: float
) -> None:
    bed.put_fault(answers(status, "{}", Retry_After="7"))
    with pytest.raises(Unavailable) as caught:
        await bed.source.observe()
    assert caught.value.retry_after_s == asked_s


@pytest.mark.parametrize("status", [400, 404, 409, 412, 422])
async def test_a_considered_no_concerns_this_request_alone(bed: Bed, status: int) -> None:
    made = await bed.source.reserve(KEY, ANY)

    async def refuses_writes(request: web.Request) -> web.StreamResponse | None:
        if request.method == "GET":
            return None
        return web.json_response({"address": ["is odd"], "message": "not this one"}, status=status)

    bed.put_fault(refuses_writes)
    with pytest.raises(SourceRefused):
        await bed.source.describe(made, KEY, Holder.of(["red/other"]))
    with pytest.raises(SourceRefused):
        await bed.source.quarantine(made)
    bed.put_fault(None)
    assert [one.id for one in (await bed.source.observe()).reservations] == [made.id]


async def test_nobody_listens_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        calls = Calls(Access("NetBox", url, lambda: "secret"), schemes=scheme)
        with pytest.raises(Unavailable, match=r"NetBox at http://127.*Connection refused"):
            await calls.call("POST", "/api/ipam/ip-addresses/", body={})
        await calls.close()


@pytest.mark.parametrize("host", ["netbox..example.com", "..", f"{'n' * 64}.example.com", "[::1"])
async def test_what_no_host_can_be_called_is_said(host: str) -> None:
    calls = Calls(Access("NetBox", f"https://{host}", lambda: "secret"), schemes=scheme)
    with pytest.raises(Unavailable, match="no answer from NetBox at https"):
        await calls.call("GET", "/api/ipam/ip-addresses/")
    await calls.close()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        pytest.param("another CA", "not signed by a CA that we believe", id="another CA"),
        pytest.param("an old certificate", "has expired", id="a certificate that has expired"),
        pytest.param("no bundle", "caBundle .* is no list of certificates", id="no PEM at all"),
        pytest.param("no TLS", "no TLS comes about", id="a server without TLS"),
        pytest.param("", "", id="the right one"),
    ],
)
async def test_a_certificate_is_verified_and_says_what_is_wrong(
    tmp_path: Path, wrong: str, words: str
) -> None:
    dates = {"leaf_dates": PAST} if wrong == "an old certificate" else {}
    authority(tmp_path / "right", SHAPES["k3s"], **dates)
    believed = (tmp_path / "right" / "ca.crt").read_text()
    if wrong == "another CA":
        believed = (authority(tmp_path / "wrong", SHAPES["k3s"]) / "ca.crt").read_text()
    if wrong == "no bundle":
        believed = "-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----"
    tls = SSLContext(PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "right" / "server.crt", tmp_path / "right" / "server.key")
    async with netbox.serving(FakeNetbox(), tls=None if wrong == "no TLS" else tls) as url:
        url = url.replace("http:", "https:")
        access = Access("NetBox", url, lambda: ADMIN, authority=believed)
        source = NetboxSource(access, NetboxFields(), SourceOwner("c1", "public"))
        if wrong:
            with pytest.raises(Unavailable, match=words):
                await source.observe()
        else:
            assert (await source.observe()).reservations == ()
        await source.close()


async def test_each_request_is_measured_answered_or_not() -> None:
    seen: list[tuple[str, int | None]] = []
    fake = FakeNetbox()
    async with netbox.serving(fake) as url:
        access = Access(
            "NetBox", url, lambda: ADMIN,
            ended=lambda method, status, seconds: seen.append((method, status)),
        )  # fmt: skip
        calls = Calls(access, schemes=scheme)
        await calls.call("GET", "/api/ipam/ip-addresses/")
        await calls.call("POST", "/api/ipam/ip-addresses/", body={})
        fake.before = cut_off
        with pytest.raises(Unavailable):
            await calls.call("DELETE", "/api/ipam/ip-addresses/1/")
        await calls.close()
    assert seen == [("GET", 200), ("POST", 400), ("DELETE", None)]


@pytest.mark.parametrize(
    ("token", "sent"),
    [("nbt_abc.0123", "Bearer nbt_abc.0123"), ("0123456789abcdef", "Token 0123456789abcdef")],
)
def test_a_token_is_sent_as_its_version_is(token: str, sent: str) -> None:
    assert scheme(token) == sent
