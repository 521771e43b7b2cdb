"""Where this replica hears heartbeats, where nodes reach it, and what it asks nodes itself."""

import asyncio
import ipaddress
import logging
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from manager.heartbeats.driver import HeartbeatDriver
from manager.heartbeats.listening import Listening
from manager.liveness.judgement import Judgement
from manager.ports import HeartbeatSocket, Witness
from manager.replicas.company import Company, Standing
from manager.snapshot import Announcer, ManagerReplica, Node, NodeName
from pointsman.model.address import Address, address_order
from pointsman.model.heartbeats import WitnessPorts
from pointsman.net.datagrams import Datagrams, udp_socket
from pointsman.net.probes import Probes, http_hello, tls_hello
from pointsman.runtime.listen_address import ListenAddress
from pointsman.wire.heartbeat import View
from pointsman.wire.heartbeat_keys import KEY_OCTETS, key_text, public_half

ANY_PORT: Final = 9  # discard: nothing is sent, the kernel is only asked for the way there
NETWORKS_MOST: Final = 64  # of nodes that the kernel is asked the way to
ADDRESSES_MOST: Final = 8  # of this host that are published
COUNTED: Final = "counted"  # what became of a datagram that none of Drop befell
LOOK_AGAIN_S: Final = 10.0  # Nodes change all the time, the host's addresses hardly ever
STANDARD: Final = WitnessPorts()
log = logging.getLogger(__name__)


def listen(where: ListenAddress, driver: HeartbeatDriver) -> Datagrams | None:
    """Return the socket that feeds *driver*; None, and a word in the log, if it cannot be had.

    A manager that hears no heartbeats still does everything else.
    """
    try:
        sock = udp_socket(where.address, where.port)
    except OSError as error:
        log.error(
            "Heartbeats are not heard: UDP %s cannot be listened on (%s). Until the manager is "
            "started with another --heartbeat, a node's death is noticed when Kubernetes marks it.",
            where,
            error.strerror,
        )
        return None
    made = Datagrams(sock, received=driver.received, drained=driver.drained)
    log.info("heartbeats at UDP %s, receive buffer %d KiB", where, made.buffer_octets >> 10)
    return made


def witness(driver: HeartbeatDriver, ports: WitnessPorts) -> Probes[NodeName]:
    """Return who asks nodes themselves, and tells *driver* what came."""
    return Probes(
        found=driver.probed, hellos={ports.proxy: http_hello(), ports.kubelet: tls_hello()}
    )


@dataclass(frozen=True, slots=True)
class HeartbeatNet:
    """How a socket is opened, and a witness: a test has a network of its own."""

    socket: Callable[[ListenAddress, HeartbeatDriver], HeartbeatSocket | None]
    witness: Callable[[HeartbeatDriver, WitnessPorts], Witness]


UDP_AND_TCP: Final = HeartbeatNet(listen, witness)


class Heartbeats:
    """All that hears, acknowledges and judges in this process. Nothing is open before `run`."""

    def __init__(
        self,
        where: ListenAddress,
        *,
        name: str,
        cluster: Callable[[], tuple[Mapping[NodeName, Node], Mapping[NodeName, Announcer]]],
        view: Callable[[], tuple[View, str]],
        wake: Callable[[], None],
        standing: Standing,
        net: HeartbeatNet,
        ports: WitnessPorts = STANDARD,
    ) -> None:
        private = secrets.token_bytes(KEY_OCTETS)
        self._where, self._net, self._ports = where, net, ports
        self._listening = Listening(name, private, secrets.randbits(64) or 1)
        self.driver = HeartbeatDriver(
            self._listening,
            Judgement(
                started_s=asyncio.get_running_loop().time(),
                ports=ports.asked,
                own=NodeName(name),
            ),
            ports=ports.asked,
            draw=secrets.token_bytes,
            cluster=cluster,
            view=view,
            wake=wake,
            company=Company(name, standing, wake=wake),
        )
        self._deaf = False
        self._own = OwnAddress(
            name=name,
            where=where,
            public_key=key_text(public_half(private)),
            nodes=lambda: cluster()[0],
        )

    @property
    def results(self) -> Mapping[str, int]:
        """Return datagrams by what became of them."""
        listening = self._listening
        return {COUNTED: listening.counted, **{d.value: n for d, n in listening.drops.items()}}

    def own(self) -> ManagerReplica | None:
        """Return what this replica publishes; None: nobody is heard here, or nobody is known."""
        return None if self._deaf else self._own()

    def hears(self, replica: str) -> bool:
        """Return whether another replica was heard a moment ago."""
        return self.driver.company.hears(replica, asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Hear until cancelled; return at once where that is not possible."""
        sock = self._net.socket(self._where, self.driver)
        self._deaf = sock is None
        if sock is not None:
            await self.driver.run(sock, self._net.witness(self.driver, self._ports))


class OwnAddress:
    """What this replica publishes of itself: found anew when Nodes have changed."""

    def __init__(
        self,
        *,
        name: str,
        where: ListenAddress,
        public_key: str,
        nodes: Callable[[], Mapping[NodeName, Node]],
    ) -> None:
        self._name, self._where, self._public_key = name, where, public_key
        self._nodes = nodes
        self._seen: Mapping[NodeName, Node] | None = None
        self._looked_s = float("-inf")
        self._found: ManagerReplica | None = None

    def __call__(self) -> ManagerReplica | None:
        """Return it; None while no address is known at which a node could reach this host."""
        nodes, now_s = self._nodes(), time.monotonic()
        if nodes is not self._seen and (
            self._found is None or now_s - self._looked_s > LOOK_AGAIN_S
        ):
            self._seen, self._looked_s = nodes, now_s
            self._found = self._look(nodes)
        return self._found

    def _look(self, nodes: Mapping[NodeName, Node]) -> ManagerReplica | None:
        if self._where.address:
            addresses: tuple[Address, ...] = (ipaddress.ip_address(self._where.address),)
        else:
            addresses = sources(ip for _, one in sorted(nodes.items()) for ip in one.internal_ips)
        if not addresses:
            return None
        return ManagerReplica(self._name, addresses, self._where.port, self._public_key)


def sources(targets: Iterable[Address]) -> tuple[Address, ...]:
    """Return the addresses of this host that it would send to *targets* from, in order."""
    asked: dict[ipaddress.IPv4Network | ipaddress.IPv6Network, Address] = {}
    for target in targets:
        bits = 24 if target.version == 4 else 64
        asked.setdefault(ipaddress.ip_network((target, bits), strict=False), target)
        if len(asked) == NETWORKS_MOST:
            break
    found = {source for target in asked.values() if (source := _source(target)) is not None}
    return tuple(sorted(found, key=address_order)[:ADDRESSES_MOST])


def _source(target: Address) -> Address | None:
    family = socket.AF_INET if target.version == 4 else socket.AF_INET6
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.connect((str(target), ANY_PORT))
        found = ipaddress.ip_address(asking.getsockname()[0])
        if not found.is_link_local:
            return found
    return None
