"""The policies of the global table: nothing in but our own paths, nothing out but by export rules.

Read back by name, and completed where something is missing. Export rules themselves are
:mod:`manager.adapters.gobgp.exports`.
"""

from __future__ import annotations

from manager.adapters.gobgp import exports, prepend
from manager.adapters.gobgp.rpc import ANSWER_WITHIN_S, Stub, asked_to
from pointsman.gobgp_api import gobgp_pb2 as pb

IMPORT = "pointsman-import"
OWN_PATHS = "pointsman-own"  # no slash: a BgpPeer may be called "own"
_IMPORT_POLICY = pb.Policy(
    name=IMPORT,
    statements=[
        pb.Statement(
            name=OWN_PATHS,
            conditions=pb.Conditions(route_type=pb.Conditions.ROUTE_TYPE_LOCAL),
            actions=pb.Actions(route_action=pb.ROUTE_ACTION_ACCEPT),
        )
    ],
)
_ASSIGNMENTS = (
    pb.PolicyAssignment(
        name="global",
        direction=pb.POLICY_DIRECTION_IMPORT,
        default_action=pb.ROUTE_ACTION_REJECT,
        policies=[pb.Policy(name=IMPORT)],
    ),
    pb.PolicyAssignment(
        name="global",
        direction=pb.POLICY_DIRECTION_EXPORT,
        default_action=pb.ROUTE_ACTION_REJECT,
        policies=[pb.Policy(name=prepend.POLICY), pb.Policy(name=exports.POLICY)],
    ),
)


async def is_locked_down(stub: Stub) -> bool:
    """Return whether the global table imports and exports by our policies alone."""
    return [await _assignment(stub, wanted.direction) for wanted in _ASSIGNMENTS] == list(
        _ASSIGNMENTS
    )


async def _assignment(
    stub: Stub, direction: pb.PolicyDirection.ValueType
) -> pb.PolicyAssignment | None:
    """Return an assignment of the global table, policies by name only."""
    with asked_to("list its policies"):
        request = pb.ListPolicyAssignmentRequest(name="global", direction=direction)
        async for reply in stub.ListPolicyAssignment(request, timeout=ANSWER_WITHIN_S):
            found = reply.assignment
            names = [pb.Policy(name=policy.name) for policy in found.policies]
            return pb.PolicyAssignment(
                name=found.name,
                direction=found.direction,
                default_action=found.default_action,
                policies=names,
            )
    return None


async def lock_down(stub: Stub, asn: int) -> None:
    """Let nothing in but what we put there, nothing out but by export rules.

    A plain REJECT on import would drop our own paths too, with an OK (measured).
    """
    with asked_to("lock down"):
        there = {
            reply.policy.name
            async for reply in stub.ListPolicy(pb.ListPolicyRequest(), timeout=ANSWER_WITHIN_S)
        }
        if prepend.POLICY not in there:
            await prepend.install(stub, asn)
        for policy in (_IMPORT_POLICY, pb.Policy(name=exports.POLICY)):
            if policy.name not in there:
                await stub.AddPolicy(pb.AddPolicyRequest(policy=policy), timeout=ANSWER_WITHIN_S)
        for assignment in _ASSIGNMENTS:
            await stub.SetPolicyAssignment(
                pb.SetPolicyAssignmentRequest(assignment=assignment),
                timeout=ANSWER_WITHIN_S,
            )
