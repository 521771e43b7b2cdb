"""The fake alone: it grants what deploy/ grants, as a cluster does and the stand-in doesn't."""

import pytest

from manager.adapters.kubernetes.client import BGP_CONFS, SERVICES
from tests.conformance.apiclient.objects import service
from tests.fakes.kube import FakeKube


async def test_what_deploy_does_not_grant_fails_the_test_that_asks() -> None:
    fake = FakeKube()
    fake.put(SERVICES, service("web"))
    with pytest.raises(AssertionError, match="grants the manager no get on services"):
        await fake.get(SERVICES, "blue", "web")
    with pytest.raises(AssertionError, match="no patch on services"):
        await fake.patch(SERVICES, "blue", "web", body={"spec": {}})
    with pytest.raises(AssertionError, match="no create on bgpconfs"):
        await fake.create(BGP_CONFS, "", {"metadata": {"name": "default"}})
    assert (await fake.patch(SERVICES, "blue", "web", body={"status": {}}, sub="status"))["spec"]
