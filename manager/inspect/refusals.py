"""What an API server refuses, in words: which right on which kind is missing. Pure."""

from typing import TYPE_CHECKING, Final

from pointsman.model.names import API_PATH

if TYPE_CHECKING:  # kubernetes_asyncio is slow to load, and files need none of it
    from manager.adapters.kubernetes.client import Kind, Refused

MAKE_CRDS: Final = "pointsman crds | kubectl apply -f -"


def resource(kind: "Kind", sub: str = "") -> str:
    """Return *kind* as a rule of RBAC names it: `eips.pointsman.dev`, `services/status`."""
    parts = kind.root.split("/")  # /api/v1 or /apis/GROUP/VERSION
    group = f".{parts[2]}" if parts[1] == "apis" else ""
    return f"{kind.plural}{group}{f'/{sub}' if sub else ''}"


def refusal(error: "Refused", verb: str, kind: "Kind", sub: str = "") -> str:
    """Return what a refusal means and what to do, as one sentence or two."""
    if error.code == 403:
        return (
            f"You may not {verb} {resource(kind, sub)}: {error}. Ask for the verb {verb} on it; "
            f"`kubectl auth can-i {verb} {resource(kind, sub)}` says whether you have it."
        )
    if error.code == 404 and kind.root == API_PATH and verb == "list":
        return f"There is no kind {kind.name} in this cluster. Create our CRDs: {MAKE_CRDS}"
    return f"The API server refuses to {verb} {resource(kind, sub)}: {error}."
