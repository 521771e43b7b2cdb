"""What happens inside the root: NetBox and its PostgreSQL are installed, then served for one run.

It runs there, as root, on that Debian's Python alone. The migrated database is made once and kept
as a template; each run works on a copy in memory, so it begins with an empty NetBox and leaves
nothing. PostgreSQL and Redis listen on Unix sockets only, NetBox on the socket that it is handed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

PINS: Final = Path("requirements/netbox.txt")
VENV: Final = Path("/netbox")
PIP: Final = (VENV / "bin/python", "-m", "pip", "--disable-pip-version-check", "install")
HOME: Final = Path("/opt/netbox")  # where an installed NetBox looks for its configuration
TEMPLATE: Final = Path("/var/lib/netbox")
TOKEN: Final = TEMPLATE / "admin"
RUN: Final = Path("/run/netbox")
LOGS: Final = Path("build/logs")
USER: Final = "postgres"  # comes with its package; the three programs are one user's
PATIENCE_S: Final = 600.0
DEBIAN: Final = ("postgresql", "redis-server", "python3-venv")
# What a package may not do in a root that nothing boots: start a daemon, make a database.
QUIET: Final = {
    "/usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
    "/etc/postgresql-common/createcluster.conf": "create_main_cluster = false\n",
}
# Every word of it is for this machine: nothing but loopback reaches it, and it lives for a run.
CONFIGURATION: Final = """
ALLOWED_HOSTS = ["*"]
DATABASES = {"default": {"NAME": "netbox", "USER": "netbox", "HOST": "/run/netbox"}}
REDIS = {
    "tasks": {"URL": "unix:///run/netbox/redis.sock?db=0"},
    "caching": {"URL": "unix:///run/netbox/redis.sock?db=1"},
}
SECRET_KEY = API_TOKEN_PEPPER = "for-tests-on-one-machine-that-nobody-else-reaches-at-all"
API_TOKEN_PEPPERS = {1: API_TOKEN_PEPPER}
ISOLATED_DEPLOYMENT = True
CENSUS_REPORTING_ENABLED = False
"""
# The first user, as `netbox createsuperuser` makes one, and the token that everything begins with.
ADMIN: Final = """
from users.models import Token, User
admin = User(username="admin", is_superuser=True)
admin.set_unusable_password()
admin.save()
token = Token(user=admin)
token.save()
print(f"nbt_{token.key}.{token.token}")
"""
# Durability is for those who keep what they write.
FLEETING: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def say(sentence: str) -> None:
    print(f"netbox: {sentence}", flush=True)


def run(*command: str | Path, **env: str) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **env},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


def postgres(program: str) -> Path:
    """Return the path of a program of the PostgreSQL that Debian 13 has."""
    return next(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))


def as_user(*command: str | Path) -> list[str]:
    """Return *command* as one that is no root's, and can't become that."""
    own = (f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs")
    return ["setpriv", *own, "--pdeathsig=KILL", *map(str, command)]


def install() -> None:
    """Have PostgreSQL, Redis and NetBox in this root; there already is fine."""
    key = hashlib.sha256(PINS.read_bytes() + repr((DEBIAN, QUIET)).encode()).hexdigest()
    stamp = VENV / "stamp"
    if stamp.exists() and stamp.read_text() == key:
        return
    say(f"installing {', '.join(DEBIAN)}")
    for place, text in QUIET.items():
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        Path(place).write_text(text)
        Path(place).chmod(0o755)
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", "-qq", **quiet)
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *DEBIAN, **quiet)
    count = sum(line[:1].isalnum() for line in PINS.read_text().splitlines())
    say(f"installing {PINS}: {count} packages")
    run("python3", "-m", "venv", "--clear", VENV)
    wheels = ("-qq", "--require-hashes", "--only-binary", ":all:")
    # What is pinned is all there is: NetBox itself asks for one package in another build.
    run(*PIP, *wheels, "--no-deps", "-r", PINS)
    shutil.rmtree(TEMPLATE, ignore_errors=True)
    stamp.write_text(key)


class Programs:
    """What runs beside us, each with a log; it ends with this process, whatever ends that."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *command: str | Path, handed: Sequence[int] = ()) -> None:
        """Run *command*, which is *handed* these descriptors, beside us."""
        LOGS.mkdir(parents=True, exist_ok=True)
        with (LOGS / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                as_user(*command), stdout=log, stderr=log, cwd="/", pass_fds=handed
            )

    def wait(self, until: Callable[[], bool], what: str) -> None:
        """Return once *until* holds; raise SystemExit if a program ended, or nothing comes."""
        end = time.monotonic() + PATIENCE_S
        while not until():
            self.check()
            if time.monotonic() > end:
                sys.exit(f"netbox: waited {PATIENCE_S:.0f} s for {what}; see {LOGS}")
            time.sleep(0.2)

    def check(self) -> None:
        for name, program in self._running.items():
            if program.poll() is not None:
                sys.exit(f"netbox: {name} ended with {program.returncode}; see {LOGS}/{name}.log")

    def stop(self) -> None:
        """End all of them, the last one first; PostgreSQL then leaves whole files."""
        for program in reversed(self._running.values()):
            program.send_signal(2)  # PostgreSQL: disconnect everybody, then end
            program.wait()


def start_databases(programs: Programs, data: Path) -> None:
    RUN.mkdir(exist_ok=True)
    shutil.chown(RUN, USER, USER)
    settings = [f"-c{one}" for one in ("listen_addresses=", f"unix_socket_directories={RUN}")]
    settings += [f"-c{one}" for one in FLEETING]
    programs.start("postgresql", postgres("postgres"), "-D", data, *settings)
    redis = ("--port", "0", "--unixsocket", f"{RUN}/redis.sock", "--save", "", "--dir", str(RUN))
    programs.start("redis", "/usr/bin/redis-server", *redis)
    programs.wait(lambda: answers(RUN / ".s.PGSQL.5432"), "PostgreSQL")
    ready = as_user(postgres("pg_isready"), "-q", "-h", RUN)
    programs.wait(lambda: subprocess.run(ready, check=False).returncode == 0, "PostgreSQL")
    programs.wait(lambda: answers(RUN / "redis.sock"), "Redis")


def answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def make_template() -> None:
    """Have a migrated database with one user in it, below TEMPLATE; there already is fine."""
    source = Path(__file__).read_bytes()
    key = hashlib.sha256(PINS.read_bytes() + source).hexdigest()
    stamp = TEMPLATE / "stamp"
    if stamp.exists() and stamp.read_text() == key:
        return
    say("making its database; some minutes, once")
    shutil.rmtree(TEMPLATE, ignore_errors=True)
    TEMPLATE.mkdir(mode=0o700)
    shutil.chown(TEMPLATE, USER, USER)
    data = TEMPLATE / "data"
    run(*as_user(postgres("initdb"), "-D", data, "-Atrust", "-EUTF8", "--locale=C.UTF-8", "-N"))
    programs = Programs()
    start_databases(programs, data)
    run(*as_user(postgres("createuser"), "-h", RUN, "netbox"))
    run(*as_user(postgres("createdb"), "-h", RUN, "-O", "netbox", "netbox"))
    run(*as_user(VENV / "bin/netbox", "migrate", "--verbosity=0"))
    token = run(*as_user(VENV / "bin/netbox", "shell", "--verbosity=0", "-c", ADMIN)).split()[-1]
    programs.stop()
    TOKEN.touch(mode=0o600)
    TOKEN.write_text(token)
    stamp.write_text(key)


def serve(descriptor: int, tls: Mapping[str, Path]) -> None:
    """Serve NetBox on the listening socket *descriptor* until we are ended."""
    data = RUN / "data"
    shutil.rmtree(RUN, ignore_errors=True)  # of making the template, or of one that was killed
    RUN.mkdir()
    shutil.copytree(TEMPLATE / "data", data)
    run("chown", "-R", f"{USER}:{USER}", RUN)
    programs = Programs()
    start_databases(programs, data)
    words = ["--bind", f"fd://{descriptor}", "--workers", "3", "--threads", "4", "--timeout", "300"]
    words += ["--certfile", str(tls["cert"]), "--keyfile", str(tls["key"])]
    words += ["--worker-tmp-dir", "/dev/shm", "--no-control-socket"]
    gunicorn = VENV / "bin/gunicorn"
    programs.start("netbox", gunicorn, *words, "netbox.wsgi", handed=[descriptor])
    os.close(descriptor)
    while True:
        programs.check()
        time.sleep(1)


def main() -> None:
    """Install, and if a descriptor is named, serve on it."""
    os.umask(0o022)
    install()
    (HOME / "conf").mkdir(parents=True, exist_ok=True)
    (HOME / "conf/__init__.py").touch()
    (HOME / "conf/configuration.py").write_text(CONFIGURATION)
    make_template()
    if sys.argv[1:]:
        folder = Path(sys.argv[2]).absolute()
        tls = {"cert": folder / "cert.pem", "key": folder / "key.pem"}
        shutil.chown(tls["key"], USER, USER)
        serve(int(sys.argv[1]), tls)


if __name__ == "__main__":
    main()
