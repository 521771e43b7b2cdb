"""Every command that the documentation shows exists, with the flags it is shown with."""

from __future__ import annotations

import argparse
import importlib
import itertools
import re
from typing import Any

import pytest

import agent.__main__
import lab.__main__
import manager.__main__
from cli.__main__ import COMMANDS
from tests.docs import pages
from tests.docs.pages import ROOT, Block

BLOCKS = [
    block
    for page in pages.pages()
    for block in pages.blocks(page)
    if block.language in ("sh", "console")
]
PROGRAMS: dict[str, Any] = {"manager": manager, "agent": agent}
TARGETS = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
# What a reader's machine has anyway; a misspelt command is none of these.
ORDINARY = {
    "cd", "containerlab", "curl", "docker", "export", "git", "ip", "journalctl", "kind", "sed",
    "vtysh", "birdc", "jq",
}  # fmt: skip
ASSIGNED = re.compile(r"[A-Z_]+=\$\((.*)\)")  # NAME=$(command)
KUBECTL = {
    "annotate", "api-resources", "apply", "auth", "create", "delete", "describe", "drain",
    "exec", "explain", "get", "label", "logs", "patch", "rollout", "scale", "set", "taint",
    "uncordon", "wait",
}  # fmt: skip


HELM = {"install", "upgrade", "rollback", "uninstall"}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_every_command_exists(block: Block) -> None:
    for line, command in pages.commands(block):
        plain = ASSIGNED.fullmatch(command)
        for simple in pages.words(plain[1] if plain else command.partition(" #")[0]):
            check(simple, f"{block.page}:{line}: {command}")


def check(words: list[str], where: str) -> None:
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    if not words:
        return
    program, *rest = words
    if rest in (["--help"], ["--version"]):
        return
    if program == "kubectl" and rest[:1] == ["pointsman"]:
        program, rest = "pointsman", rest[1:]
    if program.endswith("python") and rest[:1] == ["-m"]:
        program, rest = {"cli": "pointsman"}.get(rest[1], rest[1]), rest[2:]
        if program in ("lab", "manager", "agent"):
            program, rest = "pointsman", [program, *rest]
    if program == "make":
        assert all(word in TARGETS or "=" in word for word in rest), where
    elif program == "pointsman":
        parses(rest, where)
    elif program == "kubectl":
        if "--" in rest:  # another program, in a Pod
            check(rest[rest.index("--") + 1 :], where)
        verb = rest[2] if rest[0] == "-n" else rest[0]
        assert verb in KUBECTL, where
        for flag, value in itertools.pairwise(rest):
            if flag == "-f" and value.startswith(("crds", "deploy", "docs")):
                assert (ROOT / value).exists(), f"{where}: there is no {value}"
    elif program == "python3" and rest[0] != "-m":
        assert (ROOT / rest[0]).is_file(), f"{where}: there is no {rest[0]}"
    elif program == "helm":
        assert rest[0] in HELM, where
        for word in rest:
            if word.startswith("deploy"):
                assert (ROOT / word / "Chart.yaml").is_file(), f"{where}: {word} is no chart"
    else:
        assert program in ORDINARY | {"pytest", "sidecars.gobgp", "tools.docker"}, where


def parses(words: list[str], where: str) -> None:
    command, rest = words[0], words[1:]
    try:
        parser(command).parse_args(rest[: rest.index("--")] if "--" in rest else rest)
    except SystemExit as end:
        if end.code != 0:  # 0: --help
            raise AssertionError(where) from end


def parser(command: str) -> argparse.ArgumentParser:
    if command == "lab":
        return lab.__main__.parser()
    if command in ("manager", "agent"):
        made: argparse.ArgumentParser = PROGRAMS[command].__main__.parser()
        return made
    assert command in COMMANDS, command
    asked = argparse.ArgumentParser(allow_abbrev=False)
    module = importlib.import_module(f"cli.commands.{command.replace('-', '_')}")
    module.arguments(asked)
    return asked


WHOLE = "\n".join(map(pages.read, pages.pages()))


@pytest.mark.parametrize("command", [*COMMANDS, "manager", "agent", "lab"])
def test_every_command_is_described(command: str) -> None:
    assert re.search(rf"\| `(?:pointsman )?{command}\b|`{command}`", WHOLE)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_flag_of_a_program_is_described(program: str) -> None:
    page = pages.read("docs/operations.md")
    for action in parser(program)._actions:
        flag = action.option_strings[-1]
        assert flag == "--help" or f"`{flag}" in page, flag


def test_every_verb_and_flag_of_the_lab_is_described() -> None:
    page = pages.read("docs/lab.md")
    (verbs,) = (a for a in parser("lab")._actions if isinstance(a, argparse._SubParsersAction))
    for verb, made in verbs.choices.items():
        assert f"lab {verb}`" in page or f"`lab {verb} " in page, verb
        for action in made._actions:
            flag = action.option_strings[-1] if action.option_strings else ""
            known = flag in ("", "--help", "--version", "--output", "--name") or flag in page
            assert known, f"lab {verb} {flag}"


# Of MetalLB and OpenELB, too: a bare name is whichever kubectl finds first.
BARE = re.compile(
    r"kubectl (?:delete|patch|get)[^\n`]*\b(?:eips?|bgpconfs?|bgppeers?|announcers?)\b(?!\.)[^\n`]*"
)


@pytest.mark.parametrize("page", [page for page in pages.pages() if page != "docs/lab.md"])
def test_what_takes_away_or_saves_ours_names_the_group(page: str) -> None:
    found = BARE.findall((ROOT / page).read_text())
    assert [one for one in found if " get " not in one or " -A " in one or ">" in one] == []
