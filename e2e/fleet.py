"""Many Services at once, and what they cost: the same measure for the test and the bench."""

import json
import time
from dataclasses import dataclass

from e2e import cluster
from e2e.bed import Bed, Broken
from e2e.calls import Calls
from lab.cluster.client import Json
from lab.supervision.processes import process_status

PATCHES = "patch services/status"


@dataclass(frozen=True, slots=True)
class Measured:
    """What *count* Services cost, from the first request of their maker to the last route."""

    count: int
    made_s: float  # the maker's own time: three requests for each Service
    all_routed_s: float
    all_reported_s: float  # every status written, Announced=True
    changes_ms: tuple[float, ...]  # endpoints of one go: until the router's kernel has no route
    most_patches: int  # to one Service
    patches: int
    refused: int  # PATCHes of Services that were answered with an error
    calls: int  # of the manager to gobgpd, over gRPC
    requests: dict[str, int]  # to the API server, by verb and resource; the lab's own with them
    rss_mib: dict[str, float]  # of manager and gobgpd, now
    grown_mib: dict[str, float]

    def lines(self) -> list[str]:
        """Return it as a table."""
        memory = ", ".join(
            f"{name} {now:.0f} MiB (+{self.grown_mib[name]:.0f})"
            for name, now in self.rss_mib.items()
        )
        asked = ", ".join(f"{n} {what}" for what, n in sorted(self.requests.items()))
        return [
            f"{self.count} Services: made in {self.made_s:.1f} s; after {self.all_routed_s:.1f} s "
            f"all routed, after {self.all_reported_s:.1f} s all told",
            "one endpoint change among them: "
            f"{', '.join(f'{ms:.0f}' for ms in sorted(self.changes_ms))} ms to the router's kernel",
            f"PATCHes: {self.patches}, at most {self.most_patches} for one Service, "
            f"{self.refused} refused",
            f"gRPC calls to gobgpd: {self.calls}; API requests of everybody: {asked}",
            f"memory: {memory}",
        ]


def measure(lab: Bed, count: int, *, patience_s: float) -> Measured:
    """Make *count* Services; return what it cost once all are routed and told.

    Raises:
        Broken: they weren't, in time.
    """
    with Calls(lab) as calls:
        warm_up(lab)
        return _measure(lab, count, calls, patience_s=patience_s)


def warm_up(lab: Bed) -> None:
    """Return when the manager has routed a Service and taken it back. No packets: no proxy."""
    cluster.make(lab, "warm-up")
    (address,) = cluster.held(lab, "warm-up")
    cluster.routed(lab, address, "123")
    cluster.delete(lab, "warm-up")
    cluster.routed(lab, address, "")


def _measure(lab: Bed, count: int, calls: Calls, *, patience_s: float) -> Measured:
    before, called = memory(lab), calls.count
    lab.api.request("DELETE", "/_stats")
    began = time.monotonic()
    names = cluster.many(lab, count)
    made_s = time.monotonic() - began
    lab.wait("all routes", lambda: complete(lab, count), timeout_s=patience_s)
    all_routed_s = time.monotonic() - began
    lab.wait("all statuses", lambda: announced(lab, count), timeout_s=patience_s)
    all_reported_s = time.monotonic() - began
    stats, called = lab.api.get("/_stats"), calls.count - called
    written = patches(stats)
    after = memory(lab)
    lab.wait("all events told", lambda: quiet(lab), timeout_s=patience_s)
    changes_ms = tuple(change(lab, name) for name in names[:: count // 5])
    return Measured(
        count=count,
        made_s=made_s,
        all_routed_s=all_routed_s,
        all_reported_s=all_reported_s,
        changes_ms=changes_ms,
        most_patches=max(written.values()),
        patches=sum(written.values()),
        refused=stats["requests"][PATCHES] - sum(written.values()),
        calls=called,
        requests=stats["requests"],
        rss_mib=after,
        grown_mib={name: after[name] - before[name] for name in after},
    )


def patches(stats: Json) -> dict[str, int]:
    """Return how often the status of each Service was written, by "NAMESPACE/NAME"."""
    return {
        what.removeprefix(f"{PATCHES} "): n
        for what, n in stats["writes"].items()
        if what.startswith(f"{PATCHES} ")
    }


def complete(lab: Bed, count: int) -> bool:
    """Return whether the router has *count* routes of 198.18.0.0/15, each to all nodes."""
    text = lab.exec("router", "ip", "-j", "-4", "route", "show", "root", "198.18.0.0/15")
    wanted = cluster.hops(lab, "123")
    full = sum(
        {hop["gateway"] for hop in route.get("nexthops") or []} == wanted
        for route in json.loads(text or "[]")
    )
    if full != count:
        raise Broken(f"{full} of {count} are routed to all nodes")
    return True


def announced(lab: Bed, count: int) -> bool:
    """Return whether *count* Services say that they are announced."""
    items = lab.api.get(cluster.SERVICES)["items"]
    found = sum(
        cluster.verdicts(item).get("Announced", ("", "", ""))[:2] == ("True", "Announced")
        for item in items
    )
    if found != count:
        raise Broken(f"{found} of {count} are announced")
    return True


def quiet(lab: Bed) -> bool:
    """Return whether nobody writes any more: half a second went by without a write."""
    before = lab.api.get("/_stats")["writes"]
    time.sleep(0.5)
    return bool(lab.api.get("/_stats")["writes"] == before)


def change(lab: Bed, name: str) -> float:
    """Let the last endpoint of *name* go; return the milliseconds until its route is gone."""
    (address,) = cluster.addresses(lab, name)
    began = time.monotonic()
    lab.endpoints(f"default/{name}")
    cluster.routed(lab, address, "")
    took_s = time.monotonic() - began
    lab.endpoints(f"default/{name}", *cluster.EVERYWHERE)
    cluster.routed(lab, address, "123")
    return took_s * 1000


def memory(lab: Bed) -> dict[str, float]:
    """Return the resident memory of manager and gobgpd in MiB."""
    pids = {"manager": lab.process("manager")["pid"], "gobgpd": cluster.gobgpd(lab)}
    return {name: int(process_status(pid)["VmRSS"].split()[0]) / 1024 for name, pid in pids.items()}
