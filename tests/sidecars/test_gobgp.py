"""`python -m sidecars.gobgp` as whoever runs it sees it: a process, a socket, an exit status."""

import contextlib
import json
import os
import signal
import socket as sockets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.gobgp_api.gobgp_pb2_grpc import GoBgpServiceStub
from pointsman.runtime.errors import Misuse
from sidecars.gobgp.ground import find_gobgpd, prepare

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0
NO_CAPABILITIES = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]


def wait_for(question: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not question():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_S} s"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@dataclass
class Sidecar:
    """One running sidecar, its socket, and gobgpd's pid."""

    gobgpd: str
    socket: Path
    options: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] = field(init=False)

    def start(
        self, *before: str, output: int = subprocess.DEVNULL, **environment: str
    ) -> "Sidecar":
        command = [sys.executable, "-m", "sidecars.gobgp", "--socket", str(self.socket)]
        self.process = subprocess.Popen(
            [*before, *command, "--gobgpd", self.gobgpd, *self.options],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self

    def up(self) -> "Sidecar":
        wait_for(self.answers, "an answer from gobgpd")
        return self

    def answers(self) -> bool:
        with grpc.insecure_channel(f"unix:{self.socket}") as channel:
            try:
                GoBgpServiceStub(channel).GetBgp(pb.GetBgpRequest(), timeout=5)
            except grpc.RpcError:
                return False
        return True

    @property
    def child(self) -> int:
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def ended(self) -> tuple[int, str]:
        _, words = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, words


@pytest.fixture
def sidecar(parts: Mapping[str, Mapping[str, str]], tmp_path: Path) -> Iterator[Sidecar]:
    made = Sidecar(parts["gobgpd"]["path"], tmp_path / "private" / "gobgp.sock")
    yield made
    with contextlib.suppress(AttributeError):
        made.process.kill()
        made.process.communicate()


def test_the_socket_is_for_us_alone(sidecar: Sidecar) -> None:
    sidecar.start().up()
    assert sidecar.socket.parent.stat().st_mode & 0o777 == 0o700
    assert sidecar.socket.stat().st_mode & 0o077 == 0


def test_nothing_listens_on_tcp_or_udp(sidecar: Sidecar) -> None:
    sidecar.start().up()
    # A socket of a process shows as a link of its own; inode numbers lead to /proc/net.
    mine = set()
    for link in Path(f"/proc/{sidecar.child}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            name = os.readlink(link)
            if name.startswith("socket:["):
                mine.add(name[8:-1])
    assert mine
    for table in ("tcp", "tcp6", "udp", "udp6"):
        lines = Path(f"/proc/{sidecar.child}/net/{table}").read_text().splitlines()[1:]
        assert not mine & {line.split()[9] for line in lines}, table


def test_sigterm_ends_both_with_status_0(sidecar: Sidecar) -> None:
    child = sidecar.start().up().child
    sidecar.process.send_signal(signal.SIGTERM)
    status, _ = sidecar.ended()
    assert status == 0
    assert not alive(child)
    assert not sidecar.socket.exists()


def test_its_own_lines_are_json_if_that_is_wanted(sidecar: Sidecar) -> None:
    sidecar.options.append("--log-format=json")
    sidecar.start().up().process.send_signal(signal.SIGTERM)
    status, words = sidecar.ended()
    first, second, *_ = map(json.loads, words.splitlines())
    assert (status, first["logger"], first["level"]) == (0, "sidecar", "info")
    assert first["message"].startswith("version ")
    assert "gobgpd runs as pid" in second["message"]


def test_gobgpd_never_outlives_a_killed_parent(sidecar: Sidecar) -> None:
    child = sidecar.start().up().child
    sidecar.process.kill()
    sidecar.process.wait()
    wait_for(lambda: not alive(child), "gobgpd gone")


def test_when_gobgpd_dies_the_parent_says_so_and_ends(sidecar: Sidecar) -> None:
    os.kill(sidecar.start().up().child, signal.SIGKILL)
    status, words = sidecar.ended()
    assert status == 128 + signal.SIGKILL
    assert "gobgpd ended with status -9" in words


def test_a_stopped_gobgpd_is_replaced_not_kept(sidecar: Sidecar) -> None:
    child = sidecar.start().up().child
    with grpc.insecure_channel(f"unix:{sidecar.socket}") as channel:
        GoBgpServiceStub(channel).StopBgp(pb.StopBgpRequest(), timeout=5)
    status, words = sidecar.ended()
    assert status == 128 + signal.SIGKILL
    assert "was stopped" in words
    assert not alive(child)


def test_a_gobgpd_that_hangs_is_replaced(sidecar: Sidecar) -> None:
    sidecar.options = ["--probe-seconds", "0.3"]
    child = sidecar.start().up().child
    began = time.monotonic()
    os.kill(child, signal.SIGSTOP)
    status, words = sidecar.ended()
    assert time.monotonic() - began >= 0.8  # three answers owed
    assert status == 128 + signal.SIGKILL
    assert "gobgpd hangs" in words
    assert not alive(child)
    assert not sidecar.socket.exists()


def test_a_gobgpd_that_hangs_for_a_moment_is_left_alone(sidecar: Sidecar) -> None:
    sidecar.options = ["--probe-seconds", "2"]  # hung: nothing for 6 s
    child = sidecar.start().up().child
    os.kill(child, signal.SIGSTOP)
    time.sleep(2.5)  # a probe goes unanswered, and no three do, however busy the machine is
    os.kill(child, signal.SIGCONT)
    time.sleep(3)
    assert sidecar.process.poll() is None
    assert sidecar.answers()


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_a_probe_takes_some_time(sidecar: Sidecar, seconds: str) -> None:
    sidecar.options = [f"--probe-seconds={seconds}"]
    status, words = sidecar.start().ended()
    assert status == 2
    assert f"--probe-seconds {seconds} can't be kept: give more than 0 seconds" in words


def test_what_a_predecessor_said_of_sessions_goes(sidecar: Sidecar) -> None:
    sidecar.socket.parent.mkdir(mode=0o700)
    report = sidecar.socket.with_name("sessions.json")
    report.write_text("{}")
    sidecar.start().up()
    assert not report.exists()


def test_nobody_needs_to_read_what_gobgpd_logs(sidecar: Sidecar) -> None:
    """A log that nobody takes must not stop the daemon: its lines are left out."""
    ours, theirs = os.pipe()
    os.set_blocking(theirs, True)
    os.write(theirs, b"x" * 65_536)  # the pipe is full from the start
    child = sidecar.start(output=theirs).up().child
    with grpc.insecure_channel(f"unix:{sidecar.socket}") as channel:
        stub = GoBgpServiceStub(channel)
        for level in (pb.SetLogLevelRequest.LEVEL_INFO, pb.SetLogLevelRequest.LEVEL_DEBUG) * 3000:
            stub.SetLogLevel(pb.SetLogLevelRequest(level=level), timeout=5)
    assert alive(child)
    sidecar.process.terminate()
    assert sidecar.ended()[0] == 0
    os.close(ours)
    os.close(theirs)


def test_a_stale_socket_is_no_obstacle(sidecar: Sidecar) -> None:
    sidecar.start().up()
    sidecar.process.kill()  # leaves the socket behind
    sidecar.process.communicate()
    wait_for(lambda: not sidecar.answers(), "the old gobgpd gone")
    assert sidecar.socket.exists()
    sidecar.start().up()


def test_a_socket_that_is_served_is_left_alone(sidecar: Sidecar) -> None:
    sidecar.start().up()
    second = Sidecar(sidecar.gobgpd, sidecar.socket).start()
    status, words = second.ended()
    assert status == 2
    assert "Another process serves" in words
    assert sidecar.answers()


def test_it_works_without_any_capability(sidecar: Sidecar) -> None:
    sidecar.start(*NO_CAPABILITIES).up()
    status = Path(f"/proc/{sidecar.child}/status").read_text()
    assert "CapEff:\t0000000000000000" in status
    sidecar.process.terminate()
    assert sidecar.ended()[0] == 0


def test_a_missing_gobgpd_is_said(sidecar: Sidecar) -> None:
    sidecar.gobgpd = "/nowhere/gobgpd"
    status, words = sidecar.start().ended()
    assert status == 2
    assert "/nowhere/gobgpd is not a program that can be run here" in words
    assert "$GOBGPD" in words


# --- the ground it stands on ----------------------------------------------------------------


def test_the_flag_wins_over_the_environment_and_that_over_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("flag", "environment", "gobgpd"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("GOBGPD", raising=False)
    assert find_gobgpd(None) == str(tmp_path / "gobgpd")
    monkeypatch.setenv("GOBGPD", str(tmp_path / "environment"))
    assert find_gobgpd(None) == str(tmp_path / "environment")
    assert find_gobgpd(str(tmp_path / "flag")) == str(tmp_path / "flag")


def test_a_shared_directory_is_refused_not_changed(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    with pytest.raises(Misuse, match=r"open to others \(mode 0755"):
        prepare(shared / "gobgp.sock")
    assert shared.stat().st_mode & 0o777 == 0o755


def test_a_file_in_the_way_is_refused_not_removed(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    taken = tmp_path / "gobgp.sock"
    taken.write_text("precious")
    with pytest.raises(Misuse, match="is no socket"):
        prepare(taken)
    assert taken.read_text() == "precious"


def test_a_socket_nobody_serves_is_removed(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    stale = tmp_path / "gobgp.sock"
    with sockets.socket(sockets.AF_UNIX) as old:
        old.bind(str(stale))
    prepare(stale)
    assert not stale.exists()


def test_a_name_too_long_for_the_kernel_is_said(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="at most 107 bytes"):
        prepare(tmp_path / ("x" * 120))
