"""How much an agent may report: what the CRD takes. Stdlib only, as the agent knows no CRD.

A report beyond that would be refused as a whole. Nodes have a handful of interfaces; those with
one for each Pod are not reported.
"""

from typing import Final

MOST_INTERFACES: Final = 256
MOST_ADDRESSES: Final = 256  # of one interface
MOST_WITHHELD: Final = 64  # addresses that it doesn't answer for, though it was asked to
MOST_CONFLICTS: Final = 64
LONGEST_REASON: Final = 256  # characters of why an address is withheld
