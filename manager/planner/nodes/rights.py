"""Which nodes' agents may change addresses and routes, as protocol `kernel` and aggregates need.

An agent says so itself. Refuses to guess: of a node whose agent says nothing, nothing is asked.
"""

from collections.abc import Mapping

from manager.snapshot import Announcer, Node, NodeName

PATCH = "deploy/patches/kernel.yaml"


def unable(_: None, node: Node, announcer: Announcer | None) -> str | None:
    """Return why *node* can be asked for no address and no route, as a clause; None: it can."""
    may = announcer.net_admin if announcer is not None else None
    if may:
        return None
    if announcer is None or not announcer.reported:
        return f"the agent of {node.name} has not reported"
    if may is None:
        return f"the agent of {node.name} is too old to change addresses and routes: update it"
    return f"the agent of {node.name} lacks NET_ADMIN: apply {PATCH}"


Unable = Mapping[NodeName, str]
