"""`pointsman migrate` as its users call it: from files, and in a live cluster."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
import yaml

from manager.adapters.kubernetes.client import (
    BGP_PEERS,
    EIPS,
    NAMESPACES,
    SERVICES,
    Kind,
    KubeApi,
    Refused,
    connect,
)
from manager.inspect import migration
from standin.server import Api
from tests.cli.live import Ask
from tests.cli.migration.making import DUMPS, dump
from tests.cli.running import run, write

METALLB = str(DUMPS / "metallb.yaml")
CLASS = ("--their-class", "example.com/metallb")
CRDS = Kind("CustomResourceDefinition", "customresourcedefinitions",
            "/apis/apiextensions.k8s.io/v1")  # fmt: skip


def test_the_report_has_its_four_parts_in_order(capsys) -> None:
    status, out, err = run(capsys, "migrate", "--from", "metallb", "-f", METALLB, *CLASS)
    assert (status, err) == (0, "")
    heads = ["WHAT IS MADE", "ADDRESSES", "NOT CARRIED OVER AS IT IS", "THE CUT-OVER"]
    assert [line for line in out.splitlines() if line in heads] == heads
    assert "  0 of 4 Services that hold addresses move." in out
    assert "  1. Install Pointsman" in out


def test_files_are_written_for_kubectl(capsys, tmp_path) -> None:
    folder = tmp_path / "ours"
    words = ("migrate", "--from", "metallb", "-f", METALLB, *CLASS, "-o", str(folder))
    status, out, _ = run(capsys, *words)
    assert status == 0
    assert f"  wrote {folder}/eips.yaml" in out
    assert f"kubectl apply -f {folder}," in out
    names = [
        one["metadata"]["name"] for one in yaml.safe_load_all((folder / "eips.yaml").read_text())
    ]
    assert names == ["lan", "public", "unused"]
    assert run(capsys, *words)[0] == 1  # never over what is there


@pytest.mark.parametrize(
    ("folder", "why"),
    [("file", "File exists"), ("file/x", "Not a directory"), ("a" * 300, "File name too long")],
)
def test_where_no_folder_can_be_made_it_says_why(folder, why, capsys, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    words = ("migrate", "--from", "metallb", "-f", METALLB, *CLASS, "-o", str(tmp_path / folder))
    status, out, err = run(capsys, *words)
    assert (status, out) == (1, "")
    assert err.endswith(f"/{folder} can't be written: {why}.\n")


def test_a_dash_is_no_folder(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, "migrate", "--from", "metallb", "-f", METALLB, "-o", "-")
    assert (status, out) == (2, "")
    assert "-o yaml" in err
    assert not list(tmp_path.iterdir())


def test_files_without_any_of_their_objects_are_not_fine(capsys, tmp_path) -> None:
    """As where --from names the wrong load balancer, and nothing else would say so."""
    theirs = [one for one in dump("metallb") if one["kind"] != "Service"]
    status, out, err = run(
        capsys, "migrate", "--from", "purelb", "-f", write(tmp_path / "theirs.yaml", *theirs)
    )
    assert status == 1
    assert "nothing: none of their objects was found" in out
    assert "No object of PureLB was found, so nothing is made" in err


@pytest.mark.parametrize(
    ("dialect", "one"),
    [
        pytest.param(
            "metallb",
            {
                "apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool",
                "metadata": {"name": "public", "namespace": "metallb-system"},
                "spec": {"addresses": ["everywhere"]},
            },
            id="a pool of MetalLB without any address",
        ),
        pytest.param(
            "metallb",
            {
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": "config", "namespace": "metallb-system"},
                "data": {"config": "address-pools: []"},
            },
            id="MetalLB's configuration before 0.13",
        ),
        pytest.param(
            "purelb",
            {
                "apiVersion": "purelb.io/v1", "kind": "ServiceGroup",
                "metadata": {"name": "public", "namespace": "purelb"}, "spec": {"local": {}},
            },
            id="a group of PureLB without any pool",
        ),
        pytest.param(
            "kube-vip",
            {
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": "kubevip", "namespace": "kube-system"},
                "data": {"cidr-global": "everywhere"},
            },
            id="a network of kube-vip that is none",
        ),
        pytest.param(
            "openelb",
            {
                "apiVersion": "network.kubesphere.io/v1alpha2", "kind": "Eip",
                "metadata": {"name": "public"}, "spec": {"address": ""},
            },
            id="an Eip of OpenELB without an address",
        ),
    ],
)  # fmt: skip
def test_what_was_found_and_came_to_nothing_is_not_called_absent(
    dialect: str, one: dict[str, Any], capsys, tmp_path
) -> None:
    status, out, _ = run(
        capsys, "migrate", "--from", dialect, "-f", write(tmp_path / "theirs.yaml", one)
    )
    assert status == 1
    assert "  nothing: what was found of theirs can't be carried over, as said below\n" in out
    assert "none of their objects was found" not in out


def test_json_has_it_all_but_passwords(capsys) -> None:
    words = ("migrate", "--from", "openelb", "-f", str(DUMPS / "openelb.yaml"), "-o", "json")
    status, out, _ = run(capsys, *words)
    shape = json.loads(out)
    assert status == 0
    assert shape["moves"] == []
    assert {one["kind"] for one in shape["objects"]} == {
        "Secret", "BgpConf", "BgpPeer", "Eip", "Service",
    }  # fmt: skip
    secret = next(one for one in shape["objects"] if one["kind"] == "Secret")
    assert secret["stringData"] == {"password": "(secret)"}


def test_an_address_that_would_move_is_status_one(capsys, tmp_path) -> None:
    objects = [one for one in dump("metallb") if one["kind"] != "IPAddressPool"]
    (tmp_path / "dump.yaml").write_text(yaml.safe_dump_all(objects))
    status, out, _ = run(capsys, "migrate", "--from", "metallb", "-f", str(tmp_path / "dump.yaml"))
    assert status == 1
    assert "! Service " in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--yes",), "--yes goes with --apply"),
        (("-f", METALLB, "--apply"), "leave out -f"),
        (("-f", METALLB, "--context", "x"), "leave out -f or --context"),
        (("-f", METALLB, "-o", ""), "no folder"),
        (("-f", "/nowhere"), "/nowhere"),
    ],
)
def test_misuse_has_a_sentence(words: tuple[str, ...], sentence: str, capsys) -> None:
    status, _, err = run(capsys, "migrate", "--from", "metallb", *words)
    assert status == 2
    assert sentence in err


@pytest.fixture
async def metallb(server: Api, tmp_path) -> None:
    """The stand-in with MetalLB's kinds and objects, and its Services."""
    async with connect(tmp_path / "kubeconfig") as client:
        await client.delete(EIPS, "", "public", body={})
        await client.delete(BGP_PEERS, "", "tor-1", body={})
        for space in ("metallb-system", "shop", "web"):
            await client.create(NAMESPACES, "", {"metadata": {"name": space}})
        for plural, kind, version in (
            ("ipaddresspools", "IPAddressPool", "v1beta1"), ("bgppeers", "BGPPeer", "v1beta2"),
            ("bgpadvertisements", "BGPAdvertisement", "v1beta1"),
        ):  # fmt: skip
            await client.create(CRDS, "", crd(plural, kind, version))
            for raw in dump("metallb"):
                if raw["kind"] == kind:
                    made = Kind(kind, plural, f"/apis/metallb.io/{version}", namespaced=True)
                    await client.create(made, "metallb-system", raw)
        for raw in dump("metallb"):
            if raw["kind"] == "Service" and raw["metadata"]["name"] in ("web", "dns"):
                space, name = raw["metadata"]["namespace"], raw["metadata"]["name"]
                created = await client.create(SERVICES, space, raw)
                assert created["metadata"]["name"] == name
                body = {"status": raw["status"]}
                await client.patch(SERVICES, space, name, body=body, sub="status")


def crd(plural: str, kind: str, version: str) -> dict[str, Any]:
    open_schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.metallb.io"},
        "spec": {
            "group": "metallb.io", "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind, "singular": kind.lower()},
            "versions": [{"name": version, "served": True, "storage": True,
                          "schema": {"openAPIV3Schema": open_schema}}],
        },
    }  # fmt: skip


async def test_a_live_cluster_is_read_and_written_once(metallb: None, ask: Ask, tmp_path) -> None:
    kubeconfig = ("--kubeconfig", str(tmp_path / "kubeconfig"))
    status, out, err = await ask("migrate", "--from", "metallb", *kubeconfig, "--apply")
    assert status == 2, err  # nobody is asked here
    assert "add --yes" in err
    _, out, err = await ask("migrate", "--from", "metallb", *kubeconfig, "--apply", "--yes")
    assert "Eip public is made." in out, err
    assert "Service shop/web is annotated." in out
    assert "BgpConf default is there already, and differs" in err
    async with connect(tmp_path / "kubeconfig") as client:
        eip = await client.get(EIPS, "", "public")
        web = await client.get(SERVICES, "shop", "web")
    assert eip["spec"]["addresses"] == ["198.51.100.0/28", "2001:db8:100::/124"]
    assert web["metadata"]["annotations"]["pointsman.dev/share-namespaces"] == "web"
    assert web["spec"]["ports"][0]["port"] == 80
    _, out, _ = await ask("migrate", "--from", "metallb", *kubeconfig, "--apply", "--yes")
    assert "Eip public is there already, and is the same." in out


async def test_nothing_is_applied_where_an_address_would_move(
    metallb: None, ask: Ask, tmp_path
) -> None:
    async with connect(tmp_path / "kubeconfig") as client:
        pool = Kind("IPAddressPool", "ipaddresspools", "/apis/metallb.io/v1beta1", namespaced=True)
        await client.delete(pool, "metallb-system", "public", body={})
    kubeconfig = ("--kubeconfig", str(tmp_path / "kubeconfig"))
    status, _, err = await ask("migrate", "--from", "metallb", *kubeconfig, "--apply", "--yes")
    assert status == 1
    assert "addresses would move" in err


class Maps:
    """The stand-in, which has no ConfigMaps, with one object of that kind, or a refusal of it."""

    def __init__(self, api: KubeApi, has: dict[str, Any] | int) -> None:
        self._api, self._has = api, has

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    async def get(self, kind: Kind, namespace: str, name: str) -> Any:
        assert (kind.plural, namespace, name) == ("configmaps", "metallb-system", "config")
        if isinstance(self._has, int):
            raise Refused(self._has, "Forbidden", "no")
        return self._has


async def test_the_old_configuration_of_a_live_metallb_is_looked_at(api: KubeApi) -> None:
    """It is only said, so that whoever may not read it goes on without."""
    meta = {"name": "config", "namespace": "metallb-system"}
    raw = {"metadata": meta, "data": {"config": "address-pools: []"}}
    there = await migration.fetch(cast(Any, Maps(api, raw)), "metallb")
    assert {"apiVersion": "v1", "kind": "ConfigMap", **raw} in there
    without = [one for one in there if one.get("kind") != "ConfigMap"]  # type: ignore[attr-defined]
    for code in (403, 404):
        assert await migration.fetch(cast(Any, Maps(api, code)), "metallb") == without


async def test_without_their_kinds_there_is_nothing_to_do(server: Api, ask: Ask, tmp_path) -> None:
    words = ("migrate", "--from", "purelb", "--kubeconfig", str(tmp_path / "kubeconfig"))
    _, out, _ = await ask(*words)
    assert "nothing: none of their objects was found" in out
