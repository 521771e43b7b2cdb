import asyncio
import base64
import contextlib
from pathlib import Path
from typing import Final

import pytest
import yaml

from lab.cluster import client, objects
from lab.network.topology import Topology
from pointsman.model.names import LAB_LABEL
from pointsman.runtime.errors import Misuse
from standin.in_process import standin


def written(folder: Path, *, user: dict[str, object], **more: object) -> Path:
    document = {
        "clusters": [{"name": "c", "cluster": {"server": "https://10.9.9.9:6443"} | more}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(document))
    return path


def test_a_token_is_sent(tmp_path: Path) -> None:
    access = client.load(
        written(tmp_path, user={"token": "t"}, **{"insecure-skip-tls-verify": True})
    )
    assert access.headers == {"Authorization": "Bearer t"}
    assert (access.host, access.port) == ("10.9.9.9", 6443)


def test_a_login_by_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="logs in by 'exec'"):
        client.load(written(tmp_path, user={"exec": {"command": "x"}}))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"current-context: nobody\n",
        b"a: [\n",
        b"text",
        b"[1, 2]",
        b"\xff\xfe\x00",
        b"\0",
        b"3",
    ],
)
def test_what_is_no_kubeconfig_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config"
    path.write_bytes(content)
    with pytest.raises(Misuse, match="config"):
        client.load(path)


def test_a_folder_and_nothing_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(Misuse, match="can't be read as a kubeconfig"):
            client.load(path)


ODD: Final[tuple[object, ...]] = (
    None,
    3,
    "x",
    [],
    ["x"],
    {},
    {"name": "c"},
    [None],
    [{"name": "c"}],
)
PLACES: Final = (
    ("current-context",), ("contexts",), ("clusters",), ("users",), ("contexts", 0),
    ("contexts", 0, "context"), ("clusters", 0, "cluster"), ("users", 0, "user"),
    ("clusters", 0, "cluster", "server"), ("clusters", 0, "cluster", "certificate-authority"),
    ("clusters", 0, "cluster", "certificate-authority-data"), ("users", 0, "user", "tokenFile"),
    ("users", 0, "user", "client-certificate-data"), ("users", 0, "user", "token"),
)  # fmt: skip


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_a_kubeconfig_of_another_shape_is_access_or_a_sentence(
    tmp_path: Path, place: tuple[str | int, ...]
) -> None:
    """Whoever wrote it gets no traceback of ours."""
    *way, last = place
    for odd in ODD:
        path = written(tmp_path, user={"client-key-data": "aGVsbG8="})
        document = yaml.safe_load(path.read_text())
        at = document
        for step in way:
            at = at[step]
        at[last] = odd
        path.write_text(yaml.safe_dump(document))
        with contextlib.suppress(Misuse):
            assert client.load(path).server == "https://10.9.9.9:6443"


def test_behind_the_relay_the_same_server_is_verified(tmp_path: Path) -> None:
    authority = base64.b64encode(b"ca").decode()
    original = written(
        tmp_path,
        user={"client-key": "k.pem", "client-certificate": "/abs/c.pem"},
        **{"certificate-authority-data": authority},
    )
    document = yaml.safe_load(objects.relayed_kubeconfig(original, 4321))
    entry, user = client.current_entries(document, "it")
    assert entry["server"] == "https://127.0.0.1:4321"
    assert entry["tls-server-name"] == "10.9.9.9"
    assert entry["certificate-authority-data"] == authority
    assert user["client-key"] == str(tmp_path / "k.pem")
    assert user["client-certificate"] == "/abs/c.pem"


def test_a_node_says_where_it_is_and_whose() -> None:
    node = Topology("x").nodes[1]
    made = objects.node_object("x", node)
    assert made["metadata"]["labels"][LAB_LABEL] == "x"
    addresses = [a["address"] for a in made["status"]["addresses"] if a["type"] == "InternalIP"]
    assert addresses == ["192.0.2.12", "2001:db8:2::12"]
    assert made["status"]["conditions"][0]["status"] == "True"


@pytest.mark.parametrize(
    ("status", "reason", "after"),
    [
        pytest.param("Unknown", objects.DOUBT, "True", id="doubted by the node controller"),
        pytest.param("False", "KubeletNotReady", "False", id="meant to be so"),
        pytest.param("True", "KubeletReady", "True", id="Ready as it is"),
    ],
)
async def test_a_heartbeat_posts_ready_again_after_an_outage(
    status: str, reason: str, after: str
) -> None:
    node = Topology("x").nodes[0]
    async with standin() as url:
        api = client.ApiClient(client.Access(url))

        def run() -> tuple[dict[str, str], str]:
            api.create("/api/v1/namespaces", {"metadata": {"name": "kube-node-lease"}})
            api.create("/api/v1/nodes", objects.node_object("x", node))
            others = {"type": "DiskPressure", "status": "Unknown", "reason": objects.DOUBT}
            ready = {"type": "Ready", "status": status, "reason": reason}
            path = f"/api/v1/nodes/{node.name}"
            api.merge(f"{path}/status", {"status": {"conditions": [others, ready]}})
            objects.heartbeat(api, node.name)
            conditions = api.get(path)["status"]["conditions"]
            lease = api.get(f"{objects.LEASES}/{node.name}")["spec"]["holderIdentity"]
            return {c["type"]: c["status"] for c in conditions}, lease

        found, holder = await asyncio.to_thread(run)
    assert found == {"DiskPressure": "Unknown", "Ready": after}
    assert holder == node.name
