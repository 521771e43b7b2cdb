"""The exports target: which router a peer's name stands for in GoBGP's export policy.

Each peer has a neighbor set (one address), a large-community set (`AS:0:n`) and a
statement, all called `pointsman/NAME`: what carries `AS:0:n` may leave to that address,
without any `AS:0:*` and with ORIGIN IGP, whichever path is the best one here. `n` lives in the
daemon, is read back, and never changes while the peer is there. Everything else in the policy
engine is somebody else's and stays.

AddDefinedSet(replace=True) does nothing to a set in use, and ListStatement calls every
action "add" (both measured, 4.8): sets are edited entry by entry, statements are read
through their policy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_network

from manager.adapters.gobgp.known_state import Known
from manager.adapters.gobgp.rpc import ANSWER_WITHIN_S, Stub, asked_to, own_as
from manager.adapters.gobgp.table import local_paths
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.address import Address, host_prefix
from pointsman.model.delta import Delta
from pointsman.model.route import PeerName

OURS = "pointsman/"
POLICY = "pointsman-export"
HALF_MADE = IPv4Address(0)  # no router's address: differs from everything desired


@dataclass(frozen=True, slots=True)
class Rule:
    """What the daemon holds of one peer's rule; whole when nothing is missing or odd."""

    addresses: tuple[str, ...] | None = None  # entries of the neighbor set
    communities: tuple[str, ...] | None = None  # entries of the large-community set
    statement: bool = False

    def number(self, asn: int) -> int | None:
        """Return the peer's number, if the set holds exactly one of ours."""
        if self.communities is None or len(self.communities) != 1:
            return None
        found = re.fullmatch(rf"\^{asn}:0:([1-9]\d*)\$", self.communities[0])
        return int(found[1]) if found else None

    def address(self, asn: int) -> Address:
        """Return the router's address, or HALF_MADE."""
        if not self.statement or self.number(asn) is None or len(self.addresses or ()) != 1:
            return HALF_MADE
        assert self.addresses is not None
        return ip_network(self.addresses[0]).network_address


def statement(name: str, asn: int) -> pb.Statement:
    """Return the rule of one peer as a policy statement."""
    ours = pb.MatchSet(type=pb.MatchSet.TYPE_ANY, name=name)
    return pb.Statement(
        name=name,
        conditions=pb.Conditions(neighbor_set=ours, large_community_set=ours),
        actions=pb.Actions(
            route_action=pb.ROUTE_ACTION_ACCEPT,
            large_community=pb.CommunityAction(
                type=pb.CommunityAction.TYPE_REMOVE, communities=[f"^{asn}:0:[0-9]+$"]
            ),
            origin_action=pb.OriginAction(origin=pb.ORIGIN_TYPE_IGP),
        ),
    )


async def rules(stub: Stub, asn: int) -> dict[PeerName, Rule]:
    """Return what the daemon holds, whole or not, of each peer's rule."""
    neighbors = await _sets(stub, pb.DEFINED_TYPE_NEIGHBOR)
    communities = await _sets(stub, pb.DEFINED_TYPE_LARGE_COMMUNITY)
    statements: dict[str, bool] = {}
    with asked_to("list its export policy"):
        request = pb.ListPolicyRequest(name=POLICY)
        async for reply in stub.ListPolicy(request, timeout=ANSWER_WITHIN_S):
            for one in reply.policy.statements:
                statements[one.name] = one == statement(one.name, asn)
    names = neighbors.keys() | communities.keys() | statements.keys()
    return {
        PeerName(name.removeprefix(OURS)): Rule(
            neighbors.get(name), communities.get(name), statements.get(name, False)
        )
        for name in sorted(names)
        if name.startswith(OURS)
    }


async def numbers(stub: Stub, asn: int) -> dict[PeerName, int]:
    """Return the number of every peer that has one."""
    sets = await _sets(stub, pb.DEFINED_TYPE_LARGE_COMMUNITY)
    found = {
        PeerName(name.removeprefix(OURS)): Rule(communities=entries).number(asn)
        for name, entries in sets.items()
        if name.startswith(OURS)
    }
    return {name: number for name, number in found.items() if number is not None}


async def _sets(stub: Stub, kind: pb.DefinedType.ValueType) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    with asked_to("list its defined sets"):
        request = pb.ListDefinedSetRequest(defined_type=kind)
        async for reply in stub.ListDefinedSet(request, timeout=ANSWER_WITHIN_S):
            # An entry put twice is there twice (measured); once is enough to know.
            found[reply.defined_set.name] = tuple(dict.fromkeys(reply.defined_set.list))
    return found


class GobgpExports:
    """Target[PeerName, Address] on a gobgpd."""

    def __init__(self, stub: Stub, known: Known) -> None:
        self._stub, self._known = stub, known

    async def observe(self) -> Mapping[PeerName, Address]:
        """Return the router each peer's name stands for; HALF_MADE after a crash midway."""
        asn = await own_as(self._stub)
        present = await rules(self._stub, asn)
        return {name: rule.address(asn) for name, rule in present.items()}

    async def apply(self, work: Delta[PeerName, Address]) -> None:
        """Put, then drop; sessions that are up are sent what changed for them.

        Raises:
            ValueError: an address that is no router's; nothing was sent.
        """
        if not work:
            return
        for name, address in work.put.items():
            if address.is_unspecified or address.is_multicast:
                raise ValueError(f"{name}: {address} is no address of a router")
        self._known.forget_numbers()
        try:
            await self._resend(await self._apply(work))
        finally:
            self._known.forget_numbers()  # also what was read in the middle

    async def _apply(self, work: Delta[PeerName, Address]) -> set[str]:
        """Put, then drop; return the addresses of the sessions concerned."""
        asn = await own_as(self._stub)
        present = await rules(self._stub, asn)
        affected = {str(address) for address in work.put.values()}
        for name in (*work.put, *work.drop):
            entries = present.get(name, Rule()).addresses or ()
            affected |= {str(ip_network(entry).network_address) for entry in entries}
        fresh = await self._unused(present, work.put.keys(), asn)
        for name in sorted(work.put):
            await self._put(name, work.put[name], present.get(name, Rule()), fresh=fresh, asn=asn)
        for name in sorted(work.drop & present.keys()):
            await self._drop(name, present[name])
        return affected

    async def _unused(
        self, present: Mapping[PeerName, Rule], wanted: Iterable[PeerName], asn: int
    ) -> dict[PeerName, int]:
        """Return a number for each wanted peer that has none: the lowest nobody uses.

        A path may still carry the number of a peer that is gone; a new peer with that
        number would be sent it.
        """
        new = sorted(name for name in wanted if present.get(name, Rule()).number(asn) is None)
        if not new:
            return {}
        used = {rule.number(asn) for rule in present.values()}
        for one in await local_paths(self._stub, asn):
            used.update(*(path.numbers for path in one.paths.values()))
        free = (n for n in range(1, len(used) + len(new) + 1) if n not in used)
        return dict(zip(new, free, strict=False))

    async def _put(
        self,
        name: PeerName,
        address: Address,
        rule: Rule,
        *,
        fresh: Mapping[PeerName, int],
        asn: int,
    ) -> None:
        wanted = str(host_prefix(address))
        if name in fresh:
            await self._drop(name, rule)  # whatever is there is not whole: begin anew
            rule = Rule()
            await self._add(pb.DEFINED_TYPE_LARGE_COMMUNITY, name, [f"{asn}:0:{fresh[name]}"])
        old = [entry for entry in rule.addresses or () if entry != wanted]
        if wanted not in (rule.addresses or ()):
            await self._add(pb.DEFINED_TYPE_NEIGHBOR, name, [wanted])
        if old:
            with asked_to(f"forget the old address of {name}"):
                await self._stub.DeleteDefinedSet(
                    pb.DeleteDefinedSetRequest(
                        defined_set=_set(pb.DEFINED_TYPE_NEIGHBOR, name, old)
                    ),
                    timeout=ANSWER_WITHIN_S,
                )
        if not rule.statement:
            await self._drop_statement(name)
            with asked_to(f"allow exports to {name}"):
                policy = pb.Policy(name=POLICY, statements=[statement(OURS + name, asn)])
                await self._stub.AddPolicy(
                    pb.AddPolicyRequest(policy=policy), timeout=ANSWER_WITHIN_S
                )

    async def _add(
        self, kind: pb.DefinedType.ValueType, name: PeerName, entries: list[str]
    ) -> None:
        with asked_to(f"define {name}"):
            await self._stub.AddDefinedSet(
                pb.AddDefinedSetRequest(defined_set=_set(kind, name, entries)),
                timeout=ANSWER_WITHIN_S,
            )

    async def _drop(self, name: PeerName, rule: Rule) -> None:
        """Take a rule apart, the address last: as long as it is there, it is seen."""
        await self._drop_statement(name)
        for kind, there in (
            (pb.DEFINED_TYPE_LARGE_COMMUNITY, rule.communities),
            (pb.DEFINED_TYPE_NEIGHBOR, rule.addresses),
        ):
            if there is not None:
                with asked_to(f"forget {name}"):
                    await self._stub.DeleteDefinedSet(
                        pb.DeleteDefinedSetRequest(defined_set=_set(kind, name, []), all=True),
                        timeout=ANSWER_WITHIN_S,
                    )

    async def _drop_statement(self, name: PeerName) -> None:
        """Remove a statement from the policy, then from the daemon: one call does only half."""
        ours = OURS + name
        with asked_to(f"stop exports to {name}"):
            policies = self._stub.ListPolicy(
                pb.ListPolicyRequest(name=POLICY), timeout=ANSWER_WITHIN_S
            )
            used = [one.name async for reply in policies for one in reply.policy.statements]
            if ours in used:
                policy = pb.Policy(name=POLICY, statements=[pb.Statement(name=ours)])
                await self._stub.DeletePolicy(
                    pb.DeletePolicyRequest(policy=policy), timeout=ANSWER_WITHIN_S
                )
            left = self._stub.ListStatement(
                pb.ListStatementRequest(name=ours), timeout=ANSWER_WITHIN_S
            )
            if [reply async for reply in left]:
                await self._stub.DeleteStatement(
                    pb.DeleteStatementRequest(statement=pb.Statement(name=ours), all=True),
                    timeout=ANSWER_WITHIN_S,
                )

    async def _resend(self, affected: set[str]) -> None:
        """Policy counts for new updates only (measured): have everything sent again."""
        with asked_to("send everything again"):
            peers = self._stub.ListPeer(pb.ListPeerRequest(), timeout=ANSWER_WITHIN_S)
            up = [
                reply.peer.conf.neighbor_address
                async for reply in peers
                if reply.peer.state.session_state == pb.PeerState.SESSION_STATE_ESTABLISHED
            ]
            for address in sorted(affected & set(up)):
                await self._stub.ResetPeer(
                    pb.ResetPeerRequest(
                        address=address, soft=True, direction=pb.ResetPeerRequest.DIRECTION_OUT
                    ),
                    timeout=ANSWER_WITHIN_S,
                )


def _set(kind: pb.DefinedType.ValueType, name: PeerName, entries: list[str]) -> pb.DefinedSet:
    return pb.DefinedSet(defined_type=kind, name=OURS + name, list=entries)
