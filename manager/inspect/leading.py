"""Which manager leads, and of which version, as its Lease says: for whoever looks from outside.

It concludes little: the clock of whoever looks may be wrong, so only a Lease that is minutes old
counts as nobody's. `uninstall`, which must be sure, watches it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pointsman.model.names import LEASE, VERSION
from pointsman.model.printable import clipped
from pointsman.runtime.target import Unavailable
from pointsman.runtime.version import version

if TYPE_CHECKING:  # kubernetes_asyncio is slow to load, and files need none of it
    from manager.adapters.kubernetes.client import KubeApi

STALE_S: Final = 120.0  # without a renewal; they come every two seconds
START_ONE: Final = (
    "what is announced stays, and nothing new is decided. Start one: "
    "`kubectl -n pointsman-system rollout status deployment/pointsman-manager` says why none runs"
)


@dataclass(frozen=True, slots=True)
class Leading:
    """Who leads; "": nobody, or it is not known, and *trouble* says so."""

    holder: str = ""
    version: str = ""  # "": of a time when managers did not say it
    trouble: str = ""  # a sentence, if somebody should look


async def leading(api: "KubeApi", *, now: datetime) -> Leading:
    """Return who leads by the Leases of whichever namespace; *now*: by this machine's clock.

    Who may not read Leases is told nothing: it is no right that looking at a cluster takes.
    """
    from manager.adapters.kubernetes.client import LEASES, Refused

    try:
        page = await api.list_page(LEASES, {"fieldSelector": f"metadata.name={LEASE}"})
    except (Refused, Unavailable):
        return Leading()
    return judged([one for one in page["items"] if one["metadata"]["name"] == LEASE], now=now)


def judged(leases: Sequence[Mapping[str, Any]], *, now: datetime) -> Leading:
    """Return what these Leases say together. Pure."""
    if not leases:
        return Leading(trouble=f"No manager leads: there is no Lease {LEASE}; {START_ONE}.")
    found = [one for one in leases if _holder(one)]
    fresh = [one for one in found if not _is_stale(one, now)]
    if not fresh:
        where = clipped(str(leases[0]["metadata"].get("namespace")))
        last = f", last {_holder(found[0])}" if found else ""
        return Leading(
            trouble=f"No manager leads: Lease {where}/{LEASE} is not renewed{last}; {START_ONE}."
        )
    holder, runs = _holder(fresh[0]), _version(fresh[0])
    if len(fresh) > 1:
        places = ", ".join(clipped(str(one["metadata"].get("namespace"))) for one in fresh)
        return Leading(
            holder,
            runs,
            f"Managers lead in several namespaces ({places}) and undo each other's work: keep one.",
        )
    return Leading(holder, runs, _other_version(holder, runs))


async def other_version(api: "KubeApi") -> str:
    """Return that the manager that leads is of another version than this; "": not that one knows.

    For commands that plan as a manager does, or count on what it does.
    """
    found = await leading(api, now=datetime.now(UTC))
    return _other_version(found.holder, found.version)


def _other_version(holder: str, runs: str) -> str:
    mine = version()
    if not runs or runs == mine:
        return ""
    return (
        f"The manager {holder} is of version {runs}, this command of {mine}: it may plan otherwise "
        "than that manager does. Use the command of its version."
    )


def _spec(lease: Mapping[str, Any]) -> Mapping[str, Any]:
    spec = lease.get("spec")
    return spec if isinstance(spec, Mapping) else {}


def _holder(lease: Mapping[str, Any]) -> str:
    return clipped(str(_spec(lease).get("holderIdentity") or ""))


def _version(lease: Mapping[str, Any]) -> str:
    notes = lease["metadata"].get("annotations")
    return clipped(str(notes.get(VERSION) or "")) if isinstance(notes, Mapping) else ""


def _is_stale(lease: Mapping[str, Any], now: datetime) -> bool:
    try:
        renewed = datetime.fromisoformat(str(_spec(lease).get("renewTime")))
        return (now - renewed).total_seconds() > STALE_S
    except (ValueError, TypeError, OverflowError):
        return True
