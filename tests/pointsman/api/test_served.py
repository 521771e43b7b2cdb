"""The same table, judged by an API server: what `kubectl apply` is refused with.

Always by the stand-in; by a real one too where POINTSMAN_TEST_KUBECONFIG names it (the
CRDs stay there, objects are only tried: dryRun).
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from pointsman.api import crd
from pointsman.model import names
from tests.pointsman.api.objects import BAD, GOOD, Bad, Good

REAL = os.environ.get("POINTSMAN_TEST_KUBECONFIG", "")
ROOT = Path(__file__).resolve().parents[3]
PATHS = {kind.name: f"{names.API_PATH}/{kind.plural}" for kind in crd.KINDS}
UNCHECKED = "some validation rules were not checked"


def call(url: str, body: object = None) -> tuple[int, dict[str, Any]]:
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except HTTPError as refusal:
        with refusal:
            return refusal.code, json.load(refusal)


def until(deed: str, done: Any) -> Any:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := done():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{deed}: not within 30 s")


@contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
        try:
            yield child
        finally:
            child.terminate()


@pytest.fixture(scope="module", params=["stand-in", *(["real"] if REAL else [])])
def server(
    request: pytest.FixtureRequest,
    parts: Mapping[str, Mapping[str, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """URL of an API server that has our CRDs."""
    if request.param == "real":  # the proxy answers plain HTTP, whatever the cluster asks for
        command = [parts["kubectl"]["path"], "--kubeconfig", REAL, "proxy", "--port", "0"]
    else:
        command = [sys.executable, "-m", "standin"]
    with process(*command) as child:
        assert child.stdout is not None
        # "stand-in Kubernetes API on http://127.0.0.1:1", "Starting to serve on 127.0.0.1:1"
        tmp_path = tmp_path_factory.mktemp("kubectl")
        url = "http://" + child.stdout.readline().split()[-1].removeprefix("http://")
        apply = [parts["kubectl"]["path"], "--server", url, "--cache-dir", str(tmp_path), "apply"]
        subprocess.run([*apply, "-f", str(ROOT / "crds")], check=True, env={"HOME": str(tmp_path)})
        for kind in crd.KINDS:
            until(f"{kind.name} is served", lambda at=url + PATHS[kind.name]: call(at)[0] == 200)
        yield url


def attempt(url: str, case: Good | Bad) -> tuple[int, dict[str, Any]]:
    return call(
        f"{url}{PATHS[case.kind]}?dryRun=All&fieldValidation=Strict",
        {
            "apiVersion": names.API_VERSION,
            "kind": case.kind,
            "metadata": {"name": "tried"},
            "spec": case.spec,
        },
    )


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in GOOD])
def test_a_good_object_is_accepted(server: str, case: Good) -> None:
    code, answer = attempt(server, case)
    assert code == 201, answer
    if case.stored is not None:
        assert answer["spec"] == case.stored


@pytest.mark.parametrize("case", [pytest.param(c, id=f"{c.kind}: {c.id}") for c in BAD])
def test_a_bad_object_is_refused_with_its_sentence(server: str, case: Bad) -> None:
    code, answer = attempt(server, case)
    assert code == 422, answer
    causes = [c for c in answer["details"]["causes"] if UNCHECKED not in c["message"]]
    assert [cause["field"] for cause in causes] == [case.field], answer["message"]
    assert causes[0]["message"].endswith(case.sentence)


def test_kubectl_explains_every_kind(
    server: str, parts: Mapping[str, Mapping[str, str]], tmp_path: Path
) -> None:
    kubectl = [parts["kubectl"]["path"], "--server", server, "--cache-dir", str(tmp_path)]
    for kind in crd.KINDS:
        explained = subprocess.run(
            [*kubectl, "explain", "--recursive", kind.singular],
            capture_output=True,
            text=True,
            check=True,
            env={"HOME": str(tmp_path)},
        ).stdout
        assert kind.description.split(".")[0] in " ".join(explained.split())
