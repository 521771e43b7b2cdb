"""What may not be in a tracked file, and what only looks like it."""

from __future__ import annotations

import pytest

from tools.tidy import FOREIGN, complaints

# Put together here, or tidy would refuse this file.
REGISTRY = "pypi" + ".org"
ARCHIVE = "deb.debian" + ".org"
OUTSIDE = "/wo" + "rk/main"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        pytest.param(f"--index-url https://{REGISTRY}/simple", "registry's host", id="an index"),
        pytest.param(f"URIs: http://{ARCHIVE}/debian", "registry's host", id="an archive"),
        pytest.param(f"cd {OUTSIDE}", "outside the repository", id="one machine's path"),
        pytest.param("<" * 7 + " HEAD", "conflict marker", id="an unfinished merge"),
    ],
)
def test_what_is_local_is_refused(line: str, what: str):
    (complaint,) = complaints("a.md", f"fine\n{line}\n")
    assert complaint.startswith("a.md:2: ")
    assert what in complaint


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("a homework/exercise", id="a word that ends in a folder's name"),
        pytest.param("relative/work/folder", id="a folder of the repository"),
        pytest.param("https://example.org/debian", id="an example host"),
    ],
)
def test_what_only_looks_local_is_accepted(line: str):
    assert list(complaints("a.md", line)) == []


@pytest.mark.parametrize(
    ("name", "foreign"),
    [
        ("pointsman/gobgp_api/gobgp_pb2.py", True),
        ("pointsman/gobgp_api/gobgp_pb2_grpc.pyi", True),
        ("sidecars/gobgp/api/gobgp.proto", True),
        ("uv.lock", True),
        ("manager/adapters/gobgp/speaker.py", False),
        ("docs/protocol.md", False),
    ],
)
def test_foreign_and_generated_files_are_refused(name: str, foreign: bool):
    assert bool(FOREIGN.search(name)) is foreign
