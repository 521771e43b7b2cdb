"""`make netbox`: a real NetBox on 127.0.0.1, the tests that want one, and nothing of it afterwards.

PostgreSQL and Redis are Debian 13's, NetBox is the one that requirements/netbox.txt pins, in a root
of their own below `build/netbox`. What runs there has mounts and processes of its own and ends with
us; the root and the migrated, empty database are kept, and made anew when what they are made of
changes. The tests run here, beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pointsman.runtime.errors import Failed
from tools import setup, trixie
from tools.children import running, spoken
from tools.netbox.inside import TOKEN
from tools.trixie import Root
from tools.turn import turn

ROOT: Final = Root("netbox", ("ca-certificates", "python3"))
TLS: Final = ROOT.build / "tls"
ADMIN: Final = ROOT.place / TOKEN.relative_to("/")
NAMES: Final = "subjectAltName=DNS:netbox.example.com,IP:127.0.0.1"
# The first start of a root migrates an empty database: minutes, on a busy machine many of them.
FIRST_ANSWER_S: Final = 3600.0
TESTS: Final = ("tests/conformance/ipam", "tests/docs/test_ipam_recipe.py", "e2e/ipam")


def make_certificate() -> None:
    """Make an authority and the certificate that it signed: files below TLS."""
    TLS.mkdir(parents=True, exist_ok=True)
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    new += ["-nodes", "-days", "2"]
    own = ["-subj", "/CN=an authority for tests", "-keyout", "ca.key", "-out", "ca.pem"]
    signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", NAMES]
    signed += ["-subj", "/CN=netbox.example.com", "-keyout", "key.pem", "-out", "cert.pem"]
    for words in (own, signed):
        done = subprocess.run([*new, *words], cwd=TLS, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(f"openssl made no certificate: {done.stderr.strip()}")


@contextlib.contextmanager
def standing() -> Iterator[Mapping[str, str]]:
    """Hold a NetBox that answers; yield the variables that say where and how to ask it."""
    make_certificate()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        tls = (TLS / "ca.pem").relative_to(setup.ROOT)
        inner = ["python3", "-m", "tools.netbox.inside", str(server.fileno()), "build/tls"]
        child = subprocess.Popen(
            trixie.inside(ROOT, inner), env=trixie.environment(), pass_fds=(server.fileno(),)
        )
    try:
        wait(child, port)
        yield {
            "POINTSMAN_NETBOX_URL": f"https://127.0.0.1:{port}",
            "POINTSMAN_NETBOX_CA": str(setup.ROOT / tls),
            "POINTSMAN_NETBOX_ADMIN": str(ADMIN),
        }
    finally:
        child.kill()
        child.wait()


def wait(child: subprocess.Popen[bytes], port: int) -> None:
    """Return once NetBox answers on *port*.

    Raises:
        Failed: *child* ended first, or never came so far.
    """
    end = time.monotonic() + FIRST_ANSWER_S
    while not answers(port):
        if child.poll() is not None:
            raise Failed(f"it ended before it answered; its logs are in {ROOT.build / 'logs'}.")
        if time.monotonic() > end:
            raise Failed(f"it did not answer within {FIRST_ANSWER_S:.0f} s.")
        time.sleep(1)


def answers(port: int) -> bool:
    """Whether NetBox knows its administrator."""
    try:
        header = {"Authorization": f"Bearer {ADMIN.read_text().strip()}"}
        trust = ssl.create_default_context(cafile=TLS / "ca.pem")
        client = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=trust)
        with contextlib.closing(client):
            client.request("GET", "/api/status/", headers=header)
            return client.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False


def work(command: Sequence[str]) -> int:
    """Run *command* beside a NetBox; return its exit status."""
    archive = trixie.get_debootstrap()
    with turn(ROOT.home, ROOT.name):
        trixie.make_root(ROOT, archive)
        trixie.furnish(ROOT, archive)
        with standing() as where, running(command, env=where) as child:
            for name, value in where.items():
                ROOT.say(f"{name}={value}")
            return child.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.netbox", description=__doc__)
    parser.add_argument(
        "word", nargs="*", help="a command to run beside it; by default the tests that want one"
    )
    options = parser.parse_args(arguments)
    os.chdir(setup.ROOT)
    tests = (sys.executable, "-m", "pytest", "-v", *TESTS)
    return spoken(ROOT.name, lambda: work(options.word or tests))


if __name__ == "__main__":
    sys.exit(main())
