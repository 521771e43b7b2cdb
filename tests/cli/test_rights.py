"""What each command asks of an API server is what docs/security.md says that its user may need."""

from pathlib import Path

import pytest

from standin.server import Api
from tests.cli.live import Ask
from tests.cli.running import ROOT

PLANNED = {
    f"list {plural}"
    for plural in (
        "services",
        "endpointslices",
        "nodes",
        "namespaces",
        "eips",
        "bgpconfs",
        "bgppeers",
        "announcers",
    )
}
READ = PLANNED | {"list leases"}  # who leads, and of which version  # fmt: skip
ASKED = [
    (("explain", "eip", "public"), READ),
    (("explain", "node", "node1"), READ),
    (("plan", "--router-config", "frr"), READ),
    (("peers",), READ),
    (("routes",), READ),
    (("map", "-o", "-"), READ),
    (("status",), READ),
    (("node", "undrain", "node1"), READ | {"get nodes"}),
    (("node", "drain", "node1"), READ | {"get nodes", "patch nodes"}),
    (
        ("uninstall", "--yes", "--addresses", "release"),
        {f"list {one}" for one in ("leases", "services", "eips", "bgpconfs", "bgppeers",
                                   "announcers")} | {"patch services/status", "patch eips"},
    ),
    (  # and Pods with their logs, which the stand-in doesn't know
        ("support-dump", "dump.tar.gz"),
        READ | {"list events", "list customresourcedefinitions"},
    ),
]  # fmt: skip


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("words", "rights"),
    ASKED,
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else "rights",
)
async def test_a_command_asks_for_no_more(
    words: tuple[str, ...],
    rights: set[str],
    server: Api,
    ask: Ask,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    server.stats.requests.clear()
    await ask(*words)
    assert set(server.stats.requests) == rights


def test_they_are_documented() -> None:
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    (row,) = (line for line in text.splitlines() if line.startswith("| whoever looks"))
    assert all(f"`{one.removeprefix('list ')}`" in row for one in PLANNED)
