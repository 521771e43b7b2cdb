"""The upstream router as FRR: its configuration, its processes, its vtysh.

FRR is unpacked, not installed, and insists on a user `frr` and a group `frrvty`.
It gets them, and its libraries, in a mount namespace of its own: nothing of the
host's /etc changes. The configuration is the plain one that any user would
write; the lab refuses to make it easier than that.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.network.topology import MANAGER_AS
from lab.parts import Part
from lab.routers.other_versions import knows, says
from lab.routers.roles import Role

GROUPS = ("frr", "frrvty")


@dataclass(frozen=True, slots=True)
class Frr:
    """Where this lab's FRR is: the unpacked *part*, and *home* for what it writes."""

    part: Part
    home: Path

    def prepare(self, role: Role) -> None:
        """Write what the daemons read, as files that their user owns."""
        self.home.mkdir(parents=True, exist_ok=True)
        passwd, group, uid = accounts(
            Path("/etc/passwd").read_text(), Path("/etc/group").read_text()
        )
        (self.home / "passwd").write_text(passwd)
        (self.home / "group").write_text(group)
        for daemon in ("zebra", "bfdd"):  # bfdd watches whom bgpd asks it to: nobody, at first
            (self.home / f"{daemon}.conf").write_text(f"hostname {role.machine}\n")
        (self.home / "bgpd.conf").write_text(configuration(role))
        # Without the user line vtysh asks PAM, which the host may not have for FRR.
        (self.home / "vtysh.conf").write_text(
            "no service integrated-vtysh-config\nusername root nopassword\n"
        )
        os.chown(self.home, uid, uid)
        for file in self.home.iterdir():
            os.chown(file, uid, uid)

    def daemons(self) -> Iterator[tuple[str, list[str]]]:
        """Yield name and command of each daemon, in starting order."""
        yield "zebra", self.daemon("zebra", "-s 16777216")
        # Gone in 10.x; before, two labs would clash at the usual place.
        control = f"--bfdctl {self.home}/bfdd.sock" if self._takes("bfdd", "--bfdctl") else ""
        yield "bfdd", self.daemon("bfdd", control)
        yield "bgpd", self.daemon("bgpd")

    def daemon(self, name: str, more: str = "") -> list[str]:
        """Return the command of daemon *name*, with the flags that its version has."""
        common = (
            f"-z {self.home}/zserv.api --vty_socket {self.home} "
            f"--moduledir {self.part.path.parent.parent}/x86_64-linux-gnu/frr/modules "
            "-P 0 -u frr -g frr --log stdout --log-level informational"
        )
        return self._command(name, f"{common} {more}".rstrip())

    def vtysh(self) -> str:
        """Return a shell script that is this lab's vtysh, run in the router's namespace."""
        vtysh = self.part.root / "usr/bin/vtysh"
        if not vtysh.exists():
            vtysh = Path("/usr/bin/vtysh")
        program = shlex.join(self.part.command(vtysh))
        inner = (
            f"{self._mounts()} && exec {program} --vty_socket {self.home} "
            f'--config_dir {self.home} "$@"'
        )
        own = "unshare --mount --propagation slave sh -c"
        return f'#!/bin/sh\nexec {own} {shlex.quote(inner)} vtysh "$@"\n'

    def socket(self, daemon: str) -> Path:
        """Return what appears when *daemon* listens: for us, and for its neighbors."""
        return self.home / f"{daemon}.vty"

    def environment(self) -> Mapping[str, str]:
        return self.part.environment()

    def takes_static_routes_by_mgmtd(self) -> bool:
        """Return whether staticd hears of routes from a mgmtd, as from 10.x on."""
        return (self.part.path.parent / "mgmtd").exists()

    def _takes(self, daemon: str, flag: str) -> bool:
        return knows(says(self.part, self.part.path.parent / daemon, "--help"), flag)

    def _mounts(self) -> str:
        binds = [f"mount --bind {self.home}/{file} /etc/{file}" for file in ("passwd", "group")]
        if self.part.loader and (share := self.part.root / "usr/share").joinpath("yang").is_dir():
            binds.append(f"mount --bind {share} /usr/share")  # 10.7 reads its YANG models there
        if self.takes_static_routes_by_mgmtd():
            # Its sockets have one place for all daemons of a host: each router has its own there.
            binds.append(f"mkdir -p /run/frr && mount --bind {self.home} /run/frr")
        libraries = [f"export {name}={value}" for name, value in self.environment().items()]
        return " && ".join([*binds, *libraries])

    def _command(self, daemon: str, flags: str) -> list[str]:
        # Without a zebra to talk to, the others try again ten seconds later, and bgpd refuses
        # IPv6 routes meanwhile: it knows no interface. Its socket file outlives a killed zebra.
        zebra = f"grep -qF {self.home}/zserv.api /proc/net/unix"
        awaited = f"until {zebra}; do sleep 0.02; done && " if daemon != "zebra" else ""
        program = shlex.join(self.part.command(self.part.path.parent / daemon))
        # From 10.x on staticd is told by mgmtd, and reads no file.
        read = f"-f {self.home}/{daemon}.conf " if self._takes(daemon, "-f") else ""
        script = (
            f"{awaited}{self._mounts()} && exec setpriv --pdeathsig KILL "
            f"{program} {read}-i {self.home}/{daemon}.pid {flags}"
        )
        return ["unshare", "--mount", "--propagation", "slave", "sh", "-c", script]


def accounts(passwd: str, group: str) -> tuple[str, str, int]:
    """Return *passwd* and *group* with FRR's user and groups in them, and the user's id.

    An id that the host gives to nobody: FRR's own user, and no one else's.
    """
    users = {line.split(":")[0]: line.split(":") for line in passwd.splitlines() if line}
    groups = {line.split(":")[0]: line.split(":") for line in group.splitlines() if line}
    taken = {int(entry[2]) for entry in (*users.values(), *groups.values())}
    free = (number for number in range(989, 100, -1) if number not in taken)
    uid = int(users["frr"][2]) if "frr" in users else next(free)
    if "frr" not in users:
        passwd += f"frr:x:{uid}:{uid}:FRR of the lab:/nonexistent:/usr/sbin/nologin\n"
    for name in GROUPS:
        if name not in groups:
            number = uid if name == "frr" and uid not in taken else next(free)
            group += f"{name}:x:{number}:frr\n"
    return passwd, group, uid


def configuration(role: Role) -> str:
    """Return bgpd.conf: each manager a neighbor, over IPv4 and over IPv6.

    One session carries both families. The IPv6 neighbors wait to be called. With another
    router there is a session per family.
    """
    lines = [
        "frr defaults traditional",
        f"hostname {role.machine}",
        f"router bgp {role.asn}",
        f" bgp router-id {role.own[0].ip}",
        " no bgp ebgp-requires-policy",
        " no bgp default ipv4-unicast",
        *([" bgp bestpath as-path multipath-relax"] if len(role.links) > 1 else []),
    ]
    managers = [
        address.ip
        for manager in role.managers
        for pair in (manager.addresses, *manager.further)
        for address in pair
    ]
    for neighbor in managers:
        lines += [
            f" neighbor {neighbor} remote-as {MANAGER_AS}",
            f" neighbor {neighbor} timers connect 1",
        ]
        if role.hops > 1:
            lines += [f" neighbor {neighbor} ebgp-multihop {role.hops}"]
        if neighbor.version == 6:
            lines += [f" neighbor {neighbor} passive"]
    for link in role.links:
        for address in link.theirs:
            lines += [f" neighbor {address.ip} remote-as {link.asn}"]
            lines += [f" neighbor {address.ip} timers connect 1"]
    for family in ("ipv4", "ipv6"):
        others = [a.ip for link in role.links for a in link.theirs if family == f"ipv{a.version}"]
        lines += [f" address-family {family} unicast"]
        lines += [f"  neighbor {neighbor} activate" for neighbor in [*managers, *others]]
        lines += ["  maximum-paths 64", " exit-address-family"]
    return "\n".join([*lines, "line vty", ""])
