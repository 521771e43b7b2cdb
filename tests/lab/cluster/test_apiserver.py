"""Certificates and kubeconfig of a real API server, with a TLS server in its place."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from lab.cluster import objects
from lab.cluster.apiserver import ApiServer, free_ports
from lab.cluster.client import ApiClient, load
from lab.errors import Broken


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServer]:
    """Its certificates on its port, a client certificate demanded, one answer."""
    made = ApiServer(tmp_path / "assets", tmp_path / "home")
    await asyncio.to_thread(made.prepare)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "home/server.crt", tmp_path / "home/server.key")
    context.load_verify_locations(tmp_path / "home/ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        subject = dict(pair[0] for pair in writer.get_extra_info("peercert")["subject"])
        body = json.dumps(subject)
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    port = load(made.kubeconfig).port
    async with await asyncio.start_server(answer, "127.0.0.1", port, ssl=context):
        yield made


async def test_the_kubeconfig_proves_both_ends(server: ApiServer) -> None:
    client = ApiClient(load(server.kubeconfig))
    subject = await asyncio.to_thread(client.get, "/")
    assert subject == {"organizationName": "system:masters", "commonName": "lab"}


async def test_through_the_relay_the_same_kubeconfig_works(
    server: ApiServer, tmp_path: Path
) -> None:
    direct = load(server.kubeconfig)
    relayed = tmp_path / "relayed"
    relayed.write_text(objects.relayed_kubeconfig(server.kubeconfig, direct.port))
    client = ApiClient(load(relayed))
    assert (await asyncio.to_thread(client.get, "/"))["commonName"] == "lab"


async def test_a_server_of_another_name_is_not_believed(server: ApiServer, tmp_path: Path) -> None:
    document = yaml.safe_load(server.kubeconfig.read_text())
    document["clusters"][0]["cluster"]["tls-server-name"] = "10.9.9.9"
    path = tmp_path / "named"
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(Broken, match="did not answer"):
        await asyncio.to_thread(ApiClient(load(path)).get, "/")


async def test_the_flags_name_what_was_prepared(server: ApiServer) -> None:
    (etcd_name, etcd), (name, argv) = server.daemons()
    assert (etcd_name, name) == ("etcd", "kube-apiserver")
    port = load(server.kubeconfig).port
    assert f"--secure-port={port}" in argv
    listen = next(word for word in etcd if word.startswith("--listen-client-urls="))
    assert f"--etcd-servers={listen.partition('=')[2]}" in argv
    for flag in ("--tls-cert-file", "--client-ca-file", "--service-account-key-file"):
        (file,) = (word.partition("=")[2] for word in argv if word.startswith(f"{flag}="))
        assert Path(file).exists()


def test_free_ports_are_different_ones() -> None:
    assert len(set(free_ports(20))) == 20
