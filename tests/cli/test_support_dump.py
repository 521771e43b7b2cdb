"""`pointsman support-dump`: what is in it, what is not, and that others can plan with it."""

import json
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from manager.adapters.kubernetes.client import CRDS, EVENTS, NODES, connect
from standin.in_process import serving
from standin.server import Api
from tests.cli.live import KINDS, Ask, config
from tests.cli.running import ROOT, run, small

PLANTED = "s3cr3t-"  # in everything that may hold a secret
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
POD = {
    "metadata": {
        "name": "pointsman-manager-1", "namespace": "pointsman-system", "resourceVersion": "7",
        "labels": {"app.kubernetes.io/component": "manager"},
        "annotations": {"example.com/token": PLANTED + "pod"},
    },
    "spec": {
        "nodeName": "node1",
        "containers": [{
            "name": "manager", "args": ["--token", PLANTED + "argument"],
            "env": [{"name": "TOKEN", "value": PLANTED + "environment"}],
        }],
    },
    "status": {
        "phase": "Running",
        "initContainerStatuses": [{"name": "gobgp", "image": "pointsman:1", "restartCount": 3}],
        "containerStatuses": [{"name": "manager", "image": "pointsman:1", "ready": True}],
    },
}  # fmt: skip


@asynccontextmanager
async def cluster(tmp_path: Path, *, refused: tuple[str, ...] = ()) -> AsyncIterator[str]:
    """Serve a cluster with Pods and logs, in which lists of *refused* are forbidden."""
    api = Api()
    before = api.handle

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.method == "GET" and request.path.rpartition("/")[2] in refused:
            status = {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "not you"}
            return web.json_response(status, status=403)
        if request.path == "/version":
            return web.json_response({"gitVersion": "v1.36.0"})
        if request.path == "/api/v1/pods":
            assert request.query["labelSelector"] == "app.kubernetes.io/name=pointsman"
            return web.json_response({"kind": "PodList", "metadata": {}, "items": [POD]})
        if request.path.endswith("/pods/pointsman-manager-1/log"):
            return web.Response(text=f"log of {request.query['container']}\n\x1b[31m")
        if request.path.endswith("/secrets") or "/secrets/" in request.path:
            raise AssertionError("Secrets are never asked for")
        return await before(request)

    api.handle = handle  # type: ignore[method-assign]
    async with serving(api) as url:
        path = config(tmp_path / "dumped", url)
        await filled(path)
        yield path


async def filled(path: str) -> None:
    """Make the cluster of `small`, with a secret in every place where users put one."""
    async with connect(Path(path)) as api:
        for crd in sorted((ROOT / "crds").glob("*.yaml")):
            await api.create(CRDS, "", yaml.safe_load(crd.read_text()))
        for raw in small():
            kind = KINDS[raw["kind"]]
            notes = raw["metadata"].setdefault("annotations", {})
            notes |= {LAST_APPLIED: PLANTED + "applied", "example.com/key": PLANTED + "note"}
            await api.create(kind, "default" if kind.namespaced else "", raw)
            if raw["kind"] == "Node":
                body = {"status": raw["status"]}
                await api.patch(NODES, "", raw["metadata"]["name"], body=body, sub="status")
        about = {"kind": "Eip", "name": "public"}
        for name, source in (("ours", "pointsman"), ("theirs", "kubelet")):
            event = {
                "apiVersion": "v1", "kind": "Event", "type": "Normal", "reason": "X",
                "metadata": {"name": name, "namespace": "default"}, "involvedObject": about,
                "message": PLANTED + source if source != "pointsman" else "Eip public is Ready.",
                "source": {"component": source},
            }  # fmt: skip
            await api.create(EVENTS, "default", event)


def contents(path: Path) -> dict[str, str]:
    with tarfile.open(path) as whole:
        return {m.name: whole.extractfile(m).read().decode() for m in whole}  # type: ignore[union-attr]


async def test_it_holds_what_a_helper_needs(tmp_path: Path, ask: Ask) -> None:
    file = tmp_path / "dump.tar.gz"
    async with cluster(tmp_path) as path:
        status, out, err = await ask("support-dump", str(file), "--kubeconfig", path)
    assert (status, err) == (0, "")
    assert out.startswith(f"Wrote {file}: ")
    found = contents(file)
    assert sorted(name for name in found if name.startswith("objects/")) == [
        "objects/announcers.json", "objects/bgpconfs.json", "objects/bgppeers.json",
        "objects/eips.json", "objects/endpointslices.json", "objects/namespaces.json",
        "objects/nodes.json", "objects/services.json",
    ]  # fmt: skip
    assert found["logs/pointsman-system/pointsman-manager-1/gobgp.log"].startswith("log of gobgp")
    versions = json.loads(found["versions.json"])
    assert versions["kubernetes"] == {"gitVersion": "v1.36.0"}
    assert versions["pointsman"]
    (pod,) = json.loads(found["beside/pods.json"])["items"]
    assert [one["restartCount"] for one in pod["status"]["containers"]] == [3, None]
    (event,) = json.loads(found["beside/events.json"])["items"]
    assert event["message"] == "Eip public is Ready."
    crds = json.loads(found["beside/customresourcedefinitions.json"])["items"]
    assert len(crds) == 4
    assert json.loads(found["speakers.json"])["peers"][0]["name"] == "tor-1"
    assert found["missing.txt"] == "Nothing is missing.\n"
    assert file.stat().st_mode & 0o777 == 0o600


async def test_no_secret_is_in_it(tmp_path: Path, ask: Ask) -> None:
    """Secrets are never read; what else may hold one is left out, or its value is."""
    file = tmp_path / "dump.tar.gz"
    async with cluster(tmp_path) as path:
        await ask("support-dump", str(file), "--kubeconfig", path)
    found = contents(file)
    assert {name for name, text in found.items() if PLANTED in text} == set()
    (web_service,) = json.loads(found["objects/services.json"])["items"]
    notes = web_service["metadata"]["annotations"]
    assert notes == {"example.com/key": "(removed)"}
    assert "status" in web_service  # it is a server's: planned, not judged


@pytest.mark.parametrize(
    "words",
    [("plan",), ("explain", "service", "default/web"), ("explain", "peer", "tor-1"),
     ("explain", "eip", "public"), ("peers",), ("routes",)],
    ids=" ".join,
)  # fmt: skip
async def test_others_see_in_it_what_its_maker_sees(
    words: tuple[str, ...], tmp_path: Path, ask: Ask
) -> None:
    file = str(tmp_path / "dump.tar.gz")
    async with cluster(tmp_path) as path:
        assert (await ask("support-dump", file, "--kubeconfig", path))[0] == 0
        live = ("--kubeconfig", path)
        if words == ("plan",):
            found, shown = 0, contents(Path(file))["plan.json"]
        else:
            found, shown, _ = await ask(*words, *live, "-o", "json")
    status, out, err = await ask(*words, "--offline", "-f", file, "-o", "json")
    assert (status, err) == (found, "")
    assert json.loads(out) == json.loads(shown)


async def test_partial_rights_make_a_partial_dump(tmp_path: Path, ask: Ask) -> None:
    file = tmp_path / "dump.tgz"
    refused = ("nodes", "leases", "log", "pods", "version")
    async with cluster(tmp_path, refused=refused) as path:
        status, out, _ = await ask("support-dump", str(file), "--kubeconfig", path, "-o", "json")
    assert status == 1
    shape = json.loads(out)
    assert shape["missing"] == [
        "nodes are missing: You may not list nodes: not you. Ask for the verb list on it; "
        "`kubectl auth can-i list nodes` says whether you have it.",
        "leases are missing: You may not list leases.coordination.k8s.io: not you. Ask for the "
        "verb list on it; `kubectl auth can-i list leases.coordination.k8s.io` says whether you "
        "have it.",
        "pods are missing: You may not list pods: not you. Ask for the verb list on it; "
        "`kubectl auth can-i list pods` says whether you have it.",
        "The server's version is missing: not you.",
    ]
    found = contents(file)
    assert "objects/nodes.json" not in found
    assert found["missing.txt"].splitlines() == shape["missing"]
    status, out, _ = await ask("plan", "--offline", "-f", str(file), "-o", "json")
    assert status == 0
    assert json.loads(out)["services"]["default/web"]["addresses"] == ["198.51.100.0"]


async def test_a_log_that_may_not_be_read_is_one_sentence(tmp_path: Path, ask: Ask) -> None:
    file = tmp_path / "dump.tgz"
    async with cluster(tmp_path, refused=("log",)) as path:
        status, out, _ = await ask("support-dump", str(file), "--kubeconfig", path)
    assert status == 1
    assert (
        "! The log of pointsman-system/pointsman-manager-1/gobgp is missing: You may not get "
        "pods/log: not you. Ask for the verb get on it;" in out
    )


async def test_nothing_at_all_is_no_dump(tmp_path: Path, ask: Ask) -> None:
    nobody = config(tmp_path / "k", "http://127.0.0.1:1")
    file = tmp_path / "dump.tgz"
    status, out, err = await ask("support-dump", str(file), "--kubeconfig", nobody)
    assert (status, out) == (1, "")
    assert "Nothing can be read of the cluster. services are missing: no answer" in err
    assert not file.exists()


async def test_a_folder_that_is_not_there_is_said_before_a_cluster_is_asked(
    tmp_path: Path, ask: Ask
) -> None:
    nobody = config(tmp_path / "k", "http://127.0.0.1:1")
    file = tmp_path / "none" / "dump.tgz"
    status, out, err = await ask("support-dump", str(file), "--kubeconfig", nobody)
    assert (status, out) == (2, "")
    assert f"{file} cannot be written: there is no folder {file.parent}." in err


async def test_a_speaker_that_is_away_costs_its_tables_only(tmp_path: Path, ask: Ask) -> None:
    file = tmp_path / "dump.tgz"
    words = ("support-dump", str(file), "--gobgp-socket", str(tmp_path / "none.sock"))
    async with cluster(tmp_path) as path:
        status, out, _ = await ask(*words, "--kubeconfig", path)
    assert status == 1
    assert f"! The speakers' tables are missing: There is no speaker at {tmp_path}" in out
    assert "plan.json" in contents(file)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("dump.txt",), "Name a file that ends in .tar.gz or .tgz: dump.txt."),
        (("there.tgz",), "already: name another file."),
        (("d.tgz", "--offline"), "support-dump reads a live cluster"),
        (("d.tgz", "--log-lines", "-1"), "--log-lines -1 can't be taken: give 0 to 1000000"),
        (("d.tgz", "--log-lines", "1000001"), "--log-lines 1000001 can't be taken"),
        (("no/where.tgz",), "cannot be written: there is no folder no."),
    ],
)
async def test_what_cannot_be_meant_is_2(
    words: tuple[str, ...], sentence: str, tmp_path: Path, ask: Ask, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.tgz").write_text("precious")
    async with cluster(tmp_path) as path:
        status, out, err = await ask("support-dump", *words, "--kubeconfig", path)
    assert (status, out) == (2, "")
    assert sentence in err
    assert (tmp_path / "there.tgz").read_text() == "precious"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(b"no archive", "not a gzip file", id="no gzip"),
        pytest.param(b"", "", id="empty"),
        pytest.param(None, "holds no file below objects/", id="of another program"),
    ],
)
def test_an_archive_that_is_none_of_ours_is_a_sentence(
    content: bytes | None, sentence: str, tmp_path: Path, capsys: Any
) -> None:
    path = tmp_path / "a.tar.gz"
    if content is None:
        (tmp_path / "x.yaml").write_text("a: 1")
        with tarfile.open(path, "w:gz") as whole:
            whole.add(tmp_path / "x.yaml", "x.yaml")
    else:
        path.write_bytes(content)
    status, out, err = run(capsys, "plan", "--offline", "-f", str(path))
    assert (status, out) == (2, "")
    assert sentence in err
    assert "Traceback" not in err


def test_a_member_that_leads_out_of_the_archive_is_not_followed(
    tmp_path: Path, capsys: Any
) -> None:
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as whole:
        link = tarfile.TarInfo("objects/link.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        whole.addfile(link)
    status, _, err = run(capsys, "plan", "--offline", "-f", str(path))
    assert status == 2
    assert "holds no file below objects/" in err
