"""Each test runs on the stand-in, and on a real API server when there is one."""

import secrets
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from standin.in_process import standin
from tests.conformance.kubernetes.client import Client, Endpoint, until
from tests.conformance.kubernetes.objects import DEFINITIONS, crd
from tests.conformance.kubernetes.real import real_server, wanted

SERVERS = ["standin", *(["real"] if wanted() else [])]


@pytest.fixture(scope="session")
def real_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with real_server(tmp_path_factory.mktemp("apiserver")) as endpoint:
        yield endpoint


@pytest.fixture(params=SERVERS)
async def endpoint(request: pytest.FixtureRequest) -> AsyncIterator[Endpoint]:
    if request.param == "real":
        yield request.getfixturevalue("real_endpoint")
        return
    # Bookmarks come every minute on a real server; here they need not be waited for.
    async with standin(bookmark_s=0.3) as url:
        yield Endpoint(url)


@pytest.fixture
async def api(endpoint: Endpoint) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, endpoint)


@pytest.fixture
async def namespace(api: Client) -> AsyncIterator[str]:
    """A namespace of the test's own; a shared cluster is left as it was found."""
    name = f"contract-{secrets.token_hex(4)}"
    await api.make("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    services = f"/api/v1/namespaces/{name}/services"
    for item in (await api.get(services)).body["items"]:  # they hold node ports
        await api.delete(f"{services}/{item['metadata']['name']}")
    await api.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture
def services(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/services"


@pytest.fixture
async def pools(api: Client) -> AsyncIterator[str]:
    """The path of a custom kind of the test's own, `Pool`."""
    group = f"{secrets.token_hex(4)}.example.org"
    group = f"g{group}"
    await api.make(DEFINITIONS, crd(group))
    path = f"/apis/{group}/v1/pools"

    async def served() -> bool:
        return (await api.get(path)).code == 200

    await until(served, "the custom kind is served")
    yield path
    await api.delete(f"{DEFINITIONS}/pools.{group}")
