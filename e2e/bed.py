"""What an end-to-end test asks of the bed it lies in: machines, routers, a cluster, and faults.

A bed is up, with the whole product in it, when a test gets it. Tests and their words use these
verbs alone, so that another bed (containers, real machines) runs the same tests: today's is
`lab.handle.Lab`, built by `e2e.labs`. It is no place for words about Services or
sessions; those are in `e2e.cluster` and beside the tests.

Every verb raises Broken where the bed can't do it now, and Misuse where it has no such thing.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Any, Protocol, TypeVar

from lab.cluster.client import ApiClient
from lab.errors import Broken
from lab.network.topology import Topology
from pointsman.runtime.errors import Misuse

__all__ = ["Bed", "Broken", "Misuse"]

T = TypeVar("T")


class Bed(Protocol):
    # --- what it is ---

    @property
    def topology(self) -> Topology:
        """Its machines and their addresses: plain values, known before it is built."""
        ...

    @property
    def standin_api(self) -> bool:
        """Whether the API server makes faults to order, and counts (`/_faults`, `/_stats`)."""
        ...

    # --- the cluster ---

    @property
    def api(self) -> ApiClient:
        """The Kubernetes API, past every fault of the network: it answers while `fail api` lasts.

        Its methods raise Refusal, a Broken, with the HTTP code.
        """
        ...

    @property
    def kubeconfig(self) -> Path:
        """The administrator's, for commands on the machine that the test runs on."""
        ...

    def kubectl(self, *words: str, stdin: str | None = None, check: bool = True) -> str:
        """Return what kubectl prints; Broken: it failed, and *check* is on."""
        ...

    def endpoints(self, service: str, *words: str) -> None:
        """Write the EndpointSlices of *service* ("NS/NAME"): "node1:2", "node2:1:unready"."""
        ...

    # --- its machines ---

    def exec(self, machine: str, *command: str, check: bool = True, timeout_s: float = ...) -> str:
        """Return what *command* prints on *machine*; Broken: it failed, and *check* is on.

        The routers' tools are found by name: vtysh, birdc2, vtysh-tor1.
        """
        ...

    def command(self, machine: str, command: Sequence[str]) -> list[str]:
        """Return *command* as one to start here that runs on *machine*, and ends with its end."""
        ...

    def environment(self) -> dict[str, str]:
        """Return the environment for what `command` returned."""
        ...

    def folder(self, name: str) -> Path:
        """Return a folder that the test and all machines see under the same path.

        *name*: a router, or "sidecar", for the one with its configuration or sockets; any
        other name for one of the test's own. It is there, and goes with the bed.
        """
        ...

    def get(self, address: str, port: int = 80, *, machine: str = "client") -> tuple[str, ...]:
        """Return (node, pod, client seen) of one HTTP request, a new connection.

        Broken: nobody answered within 2 s.
        """
        ...

    def gateways(self, prefix: str, *, machine: str = "router") -> set[str]:
        """Return the next hops of *prefix* in that router's kernel; empty: no route."""
        ...

    # --- its programs ---

    def status(self) -> dict[str, Any]:
        """Return what there is: "processes", and "failed", the faults that last."""
        ...

    def process(self, name: str) -> dict[str, Any]:
        """Return one program's "pid" (None: between two lives), "restarts", "capabilities", ..."""
        ...

    def pids(self, name: str) -> list[int]:
        """Return the program's process and those below it, as this machine numbers them."""
        ...

    def log(self, program: str) -> str:
        """Return all that *program* logged; "router", "tor1": every daemon of that router."""
        ...

    def kill(self, program: str, number: Signals = SIGKILL) -> None:
        """Send *program* a signal; it is started again when it dies."""
        ...

    # --- faults ---

    def fail(self, target: str) -> None:
        """Break *target* until it is healed.

        A node (powered off), "link:NODE", "proxy:NODE", "api", "api:MACHINE", or a program,
        which is killed and stays away.
        """
        ...

    def heal(self, target: str) -> None: ...

    def cut(self, machine: str) -> None:
        """Pull the cable of *machine*: it sees its carrier go."""
        ...

    def mend(self, machine: str) -> None:
        """Plug the cable of *machine* in again; one that is in stays so."""
        ...

    # --- time ---

    def wait(self, what: str, look: Callable[[], T | None], *, timeout_s: float = ...) -> T:
        """Return the first truthy value that *look* returns; it may raise Broken, or assert.

        The bound is generous where none is named: who waits for what must come soon measures
        how long it took. Broken: none in time; *what* and the last look are in the sentence.
        """
        ...
