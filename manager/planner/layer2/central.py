"""`responder: Central`: what the leading manager answers for, and what an Eip says of that."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from manager.planner.contribution import Conditions
from manager.planner.layer2.assignments import Elected
from manager.planner.layer2.standing import Holdings, Standing
from manager.planner.nodes.election import Number, Place
from manager.planner.records import condition_of
from manager.snapshot import Announcer, NodeName, Snapshot
from pointsman.api import Protocol
from pointsman.model.address import Address
from pointsman.model.assignment import CENTRAL
from pointsman.model.memo import Each, Once
from pointsman.model.names import CENTRAL_RESPONDER
from pointsman.model.record import ResourceKey
from pointsman.model.verdicts.readiness import AnsweredCentrally

MAC_OCTETS: Final = 6
Macs = Mapping[Place, bytes]


class Answer(NamedTuple):
    """The hardware address of the node that has an address."""

    address: Address
    mac: bytes


class CentralMemo:
    """`answers`, worked out anew for the addresses whose owner is another."""

    def __init__(self) -> None:
        self._macs = Each[NodeName, Macs](_macs)
        self._all_macs = Once[Macs](_all)
        self._answers = Each[Number, Answer](_answer)
        self._by_address = Once[Mapping[Address, bytes]](_by_address)

    def __call__(
        self,
        announcers: Mapping[NodeName, Announcer],
        elected: Mapping[Number, Elected],
        standing: Standing,
    ) -> Mapping[Address, bytes]:
        """Return the addresses that the leading manager answers for, each with its node's MAC.

        Only those that stand at the node they are meant for, and that the node answers for.
        """
        macs = self._all_macs(self._macs(None, announcers))
        return self._by_address(self._answers(macs, elected, standing))


def _macs(_: None, announcer: Announcer) -> Macs | None:
    found = {}
    for one in announcer.interfaces:
        try:
            mac = bytes.fromhex(one.mac.replace(":", ""))
        except ValueError:  # others write statuses, too
            continue
        if len(mac) == MAC_OCTETS:
            found[Place(announcer.node, one.name)] = mac
    return found or None


def _all(by_node: Mapping[NodeName, Macs]) -> Macs:
    return {place: mac for macs in by_node.values() for place, mac in macs.items()}


def _answer(macs: Macs, elected: Elected, holdings: Holdings | None) -> Answer | None:
    owner = elected.owner
    if owner.responder != CENTRAL or holdings is None:
        return None
    holding = holdings.get(owner.place.node)
    if holding is None or holding.place != owner.place or holding.responder != CENTRAL:
        return None
    # Somebody else's claim alone changes nothing: the node defends, or withholds.
    if holding.withheld or holding.probing:
        return None
    mac = macs.get(owner.place)
    return None if mac is None else Answer(owner.address, mac)


def _by_address(answers: Mapping[Number, Answer]) -> Mapping[Address, bytes]:
    return {one.address: one.mac for one in answers.values()}


def responder_conditions(snapshot: Snapshot) -> Mapping[ResourceKey, Conditions]:
    """Return what is said of Eips whose addresses are answered for centrally: the limits."""
    return {
        ResourceKey("Eip", name): {CENTRAL_RESPONDER: condition_of(AnsweredCentrally(name))}
        for name, eip in snapshot.eips.items()
        if eip.spec is not None
        and eip.spec.protocol is Protocol.LAYER2
        and str(eip.spec.layer2.responder) == CENTRAL
    }
