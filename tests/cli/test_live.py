"""The commands against a live API server: the stand-in, over HTTP."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from cli.source.cluster import chosen_kubeconfig
from manager.adapters.kubernetes.client import NODES, SERVICES, KubeApi, connect
from manager.inspect.cluster import NoCluster, fetch, read
from manager.snapshot import Settings
from pointsman.runtime.errors import Misuse
from standin.in_process import serving
from standin.server import Api
from tests.cli.live import Ask, config
from tests.cli.running import eip, endpoints, peer, service, small, write


@pytest.mark.usefixtures("server")
async def test_a_plan_says_what_the_files_would_change(ask: Ask, tmp_path: Path) -> None:
    file = write(tmp_path / "new.yaml", service("api"), endpoints("api", "node2"), peer(port=1179))
    status, out, err = await ask("plan", "-f", file, "-o", "json")
    assert (status, err) == (0, "")
    change = json.loads(out)
    assert change["services"]["default/api"]["gained"] == ["198.51.100.1"]
    assert list(change["services"]) == ["default/api"]
    assert [p["node"] for p in change["peers"]["tor-1"]["added"]] == ["node1", "node2"]
    assert change["peers"]["tor-1"]["session"] == {"change": "reset", "because": ["port"]}
    status, out, _ = await ask("plan", "-f", file)
    assert status == 0
    lines = out.splitlines()
    assert "  default/api  198.51.100.1  -      True       True" in lines
    assert "  tor-1  reset    port" in lines
    assert "  +  tor-1  198.51.100.1/32  192.0.2.11  node1  -" in lines


@pytest.mark.usefixtures("server")
async def test_what_is_there_already_changes_nothing(ask: Ask, tmp_path: Path) -> None:
    status, out, _ = await ask("plan", "-f", write(tmp_path / "same.yaml", *small()))
    assert (status, out) == (0, "Nothing would change.\n")


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    "text", ["", "# rendered to nothing\n", "---\n---\n", "apiVersion: v1\nkind: List\nitems: []\n"]
)
async def test_files_without_any_object_are_1_as_for_kubectl(
    text: str, ask: Ask, tmp_path: Path
) -> None:
    """That nothing would change is true, and no comfort: a template rendered to nothing."""
    file = tmp_path / "a.yaml"
    file.write_text(text)
    status, out, err = await ask("plan", "-f", str(file))
    assert (status, out, err) == (1, "Nothing would change.\n", f"No object is in {file}.\n")
    status, _, err = await ask("plan", "-f", str(file), write(tmp_path / "b.yaml", *small()))
    assert (status, err) == (0, "")


@pytest.mark.usefixtures("server")
async def test_a_new_eip_is_younger_and_loses_an_overlap(ask: Ask, tmp_path: Path) -> None:
    file = write(tmp_path / "new.yaml", eip("aaa", "198.51.100.0/29", default=False))
    _, out, _ = await ask("plan", "-f", file, "-o", "json")
    eips = json.loads(out)["eips"]
    assert list(eips) == ["aaa"]
    assert eips["aaa"]["after"]["ready"]["reason"] == "Overlap"


@pytest.mark.usefixtures("server")
async def test_a_malformed_file_is_1_and_the_others_count(ask: Ask, tmp_path: Path) -> None:
    bad = service("bad", ports="80")
    status, out, err = await ask("plan", "-f", write(tmp_path / "f.yaml", bad, service("api")))
    assert status == 1
    assert f"{tmp_path / 'f.yaml'}: Service default/bad: spec.ports: Invalid value" in err
    assert "default/api" in out


@pytest.mark.usefixtures("server")
async def test_explain_and_status_read_the_cluster(ask: Ask) -> None:
    status, out, _ = await ask("explain", "service", "default/web", "-o", "json")
    assert (status, json.loads(out)["addresses"]) == (0, ["198.51.100.0"])
    status, out, _ = await ask("explain", "address", "198.51.100.3")
    assert (status, out.splitlines()[0]) == (0, "198.51.100.3 is free in Eip 'public'.")
    status, out, _ = await ask("status")
    assert status == 1
    assert "! BgpPeer tor-1: Nothing is recorded yet: is the manager running?" in out
    status, out, _ = await ask("peers")
    assert (status, out.splitlines()[-1]) == (
        1, "! BgpPeer tor-1: no manager has written about it yet; does one run?",
    )  # fmt: skip


async def test_a_drain_that_drains_nothing_is_said_of_a_live_node(api: KubeApi, ask: Ask) -> None:
    """No API server refuses it, and no manager says it: a Node has no condition of ours."""
    body = {"metadata": {"annotations": {"pointsman.dev/drain": "yes"}}}
    await api.patch(NODES, "", "node1", body=body)
    sentence = (
        "! Node node1: annotation pointsman.dev/drain is 'yes', by which no node drains: "
        'write "true", or take it away.'
    )
    for words in (("explain", "node", "node1"), ("status",)):
        assert sentence in (await ask(*words))[1].splitlines()


async def test_nothing_is_written(server: Api, ask: Ask, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    before = await fetch(kubeconfig)
    await ask("plan", "-f", write(tmp_path / "new.yaml", service("api")))
    await ask("status")
    assert await fetch(kubeconfig) == before


async def test_pages_are_put_together(server: Api, tmp_path: Path) -> None:
    async with connect(tmp_path / "kubeconfig") as client:
        for number in range(505):
            await client.create(SERVICES, "default", service(f"s{number}"))
    pages = await fetch(tmp_path / "kubeconfig")
    reading = read((("cluster", page) for page in pages), Settings())
    assert len(reading.snapshot.services) == 506
    assert reading.problems == ()


async def test_a_cluster_without_our_crds_says_how_to_make_them(ask: Ask, tmp_path: Path) -> None:
    async with serving(Api()) as url:
        status, out, err = await ask("status", "--kubeconfig", config(tmp_path / "k", url))
    assert (status, out) == (1, "")
    assert err == (
        "pointsman status: There is no kind Eip in this cluster. Create our CRDs: "
        "pointsman crds | kubectl apply -f -\n"
    )


async def test_a_cluster_that_does_not_answer_is_1(ask: Ask, tmp_path: Path) -> None:
    nobody = config(tmp_path / "k", "http://127.0.0.1:1")
    status, out, err = await ask("status", "--kubeconfig", nobody)
    assert (status, out) == (1, "")
    assert err.startswith("pointsman status: The cluster cannot be read: no answer")


@pytest.mark.parametrize("text", ["clusters: 7", "clusters: [", "- a", "clusters: [{name: c}]"])
async def test_a_kubeconfig_that_is_none_is_1(text: str, ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "k").write_text(text)
    status, out, err = await ask("status", "--kubeconfig", str(tmp_path / "k"))
    assert (status, out) == (1, "")
    assert f"No access to a cluster: {tmp_path / 'k'}: " in err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_home_that_is_closed_to_us_has_no_kubeconfig(tmp_path: Path) -> None:
    """`sudo -u` leaves HOME as it was, and pathlib raises there since Python 3.13."""
    home = tmp_path / "closed"
    (home / ".kube").mkdir(parents=True)
    (home / ".kube" / "config").touch()
    home.chmod(0o700)
    os.seteuid(65534)
    try:
        with pytest.raises(Misuse, match="There is no kubeconfig"):
            chosen_kubeconfig(None, {"HOME": str(home)})
    finally:
        os.seteuid(0)


def test_which_kubeconfig_is_used(tmp_path: Path) -> None:
    usual, other = tmp_path / ".kube" / "config", tmp_path / "other"
    usual.parent.mkdir()
    home = {"HOME": str(tmp_path)}
    with pytest.raises(Misuse, match=r"There is no kubeconfig .*/\.kube/config"):
        chosen_kubeconfig(None, home)
    assert chosen_kubeconfig(None, home | {"KUBERNETES_SERVICE_HOST": "10.96.0.1"}) is None
    usual.touch()
    assert chosen_kubeconfig(None, home) == usual
    other.touch()
    several = f"{tmp_path / 'none'}:{other}"
    assert str(chosen_kubeconfig(None, home | {"KUBECONFIG": several})) == several
    assert chosen_kubeconfig(str(other), home | {"KUBECONFIG": "none"}) == other
    with pytest.raises(Misuse, match="There is no kubeconfig none"):
        chosen_kubeconfig("none", home)


async def test_whoever_waits_is_told_for_whom(tmp_path: Path) -> None:
    """The server accepts, and says nothing until we have said so."""
    noticed = asyncio.Event()
    sentences: list[str] = []

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await noticed.wait()
        writer.close()

    def waiting(sentence: str) -> None:
        sentences.append(sentence)
        noticed.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    config(tmp_path / "kubeconfig", url)
    with pytest.raises(NoCluster, match="The cluster cannot be read"):
        await fetch(tmp_path / "kubeconfig", waiting=waiting, awaited_s=0.1)
    server.close()
    assert sentences == [f"Still waiting for the API server {url} to list services."]
