"""The Dockerfile, as far as it can be judged without Docker; `make image` builds it."""

import re

from tests.deploy.test_manifests import ROOT, UID

TEXT = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.M))
STAGES = re.split(r"^FROM ", TEXT, flags=re.M)[1:]
LAST = STAGES[-1]


def test_what_is_shipped_is_copied_and_nothing_runs_there() -> None:
    """Whatever builds, downloads or compiles does so in a stage that is thrown away."""
    assert LAST.startswith("base\n")
    assert not re.search(r"^RUN ", LAST, re.M)
    copied = re.findall(r"^COPY --from=\w+ \S+ (\S+)$", LAST, re.M)
    assert copied == ["/usr/bin/gobgpd", "/opt/pointsman"]
    assert f"\nUSER {UID}:{UID}\n" in LAST


def test_the_environment_that_is_shipped_has_no_pip() -> None:
    assert "venv --without-pip /opt/pointsman" in TEXT
    assert "tools.slim /opt/pointsman" in TEXT
    assert "/opt/pointsman/bin/pip" not in TEXT


def test_packages_are_those_that_are_pinned() -> None:
    installs = re.findall(r"pip (?:--python \S+ )?install (.*?)(?:&&|$)", TEXT, re.M)
    assert len(installs) == 3
    for words in installs:
        assert "--require-hashes" in words or "--no-index" in words, words


def test_its_labels_are_those_of_the_open_container_initiative() -> None:
    (version,) = re.findall(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)
    assert f"VERSION={version} " in LAST
    names = set(re.findall(r"org\.opencontainers\.image\.(\w+)=", LAST))
    assert names == {"title", "description", "licenses", "version", "revision", "source"}


def test_no_architecture_is_named() -> None:
    assert not re.search(r"amd64|arm64|x86_64|aarch64", TEXT)


def test_what_the_build_copies_is_let_in() -> None:
    let_in = (ROOT / ".dockerignore").read_text().split()
    for name in ("requirements", "tools", "pyproject.toml", "hatch_build.py", "standin"):
        assert f"!{name}" in let_in
    assert let_in[0] == "*"  # and nothing else: no .git, no build folder, no secrets
