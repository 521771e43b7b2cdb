"""The calls of the fake gobgpd that concern policy: onto its policy engine."""

# ruff: noqa: N802 - the generated stub's names

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from pointsman.gobgp_api import gobgp_pb2 as pb
from tests.fakes.gobgp_policy import Policies, Refused
from tests.fakes.gobgp_process import Process, failure


class PolicyCalls(Process):
    """Defined sets, policies, statements, assignments."""

    def _policies(self, name: str) -> Policies:
        self._active(name)
        return self.policy

    async def AddDefinedSet(self, request: pb.AddDefinedSetRequest, *, timeout: float) -> None:
        with _refusals():
            self._policies("AddDefinedSet").add_set(request)

    async def DeleteDefinedSet(
        self, request: pb.DeleteDefinedSetRequest, *, timeout: float
    ) -> None:
        with _refusals():
            self._policies("DeleteDefinedSet").delete_set(request)

    async def ListDefinedSet(
        self, request: pb.ListDefinedSetRequest, *, timeout: float
    ) -> AsyncIterator[pb.ListDefinedSetResponse]:
        sets = self._policies("ListDefinedSet").sets[request.defined_type]
        for name, entries in list(sets.items()):
            shown = pb.DefinedSet(defined_type=request.defined_type, name=name, list=entries)
            yield pb.ListDefinedSetResponse(defined_set=shown)

    async def AddPolicy(self, request: pb.AddPolicyRequest, *, timeout: float) -> None:
        with _refusals():
            self._policies("AddPolicy").add_policy(request.policy)

    async def DeletePolicy(self, request: pb.DeletePolicyRequest, *, timeout: float) -> None:
        with _refusals():
            self._policies("DeletePolicy").delete_policy(request)

    async def ListPolicy(
        self, request: pb.ListPolicyRequest, *, timeout: float
    ) -> AsyncIterator[pb.ListPolicyResponse]:
        policies = self._policies("ListPolicy")
        for name in list(policies.policies):
            if request.name in {"", name}:
                yield pb.ListPolicyResponse(policy=policies.listed(name))

    async def ListStatement(
        self, request: pb.ListStatementRequest, *, timeout: float
    ) -> AsyncIterator[pb.ListStatementResponse]:
        for statement in self._policies("ListStatement").listed_statements(request.name):
            yield pb.ListStatementResponse(statement=statement)

    async def DeleteStatement(self, request: pb.DeleteStatementRequest, *, timeout: float) -> None:
        with _refusals():
            self._policies("DeleteStatement").delete_statement(request)

    async def SetPolicyAssignment(
        self, request: pb.SetPolicyAssignmentRequest, *, timeout: float
    ) -> None:
        with _refusals():
            self._policies("SetPolicyAssignment").assign(request.assignment)

    async def ListPolicyAssignment(
        self, request: pb.ListPolicyAssignmentRequest, *, timeout: float
    ) -> AsyncIterator[pb.ListPolicyAssignmentResponse]:
        policies = self._policies("ListPolicyAssignment")
        shown = pb.PolicyAssignment(
            name=request.name,
            direction=request.direction,
            default_action=policies.default[request.direction],  # type: ignore[arg-type]
            policies=[policies.listed(name) for name in policies.assigned[request.direction]],
        )
        yield pb.ListPolicyAssignmentResponse(assignment=shown)


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn the policy engine's refusal into what gRPC delivers."""
    try:
        yield
    except Refused as error:
        raise failure(str(error)) from error
