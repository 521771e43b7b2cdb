"""Routers from elsewhere: found, asked, and started with the flags that they have."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.errors import Broken
from lab.network.topology import RouterKind
from lab.options import Options
from lab.parts import Part
from lab.routers import frr, other_versions
from lab.routers.bird import Bird
from pointsman.runtime.errors import Misuse

# What the programs of those Debian packages print.
VERSIONS = {
    "8.4.4": "zebra version 8.4.4\nCopyright 1996-2005 Kunihiro Ishiguro, et al.\n",
    "10.3": "zebra version 10.3\nCopyright 1996-2005 Kunihiro Ishiguro, et al.\n",
    "10.7.1": "zebra version 10.7.1\nCopyright 1996-2005 Kunihiro Ishiguro, et al.\n",
    "2.0.12": "BIRD version 2.0.12\n",
    "2.17.6": "BIRD version 2.17.6\n",
    "3.4.0": "BIRD version 3.4.0\n",
}
COMMON = """Usage: bfdd [OPTION...]
  -F, --profile      Use specified configuration profile
  -f, --config_file  Set configuration file name
  -P, --vty_port     Set vty's port number
"""
BFDD_8_4 = f"{COMMON}      --bfdctl       Specify bfdd control socket\n"
BFDD_10 = f"{COMMON}      --dplaneaddr   Specify BFD data plane address\n"
STATICD_10 = (
    "  -F, --profile      Use specified\n  -i, --pid_file     Set process identifier file\n"
)
MISSING = "zebra: error while loading shared libraries: libyang.so.3: cannot open shared object"

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a folder with a program that prints those *words*, whatever it is asked."""

    def made(place: str, words: str) -> Path:
        file = tmp_path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\ncat <<'END'\n{words}\nEND\n")
        file.chmod(0o755)
        return tmp_path

    return made


@pytest.mark.parametrize(("release", "output"), VERSIONS.items())
def test_the_version_is_what_the_program_says(release: str, output: str) -> None:
    assert other_versions.read_version(output) == release


@pytest.mark.parametrize("output", [MISSING, "", "zebra version unknown", "a version 1.2 of it"])
def test_other_words_are_no_version(output: str) -> None:
    assert other_versions.read_version(output) == ""


@pytest.mark.parametrize(
    ("output", "flag", "known"),
    [
        (BFDD_8_4, "--bfdctl", True),
        (BFDD_10, "--bfdctl", False),
        (BFDD_10, "--dplane", False),  # a part of a word
        (BFDD_10, "-f", True),
        (STATICD_10, "-f", False),  # though it has -F and --profile
    ],
)
def test_the_help_tells_which_flags_there_are(output: str, flag: str, known: bool) -> None:
    assert other_versions.knows(output, flag) is known


@pytest.mark.parametrize(("output", "given"), [(BFDD_8_4, True), (BFDD_10, False)])
def test_bfdd_gets_its_control_socket_where_it_has_one(
    make: Make, output: str, given: bool
) -> None:
    for daemon in ("zebra", "bgpd"):
        make(f"usr/lib/frr/{daemon}", COMMON)
    part = other_versions.find(make("usr/lib/frr/bfdd", output), RouterKind.FRR)
    assert part
    bfdd = dict(frr.Frr(part, Path("/run/x")).daemons())["bfdd"][-1]
    assert ("--bfdctl /run/x/bfdd.sock" in bfdd) is given
    assert "bfdd.conf" in bfdd


@pytest.mark.parametrize(("output", "given"), [(COMMON, True), (STATICD_10, False)])
def test_staticd_reads_its_file_where_it_can(make: Make, output: str, given: bool) -> None:
    make("usr/lib/frr/zebra", "")
    part = other_versions.find(make("usr/lib/frr/staticd", output), RouterKind.FRR)
    assert part
    script = frr.Frr(part, Path("/run/x")).daemon("staticd")[-1]
    assert ("staticd -f /run/x/staticd.conf" in script) is given
    assert "-i /run/x/staticd.pid" in script


@pytest.mark.parametrize("by_mgmtd", [True, False])
def test_a_mgmtd_s_sockets_are_each_router_s_own(make: Make, by_mgmtd: bool) -> None:
    make("usr/lib/frr/staticd", STATICD_10)
    if by_mgmtd:
        make("usr/lib/frr/mgmtd", STATICD_10)
    part = other_versions.find(make("usr/lib/frr/zebra", COMMON), RouterKind.FRR)
    assert part
    router = frr.Frr(part, Path("/run/x"))
    assert router.takes_static_routes_by_mgmtd() is by_mgmtd
    for script in (router.vtysh(), router.daemon("zebra")[-1], router.daemon("staticd")[-1]):
        assert ("mount --bind /run/x /run/frr" in script) is by_mgmtd


@pytest.mark.parametrize("below", ["", "frr/"])
def test_a_libc_of_its_own_comes_with_its_loader(make: Make, below: str) -> None:
    """The host's programs around it hear nothing of those libraries."""
    folder = make(f"{below}usr/lib/frr/zebra", "")
    make(f"{below}usr/lib/frr/bfdd", BFDD_10)
    make(f"{below}usr/lib/x86_64-linux-gnu/frr/libfrr.so.0", "")
    (folder / below / "usr/share/yang").mkdir(parents=True)
    part = other_versions.find(folder, RouterKind.FRR)
    assert part
    assert part.environment()["LD_LIBRARY_PATH"].endswith("x86_64-linux-gnu/frr")
    make(f"{below}usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", BFDD_10)
    part = other_versions.find(folder, RouterKind.FRR)
    assert part
    loader = f"{part.root}/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
    router = frr.Frr(part, Path("/run/x"))
    for script in (router.vtysh(), *(argv[-1] for _, argv in router.daemons())):
        assert f"{loader} --library-path {part.libraries} " in script
        assert f"mount --bind {part.root}/usr/share /usr/share" in script
        assert "LD_LIBRARY_PATH" not in script
    assert part.environment() == router.environment() == {}


def test_bird_and_birdc_are_run_by_their_loader_too() -> None:
    part = Part(Path("/r"), Path("/r/usr/sbin/bird"), "/r/lib", loader="/r/lib/ld.so")
    bird = Bird(part, Path("/run/x"))
    ((_, argv),) = bird.daemons()
    assert "/r/lib/ld.so --library-path /r/lib /r/usr/sbin/bird -f" in " ".join(argv)
    assert "exec /r/lib/ld.so --library-path /r/lib /r/usr/sbin/birdc -s" in bird.birdc()
    assert "LD_LIBRARY_PATH" not in bird.birdc()
    assert bird.environment() == {}


@pytest.mark.parametrize("below", ["", "bird/"])
def test_what_the_folder_has_is_said_with_its_version(make: Make, below: str) -> None:
    folder = str(make(f"{below}usr/sbin/bird", VERSIONS["2.17.6"]))
    assert other_versions.given_parts(folder) == folder
    options = Options(router=RouterKind.BIRD, parts=folder)
    (output,) = other_versions.report(options)
    assert output == f"BIRD 2.17.6 of {Path(folder) / below}"
    assert list(other_versions.report(Options(parts=folder, without=("router",)))) == []
    assert Options.from_json(options.to_json()) == options


def test_a_version_that_nobody_tried_is_said_and_runs(make: Make) -> None:
    folder = str(make("usr/sbin/bird", "BIRD version 4.1"))
    _, output = other_versions.report(Options(router=RouterKind.BIRD, parts=folder))
    assert "BIRD 4.1 was never tried: 2.0, 2.17, 3.4 were." in output


def test_a_program_that_does_not_run_is_named_with_its_words(make: Make) -> None:
    folder = make("usr/lib/frr/zebra", MISSING)
    with pytest.raises(Broken, match=r"names no version, it says: zebra: error.*libyang.so.3"):
        list(other_versions.report(Options(parts=str(folder))))
    (folder / "usr/lib/frr/zebra").chmod(0o600)
    part = Part(folder, folder / "usr/lib/frr/zebra", version="another to the cache")
    with pytest.raises(Broken, match="can't be run"):
        other_versions.version(part)


def test_a_folder_without_a_router_is_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="there is no such folder"):
        other_versions.given_parts(str(tmp_path / "none"))
    with pytest.raises(Misuse, match="neither usr/lib/frr/zebra nor usr/sbin/bird"):
        other_versions.given_parts(str(tmp_path))
    folder = str(make("usr/sbin/bird", VERSIONS["3.4.0"]))
    with pytest.raises(Misuse, match="has no FRR, which is all that this lab runs"):
        list(other_versions.report(Options(parts=folder)))
    assert list(other_versions.report(Options(parts=folder, routers=2)))  # a BIRD beside the FRR
