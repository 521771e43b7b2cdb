"""Which archive the parts come from, read from every form of apt's sources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pointsman.runtime.errors import Failed
from tools.sources import Source, machine_sources, main_archive, read_deb822

MIRROR = "http://mirror.example/debian"
SECURITY = "http://mirror.example/debian-security"

DEB822 = f"""
# Modernized by hand
Types: deb
URIs: {MIRROR}
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: {SECURITY}
Suites: bookworm-security
Components: main
"""
ONE_LINE = f"""
# deb http://commented.example/debian bookworm main
deb {SECURITY} bookworm-security main
deb-src {MIRROR} bookworm main
deb [arch=amd64,arm64 signed-by=/etc/key.gpg] {MIRROR} bookworm main contrib # ours
"""
THIRD_PARTY = DEB822.replace("mirror.example", "aaa.example")


@pytest.mark.parametrize(
    ("files", "options"),
    [
        pytest.param(
            {"sources.list.d/debian.sources": DEB822},
            (("Signed-By", "/usr/share/keyrings/debian-archive-keyring.gpg"),),
            id="a deb822 file gives the stanza of the release, not of its security updates",
        ),
        pytest.param(
            {"sources.list": ONE_LINE},
            (("Architectures", "amd64 arm64"), ("Signed-By", "/etc/key.gpg")),
            id="a one-line list gives its archive with its options",
        ),
        pytest.param(
            {"sources.list.d/aaa.sources": THIRD_PARTY, "sources.list.d/debian.sources": DEB822},
            (("Signed-By", "/usr/share/keyrings/debian-archive-keyring.gpg"),),
            id="somebody else's archive with a like-named suite comes after Debian's own file",
        ),
    ],
)
def test_the_main_archive_is_found_among_others(
    tmp_path: Path, files: dict[str, str], options: tuple[tuple[str, str], ...]
):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    archive = main_archive(machine_sources(tmp_path), "bookworm")
    assert archive.uri == MIRROR
    assert archive.options == options


def test_no_archive_is_a_sentence(tmp_path: Path):
    with pytest.raises(Failed, match=r"no Debian archive with suite 'bookworm'.*sources\.list\.d"):
        main_archive(machine_sources(tmp_path), "bookworm")


def test_disabled_and_source_stanzas_are_no_archives():
    disabled = DEB822.replace("Types: deb\n", "Types: deb\nEnabled: no\n")
    assert list(read_deb822(disabled)) == []
    assert list(read_deb822(DEB822.replace("Types: deb\n", "Types: deb-src\n"))) == []


def test_an_inline_key_survives_the_way_into_the_private_stanza():
    key = "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n"
    text = re.sub(r"Signed-By: .*\n", key, DEB822)
    stanza = next(read_deb822(text)).stanza(["trixie"])
    assert stanza.startswith(f"Types: deb\nURIs: {MIRROR}\nSuites: trixie\nComponents: main\n")
    assert stanza.splitlines()[-3:] == key.splitlines()[-3:]


def test_a_stanza_reads_back_as_itself():
    source = Source(MIRROR, ("sid",), ("main",), (("Trusted", "yes"),))
    assert list(read_deb822(source.stanza(["sid"]))) == [source]
