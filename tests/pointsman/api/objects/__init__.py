"""Good and bad custom resources, and the sentence each bad one gets: a table for each kind.

For everything that judges them: the models, the stand-in API and a real API server. A
sentence is what follows `FIELD: ` in the model's answer, and what the API server's cause
for that field ends in (it puts `Invalid value: "string": ` before ours).
"""

from tests.pointsman.api.objects import confs, eips, layer2, peers, selectors, sessions, sources
from tests.pointsman.api.objects.base import SPECS, Bad, Good

__all__ = ["BAD", "GOOD", "SPECS", "Bad", "Good"]

GOOD = (*eips.GOOD, *sources.GOOD, *layer2.GOOD, *confs.GOOD, *peers.GOOD)
BAD = (*eips.BAD, *sources.BAD, *layer2.BAD, *selectors.BAD, *confs.BAD, *peers.BAD, *sessions.BAD)
