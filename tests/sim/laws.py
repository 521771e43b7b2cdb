"""What must hold at every moment of a simulation, whatever goes wrong.

Checked when an object changes, when a write arrives, when a path is put, and now and then.
A broken law is noted, with the time, and fails the run. Refuses to ask the manager: only the
API's objects, what its users did to them, and what routers received count.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping

from manager.adapters.kubernetes.client import ANNOUNCERS, NODES
from manager.adapters.kubernetes.fields import Json
from tests.fakes.kube import FakeKube

# Chains of troubles, each at most a minute: a partition, a lost event until the next list, a
# manager that is away. So long may a router believe in an address that was given back.
LATELY_S = 300.0
ALLOCATED = "pointsman.dev/Allocated"
PREFIX = "pointsman.dev/"


def addresses_of(raw: Json) -> tuple[str, ...]:
    """Return the addresses a Service's status records."""
    entries = raw.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
    return tuple(entry["ip"] for entry in entries)


def note(raw: Json, name: str) -> str:
    return str(raw["metadata"].get("annotations", {}).get(PREFIX + name, ""))


def condition(raw: Json, name: str) -> Mapping[str, str]:
    """Return one of our conditions of an object; {} when it has none."""
    found = raw.get("status", {}).get("conditions") or ()
    return next((c for c in found if c["type"] in (name, PREFIX + name)), {})


def watched_badly(api: FakeKube) -> list[str]:
    """Return the nodes whose agents look for what arrives, though nobody drains them; or don't.

    Where nobody has anything left to do: in between a record may be on its way.
    """
    announcers = api.of(ANNOUNCERS)
    return [
        name
        for name, node in api.of(NODES).items()
        if (PREFIX + "drain" in node["metadata"].get("annotations", {}))
        != ("watched" in (announcers[name].get("spec") or {}))
    ]


class Laws:
    """The books of an observer who sees everything. *broken* stays empty."""

    def __init__(self) -> None:
        self.broken: list[str] = []
        self._holders: dict[str, tuple[str, tuple[str, ...], str]] = {}  # uid, addresses, key
        self._having: dict[str, set[str]] = {}  # address → names of the Services that hold it
        self._asked: set[str] = set()  # uids whose users asked for something that moves addresses
        self._records: dict[str, object] = {}  # uid → what a manager last wrote
        self._released: dict[str, float] = {}  # address → when the last Service gave it back
        self._last: dict[str, str] = {}  # address → uid of the Service that had it last
        # → addresses that a speaker of the leader has a path of, if the leader can know it
        self.routed: Callable[[], Collection[str]] = tuple

    def violated(self, sentence: str) -> None:
        self.broken.append(f"{asyncio.get_running_loop().time():.3f} s: {sentence}")

    def asks(self, uid: str) -> None:
        """Note that the user of Service *uid* now wants something else."""
        self._asked.add(uid)

    def service_changed(self, raw: Json, *, gone: bool) -> None:
        """Judge a Service as it stands in the API now."""
        meta = raw["metadata"]
        name, uid = f"{meta['namespace']}/{meta['name']}", meta["uid"]
        before = self._holders.pop(name, (uid, (), ""))
        now = () if gone else addresses_of(raw)
        for address in before[1]:
            self._having[address].discard(name)
        if now != before[1] and before[0] == uid and not gone:
            self._moved(name, uid, before[1], now)
        if not gone:
            self._holders[name] = uid, now, note(raw, "share-key")
            others = {one for address in now for one in self._having.get(address, ())}
            for other in sorted(others):
                _, theirs, key = self._holders[other]
                if not (key and key == note(raw, "share-key")):
                    twice = sorted(set(now) & set(theirs))
                    self.violated(f"{name} and {other} both have {twice}")
            for address in now:
                self._having.setdefault(address, set()).add(name)
        for address in set(now) - set(before[1]):
            last = self._last.get(address, uid)
            if last != uid and not note(raw, "share-key") and address in self.routed():
                self.violated(f"{name} is given {address}, which routers still know from another")
        self._last |= dict.fromkeys(now, uid)
        for address in now:
            self._released.pop(address, None)
        for address in before[1]:
            if not self._having[address]:
                self._released[address] = asyncio.get_running_loop().time()
        wanted = note(raw, "addresses")
        record = addresses_of(raw), condition(raw, ALLOCATED), note(raw, "status")
        settled = condition(raw, ALLOCATED).get("status") == "True"
        if self._records.get(uid) == record:  # not written by a manager
            return
        self._records[uid] = record
        if settled and (not wanted or now == tuple(wanted.split(","))):
            self._asked.discard(uid)

    def _moved(self, name: str, uid: str, before: tuple[str, ...], now: tuple[str, ...]) -> None:
        if uid not in self._asked and not set(before) <= set(now):
            self.violated(f"{name} asked for nothing and went from {before} to {now}")

    def advertised(self, who: str, addresses: Iterable[str]) -> None:
        """Judge what replica *who* has routers of now."""
        now = asyncio.get_running_loop().time()
        for address in {one for one in addresses if not self._having.get(one)}:
            since = self._released.get(address)
            if since is None:
                self.violated(f"{who} advertised {address}, which no Service ever had")
            elif now - since > LATELY_S:
                self.violated(
                    f"routers still have {address} from {who}, {now - since:.0f} s after its end"
                )

    def written(self, who: str, what: str, lease: Json | None) -> None:
        """Judge a write that arrives, given the lease as it stands then."""
        holder = lease["spec"]["holderIdentity"] if lease else ""
        if holder != who:
            self.violated(f"{who} wrote {what} while {holder or 'nobody'} had the lease")

    def leading(self, who: Iterable[str]) -> None:
        leaders = list(who)
        if len(leaders) > 1:
            self.violated(f"{' and '.join(leaders)} lead at once")
