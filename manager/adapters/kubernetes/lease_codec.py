"""A coordination.k8s.io Lease: read, made anew, and what holding one needs of an API server."""

from typing import Protocol

from manager.adapters.kubernetes.client import LEASES, Kind
from manager.adapters.kubernetes.fields import Fields, Json, Malformed
from pointsman.model.names import LEASE
from pointsman.runtime.elector import Lease
from pointsman.runtime.target import Unavailable


class LeaseApi(Protocol):
    """What a holder of a Lease needs of an API server."""

    request_timeout_s: float

    async def get(self, kind: Kind, namespace: str, name: str) -> Json: ...

    async def create(self, kind: Kind, namespace: str, body: Json) -> Json: ...

    async def patch(
        self, kind: Kind, namespace: str, name: str, *, body: Json, sub: str = ""
    ) -> Json: ...


def lease_of(raw: Json) -> Lease:
    """Return the Lease that the managers compete for.

    Raises:
        Unavailable: it is of another shape, from which nothing follows.
    """
    doc = Fields(f"Lease {LEASE}", raw)
    try:
        spec = doc.at("spec")
        return Lease(
            holder=spec.text("holderIdentity"),
            duration_s=float(spec.integer("leaseDurationSeconds", 15)),
            renewed=spec.text("renewTime"),
            transitions=spec.integer("leaseTransitions"),
            version=doc.at("metadata").text("resourceVersion"),
        )
    except Malformed as error:
        raise Unavailable(str(error)) from error


def new_lease(name: str, spec: Json) -> Json:
    """Return the body that creates a Lease."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": LEASES.name,
        "metadata": {"name": name},
        "spec": spec,
    }
