"""What is asked of Docker, by testcontainers: networks, containers, and that nothing is left."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import docker
from docker.types import EndpointConfig, IPAMConfig, IPAMPool
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from e2e.containers import removal
from e2e.containers.machines import Machine, Program, Segment
from e2e.containers.removal import LABEL
from lab.errors import Broken
from lab.network.topology import RouterKind
from lab.patience import PATIENCE_S
from lab.routers import other_versions

IMAGE: Final = os.environ.get("POINTSMAN_BED_IMAGE", "pointsman-bed")
# No ways out: what leaves is not hidden behind the host's address.
PLAIN: Final = {"com.docker.network.bridge.enable_ip_masquerade": "false"}
DEFAULT_PATH: Final = (
    "/opt/pointsman/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/frr"
)


def absent() -> str:
    """Return why no bed can be made; empty: Docker answers, and has the image."""
    try:
        with contextlib.closing(docker.from_env()) as client:
            client.ping()
            if not client.images.list(IMAGE):
                return f"Docker has no image {IMAGE!r}: `make docker` builds it"
    except (docker.errors.DockerException, OSError) as error:
        return f"no Docker answers: {error}"
    return ""


@functools.cache
def release(kind: RouterKind) -> str:
    """Return the version of the image's router of *kind*."""
    with contextlib.closing(docker.from_env()) as client:
        command = [str(Path("/") / other_versions.PROGRAM[kind]), "--version"]
        printed = client.containers.run(
            IMAGE, command, remove=True, network_mode="none", stdout=True, stderr=True
        )
    return other_versions.read_version(printed.decode())


def machine_key(machine: str) -> str:
    """Return the name of the container that *machine* is: a program may be called like it."""
    return f"machine:{machine}"


class Daemon:
    """The containers and networks of one bed."""

    def __init__(
        self, name: str, home: Path, client: Any, *, removed_within_s: float = PATIENCE_S
    ) -> None:
        """*client*: docker-py's, ours from now on."""
        self._name, self._home, self._client = name, home, client
        self._removed_within_s = removed_within_s
        self._networks: dict[str, Network] = {}
        self._containers: dict[str, DockerContainer] = {}

    def sweep(self) -> None:
        """Remove what an earlier bed left: two can't be there, their networks are the same.

        Raises:
            Broken: Docker keeps some of it.
        """
        if left := removal.clear(self._client):
            raise Broken(" ".join(left))

    def network(self, segment: Segment) -> None:
        pools = [
            IPAMPool(subnet=str(network), gateway=gateway)
            for network, gateway in zip(segment.networks, segment.bridge, strict=True)
        ]
        self._networks[segment.name] = Network(
            docker_network_kw={
                "driver": "bridge",
                "enable_ipv6": True,
                "ipam": IPAMConfig(pool_configs=pools),
                "options": PLAIN,
                "labels": {LABEL: self._name},
            }
        ).create()

    def machine(self, machine: Machine) -> None:
        """Start *machine*: its ports are there afterwards, eth0 first; `ip` has still its part."""
        first, *further = machine.ports
        network = self._networks[first.segment].name
        v4, v6 = first.addresses
        end = EndpointConfig("1.40", ipv4_address=str(v4.ip), ipv6_address=str(v6.ip))
        self._start(
            machine_key(machine.name),
            ["sleep", "infinity"],
            hostname=machine.name,
            network=network,
            networking_config={network: end},
            sysctls={name: str(value) for name, value in machine.sysctls.items()},
            cap_add=["NET_ADMIN", "NET_RAW"],
        )
        for port in further:
            v4, v6 = port.addresses
            api = self._client.networks.get(self._networks[port.segment].name)
            api.connect(
                self.id(machine_key(machine.name)), ipv4_address=str(v4.ip), ipv6_address=str(v6.ip)
            )

    def program(self, program: Program) -> None:
        """Start *program* in its machine's network; Docker starts it again when it dies."""
        rights: dict[str, Any] = {"cap_add": list(program.capabilities)}
        if not program.usual:
            rights |= {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges"]}
        self._start(
            program.name,
            program.command,
            environment=program.environment,
            network_mode=f"container:{self.id(machine_key(program.machine))}",
            restart_policy={"Name": "always"},
            **rights,
        )

    def _start(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        path = f"{self._home / 'bin'}:{DEFAULT_PATH}"
        container = (
            DockerContainer(IMAGE)
            .with_name(self.called(name))
            .with_command(list(command))
            .with_envs(PATH=path, **(environment or {}))
            .with_volume_mapping(str(self._home), str(self._home), "rw")
            .with_kwargs(init=True, labels={LABEL: self._name}, **more)
        )
        self._containers[name] = container
        try:
            container.start()
        except docker.errors.APIError as error:
            raise Broken(f"Docker does not start {name}: {error.explanation}") from error

    def called(self, name: str) -> str:
        """Return Docker's name of the program *name*, or of a machine by its `machine_key`."""
        return f"{self._name}-{name.replace(':', '-')}"

    def id(self, name: str) -> str:
        return str(self.container(name).id)

    def container(self, name: str) -> Any:
        """Return docker-py's container, as it was last looked at."""
        return self._containers[name].get_wrapped_container()

    def names(self) -> Iterable[str]:
        return self._containers.keys()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: object, failure: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave nothing; what Docker keeps is said beside the failure that ended the bed.

        Raises:
            Broken: Docker keeps something, and nothing else failed.
        """
        left = removal.clear(self._client, self._name, timeout_s=self._removed_within_s)
        for container in self._containers.values():
            container.get_docker_client().client.close()
        self._containers.clear()
        self._networks.clear()
        self._client.close()
        if left and failure is None:
            raise Broken(" ".join(left))
        if left and failure is not None:
            failure.add_note(" ".join(left))
