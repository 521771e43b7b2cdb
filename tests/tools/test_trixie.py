"""Roots of Debian 13: what they are made from, and that nothing in them outlives its maker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import setup, trixie
from tools.sources import Source
from tools.trixie import PASSED, Root, apt_settings, isolated, key_file, made_of

ARCHIVE = Source("http://mirror.example/debian", ("bookworm",), ("main",), ())


def signed(by: str) -> Source:
    return Source(ARCHIVE.uri, ARCHIVE.suites, ARCHIVE.components, (("Signed-By", by),))


def test_other_packages_another_archive_or_another_trust_are_another_root() -> None:
    other = Source("http://other.example/debian", ARCHIVE.suites, ARCHIVE.components, ())
    root, more = Root("debian13", ("git",)), Root("debian13", ("git", "make"))
    archives = (ARCHIVE, other, signed("/k.gpg"))
    assert len({made_of(one, archive) for one in (root, more) for archive in archives}) == 6
    assert made_of(root, ARCHIVE) == made_of(Root("debian13", ("git",)), ARCHIVE)


def test_the_archives_own_key_is_used_where_it_is_a_file(tmp_path: Path) -> None:
    key = tmp_path / "key.gpg"
    key.touch()
    assert key_file(signed(str(key))) == key
    inline = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBGPL0BUBEADmW5NdOOHwPIJlgPm6JDcKw3NZ"
    assert key_file(signed(inline)) in (trixie.KEYRING, None)
    assert key_file(signed(str(tmp_path / "none.gpg"))) is None


@pytest.mark.parametrize("name", ["PIP_INDEX_URL", "http_proxy", "HTTPS_PROXY", "no_proxy", "TERM"])
def test_the_way_to_the_world_goes_in(name: str) -> None:
    assert PASSED.fullmatch(name)


@pytest.mark.parametrize("name", ["HOME", "PATH", "KUBECONFIG", "VIRTUAL_ENV", "AWS_SECRET"])
def test_nothing_else_does(name: str) -> None:
    assert not PASSED.fullmatch(name)


def test_of_apt_only_the_way_to_archives_goes_in(tmp_path: Path) -> None:
    (tmp_path / "apt.conf").write_text(
        'Acquire::http::Proxy "http://192.0.2.9:3128";\nAcquire::Check-Date "false";\n'
        'APT::Update::Post-Invoke {"false";};\n'
    )
    code = "from tools.trixie import apt_settings, proxies; print(apt_settings(), dict(proxies()))"
    clean = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**clean, "APT_CONFIG": str(tmp_path / "apt.conf")},
        cwd=setup.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert 'Acquire::http::Proxy "http://192.0.2.9:3128";' in done.stdout
    assert 'Acquire::Check-Date "false";' in done.stdout
    assert "Post-Invoke" not in done.stdout
    assert "{'http_proxy': 'http://192.0.2.9:3128'}" in done.stdout
    assert isinstance(apt_settings(), list)


@pytest.mark.lab
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_nothing_stays(number: signal.Signals, tmp_path: Path) -> None:
    """What was started in there is in nobody's process group, and has a mount of its own."""
    mounted, started = tmp_path / "mounted", tmp_path / "started"
    mounted.mkdir()
    script = (
        f"mount -t tmpfs none {mounted}; mount -t proc proc /proc; "
        f"setsid sleep 987654 & touch {mounted}/inside {started}; wait"
    )
    code = (
        "import os, signal, sys; from tools.trixie import ended, isolated\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        f"ended(isolated(['sh', '-c', {script!r}]), environment=os.environ)"
    )
    maker = subprocess.Popen(
        [sys.executable, "-c", code], cwd=setup.ROOT, stderr=subprocess.DEVNULL
    )
    _wait(started.exists)
    _wait(_sleepers)
    assert not (mounted / "inside").exists()  # not in our mount namespace
    maker.send_signal(number)
    assert maker.wait(60) != 0
    _wait(lambda: not _sleepers())
    assert str(mounted) not in Path("/proc/self/mountinfo").read_text()


def test_the_command_ends_with_whoever_called_it() -> None:
    assert isolated(["true"])[:3] == ["setpriv", "--pdeathsig", "KILL"]
    assert "--kill-child" in isolated(["true"])


def _sleepers() -> list[str]:
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if line.read_bytes() == b"sleep\x00987654\x00":
                found.append(line.parent.name)
        except OSError:
            continue
    return found


def _wait(holds: Callable[[], object], within_s: float = 60.0) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
