"""`pointsman uninstall`: what it writes, exactly, and what it leaves."""

import json
from pathlib import Path
from typing import Any

import pytest

from manager.adapters.kubernetes.client import CRDS, EIPS, SERVICES, KubeApi, connect
from standin.server import Api
from tests.cli.installed import CONDITIONS, OURS, YES, guarded, hold, hold_all, prepared, services
from tests.cli.live import Ask, config
from tests.cli.running import service


def without_version(raw: dict[str, Any]) -> dict[str, Any]:
    metadata = {k: v for k, v in raw["metadata"].items()
                if k not in ("resourceVersion", "managedFields")}  # fmt: skip
    return {**raw, "metadata": metadata}


@pytest.mark.parametrize(
    ("choice", "ingress"),
    [("release", None), ("leave", [{"ip": "198.51.100.0", "ipMode": "VIP"}])],
)
async def test_our_part_goes_and_nothing_else_changes(
    choice: str, ingress: object, installed: KubeApi, ask: Ask
) -> None:
    before = await services(installed)
    status, out, err = await ask(*YES, choice, "-o", "json")
    assert (status, err) == (0, "")
    shape = json.loads(out)
    assert shape["services"] == ["default/shop", "default/web"]
    assert (shape["eips"], shape["wrong"]) == (["public"], [])
    after = await services(installed)
    expected = without_version(before["web"])
    for note in OURS:
        del expected["metadata"]["annotations"][f"pointsman.dev/{note}"]
    expected["status"] = {"conditions": [CONDITIONS[2]], "loadBalancer": {}}
    if ingress is not None:
        expected["status"]["loadBalancer"] = {"ingress": ingress}
    assert without_version(after["web"]) == expected
    for name in ("copied", "foreign"):
        assert after[name] == before[name]
    left = (await installed.get(EIPS, "", "public"))["metadata"]["finalizers"]
    assert left == ["example.com/theirs"]


async def test_a_second_time_there_is_nothing_to_do(
    server: Api, installed: KubeApi, ask: Ask
) -> None:
    assert (await ask(*YES, "release"))[0] == 0
    before = dict(server.stats.requests)
    status, out, _ = await ask(*YES, "release")
    assert status == 0
    assert out.splitlines()[:2] == [
        "Took our annotations and conditions off 0 Services; addresses released.",
        "Took our finalizer off 0 Eips.",
    ]
    now = server.stats.requests
    assert not [name for name in now if name.startswith("patch") and now[name] != before.get(name)]


async def test_what_remains_is_said_with_the_commands(installed: KubeApi, ask: Ask) -> None:
    _, out, _ = await ask(*YES, "release")
    assert out.splitlines()[2:] == [
        "What remains, and how it goes:",
        "  kubectl -n pointsman-system delete deployment/pointsman-manager",
        "  kubectl delete announcers.pointsman.dev,bgpconfs.pointsman.dev,"
        "bgppeers.pointsman.dev,eips.pointsman.dev --all",
        "  kubectl -n pointsman-system delete daemonset/pointsman-agent",
        "  kubectl delete -k deploy/  # or: helm uninstall, if you installed the chart",
        "  kubectl delete crd announcers.pointsman.dev bgpconfs.pointsman.dev "
        "bgppeers.pointsman.dev eips.pointsman.dev",
        "  kubectl label nodes --all pointsman.dev/manager-",
        "  kubectl annotate nodes --all pointsman.dev/drain-",
    ]


async def test_kinds_that_are_gone_are_no_obstacle(installed: KubeApi, ask: Ask) -> None:
    for plural in ("eips", "announcers"):
        await installed.delete(CRDS, "", f"{plural}.pointsman.dev", body={})
    status, out, err = await ask(*YES, "release", "-o", "json")
    assert (status, err) == (0, "")
    shape = json.loads(out)
    assert (shape["services"], shape["eips"]) == (["default/shop", "default/web"], [])
    assert "  ".join(shape["remains"]).count("eips") == 0
    assert "kubectl delete crd bgpconfs.pointsman.dev bgppeers.pointsman.dev" in shape["remains"]


async def test_one_that_may_not_be_written_stops_no_other(
    server: Api, tmp_path: Path, ask: Ask
) -> None:
    async with guarded("PATCH", "/api/v1/namespaces/default/services/shop/status") as url:
        path = config(tmp_path / "other", url)
        async with connect(Path(path)) as api:
            await prepared(api)
            await hold_all(api)
            status, out, _ = await ask(*YES, "release", "--kubeconfig", path)
            after = await services(api)
    assert status == 1
    assert "off 1 Service; addresses released." in out
    assert (
        "! Service default/shop is not written: You may not patch services/status: not you. Ask "
        "for the verb patch on it; `kubectl auth can-i patch services/status` says whether you "
        "have it.\n" in out
    )
    assert "pointsman.dev/status" in after["shop"]["metadata"]["annotations"]
    assert "pointsman.dev/status" not in after["web"]["metadata"]["annotations"]


async def test_what_may_not_be_listed_is_said_and_the_rest_is_done(
    tmp_path: Path, ask: Ask
) -> None:
    async with guarded("GET", "/apis/pointsman.dev/v1alpha1/eips") as url:
        path = config(tmp_path / "other", url)
        async with connect(Path(path)) as api:
            await prepared(api)
            await hold_all(api)
            status, out, _ = await ask(*YES, "release", "--kubeconfig", path)
    assert status == 1
    assert "off 2 Services; addresses released." in out
    assert "! You may not list eips.pointsman.dev: not you. Ask for the verb list on it;" in out


async def test_a_conflict_is_tried_again_with_what_stands_then(
    server: Api, installed: KubeApi, ask: Ask
) -> None:
    server.trouble({"code": 409, "verb": "patch", "path": "/api/v1/namespaces/default/services"})
    status, out, err = await ask(*YES, "release", "-o", "json")
    assert (status, err) == (0, "")
    assert json.loads(out)["services"] == ["default/shop", "default/web"]
    assert "conditions" in (await services(installed))["web"]["status"]  # the other's


async def test_a_server_that_is_away_is_not_asked_for_everything(
    server: Api, installed: KubeApi, ask: Ask
) -> None:
    for number in range(40):
        await installed.create(SERVICES, "default", service(f"s{number:02}"))
        await hold(installed, f"s{number:02}", f"198.51.100.{number + 4}")
    server.trouble({"code": 503, "verb": "patch", "path": "/api/v1/namespaces", "count": 1000})
    status, out, _ = await ask(*YES, "release", "-o", "json")
    assert status == 1
    wrong = json.loads(out)["wrong"]
    assert len(wrong) == 43  # the Eip, too
    assert sum("no longer answers; run this again." in one for one in wrong) >= 20
    status, out, _ = await ask(*YES, "release")
    assert "! 23 more; -o json has them all." in out
