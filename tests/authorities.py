"""Certificate authorities as different makers shape them, and servers that show what they signed.

The shapes are read off what those programs write; the keys are made here, with openssl.
"""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

NAME: Final = "api.example.com"
LEAF: Final = ("extendedKeyUsage=serverAuth", f"subjectAltName=DNS:{NAME},IP:127.0.0.1")
KEYS_OF_LEAF: Final = "keyUsage=critical,digitalSignature,keyEncipherment"
SIGNING: Final = "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign"
IDENTIFIED: Final = ("subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid")


EC: Final = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
RSA: Final = ("rsa:2048",)


@dataclass(frozen=True, slots=True)
class Shape:
    """Extensions of a CA and of what it signs; and the CA's kind of key."""

    ca: tuple[str, ...]
    leaf: tuple[str, ...]
    key: tuple[str, ...] = EC


SHAPES: Final[Mapping[str, Shape]] = {
    "kubeadm": Shape(
        (
            SIGNING,
            "basicConstraints=critical,CA:TRUE",
            IDENTIFIED[0],
            "subjectAltName=DNS:kubernetes",
        ),
        (KEYS_OF_LEAF, "basicConstraints=critical,CA:FALSE", IDENTIFIED[1], *LEAF),
        RSA,
    ),
    "k3s": Shape(
        (SIGNING, "basicConstraints=critical,CA:TRUE", IDENTIFIED[0]),
        (KEYS_OF_LEAF, IDENTIFIED[1], *LEAF),
    ),
    "microk8s: no key usage, no authority key identifier": Shape(
        ("basicConstraints=critical,CA:TRUE", IDENTIFIED[0]), LEAF
    ),
    "EKS: a CA without a subject key identifier": Shape(
        (SIGNING, "basicConstraints=critical,CA:TRUE"), (KEYS_OF_LEAF, *LEAF)
    ),
    "basic constraints that aren't critical": Shape(
        ("basicConstraints=CA:TRUE", *IDENTIFIED), (*IDENTIFIED, *LEAF)
    ),
    "a path length without a key usage": Shape(
        ("basicConstraints=critical,CA:TRUE,pathlen:0", IDENTIFIED[0]), LEAF
    ),
    "hand-made, without extensions": Shape((), (f"subjectAltName=DNS:{NAME},IP:127.0.0.1",)),
}


def openssl(*words: object) -> None:
    done = subprocess.run(
        ["openssl", *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def sign(
    folder: Path,
    name: str,
    *,
    by: str,
    extensions: tuple[str, ...],
    dates: str,
    key: tuple[str, ...] = EC,
) -> None:
    """Make NAME.key and NAME.crt, signed by BY.key, valid as *dates* says; BY == NAME: by itself.

    By `openssl ca`: the one command of every version that takes dates.
    """
    if by == name and not extensions:
        _first_version(folder, name)
        return
    # Newer versions of openssl add identifiers unless they are told not to.
    named = {line.partition("=")[0] for line in extensions}
    bare = ("subjectKeyIdentifier", "authorityKeyIdentifier")
    extensions += tuple(f"{one}=none" for one in bare if one not in named)
    (folder / "index.txt").write_text("")
    (folder / "serial").write_text("0A")
    section = "x509_extensions = ext\n[ext]\n" + "\n".join(extensions)
    (folder / "conf").write_text(
        f"[ca]\ndefault_ca = one\n[one]\ndatabase = {folder}/index.txt\nserial = {folder}/serial\n"
        f"new_certs_dir = {folder}\ndefault_md = sha256\npolicy = any\nunique_subject = no\n"
        f"{section}\n[any]\ncommonName = supplied\n[req]\ndistinguished_name = dn\n[dn]\n"
    )
    request = ("req", "-new", "-newkey", *key, "-nodes", "-config", folder / "conf")
    files = ("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr")
    openssl(*request, "-subj", f"/CN={name}", *files)
    signing = folder / f"{by}.key"
    signer = ("-selfsign",) if by == name else ("-cert", str(folder / f"{by}.crt"))
    asked = ("-in", folder / f"{name}.csr", "-out", folder / f"{name}.crt", "-notext", "-batch")
    start, _, end = dates.partition(" ")
    span = ("-startdate", start, "-enddate", end)
    openssl("ca", "-config", folder / "conf", *signer, "-keyfile", signing, *asked, *span)


def _first_version(folder: Path, name: str) -> None:
    """Make a certificate of X.509 version 1, which has no extensions, as old tools did."""
    (folder / "conf").write_text("[req]\ndistinguished_name = dn\n[dn]\n")
    helped = subprocess.run(
        ["openssl", "req", "-help"], capture_output=True, text=True, check=False
    )
    old = ("-x509v1",) if "-x509v1" in helped.stdout + helped.stderr else ("-x509",)
    files = ("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt")
    key = ("-newkey", *EC, "-nodes", "-days", 9)
    openssl("req", *old, *key, "-config", folder / "conf", "-subj", f"/CN={name}", *files)


NOW: Final = "20200101000000Z 20990101000000Z"
PAST: Final = "20200101000000Z 20210101000000Z"
FUTURE: Final = "20980101000000Z 20990101000000Z"


def authority(folder: Path, shape: Shape, *, dates: str = NOW, leaf_dates: str = NOW) -> Path:
    """Return *folder* with ca.crt, server.crt and server.key of *shape* in it."""
    folder.mkdir(parents=True, exist_ok=True)
    sign(folder, "ca", by="ca", extensions=shape.ca, dates=dates, key=shape.key)
    sign(folder, "server", by="ca", extensions=shape.leaf, dates=leaf_dates)
    return folder


@asynccontextmanager
async def shown(folder: Path, body: bytes) -> AsyncIterator[int]:
    """Serve *body* over HTTPS with what *folder* holds; yield the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            head = (
                f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
            )
            writer.write(head.encode() + b"\r\nConnection: close\r\n\r\n" + body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # it did not trust us
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
