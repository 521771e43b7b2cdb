"""Every YAML block of the documentation is valid, and every offline command prints what it says.

`make update` rewrites the outputs of the offline commands; read the diff.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

from cli.__main__ import main
from pointsman.api import crd, parse
from pointsman.model.names import API_PATH, API_VERSION
from standin.in_process import standin
from tests.docs import pages
from tests.docs.pages import ROOT, Block, ShellCommand

YAML = [block for page in pages.pages() for block in pages.blocks(page) if block.language == "yaml"]
KINDS = {kind.name: kind for kind in crd.KINDS}
CORE = {
    "v1": "/api/v1",
    "discovery.k8s.io/v1": "/apis/discovery.k8s.io/v1",
    API_VERSION: API_PATH,
}
PLURALS = {"EndpointSlice": "endpointslices"}
# Others' kinds, which are shown as they are found: no server of ours knows them.
OTHERS = ("gateway.networking.k8s.io/", "gateway.envoyproxy.io/", "metallb.io/", "cilium.io/")
NAMESPACED = {"Service", "EndpointSlice", "Secret", "ConfigMap"}


def objects(block: Block) -> Iterator[dict[str, Any]]:
    for document in yaml.safe_load_all(block.text):
        assert isinstance(document, dict), f"{block.where}: not an object"
        yield document


def by_place(block: Block) -> str:
    return block.where


@pytest.mark.parametrize("block", YAML, ids=by_place)
def test_our_models_read_every_yaml_block(block: Block) -> None:
    for document in objects(block):
        assert {"apiVersion", "kind", "metadata"} <= document.keys(), block.where
        kind = KINDS.get(document["kind"])
        if kind is not None:
            spec, fault = parse(kind.spec, document.get("spec"))
            assert spec is not None, f"{block.where}: {fault}"
            unknown = document["spec"].keys() - spec.model_dump(by_alias=True).keys()
            assert not unknown, f"{block.where}: no such field: {unknown}"


async def test_an_api_server_takes_every_yaml_block() -> None:
    """Strictly, so a misspelt field anywhere in an object is refused."""
    import asyncio

    async with standin() as url:
        for kind in crd.KINDS:
            path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
            await asyncio.to_thread(post, url + path, crd.definition(kind))
        for space in sorted({name for block in YAML for name in map(namespace, objects(block))}):
            if space != "default":
                body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}
                await asyncio.to_thread(post, f"{url}/api/v1/namespaces", body)
        for block in YAML:
            for document in objects(block):
                if document["apiVersion"].startswith(OTHERS):
                    continue
                path = url + collection(document)
                query = "?fieldValidation=Strict&dryRun=All"
                code, created = await asyncio.to_thread(post, path + query, document)
                assert code == 201, f"{block.where}: {created.get('message')}"


def namespace(document: dict[str, Any]) -> str:
    return str(document["metadata"].get("namespace", "default"))


def collection(document: dict[str, Any]) -> str:
    kind = document["kind"]
    plural = PLURALS.get(kind, f"{kind.lower()}s")
    where = f"namespaces/{namespace(document)}/" if kind in NAMESPACED else ""
    return f"{CORE[document['apiVersion']]}/{where}{plural}"


def post(url: str, body: object) -> tuple[int, dict[str, Any]]:
    request = Request(url, json.dumps(body, default=str).encode(), method="POST")
    request.add_header("Content-Type", "application/json")
    try:
        with urlopen(request, timeout=20) as response:
            return response.status, json.load(response)
    except HTTPError as refusal:
        with refusal:
            return refusal.code, json.load(refusal)


def is_offline(one: ShellCommand) -> bool:
    words = one.command.split()
    asks_nobody = "--offline" in words or (words[1:2] == ["migrate"] and "-f" in words)
    return words[:1] == ["pointsman"] and asks_nobody


OFFLINE = [
    page
    for page in pages.pages()
    if any(is_offline(t) for b in pages.blocks(page) for t in pages.shell_commands(b))
]


@pytest.mark.parametrize("page", OFFLINE)
def test_every_offline_command_prints_what_the_page_says(
    page: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    update: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    printed: list[tuple[ShellCommand, list[str]]] = []
    for block in pages.blocks(page):
        if block.language == "yaml" and block.title:
            (tmp_path / block.title).write_text(block.text)  # a later block of a name replaces it
        for one in pages.shell_commands(block) if block.language == "console" else ():
            if is_offline(one):
                printed.append((one, run(one, capsys)))
    if update:
        rewrite(page, printed)
        return
    for one, lines in printed:
        assert list(one.output) == lines, f"{page}:{one.line}: {one.command}"


def run(one: ShellCommand, capsys: pytest.CaptureFixture[str]) -> list[str]:
    (simple,) = pages.words(one.command)
    status = main(simple[1:])
    out, err = capsys.readouterr()
    assert status in (0, 1), f"{one.command}: {err}"
    return [line.rstrip() for line in (out + err).rstrip().splitlines()]


def rewrite(page: str, printed: list[tuple[ShellCommand, list[str]]]) -> None:
    lines = pages.read(page).splitlines()
    for one, output in reversed(printed):  # from the end, so that line numbers stay true
        lines[one.line : one.line + len(one.output)] = output
    (ROOT / page).write_text("\n".join(lines) + "\n", "utf-8")
