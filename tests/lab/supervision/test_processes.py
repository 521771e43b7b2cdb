from pathlib import Path

import pytest

from lab.options import Options
from lab.supervision.processes import capability_words
from lab.supervision.programs import Program, Programs, Rights


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (0, "none"),
        (1 << 13, "net_raw"),
        (1 << 12 | 1 << 13, "net_admin,net_raw"),
        ((1 << 41) - 1, "all"),
        (1 << 40, "cap_40"),
    ],
)
def test_capabilities_in_words(mask: int, words: str) -> None:
    assert capability_words(mask) == words


def test_the_namespace_is_entered_before_the_rights_are_dropped() -> None:
    argv = Program("agent:node1", ("x",), "node1", Rights.NET_RAW).argv("a")
    assert argv[1:5] == ["netns", "exec", "pm-a-node1", "setpriv"]
    assert "--bounding-set=-all,+net_raw" in argv
    assert "--no-new-privs" in argv
    assert argv[-1] == "x"


def test_only_the_labs_own_tools_keep_rights(tmp_path: Path) -> None:
    programs = Programs(Options(without=("sidecar",)))
    product = {program.name: program.rights for program in programs.product()}
    assert product == {
        "manager": Rights.NONE,
        "agent:node1": Rights.NET_RAW,
        "agent:node2": Rights.NET_RAW,
        "agent:node3": Rights.NET_RAW,
    }


def test_what_is_left_out_is_not_started() -> None:
    programs = Programs(
        Options(without=("manager", "sidecar", "agents", "pods", "router", "proxy"))
    )
    assert [*programs.network(), *programs.proxy(), *programs.product()] == []


def test_flags_reach_the_manager() -> None:
    options = Options(require_class=True, manager_args=("--log-level=debug",), without=("sidecar",))
    (manager, *_) = Programs(options).product()
    assert manager.command[-2:] == ("--require-class", "--log-level=debug")
