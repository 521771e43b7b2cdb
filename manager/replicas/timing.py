"""The numbers by which replicas judge each other, each with its reason. Seconds."""

from typing import Final

REPORT_S: Final = 0.2  # between two reports to one replica
UNHEARD_S: Final = 1.0  # five reports: neither of the errors that follow costs a packet
ECHO_S: Final = 2.0  # a report that repeats nothing newer of ours was held back on its way
# So long a replica doubts its own view before it goes quiet. What took the API away may have taken
# it from the others, too: what they say of themselves is by then younger than that.
DOUBT_S: Final = UNHEARD_S + 0.5
STEADY_S: Final = 3.0  # heard so long without a pause, before anything is left to it
BEHIND_S: Final = 1.0  # by how much a replica may be behind when it dies
# Of a replica that is not even named any more: longer than any router keeps paths of a session
# that ended, and than a manager that hangs is let hang. Its daemon may outlive it for that long.
EXPIRED_S: Final = 600.0
HEARSAY_S: Final = 120.0  # of a node's death: Kubernetes knows by then
LATELY_S: Final = 5.0  # and so long nothing new is done with what it may advertise still
RELEASED_MOST_S: Final = 30.0  # one that is heard and never follows stops nothing for ever
