"""Words for routers: what their operators type, what they then hear; and ours for the peer.

Configurations are whole files given to a running BIRD, or lines typed into vtysh; both
undo themselves.
"""

import base64
import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from e2e import labs
from e2e.bed import Bed, Broken
from e2e.bgp import spoken
from e2e.cluster import CRS, custom, verdicts
from lab import parts
from lab.network.topology import SECOND_ROUTER, RouterKind
from lab.routers import bird
from lab.routers.roles import roles

PEERS = f"{CRS}/bgppeers"
NAMESPACE = "pointsman-system"
SECOND = "192.0.2.2"  # the BIRD beside the FRR
SECOND6 = "2001:db8:2::2"
# Counts of paths are read back twice a minute, and a busy machine takes its time to look.
COUNTED_S = 180.0
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"


# --- our side ---


def peer(lab: Bed, name: str, address: str, asn: int, **spec: Any) -> None:
    """Create a BgpPeer; quick to connect."""
    if address in (SECOND, SECOND6):
        spoken.note(spoken.BIRD)
    timers = {"connectRetrySeconds": 2}
    body = custom("BgpPeer", name, {"address": address, "as": asn, "timers": timers, **spec})
    lab.api.create(PEERS, body)


def change(lab: Bed, name: str, **spec: Any) -> None:
    lab.api.merge(f"{PEERS}/{name}", {"spec": spec})


def condition(lab: Bed, name: str, kind: str = "Established") -> tuple[str, str, str] | None:
    return verdicts(lab.api.get(f"{PEERS}/{name}")).get(kind)


def reported(lab: Bed, name: str, kind: str, status: str, *words: str) -> str:
    """Wait for that condition of BgpPeer *name* with all *words* in it; return its message."""

    def look() -> str:
        found = condition(lab, name, kind)
        if found is None or found[0] != status or any(one not in found[2] for one in words):
            raise Broken(f"{kind} is {found}")
        return found[2] or "-"

    return lab.wait(f"{kind}={status} {words} of BgpPeer {name}", look)


def up(lab: Bed, name: str) -> None:
    reported(lab, name, "Established", "True")


def down(lab: Bed, name: str, *words: str) -> str:
    return reported(lab, name, "Established", "False", *words)


def session(lab: Bed, name: str) -> dict[str, Any]:
    """Return our speaker's entry in the status of BgpPeer *name*."""
    status = lab.api.get(f"{PEERS}/{name}").get("status") or {}
    found = status.get("speakers") or [{}]
    return dict(found[0])


def secret(lab: Bed, name: str, **entries: str) -> None:
    """Write Secret *name* in the manager's namespace."""
    data = {key: base64.b64encode(text.encode()).decode() for key, text in entries.items()}
    if lab.api.find(f"{SECRETS}/{name}") is None:
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}
        lab.api.create(SECRETS, body)
    else:
        lab.api.merge(f"{SECRETS}/{name}", {"data": data})


def pointsman(lab: Bed, *command: str) -> dict[str, Any]:
    """Return what a command says in JSON."""
    words = [sys.executable, "-m", "cli", *command, "-o", "json"]
    words += ["--kubeconfig", str(lab.kubeconfig)]
    done = subprocess.run(words, cwd=parts.CHECKOUT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return dict(json.loads(done.stdout))


def shown(lab: Bed) -> dict[str, dict[str, Any]]:
    """Return what `pointsman peers`, asked with the speaker's socket, says now, by name."""
    socket = str(lab.folder("sidecar") / "gobgp.sock")
    found = pointsman(lab, "peers", "--gobgp-socket", socket)["peers"]
    return {one["name"]: one for one in found}


def planned(lab: Bed, *documents: dict[str, Any]) -> dict[str, Any]:
    """Return what `pointsman plan -f` says would become of each session, by BgpPeer."""
    file = lab.folder("wishes") / "wish.json"
    file.write_text("\n---\n".join(map(json.dumps, documents)))
    answer = pointsman(lab, "plan", "-f", str(file))
    return {name: one["session"] for name, one in answer["peers"].items()}


# --- FRR ---


def vtysh(lab: Bed, *lines: str) -> str:
    words = [word for line in lines for word in ("-c", line)]
    return lab.exec("router", "vtysh", *words)


def frr(lab: Bed, *lines: str) -> None:
    """Type *lines* below `router bgp`."""
    vtysh(lab, "configure terminal", "router bgp 64500", *lines)


def frr_weights(*counts: int) -> list[int]:
    """Return what the lab's FRR gives its kernel for next hops of so many endpoints.

    8.4 counts in per cents; 10.3 doesn't look at link bandwidth that isn't transitive
    (tools/routers/differences.py); later ones scale the largest to 255.
    """
    series = labs.router_series(RouterKind.FRR)
    if series == "FRR 8.4":
        return [100 * count // sum(counts) for count in counts]
    if series == "FRR 10.3":
        return [1 for _ in counts]
    return [255 * count // max(counts) for count in counts]


@contextlib.contextmanager
def neighbor(lab: Bed, address: str, asn: int) -> Iterator[None]:
    """Have FRR peer with one more router, over IPv4."""
    activate = ("address-family ipv4 unicast", f"neighbor {address} activate")
    frr(lab, f"neighbor {address} remote-as {asn}", *activate)
    try:
        yield
    finally:
        frr(lab, f"no neighbor {address}")


@contextlib.contextmanager
def typed(lab: Bed, *lines: str) -> Iterator[None]:
    """Have the last of *lines* said below `router bgp`, and unsaid afterwards."""
    frr(lab, *lines)
    try:
        yield
    finally:
        frr(lab, *lines[:-1], f"no {lines[-1]}")


def restarted(lab: Bed, program: str) -> None:
    """Kill *program*, such as bgpd; return when the next one runs."""
    pid = lab.process(program)["pid"]
    lab.kill(program)
    lab.wait(program, lambda: lab.process(program)["pid"] not in (None, pid))


# --- BIRD ---


def plain(lab: Bed) -> str:
    """Return the second router's usual configuration."""
    return bird.configuration(roles(lab.topology)[1])


def within(text: str, protocol: str, words: str) -> str:
    """Return BIRD's configuration *text* with *words* at the beginning of BGP *protocol*."""
    head = f"protocol bgp {protocol} {{\n"
    assert head in text, text
    return text.replace(head, f"{head}  {words}\n")


def birdc(lab: Bed, *words: str) -> str:
    spoken.note(spoken.BIRD)
    return spelt_as_by_2(lab.exec(SECOND_ROUTER, "birdc2", *words))


def spelt_as_by_2(text: str) -> str:
    """Return BIRD's words with an attribute of BGP spelt as BIRD 2 does, not as 3 does."""
    text = re.sub(r"^(\s+)bgp_path:", r"\1BGP.as_path:", text, flags=re.MULTILINE)
    return re.sub(r"^(\s+)bgp_(\w+):", r"\1BGP.\2:", text, flags=re.MULTILINE)


@contextlib.contextmanager
def configured(lab: Bed, text: str) -> Iterator[None]:
    """Have the second router run with *text* instead."""
    home = lab.folder(SECOND_ROUTER)
    file = home / "other.conf"
    file.write_text(text)
    answer = birdc(lab, "configure", f'"{file}"')
    try:
        assert "Reconfig" in answer, answer
        yield
    finally:
        birdc(lab, "configure", f'"{home}/bird.conf"')


@contextlib.contextmanager
def running(lab: Bed, machine: str, text: str) -> Iterator[Path]:
    """Run one more BIRD on *machine*; yield its control socket."""
    spoken.note(spoken.BIRD)
    part = labs.router_part(RouterKind.BIRD)
    home = lab.folder(f"{machine}-bird")
    (home / "bird.conf").write_text(text)
    command = [*part.command(part.path), "-f", "-c", f"{home}/bird.conf", "-s", f"{home}/bird.ctl"]
    environment = {**lab.environment(), **part.environment()}
    with (home / "bird.log").open("wb") as words:
        process = subprocess.Popen(
            lab.command(machine, [*command, "-P", f"{home}/bird.pid"]),
            stdout=words,
            stderr=words,
            env=environment,
        )
    try:
        lab.wait("BIRD", (home / "bird.ctl").exists)
        yield home / "bird.ctl"
    finally:
        process.kill()
        process.wait()
        # It takes back nothing that way: "unreachable" would stay, where it knew no way.
        for family in ("-4", "-6"):
            lab.exec(machine, "ip", family, "route", "flush", "proto", "bird")


def asked(lab: Bed, control: Path, *words: str) -> str:
    """Return what a BIRD of :func:`running` answers."""
    part = labs.router_part(RouterKind.BIRD)
    settings = [f"{name}={value}" for name, value in part.environment().items()]
    program = part.command(part.path.parent / "birdc")
    answer = lab.exec("switch", "env", *settings, *program, "-s", str(control), *words)
    return spelt_as_by_2(answer)


def prefixes(lab: Bed, machine: str) -> list[str]:
    """Return the prefixes of BGP in a router's kernel; BIRD's are "bird" there."""
    found: list[str] = []
    for family in ("-4", "-6"):
        text = lab.exec(machine, "ip", "-j", family, "route", "show")
        routes = json.loads(text or "[]")
        found += [one["dst"] for one in routes if one.get("protocol") in ("bgp", "bird")]
    return found
