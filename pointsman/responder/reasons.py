"""Why an address that is assigned here is not answered for: one sentence for each state."""

from pointsman.responder.holding import Holding, Standing


def reason(holding: Holding) -> str | None:
    """Return it for an address that is not answered for; None: it is a matter of a second."""
    who = holding.claimant.hex(":")
    match holding.standing:
        case Standing.UNHEARD:
            return "no frame of anybody else was heard since the carrier came"
        case Standing.IN_USE:
            return f"it is in use by {who}: free it there; it is tried again every minute"
        case Standing.DEFERRING | Standing.CONTENDING:
            return (
                f"{who} claims it, and neither a manager nor the API could be asked whose it is: "
                "it is taken once nobody answers for it"
            )
        case Standing.REVOKED:
            return f"{who} claims it, and it is assigned to this node no longer"
    return None
