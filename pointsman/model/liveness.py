"""What is known of a node's life, and what one probe of it found: values only, never when.

Who judges is `manager/liveness`; who probes is either program.
"""

from enum import StrEnum
from typing import Final

# Of one look at a node, by either program.
ATTEMPTS: Final = 3  # connections to each port: a lost SYN comes again after 1 s only
ATTEMPT_GAP_S: Final = 0.06


class Liveness(StrEnum):
    """The verdict on one node. A node without one is Unknown: nothing follows from it."""

    Unknown = "Unknown"  # never heard, or nobody listens: Kubernetes' conditions alone count
    Alive = "Alive"  # its agent is heard, by us or by another replica
    LinkDown = "LinkDown"  # heard, and says that no gateway answers where it has its addresses
    AgentSilent = "AgentSilent"  # its kernel answers, its agent does not
    NodeHung = "NodeHung"  # its kernel answers, and no program does
    Dead = "Dead"  # neither agent nor kernel, for nobody who was asked
    Returning = "Returning"  # it was Dead; its agent is heard again, and not yet steadily


class ProbeOutcome(StrEnum):
    """What one TCP connection to one port of a node found."""

    Spoke = "Spoke"  # accepted, and the program behind it answered: its userspace lives
    Mute = "Mute"  # after Accepted: spoken to, the program said nothing until the deadline
    Accepted = "Accepted"  # SYN-ACK: the kernel lives; what the program says comes later, if asked
    Refused = "Refused"  # RST: the kernel lives, no program listens
    Silent = "Silent"  # no answer, or a router's that the host is unreachable
    Unsure = "Unsure"  # it never left this machine (EPERM, EMFILE, ENOBUFS, ...): says nothing

    @property
    def alive(self) -> bool:
        """Whether the node's kernel answered just now; it did so before a program was mute."""
        return self in (ProbeOutcome.Spoke, ProbeOutcome.Accepted, ProbeOutcome.Refused)
