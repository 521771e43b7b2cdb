"""A coordination.k8s.io Lease: read, made anew, and what holding one needs of an API server."""

import json
from collections.abc import Mapping
from typing import Protocol

from manager.adapters.kubernetes.client import LEASES, Kind
from manager.adapters.kubernetes.fields import Fields, Json, Malformed
from manager.snapshot import ManagerReplica
from pointsman.model.names import HEARTBEAT, LEASE
from pointsman.model.ranges import read_address
from pointsman.runtime.elector import Lease
from pointsman.runtime.target import Unavailable
from pointsman.wire.heartbeat_keys import read_key


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


def new_lease(name: str, spec: Json, annotations: Mapping[str, str] | None = None) -> Json:
    """Return the body that creates a Lease."""
    notes = {"annotations": dict(annotations)} if annotations else {}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": LEASES.name,
        "metadata": {"name": name, **notes},
        "spec": spec,
    }


def replica_text(one: ManagerReplica) -> str:
    """Return what the annotation of a replica's Lease says: where it hears heartbeats."""
    entry = {
        "addresses": [str(address) for address in one.addresses],
        "port": one.port,
        "publicKey": one.public_key,
    }
    return json.dumps(entry, sort_keys=True)


def replica_of(name: str, lease: Json) -> ManagerReplica | None:
    """Return where the replica of *lease* hears heartbeats; None: it does not say so.

    Anybody who may write a Lease may have written it: what cannot be read is nothing.
    """
    try:
        entry = json.loads(lease["metadata"]["annotations"][HEARTBEAT])
        addresses = tuple(read_address(str(text)) for text in entry["addresses"])
        port, key = entry["port"], entry["publicKey"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    if not (type(port) is int and 0 < port < 1 << 16 and isinstance(key, str) and addresses):
        return None
    return ManagerReplica(name, addresses, port, key) if read_key(key) is not None else None
