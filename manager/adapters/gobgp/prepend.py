"""Our AS once more and again in a path, towards eBGP neighbors only.

An AS path put into the path itself would go to iBGP neighbors, too, who take it for a loop
(FRR, measured). So a path says how often by marks, large communities `AS:0:n` with n above
every router's number, one for each binary digit; and an export policy that comes before the
rules of :mod:`manager.adapters.gobgp.exports` repeats, for each mark, the AS that stands first.
Policy sees the path as the neighbor will: to an eBGP neighbor our AS towards it stands there
once already, to an iBGP neighbor the AS path of what we put is empty, and nothing matches.
Statements without a route action add up (all measured, 4.8).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from manager.adapters.gobgp.rpc import ANSWER_WITHIN_S, Stub
from pointsman.gobgp_api import gobgp_pb2 as pb

POLICY: Final = "pointsman-prepend"  # no slash, as what belongs to a BgpPeer has
ABOVE: Final = 0xFFFF_FF00  # the mark of 2^k is ABOVE + 2^k; routers are numbered from 1
DIGITS: Final = (1, 2, 4, 8, 16, 32)


def marks(times: int) -> frozenset[int]:
    """Return the numbers that say *times*, 0 to 63."""
    return frozenset(ABOVE + digit for digit in DIGITS if times & digit)


def times(numbers: Iterable[int]) -> int:
    """Return how often all marks among *numbers* say."""
    return sum(number - ABOVE for number in numbers if number > ABOVE)


async def install(stub: Stub, asn: int) -> None:
    """Make the policy; it must not be there."""
    for digit in DIGITS:
        wanted = pb.DefinedSet(
            defined_type=pb.DEFINED_TYPE_LARGE_COMMUNITY,
            name=named(digit),
            list=[f"{asn}:0:{ABOVE + digit}"],
        )
        await stub.AddDefinedSet(
            pb.AddDefinedSetRequest(defined_set=wanted), timeout=ANSWER_WITHIN_S
        )
    policy = pb.Policy(name=POLICY, statements=[_statement(digit) for digit in DIGITS])
    await stub.AddPolicy(pb.AddPolicyRequest(policy=policy), timeout=ANSWER_WITHIN_S)


def named(digit: int) -> str:
    """Return what the set and the statement of a digit are called."""
    return f"{POLICY}-{digit}"


def _statement(digit: int) -> pb.Statement:
    return pb.Statement(
        name=named(digit),
        conditions=pb.Conditions(
            as_path_length=pb.AsPathLength(type=pb.COMPARISON_GE, length=1),
            large_community_set=pb.MatchSet(type=pb.MatchSet.TYPE_ANY, name=named(digit)),
        ),
        actions=pb.Actions(as_prepend=pb.AsPrependAction(repeat=digit, use_left_most=True)),
    )
