"""What follows for one replica's routes from how the other replicas fare: values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pointsman.model.address import Address
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey

# MED of our paths where several replicas advertise and the user gives none: from a base that is
# not zero one can be lower than the other (RFC 4271 section 9.1.2.2 c).
BASE_MED: Final = 100
USUAL_LOCAL_PREF: Final = 100  # of a path that says none: gobgpd, FRR and BIRD agree
MOST_LOCAL_PREF: Final = 0xFFFF_FFFF

Held = Mapping[RouteKey, Route]  # by one speaker


@dataclass(frozen=True, slots=True)
class AmongReplicas:
    """How this replica stands among the others."""

    # Routers that a fresh replica serves, while what we know of the API is stale.
    quiet: frozenset[PeerName] = frozenset()
    bids: bool = False  # paths say BASE_MED, so that a replica can outbid another
    # What replicas that are not heard may advertise still: what our speakers held when each was.
    unheard: tuple[Held, ...] = ()
    released: frozenset[Address] = frozenset()  # no Service has it; another replica may have
    dead: frozenset[bytes] = frozenset()  # marks of nodes that another replica found dead


def outbidding(attributes: PathAttributes) -> PathAttributes:
    """Return *attributes* that every router prefers to these: a lower MED, a higher LOCAL_PREF.

    To an eBGP router the MED alone says it, and none is lower than 0.
    """
    med = BASE_MED if attributes.med is None else attributes.med
    preference = attributes.local_pref
    preference = USUAL_LOCAL_PREF if preference is None else preference
    return PathAttributes(
        communities=attributes.communities,
        large_communities=attributes.large_communities,
        local_pref=min(preference + 1, MOST_LOCAL_PREF),
        med=max(med - 1, 0),
        as_path_prepend=attributes.as_path_prepend,
        weight=attributes.weight,
        best=attributes.best,
    )
