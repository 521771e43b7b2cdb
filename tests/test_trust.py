"""Manager, agent, command and lab trust the API servers that kubectl trusts, and no others.

One table for all of them: they verify in one place, and none may go past it.
"""

import asyncio
import json
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
import yaml

from agent.adapters.api import ApiAnnouncer
from agent.adapters.kubeconfig import from_file
from agent.snapshot import NodeName
from lab.cluster.client import ApiClient, load
from lab.errors import Broken
from manager.adapters.kubernetes.client import ANNOUNCERS, connect
from manager.inspect.cluster import NoCluster, fetch
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Unavailable
from tests.authorities import FUTURE, NAME, PAST, SHAPES, authority, shown

BODY: Final = json.dumps(
    {"kind": "AnnouncerList", "metadata": {"resourceVersion": "1"}, "items": []}
).encode()
CLOCK: Final = Clock(monotonic=time.monotonic, wall=lambda: datetime.now(UTC))


async def manager(kubeconfig: Path) -> None:
    async with connect(kubeconfig) as api:
        await api.list_page(ANNOUNCERS, {})


async def agent(kubeconfig: Path) -> None:
    async with aiohttp.ClientSession() as session:
        api = ApiAnnouncer(
            session, from_file(kubeconfig), node=NodeName("n"), clock=CLOCK, chance=random.Random(1)
        )
        await api._list()


async def command(kubeconfig: Path) -> None:
    """The first list is of Services: a server that is trusted fails by that only."""
    try:
        await fetch(kubeconfig)
    except NoCluster as error:
        if "is of another kind" not in str(error):
            raise


async def lab(kubeconfig: Path) -> None:
    client = ApiClient(load(kubeconfig))
    await asyncio.to_thread(client.get, "/")


CLIENTS: Final[Mapping[str, Callable[[Path], Awaitable[None]]]] = {
    "manager": manager,
    "agent": agent,
    "command": command,
    "lab": lab,
}


@pytest.fixture(params=list(CLIENTS))
def client(request: pytest.FixtureRequest) -> Callable[[Path], Awaitable[None]]:
    return CLIENTS[request.param]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Authorities, each made once: keys take a moment."""
    known: dict[object, Path] = {}

    def make(shape: str, **dates: str) -> Path:
        key = shape, *sorted(dates.items())
        if key not in known:
            known[key] = authority(tmp_path_factory.mktemp("ca"), SHAPES[shape], **dates)
        return known[key]

    return make


def kubeconfig(path: Path, port: int, **cluster: Any) -> Path:
    cluster = {"server": f"https://127.0.0.1:{port}", **cluster}
    document = {
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "name", [pytest.param("", id="by address"), pytest.param(NAME, id="by name")]
)
async def test_every_makers_authority_is_believed(
    client: Any, made: Any, shape: str, name: str, tmp_path: Path
) -> None:
    folder = made(shape)
    named = {"tls-server-name": name} if name else {}
    async with shown(folder, BODY) as port:
        await client(
            kubeconfig(
                tmp_path / "k", port, **{"certificate-authority": str(folder / "ca.crt")}, **named
            )
        )


@pytest.mark.parametrize("shape", [one for one in SHAPES if one not in ("kubeadm", "k3s")])
async def test_these_are_the_ones_that_python_313_refuses_by_itself(made: Any, shape: str) -> None:
    """Else the table above would show nothing."""
    folder = made(shape)
    strict = ssl.create_default_context(cafile=folder / "ca.crt")
    strict.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    async with shown(folder, BODY) as port:
        opening = asyncio.open_connection("127.0.0.1", port, ssl=strict)
        with pytest.raises(ssl.SSLCertVerificationError):
            await opening


async def test_a_certificate_that_is_listed_itself_is_believed(
    client: Any, tmp_path: Path, made: Any
) -> None:
    """As on clusters whose kubeconfig holds the server's certificate instead of the CA's."""
    folder = made("kubeadm")
    async with shown(folder, BODY) as port:
        listed = {"certificate-authority": str(folder / "server.crt")}
        await client(kubeconfig(tmp_path / "k", port, **listed))


NO_CA: Final = ("basicConstraints=critical,CA:FALSE", "subjectKeyIdentifier=hash")
REFUSED: Final[Mapping[str, tuple[dict[str, Any], str]]] = {
    "another CA of the same name": ({}, "not signed by the CA that we were given"),
    "another name": ({"name": "other.example.com"}, "names another server"),
    "another address": ({"address": "127.0.0.2"}, "names another server"),
    "a common name alone": ({"leaf": ("basicConstraints=CA:FALSE",)}, "names another server"),
    "expired": ({"leaf_dates": PAST}, "has expired"),
    "a CA that has expired": ({"dates": PAST}, "has expired"),
    "not valid yet": ({"leaf_dates": FUTURE}, "is not valid yet"),
    "signed by what is no CA": ({"ca": NO_CA}, "CA"),
    "for clients only": ({"leaf": ("extendedKeyUsage=clientAuth",)}, "certificate"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_kubectl_refuses_is_refused_in_words(
    client: Any, made: Any, what: str, tmp_path: Path
) -> None:
    fault, sentence = REFUSED[what]
    dates = {key: fault[key] for key in ("dates", "leaf_dates") if key in fault}
    folder = made("kubeadm", **dates)
    if extensions := {key: fault[key] for key in ("ca", "leaf") if key in fault}:
        folder = _misshapen(tmp_path / "ca", **extensions)
    trusted = made("k3s") if "another CA" in what else folder
    cluster = {"certificate-authority": str(trusted / "ca.crt")}
    async with shown(folder, BODY) as port:
        if "address" in fault:  # the host is not in the certificate, whoever answers there
            cluster["tls-server-name"] = fault["address"]
        elif "name" in fault:
            cluster["tls-server-name"] = fault["name"]
        elif "common name" in what:
            cluster["tls-server-name"] = "server"
        path = kubeconfig(tmp_path / "k", port, **cluster)
        with pytest.raises(
            (Unavailable, NoCluster, Broken), match="it is not trusted: "
        ) as refused:
            await client(path)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "_ssl.c" not in str(refused.value)


def _misshapen(folder: Path, *, ca: Any = None, leaf: Any = None) -> Path:
    good = SHAPES["kubeadm"]
    shape = type(good)(ca or good.ca, leaf or good.leaf)
    return authority(folder, shape)


async def test_insecure_skip_tls_verify_believes_everybody(
    client: Any, made: Any, tmp_path: Path
) -> None:
    async with shown(made("kubeadm", leaf_dates=PAST), BODY) as port:
        await client(kubeconfig(tmp_path / "k", port, **{"insecure-skip-tls-verify": True}))


async def test_a_ca_that_rotates_is_read_again(made: Any, tmp_path: Path) -> None:
    """The Secret is mounted anew while manager and agent run."""
    old, new = made("kubeadm"), made("k3s")
    mounted = tmp_path / "ca.crt"
    mounted.write_bytes((old / "ca.crt").read_bytes())
    async with shown(new, BODY) as port:
        path = kubeconfig(tmp_path / "k", port, **{"certificate-authority": str(mounted)})
        access = from_file(path)
        async with connect(path) as api, aiohttp.ClientSession() as session:
            own = ApiAnnouncer(
                session, access, node=NodeName("n"), clock=CLOCK, chance=random.Random(1)
            )

            async def both(expected: str) -> None:
                for ask in (lambda: api.list_page(ANNOUNCERS, {}), own._list):
                    with pytest.raises(Unavailable, match=expected):
                        await ask()

            await both("not signed by the CA")
            mounted.write_text("half a certif")
            await both("no access to the API server")
            mounted.unlink()
            await both("no access to the API server")
            mounted.write_bytes((new / "ca.crt").read_bytes())
            await api.list_page(ANNOUNCERS, {})
            await own._list()
