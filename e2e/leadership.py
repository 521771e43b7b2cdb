"""Which of several managers leads, by the Lease that it holds."""

from e2e.bed import Bed
from pointsman.model.names import LEASE, NAMESPACE

_LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{LEASE}"


def holder(lab: Bed) -> str:
    """Return who holds the Lease, by name; "": nobody does."""
    spec = (lab.api.find(_LEASE) or {}).get("spec") or {}
    return str(spec.get("holderIdentity") or "")


def leader(lab: Bed) -> str:
    """Wait until somebody leads; return who."""
    return str(lab.wait("a leader", lambda: holder(lab)))
