import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.__main__ import main
from lab.errors import Broken
from lab.handle import Lab
from lab.network.topology import RouterKind
from lab.options import ApiKind, Options, completed, given_api, named_api, named_kube_proxy
from lab.supervision import lifecycle
from pointsman.runtime.errors import Misuse


def test_options_survive_being_stored() -> None:
    options = Options(
        name="x", nodes=2, router=RouterKind.BIRD, manager_args=("--a=b",), without=("proxy",)
    )
    assert Options.from_json(options.to_json()) == options


def test_differences_say_what_is_otherwise() -> None:
    mine, theirs = Options(nodes=3), Options(nodes=2, without=("pods",))
    assert mine.differences(mine) == []
    assert mine.differences(theirs) == ["nodes: 3, not 2", "without: none, not pods"]


def test_nothing_that_is_not_started_can_be_left_out() -> None:
    with pytest.raises(Misuse, match="'coffee' names nothing"):
        Options(without=("coffee",))


def test_kubeconfig_of_the_environment_is_ignored() -> None:
    """Nobody's production cluster gets fake nodes because a variable was set."""
    environment = {"KUBECONFIG": "/etc/production.kubeconfig"}
    assert completed(Options(), environment) == Options()
    assert given_api(None) == (ApiKind.STAND_IN, "")


@pytest.fixture
def real(tmp_path: Path) -> dict[str, str]:
    """An environment that names programs; nobody runs them."""
    for program in ("kube-apiserver", "etcd", "kube-proxy"):
        (tmp_path / program).touch(mode=0o755)
    return {"KUBEBUILDER_ASSETS": str(tmp_path), "KUBE_PROXY": str(tmp_path / "kube-proxy")}


def test_the_environment_completes_what_options_leave_open(real: dict[str, str]) -> None:
    found = completed(Options(nodes=2), real)
    assert (found.api, found.api_path) == (ApiKind.ASSETS, real["KUBEBUILDER_ASSETS"])
    assert found.kube_proxy == real["KUBE_PROXY"]
    assert found.nodes == 2


@pytest.mark.parametrize(
    ("without", "api", "proxy"),
    [
        pytest.param(("proxy",), ApiKind.ASSETS, False, id="no proxy"),
        pytest.param(("api",), ApiKind.STAND_IN, False, id="no API, so nothing to watch"),
    ],
)
def test_what_is_left_out_is_not_completed(
    real: dict[str, str], without: tuple[str, ...], api: ApiKind, proxy: bool
) -> None:
    found = completed(Options(without=without), real)
    assert (found.api, bool(found.kube_proxy)) == (api, proxy)


def test_a_kubeconfig_given_by_hand_wins(tmp_path: Path, real: dict[str, str]) -> None:
    file = tmp_path / "k"
    file.touch()
    api, path = given_api(str(file))
    assert (api, path) == (ApiKind.FOREIGN, str(file))
    assert completed(Options(api=api, api_path=path), real).api_path == str(file)
    with pytest.raises(Misuse, match="no such file"):
        given_api(str(tmp_path / "none"))


def test_assets_need_both_programs(tmp_path: Path) -> None:
    for program in ("kube-apiserver", "etcd"):
        with pytest.raises(Misuse, match=f"has no program {program}"):
            named_api({"KUBEBUILDER_ASSETS": str(tmp_path)})
        (tmp_path / program).touch(mode=0o755)
    assert named_api({"KUBEBUILDER_ASSETS": str(tmp_path)})[0] is ApiKind.ASSETS


def test_kube_proxy_must_be_a_program(tmp_path: Path) -> None:
    assert named_kube_proxy({}) == ""
    with pytest.raises(Misuse, match="isn't a program"):
        named_kube_proxy({"KUBE_PROXY": str(tmp_path / "none")})


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda: Lab.up(Options(name="never")), id="a test"),
        pytest.param(lambda: main(["demo", "--name", "never"]), id="the demo"),
        pytest.param(lambda: main(["up", "--detach", "--name", "never"]), id="lab up"),
    ],
)
def test_whatever_builds_a_lab_asks_the_environment(
    build: Callable[[], object], monkeypatch: pytest.MonkeyPatch, real: dict[str, str]
) -> None:
    started: list[Options] = []

    def start(options: Options, **_: object) -> None:
        started.append(options)
        raise Broken("far enough")

    monkeypatch.setattr(lifecycle, "start", start)
    monkeypatch.setattr(lifecycle, "check_machine", lambda: None)
    for name, value in real.items():
        monkeypatch.setenv(name, value)
    with contextlib.suppress(Broken):
        build()
    ((api, proxy),) = [(o.api, o.kube_proxy) for o in started]
    assert (api, proxy) == (ApiKind.ASSETS, real["KUBE_PROXY"])
