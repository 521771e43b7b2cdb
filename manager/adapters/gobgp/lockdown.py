"""The policies of the global table: nothing in but our own paths, nothing out but by export rules.

Read back by name, and completed where something is missing. Export rules themselves are
:mod:`manager.adapters.gobgp.exports`. GetBgp does not show the confederation that a daemon was
started with (measured, 4.8): the name of an empty policy says it, which is the first that is
added. So where any of ours is, it says that too; where none is, nobody can tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from manager.adapters.gobgp import exports, prepend
from manager.adapters.gobgp.rpc import ANSWER_WITHIN_S, Stub, asked_to
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.route import Confederation

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
MEMBER_OF: Final = "pointsman-confederation/"  # and identifier/member-member-…


@dataclass(frozen=True, slots=True)
class LockDown:
    """What the policies of a running daemon say."""

    complete: bool
    begun: bool  # False: none of ours is there, and the confederation is unknown
    confederation: Confederation | None


async def read(stub: Stub) -> LockDown:
    """Return whether the global table goes by our policies alone, and what they say besides."""
    directions = (pb.POLICY_DIRECTION_IMPORT, pb.POLICY_DIRECTION_EXPORT)
    found = [await _assignment(stub, direction) for direction in directions]
    among = _read_back(policy.name for policy in (found[0].policies if found[0] else ()))
    if found == _assignments(among):
        return LockDown(complete=True, begun=True, confederation=among)
    with asked_to("list its policies"):
        there = await _policies(stub)
    begun = any(name == IMPORT or name.startswith(MEMBER_OF) for name in there)
    return LockDown(complete=False, begun=begun, confederation=_read_back(there))


def _assignments(among: Confederation | None) -> list[pb.PolicyAssignment]:
    imports = [IMPORT] if among is None else [IMPORT, _mark(among)]
    return [
        pb.PolicyAssignment(
            name="global",
            direction=direction,
            default_action=pb.ROUTE_ACTION_REJECT,
            policies=[pb.Policy(name=name) for name in names],
        )
        for direction, names in (
            (pb.POLICY_DIRECTION_IMPORT, imports),
            (pb.POLICY_DIRECTION_EXPORT, [prepend.POLICY, exports.POLICY]),
        )
    ]


def _mark(among: Confederation) -> str:
    return f"{MEMBER_OF}{among.identifier}/{'-'.join(map(str, among.members))}"


def _read_back(policies: Iterable[str]) -> Confederation | None:
    for name in policies:
        if name.startswith(MEMBER_OF):
            identifier, _, members = name.removeprefix(MEMBER_OF).partition("/")
            return Confederation(int(identifier), tuple(map(int, members.split("-"))))
    return None


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


async def _policies(stub: Stub) -> set[str]:
    """Return the names of all policies, in force or not."""
    replies = stub.ListPolicy(pb.ListPolicyRequest(), timeout=ANSWER_WITHIN_S)
    return {reply.policy.name async for reply in replies}


async def lock_down(stub: Stub, asn: int, among: Confederation | None = None) -> None:
    """Let nothing in but what we put there, nothing out but by export rules.

    A plain REJECT on import would drop our own paths too, with an OK (measured).
    """
    with asked_to("lock down"):
        there = await _policies(stub)
        marks = [] if among is None else [pb.Policy(name=_mark(among))]
        # The mark before all others: whoever finds one of those knows of the confederation.
        for policy in (*marks, _IMPORT_POLICY, pb.Policy(name=exports.POLICY)):
            if policy.name not in there:
                await stub.AddPolicy(pb.AddPolicyRequest(policy=policy), timeout=ANSWER_WITHIN_S)
        if prepend.POLICY not in there:
            await prepend.install(stub, asn)
        for assignment in _assignments(among):
            await stub.SetPolicyAssignment(
                pb.SetPolicyAssignmentRequest(assignment=assignment),
                timeout=ANSWER_WITHIN_S,
            )
