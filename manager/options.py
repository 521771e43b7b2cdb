"""What a manager is started with: the command line, read and checked."""

from dataclasses import dataclass
from pathlib import Path

from manager.snapshot import Settings
from pointsman.model.heartbeats import WitnessPorts
from pointsman.runtime.listen_address import ListenAddress


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line decided, checked."""

    name: str  # of this replica: holder of the lease, seed of the router-id
    namespace: str
    kubeconfig: Path | None  # None: the Pod's service account
    gobgp_sockets: tuple[Path, ...]  # one for each speaker, the first one first
    lease_duration_s: float
    settings: Settings
    heartbeat: ListenAddress | None = None  # None: heartbeats are not heard
    http: ListenAddress | None = None  # None: it answers nobody
    metrics_per_service: bool = False
    mark_dead_nodes: bool = False
    witness_ports: WitnessPorts = WitnessPorts()
