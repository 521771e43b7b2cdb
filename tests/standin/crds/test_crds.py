"""Our own CRDs, as the stand-in takes them."""

from pathlib import Path

import aiohttp
import pytest
import yaml

from standin.in_process import standin
from tests.conformance.kubernetes.client import Client, Endpoint

CRDS = sorted((Path(__file__).parents[3] / "crds").glob("*.yaml"))
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.mark.parametrize("path", CRDS, ids=lambda p: p.stem)
async def test_every_crd_is_accepted_and_served(path: Path) -> None:
    body = yaml.safe_load(path.read_text())
    async with standin() as url, aiohttp.ClientSession() as session:
        api = Client(session, Endpoint(url))
        made = await api.post(DEFINITIONS, body, fieldValidation="Strict")
        assert made.code == 201, made.body
        spec = body["spec"]
        version = spec["versions"][0]["name"]
        listed = await api.get(f"/apis/{spec['group']}/{version}/{spec['names']['plural']}")
        assert listed.body["items"] == []
