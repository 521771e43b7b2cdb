"""How words are read: an option that a shell's empty variable filled names nothing."""

import subprocess
import sys

import pytest

from tests.cli.running import ROOT


@pytest.mark.parametrize(
    "words",
    [
        ("manager", "--kubeconfig", ""),
        ("agent", "--node", "n", "--kubeconfig", ""),
        ("agent", "--node", "n", "--state-dir", ""),
        ("sidecars.gobgp", "--socket", ""),
        ("cli", "crds", "--check", "--dir", ""),
        ("cli", "support-dump", ""),
        ("cli", "peers", "--gobgp-socket", ""),
    ],
    ids=" ".join,
)
def test_an_empty_path_is_not_where_we_are(words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "'' is no path: name a file or a folder." in done.stderr
