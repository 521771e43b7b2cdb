"""A manager that dies while it starts its daemon: the next one never takes it for another's."""

from dataclasses import replace
from typing import Any, cast

import pytest

from manager.adapters.gobgp import lockdown
from manager.adapters.gobgp.rpc import Stub
from manager.adapters.gobgp.speaker import GobgpSpeaker
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.route import Confederation, SpeakerIdentity
from pointsman.runtime.target import Unavailable
from tests.conformance.gobgp.bed import PATIENCE_S, US, Bed

MEMBER = replace(US, confederation=Confederation(64500, (64496, 64505)))
ELSEWHERE = replace(US, confederation=Confederation(64502, (64496, 64505)))
# After so many of the calls that change something: StartBgp, the mark of a confederation, two
# policies, six sets and their policy, two assignments.
DEATHS = (1, 2, 3, 11)


class Died(Exception):
    """The manager is no more."""


class Dying:
    """A stub whose manager dies before its change number *after* + 1."""

    def __init__(self, stub: Stub, after: int) -> None:
        self._stub, self._left = stub, after

    def __getattr__(self, name: str) -> Any:
        if not name.startswith(("Get", "List")):
            if self._left == 0:
                raise Died
            self._left -= 1
        return getattr(self._stub, name)


async def half_started(bed: Bed, identity: SpeakerIdentity, after: int) -> None:
    with pytest.raises(Died):
        await GobgpSpeaker(cast(Stub, Dying(bed.stub, after))).start(identity)
    assert await bed.speaker.identity() is None


@pytest.mark.parametrize("after", DEATHS)
@pytest.mark.parametrize("identity", [US, MEMBER], ids=["alone", "in a confederation"])
async def test_further_calls_cure_it(bed: Bed, identity: SpeakerIdentity, after: int) -> None:
    await half_started(bed, identity, after)
    if after == 1:  # StartBgp, and nothing that says with which confederation
        with pytest.raises(Unavailable, match=r"its start was not completed: it was stopped"):
            await bed.speaker.start(identity)
        await bed.replace_the_daemon()
    await bed.speaker.start(identity)
    assert await bed.speaker.identity() == identity


@pytest.mark.parametrize("after", DEATHS)
@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(MEMBER, US, id="no confederation any more"),
        pytest.param(US, MEMBER, id="in a confederation now"),
        pytest.param(MEMBER, ELSEWHERE, id="in another confederation"),
    ],
)
async def test_another_confederation_is_another_process(
    bed: Bed, first: SpeakerIdentity, second: SpeakerIdentity, after: int
) -> None:
    await half_started(bed, first, after)
    with pytest.raises(Unavailable, match=r"it was stopped"):
        await bed.speaker.start(second)
    await bed.replace_the_daemon()
    await bed.speaker.start(second)
    assert await bed.speaker.identity() == second


async def test_assignments_that_somebody_else_changed_are_mended_in_place(bed: Bed) -> None:
    await bed.speaker.start(MEMBER)
    opened = pb.PolicyAssignment(
        name="global",
        direction=pb.POLICY_DIRECTION_IMPORT,
        default_action=pb.ROUTE_ACTION_ACCEPT,
        policies=[pb.Policy(name=lockdown.IMPORT)],
    )
    request = pb.SetPolicyAssignmentRequest(assignment=opened)
    await bed.stub.SetPolicyAssignment(request, timeout=PATIENCE_S)
    assert await bed.speaker.identity() is None
    await bed.speaker.start(MEMBER)
    assert await bed.speaker.identity() == MEMBER
