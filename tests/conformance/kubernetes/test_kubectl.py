"""Discovery, tables and apply as users meet them: the kubectl that `make setup` unpacked."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from standin.kubeconfig import kubeconfig
from tests.conformance.kubernetes.client import DOCUMENTED_S, Client, until
from tests.conformance.kubernetes.objects import pool, service

TIMEOUT_S = 90


class Kubectl:
    def __init__(self, program: str, config: Path, home: Path) -> None:
        self._program, self._config, self._home = program, config, home

    async def start(self, *arguments: str, stdin: Any = None) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            self._program,
            f"--kubeconfig={self._config}",
            *arguments,
            env={"PATH": os.environ["PATH"], "HOME": str(self._home)},
            stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *arguments: str, stdin: Any = None) -> tuple[int, str, str]:
        """Return exit status, output and complaints; *stdin* is fed as JSON."""
        process = await self.start(*arguments, stdin=stdin)
        fed = None if stdin is None else json.dumps(stdin).encode()
        async with asyncio.timeout(TIMEOUT_S):
            out, complaints = await process.communicate(fed)
        return process.returncode or 0, out.decode(), complaints.decode()

    async def __call__(self, *arguments: str, stdin: Any = None) -> str:
        code, out, complaints = await self.run(*arguments, stdin=stdin)
        assert code == 0, complaints
        return out


@pytest.fixture
def kubectl(api: Client, parts: Mapping[str, Mapping[str, str]], tmp_path: Path) -> Kubectl:
    config = Path(api.endpoint.kubeconfig or tmp_path / "kubeconfig")
    if not api.endpoint.kubeconfig:
        config.write_text(kubeconfig(api.endpoint.url))
    return Kubectl(parts["kubectl"]["path"], config, tmp_path)


async def test_apply_creates_leaves_and_changes(
    api: Client, kubectl: Kubectl, services: str, namespace: str
) -> None:
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 443}]
    body = service("web", ports=ports, selector={"app": "x"})
    apply = ("apply", "-n", namespace, "-f", "-")
    assert await kubectl(*apply, stdin=body) == "service/web created\n"
    assert await kubectl(*apply, stdin=body) == "service/web unchanged\n"
    body["spec"]["ports"] = [{"name": "b", "port": 443, "targetPort": 8443}]
    body["spec"]["selector"] = {"app": "y"}
    assert await kubectl(*apply, stdin=body) == "service/web configured\n"
    spec = (await api.get(f"{services}/web")).body["spec"]
    assert [(p["name"], p["targetPort"]) for p in spec["ports"]] == [("b", 8443)]
    assert spec["selector"] == {"app": "y"}


async def test_apply_validates_on_the_server(kubectl: Kubectl, namespace: str) -> None:
    body = service("web", colour="red")
    code, _, complaint = await kubectl.run("apply", "-n", namespace, "-f", "-", stdin=body)
    assert code == 1
    assert 'unknown field "spec.colour"' in complaint


async def test_apply_of_a_custom_object(api: Client, kubectl: Kubectl, pools: str) -> None:
    body = pool(pools, "a")
    group = pools.split("/")[2]
    assert await kubectl("apply", "-f", "-", stdin=body) == f"pool.{group}/a created\n"
    assert await kubectl("apply", "-f", "-", stdin=body) == f"pool.{group}/a unchanged\n"
    body["spec"]["addresses"] = ["192.0.2.2", "2001:db8::/64"]
    assert await kubectl("apply", "-f", "-", stdin=body) == f"pool.{group}/a configured\n"
    body["spec"]["addresses"] = ["192.0.2.300"]
    code, _, complaint = await kubectl.run("apply", "-f", "-", stdin=body)
    assert code == 1
    assert "write an address, or a CIDR such as 192.0.2.0/24" in complaint


async def test_get_prints_the_columns_of_the_crd(api: Client, kubectl: Kubectl, pools: str) -> None:
    await api.make(pools, pool(pools, "a"))
    group = pools.split("/")[2]
    out = (await kubectl("get", f"pl.{group}")).splitlines()
    assert out[0].split() == ["NAME", "MODE", "ADDRESSES", "READY", "AGE"]
    assert out[1].split()[:3] == ["a", "bgp", '["192.0.2.1"]']
    assert "mode: bgp" in await kubectl("get", f"pools.{group}", "a", "-o", "yaml")
    named = await kubectl("get", "contract", "-o", "name")
    assert f"pool.{group}/a" in named


async def test_explain_reads_the_schema(kubectl: Kubectl, pools: str) -> None:
    group = pools.split("/")[2]

    async def explained() -> str:  # a real server documents a new CRD some seconds late
        code, out, _ = await kubectl.run("explain", f"pools.{group}")
        return out if code == 0 else ""

    assert "Addresses to give away." in await until(
        explained, "kubectl explains the kind", patience_s=DOCUMENTED_S
    )
    assert "addresses" in await kubectl("explain", "pool.spec", f"--api-version={group}/v1")
    assert "externalTrafficPolicy" in await kubectl("explain", "service.spec")


async def test_the_small_verbs(
    api: Client, kubectl: Kubectl, services: str, namespace: str
) -> None:
    await api.make(services, service("web"))
    await kubectl("-n", namespace, "label", "service", "web", "a=b")
    await kubectl("-n", namespace, "annotate", "service", "web", "example.org/c=d")
    patch = '{"spec":{"externalTrafficPolicy":"Local"}}'
    await kubectl("-n", namespace, "patch", "service", "web", "-p", patch)
    found = (await api.get(f"{services}/web")).body
    assert found["metadata"]["labels"] == {"a": "b"}
    assert found["metadata"]["annotations"] == {"example.org/c": "d"}
    assert found["spec"]["externalTrafficPolicy"] == "Local"
    out = await kubectl("-n", namespace, "delete", "service", "web", "--wait")
    assert "deleted" in out
    assert (await api.get(f"{services}/web")).code == 404


async def test_taints_come_and_go(api: Client, kubectl: Kubectl, namespace: str) -> None:
    path = f"/api/v1/nodes/{namespace}"
    await api.make("/api/v1/nodes", {"metadata": {"name": namespace}})
    try:
        await kubectl("taint", "node", namespace, "example.org/a=b:NoSchedule")
        await kubectl("taint", "node", namespace, "example.org/c:NoExecute")
        taints = {t["key"] for t in (await api.get(path)).body["spec"]["taints"]}
        assert {"example.org/a", "example.org/c"} <= taints
        await kubectl("taint", "node", namespace, "example.org/a-")
        taints = {t["key"] for t in (await api.get(path)).body["spec"]["taints"]}
        assert "example.org/a" not in taints
        assert "example.org/c" in taints
        out = await kubectl("get", "nodes", namespace)
        assert out.splitlines()[0].split() == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    finally:
        await api.delete(path)


async def test_describe_shows_a_services_events(
    api: Client, kubectl: Kubectl, services: str, namespace: str
) -> None:
    made = await api.make(services, service("web"))
    about = {"kind": "Service", "namespace": namespace, "name": "web", "apiVersion": "v1"}
    event = {
        "metadata": {"name": "web.1"},
        "involvedObject": about | {"uid": made["metadata"]["uid"]},
        "reason": "Allocated",
        "message": "got 198.51.100.7",
        "type": "Normal",
        "firstTimestamp": "2024-01-02T03:04:05Z",
        "lastTimestamp": "2024-01-02T03:04:05Z",
        "count": 1,
    }
    await api.make(f"/api/v1/namespaces/{namespace}/events", event)
    out = await kubectl("-n", namespace, "describe", "service", "web")
    assert "got 198.51.100.7" in out
    assert "LoadBalancer" in out


async def test_a_listing_goes_on_as_things_change(
    api: Client, kubectl: Kubectl, services: str, namespace: str
) -> None:
    await api.make(services, service("web"))
    process = await kubectl.start("-n", namespace, "get", "services", "-w")
    assert process.stdout is not None
    try:
        async with asyncio.timeout(TIMEOUT_S):
            assert (await process.stdout.readline()).split()[0] == b"NAME"
            assert b"<pending>" in await process.stdout.readline()
            ingress = {"status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.7"}]}}}
            await api.merge(f"{services}/web/status", ingress)
            assert b"198.51.100.7" in await process.stdout.readline()
    finally:
        process.terminate()
        await process.wait()


async def test_several_kinds_are_listed(
    api: Client, kubectl: Kubectl, services: str, namespace: str
) -> None:
    await api.make(services, service("web"))
    for kind in ("services", "nodes", "endpointslices", "namespaces", "events", "leases", "crds"):
        await kubectl("-n", namespace, "get", kind, "-o", "wide")

    async def printed() -> bool:
        return "web" in await kubectl("get", "services", "-A")

    await until(printed, "the service is printed")
