"""Which nodes execute nothing, though they live: their agents are not heard. Pure."""

from collections.abc import Mapping

from manager.snapshot import NodeName, Snapshot
from pointsman.model.liveness import Liveness


def silent(snapshot: Snapshot) -> Mapping[NodeName, str]:
    """Return the nodes whose agents answer nothing, though their kernels do: a clause each."""
    found: dict[NodeName, str] = {}
    for name, verdict in sorted(snapshot.liveness.items()):
        if verdict is Liveness.AgentSilent:
            found[name] = f"the agent of {name} is silent"
        elif verdict is Liveness.NodeHung:
            found[name] = f"{name} hangs: its kernel answers, and no program on it does"
    return found
