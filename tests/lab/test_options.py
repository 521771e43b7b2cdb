from pathlib import Path

import pytest

from lab.options import ApiKind, Options, chosen_api, chosen_kube_proxy
from lab.topology import Misuse, RouterKind


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
    assert chosen_api(None, {"KUBECONFIG": "/etc/production.kubeconfig"}) == (ApiKind.STAND_IN, "")


def test_a_kubeconfig_given_by_hand_wins(tmp_path: Path) -> None:
    file = tmp_path / "k"
    file.touch()
    assert chosen_api(str(file), {"KUBEBUILDER_ASSETS": "/x"}) == (ApiKind.FOREIGN, str(file))
    with pytest.raises(Misuse, match="no such file"):
        chosen_api(str(tmp_path / "none"), {})


def test_assets_need_both_programs(tmp_path: Path) -> None:
    for program in ("kube-apiserver", "etcd"):
        with pytest.raises(Misuse, match=f"has no program {program}"):
            chosen_api(None, {"KUBEBUILDER_ASSETS": str(tmp_path)})
        (tmp_path / program).touch(mode=0o755)
    assert chosen_api(None, {"KUBEBUILDER_ASSETS": str(tmp_path)})[0] is ApiKind.ASSETS


def test_kube_proxy_must_be_a_program(tmp_path: Path) -> None:
    assert chosen_kube_proxy({}) == ""
    with pytest.raises(Misuse, match="isn't a program"):
        chosen_kube_proxy({"KUBE_PROXY": str(tmp_path / "none")})
