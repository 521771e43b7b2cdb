"""Flags of the manager: what they become, and the sentence for those that can't be meant."""

import socket
from pathlib import Path

import pytest

from manager.__main__ import main, options, parser
from manager.snapshot import Settings
from pointsman.runtime.errors import Misuse
from pointsman.runtime.listen_address import ListenAddress
from tests.manager.adapters.kubernetes.standin_cluster import kubeconfig


def test_the_defaults() -> None:
    found = options(parser().parse_args(["--name", "manager-0"]))
    assert (found.name, found.namespace, found.kubeconfig) == (
        "manager-0",
        "pointsman-system",
        None,
    )
    assert found.gobgp_sockets == (Path("/run/pointsman/gobgp/gobgp.sock"),)
    assert found.lease_duration_s == 6
    assert found.settings == Settings(speaker_name="manager-0")


def test_flags_win() -> None:
    flags = [
        *("--name", "m.example", "--namespace", "lb", "--kubeconfig", "k", "--gobgp-socket", "s"),
        *("--require-class", "--drain-taints", " a/b, ,c", "--lease-duration-s", "3"),
    ]
    found = options(parser().parse_args(flags))
    assert (found.name, found.namespace) == ("m.example", "lb")
    assert (found.kubeconfig, found.gobgp_sockets) == (Path("k"), (Path("s"),))
    assert found.lease_duration_s == 3
    assert found.settings == Settings(
        require_class=True, drain_taints=frozenset({"a/b", "c"}), speaker_name="m.example"
    )


def test_no_drain_taints_at_all() -> None:
    found = options(parser().parse_args(["--name", "m", "--drain-taints", ""]))
    assert found.settings.drain_taints == frozenset()


def test_whose_annotations_are_honoured() -> None:
    given = ["--name", "m", "--honour-annotations", "metallb, openelb"]
    assert options(parser().parse_args(given)).settings.honoured == ("metallb", "openelb")
    with pytest.raises(Misuse, match="'metalb'"):
        options(parser().parse_args(["--name", "m", "--honour-annotations", "metalb"]))


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (":7470", ListenAddress("", 7470)),
        ("192.0.2.10:99", ListenAddress("192.0.2.10", 99)),
        ("[2001:db8::10]:99", ListenAddress("2001:db8::10", 99)),
        ("off", None),
    ],
)
def test_where_heartbeats_are_heard(given: str, found: ListenAddress | None) -> None:
    flags = ["--name", "m", "--heartbeat", given]
    assert options(parser().parse_args(flags)).heartbeat == found
    assert options(parser().parse_args(["--name", "m"])).heartbeat == ListenAddress("", 7470)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "7470",
        "host:7470",
        ":0",
        ":65536",
        ":-1",
        "2001:db8::10:99",
        "[192.0.2.1]:9",
        "[::1%lo]:9",
    ],
)
def test_where_nothing_can_be_heard_is_a_sentence(given: str) -> None:
    with pytest.raises(Misuse, match="is no address and port: write it as"):
        options(parser().parse_args(["--name", "m", "--heartbeat", given]))


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        pytest.param(["--name", "Node_1"], "'Node_1' cannot name a replica", id="no name"),
        pytest.param(["--name", "-"], "cannot name a replica", id="a lone dash"),
        pytest.param(
            ["--name", "m", "--lease-duration-s", "2"],
            "A lease of 2 s is too short to be renewed in time: give --lease-duration-s 3 or more.",
            id="a lease too short",
        ),
        pytest.param(
            ["--name", "m", "--lease-duration-s", "nan"], "A lease of nan s", id="no number"
        ),
        pytest.param(
            ["--name", "m", "--kubeconfig", "/nowhere"], "Name a kubeconfig", id="no kubeconfig"
        ),
        pytest.param(["--name", "m"], "the Pod's service account", id="outside a Pod"),
        pytest.param(["--log-level", "loud"], "invalid choice: 'loud'", id="no level"),
        pytest.param(["--lease-duration-s", "long"], "invalid float value", id="no duration"),
        pytest.param(
            ["--name", "m", "--http", "localhost:9472"],
            "--http 'localhost:9472' is no ADDRESS:PORT: give",
            id="no address for HTTP",
        ),
        pytest.param(["--unknown"], "unrecognized arguments: --unknown", id="no such flag"),
    ],
)
def test_misuse_is_a_sentence_and_status_2(
    flags: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert main(flags) == 2
    printed = capsys.readouterr().err
    assert sentence in printed
    assert "Traceback" not in printed


def test_help_is_no_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "--gobgp-socket" in capsys.readouterr().out


def test_a_socket_more_is_a_speaker_more() -> None:
    found = options(parser().parse_args(["--name=a", "--gobgp-socket=x", "--gobgp-socket=y"]))
    assert found.gobgp_sockets == (Path("x"), Path("y"))
    assert found.settings.speakers == 2
    with pytest.raises(Misuse, match="Two speakers cannot have one socket"):
        options(parser().parse_args(["--name=a", "--gobgp-socket=x", "--gobgp-socket=x"]))


@pytest.mark.parametrize("given", ["", ".", "/"])
def test_a_socket_without_a_name_is_a_sentence(given: str) -> None:
    """As of a variable in a manifest that is not set."""
    with pytest.raises(Misuse, match="--gobgp-socket names no file"):
        options(parser().parse_args(["--name=a", f"--gobgp-socket={given}"]))


def test_a_busy_port_is_a_sentence_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        config = kubeconfig(tmp_path / "k", "http://127.0.0.1:9")
        socket_path = str(tmp_path / "gobgp.sock")
        flags = ["--name=m", f"--kubeconfig={config}", f"--gobgp-socket={socket_path}"]
        assert main([*flags, f"--http={where}"]) == 2
    sentence = f"pointsman manager: --http {where}: another program listens there already"
    assert sentence in capsys.readouterr().err


def test_health_and_metrics_are_off_unless_asked_for() -> None:
    found = options(parser().parse_args(["--name=m"]))
    assert (found.http, found.metrics_per_service) == (None, False)
    asked = ["--name=m", "--http=:9472", "--metrics-per-service"]
    found = options(parser().parse_args(asked))
    assert (found.http, found.metrics_per_service) == (ListenAddress("", 9472), True)


@pytest.mark.parametrize(
    ("flags", "asked"),
    [
        pytest.param((), (10250, 10256), id="the usual ones"),
        pytest.param(("--kubelet-port", "11250", "--proxy-port", "0"), (11250,), id="no proxy"),
        pytest.param(("--kubelet-port", "0", "--proxy-port", "0"), (), id="nobody"),
    ],
)
def test_which_ports_of_a_node_are_asked(flags: tuple[str, ...], asked: tuple[int, ...]) -> None:
    found = options(parser().parse_args(["--name", "m", *flags]))
    assert found.witness_ports.asked == asked


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--proxy-port", "65536"), "--proxy-port 65536 is no TCP port: give 1 to 65535, or 0"),
        (("--kubelet-port", "-1"), "--kubelet-port -1 is no TCP port"),
        (("--kubelet-port", "10256"), "--kubelet-port and --proxy-port are both 10256"),
    ],
)
def test_ports_that_cannot_be_meant(flags: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(Misuse, match=sentence):
        options(parser().parse_args(["--name", "m", *flags]))


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--lease-duration-s", "1e99"), r"A lease of 1e\+99 s would leave nobody leading"),
        (("--lease-duration-s", "inf"), "A lease of inf s would leave nobody leading"),
        (("--lease-duration-s", "nan"), "A lease of nan s is too short"),
        (("--namespace", "a b"), "--namespace 'a b' can't be the name of a namespace"),
        (("--namespace", ""), "--namespace '' can't be the name of a namespace"),
        (
            ("--drain-taints", "rack/off=yes:NoSchedule"),
            "--drain-taints: 'rack/off=yes:NoSchedule' is",
        ),
    ],
)
def test_values_that_could_never_work_are_refused_at_the_start(
    flags: tuple[str, ...], sentence: str
) -> None:
    """Later the API server would refuse each Lease, and nothing would say which flag did it."""
    with pytest.raises(Misuse, match=sentence):
        options(parser().parse_args(["--name", "m", *flags]))
