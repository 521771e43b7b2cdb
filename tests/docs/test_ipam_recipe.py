"""docs/ipam.md, played on a real NetBox: its recipe, in a lab, and what the page says of it then.

`make netbox` sets one up and says where it is; without one there is nothing to play it on.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e import cluster, labs
from e2e.bed import Bed
from lab.options import Options
from tests.docs import pages

URL = "POINTSMAN_NETBOX_URL"
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(URL not in os.environ, reason=f"no NetBox here: {URL} is not set"),
]
PAGE = "docs/ipam.md"
ITS_URL, ITS_PREFIX = "https://netbox.example.com", "198.51.100.0/28"
PREFIX = "198.51.100.64/28"  # here: the lab has an Eip of the other one


@dataclass(frozen=True, slots=True)
class Netbox:
    """The real one, as its administrator reaches it; and the way there of the lab's machines."""

    url: str
    authority: Path
    token: str
    control: Path

    def ask(self, method: str, path: str, body: object = None, token: str = "") -> tuple[int, Any]:
        """Return the status and the JSON of an answer."""
        command = [
            "curl",
            "-sS",
            "--cacert",
            str(self.authority),
            "-X",
            method,
            "-w",
            "\n%{http_code}",
        ]
        command += ["-H", f"Authorization: Bearer {token or self.token}"]
        command += ["-H", "Content-Type: application/json", f"{self.url}/api/{path}"]
        command += ["-d", json.dumps(body)] if body is not None else []
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        text, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(text) if text else None

    def entries(self) -> dict[str, Any]:
        """Return what it has in the prefix, by address."""
        status, answer = self.ask("GET", f"ipam/ip-addresses/?parent={PREFIX}")
        assert status == 200, answer
        return {one["address"].partition("/")[0]: one for one in answer["results"]}

    def relay(self, line: str) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.control))
            client.sendall(f"{line}\n".encode())
            assert client.recv(100) == b"ok\n"


@pytest.fixture(scope="module")
def lab() -> Iterator[Bed]:
    with labs.standing(Options(name=labs.fresh())) as up:
        cluster.prepare(up)
        yield up


@pytest.fixture(scope="module")
def netbox(lab: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Netbox]:
    """It answers at its 127.0.0.1:PORT on every machine of the lab."""
    url, control = os.environ[URL], tmp_path_factory.mktemp("relay") / "control.sock"
    target = url.removeprefix("https://")
    words = ["--port", target.rpartition(":")[2], "--target", target, "--control", str(control)]
    words += [lab.topology.namespace(machine) for machine in lab.topology.machines()]
    process = subprocess.Popen([sys.executable, "-m", "lab.cluster.relay", *words], cwd=pages.ROOT)
    try:
        lab.wait("the relay", control.exists)
        token = Path(os.environ["POINTSMAN_NETBOX_ADMIN"]).read_text().strip()
        yield Netbox(url, Path(os.environ["POINTSMAN_NETBOX_CA"]), token, control)
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def token(
    lab: Bed,
    netbox: Netbox,
    parts: Mapping[str, Mapping[str, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """What the page says was done, its Eip is there; return the token that was made."""
    folder = tmp_path_factory.mktemp("recipe")
    (config,) = (block for block in pages.blocks(PAGE) if block.title == "admin.curl")
    text = config.text.replace("nbt_KEY.TOKEN", netbox.token)
    (folder / "admin.curl").write_text(f'{text}cacert = "{netbox.authority}"\n')
    environment = {
        **os.environ,
        "NETBOX": netbox.url,
        "KUBECONFIG": str(lab.kubeconfig),
        "PATH": f"{Path(parts['kubectl']['path']).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
    }
    done = subprocess.run(
        ["bash", "-c", recipe()],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    lab.kubectl("apply", "-f", "-", stdin=eip(netbox))
    return (folder / "token").read_text()


def recipe() -> str:
    """Return the page's commands, in order, as one script."""
    steps = [
        step.command
        for block in pages.blocks(PAGE)
        if (block.language, block.title) == ("console", "netbox")
        for step in pages.shell_commands(block)
    ]
    assert len(steps) == 8
    return "\n".join(["set -eux", *steps]).replace(ITS_PREFIX, PREFIX)


def eip(netbox: Netbox) -> str:
    """Return the Eip of the page's top, as it reaches this NetBox."""
    first = next(block for block in pages.blocks(PAGE) if block.language == "yaml")
    made = yaml.safe_load(first.text.replace(ITS_URL, netbox.url).replace(ITS_PREFIX, PREFIX))
    made["metadata"]["name"], made["spec"]["default"] = "books", False
    made["spec"]["source"]["netbox"] |= {
        "caBundle": netbox.authority.read_text(),
        "quarantineSeconds": 1,
    }
    return json.dumps(made)


def make(lab: Bed, name: str) -> None:
    cluster.make(lab, name, notes={"eip": "books"})


def test_a_service_has_an_address_that_netbox_wrote_down_for_it(
    lab: Bed, netbox: Netbox, token: str
) -> None:
    make(lab, "web")
    (address,) = cluster.held(lab, "web")
    entry = netbox.entries()[address]
    uid = cluster.get(lab, "web")["metadata"]["uid"]
    assert entry["custom_fields"]["pointsman_owner"].endswith(f"/books/{uid}/IPv4")
    assert (entry["status"]["value"], entry["role"]["value"]) == ("active", "vip")
    assert "default/web" in entry["description"]
    cluster.routed(lab, address, "123")


def test_netbox_away_new_addresses_wait_and_what_is_held_stays(
    lab: Bed, netbox: Netbox, token: str
) -> None:
    make(lab, "before")
    (address,) = cluster.held(lab, "before")
    netbox.relay("freeze")
    netbox.relay("cut")
    try:
        make(lab, "meanwhile")
        lab.wait("the Eip to say so", lambda: _ready(lab)[:2] == ("False", "SourceUnavailable"))
        assert not cluster.addresses(lab, "meanwhile")
        assert cluster.verdicts(cluster.get(lab, "meanwhile"))["Allocated"][0] == "False"
        assert cluster.addresses(lab, "before") == [address]
    finally:
        netbox.relay("thaw")
    (given,) = cluster.held(lab, "meanwhile")
    assert given != address
    lab.wait("the Eip to be ready", lambda: _ready(lab)[0] == "True")
    owners = [one["custom_fields"]["pointsman_owner"] for one in netbox.entries().values()]
    assert len(owners) == len(set(owners)), "nothing was reserved twice"


def test_a_deleted_entry_is_written_again_and_the_address_stays(
    lab: Bed, netbox: Netbox, token: str
) -> None:
    make(lab, "deleted")
    (address,) = cluster.held(lab, "deleted")
    old = netbox.entries()[address]
    status, answer = netbox.ask("DELETE", f"ipam/ip-addresses/{old['id']}/")
    assert status == 204, answer
    owner = old["custom_fields"]["pointsman_owner"]
    lab.wait("the entry again", lambda: _owner(netbox, address) == owner, timeout_s=120)
    assert cluster.addresses(lab, "deleted") == [address]


def test_a_service_that_goes_leaves_no_entry(lab: Bed, netbox: Netbox, token: str) -> None:
    make(lab, "short")
    (address,) = cluster.held(lab, "short")
    cluster.delete(lab, "short")
    # Releases wait until the list of Services is a minute old.
    lab.wait("its end", lambda: address not in netbox.entries(), timeout_s=240)


def test_the_token_may_do_nothing_else(netbox: Netbox, token: str) -> None:
    status, others = netbox.ask("POST", "ipam/ip-addresses/", {"address": "198.51.100.78/28"})
    assert status == 201, others
    entry = f"ipam/ip-addresses/{others['id']}/"
    asked = {
        "read another's entry": ("GET", entry, None, 200),
        "change it": ("PATCH", entry, {"description": "ours"}, 404),
        "delete it": ("DELETE", entry, None, 404),
        "make one without an owner": (
            ("POST", "ipam/ip-addresses/", {"address": "198.51.100.77/28", "role": "vip"}, 403)
        ),
        "make a prefix": ("POST", "ipam/prefixes/", {"prefix": "198.51.100.96/28"}, 403),
        "see users": ("GET", "users/users/", None, 403),
    }
    for what, (method, path, body, wanted) in asked.items():
        status, answer = netbox.ask(method, path, body, token)
        assert status == wanted, f"{what}: {status} {answer}"


def _ready(lab: Bed) -> cluster.Verdict:
    made = lab.api.get(f"{cluster.CRS}/eips/books")
    return cluster.verdicts(made).get("Ready", ("", "", ""))


def _owner(netbox: Netbox, address: str) -> str:
    entry = netbox.entries().get(address)
    return entry["custom_fields"]["pointsman_owner"] if entry else ""
