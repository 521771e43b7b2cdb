"""What is found of the announcement of one Service, and what its record states of that.

The paths change whenever a node does, the record seldom: so it is made of the finding alone,
which has nothing of the nodes in it but what is said of them.
"""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from manager.planner.contribution import RecordPart
from manager.snapshot import Service
from pointsman.model.route import PeerName, Route, RouteKey
from pointsman.model.table import Group
from pointsman.model.verdicts.announcement import Announced, NoSession, NotAnnounced
from pointsman.model.verdicts.base import Verdict


class Handed(Enum):
    """Whether the speakers that answer hold the paths that are wanted."""

    WHOLLY = "wholly"
    PARTLY = "partly"
    SILENT = "silent"  # none that should have one answers


class Looked(NamedTuple):
    """What is there of a Service that is not recorded and announced yet."""

    groups: tuple[Group, ...]  # of each prefix that leads to an address of it, what a speaker holds
    fresh: tuple[bool, ...]  # whether each speaker answers
    connected: frozenset[PeerName]  # routers with a session that is up

    def paths(self) -> Mapping[RouteKey, Route]:
        """Return the paths; while nobody asks, looking at ten thousand Services makes no keys."""
        return {key: route for group in self.groups for key, route in group.routes()}


class AddressFinding(NamedTuple):
    """Of one address."""

    address: str
    sent: bool  # it has paths, and is recorded or was sent before
    routers: frozenset[PeerName]  # that may hear of it
    refusal: Verdict | None  # why there are no paths
    notes: tuple[str, ...]


class Finding(NamedTuple):
    """Of all addresses that one Eip gave to a Service."""

    addresses: tuple[AddressFinding, ...]
    handed: Handed
    connected: bool  # a router that may hear of it has a session; only of what was looked at


def there(finding: Finding) -> frozenset[str]:
    """Return the addresses that the speakers have all paths of, and a router with a session."""
    if finding.handed is not Handed.WHOLLY or not finding.connected:
        return frozenset()
    return frozenset(one.address for one in finding.addresses if one.sent and one.refusal is None)


def record(service: Service, finding: Finding, lost: frozenset[PeerName]) -> RecordPart:
    """Return what the record of *service* states; *lost*: routers without session for a minute.

    The verdict is the refusal of the first address that has one; the others are
    advertised nevertheless.
    """
    refusal = next((one.refusal for one in finding.addresses if one.refusal is not None), None)
    verdict = refusal or _settled(service, finding, lost)
    sent = any(one.sent for one in finding.addresses)
    carries = sent and not isinstance(verdict, NotAnnounced)
    return RecordPart(verdict, carriers=("bgp",) if carries else ())


def _settled(service: Service, finding: Finding, lost: frozenset[PeerName]) -> Verdict:
    """Return the verdict when every address is decided upon and may have paths.

    It names those that are sent: another that is being handed over changes nothing of them.
    """
    key, found = service.key, finding.addresses
    sent = tuple([one.address for one in found if one.sent])
    routers = frozenset[PeerName]().union(*(one.routers for one in found))
    before = service.announced
    # What a condition says stays until a session is known to be up: a new leader, or a new
    # speaker, has seen none of it.
    lost_before = before is not None and before.reason == NoSession.__name__
    if routers and (not finding.connected if lost_before else routers <= lost):
        return NoSession(key, tuple(sorted(routers)))
    # A condition that is True stays while the paths are put again: a speaker may restart.
    announced = before is not None and before.status == "True"
    if not sent or not announced:
        if finding.handed is Handed.SILENT:
            why = "the BGP speaker does not answer; it is told as soon as it does"
            return NotAnnounced(key, why)
        if not sent or finding.handed is Handed.PARTLY:
            why = "its addresses are being handed to the speaker"
            return NotAnnounced(key, why, passing=True)
    notes = tuple(dict.fromkeys(note for one in found for note in one.notes))
    return Announced(key, sent, service.policy == "Local", notes)
