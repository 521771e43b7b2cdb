"""Running the command as a process or in this one, and a small cluster as files."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = str(Path(__file__).parent / "cluster")
OFFLINE = ("--offline", "-f", CLUSTER)
OURS = "pointsman.dev/v1alpha1"


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Return (exit status, stdout, stderr) of one command."""
    capsys.readouterr()
    status = main(words)
    out, err = capsys.readouterr()
    return status, out, err


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """Return what a command that succeeds prints as JSON."""
    status, out, err = run(capsys, *words, "-o", "json")
    assert status == 0, err
    return json.loads(out)


def process(*words: str, seed: str = "0", **more: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "cli", *words],
        env=environment, capture_output=True, text=True, check=False, **more,
    )  # fmt: skip


def write(path: Path, *documents: dict) -> str:
    """Write *documents* as one YAML stream (JSON is YAML); return the path."""
    path.write_text("\n---\n".join(map(json.dumps, documents)))
    return str(path)


def obj(kind: str, name: str, version: str = OURS, **fields: Any) -> dict:
    meta = {"name": name, **fields.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": meta, **fields}


def eip(name: str = "public", *addresses: str, **spec: Any) -> dict:
    return obj("Eip", name, spec={"addresses": list(addresses), "default": True, **spec})


def service(name: str = "web", *, notes: dict | None = None, **spec: Any) -> dict:
    annotations = {f"pointsman.dev/{key}": text for key, text in (notes or {}).items()}
    spec = {"type": "LoadBalancer", "ports": [{"port": 80}], **spec}
    meta = {"namespace": "default", "annotations": annotations}
    return obj("Service", name, "v1", metadata=meta, spec=spec)


def node(name: str, address: str) -> dict:
    return obj("Node", name, "v1", status={
        "addresses": [{"type": "InternalIP", "address": address}],
        "conditions": [{"type": "Ready", "status": "True"}],
    })  # fmt: skip


def endpoints(name: str, *nodes: str) -> dict:
    return obj(
        "EndpointSlice", f"{name}-1", "discovery.k8s.io/v1",
        metadata={"namespace": "default", "labels": {"kubernetes.io/service-name": name}},
        addressType="IPv4",
        endpoints=[{"nodeName": n, "addresses": ["10.244.0.1"]} for n in nodes],
    )  # fmt: skip


def conf(asn: int = 64501) -> dict:
    return obj("BgpConf", "default", spec={"as": asn})


def peer(name: str = "tor-1", address: str = "192.0.2.1", **spec: Any) -> dict:
    return obj("BgpPeer", name, spec={"address": address, "as": 64500, **spec})


def small() -> list[dict]:
    """Two nodes, one router, one pool, one Service that is served."""
    return [
        eip("public", "198.51.100.0/30"), conf(), peer(), service(), endpoints("web", "node1"),
        node("node1", "192.0.2.11"), node("node2", "192.0.2.12"),
    ]  # fmt: skip
