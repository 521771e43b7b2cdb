"""What became of one write: what the sender reports to the queue, which decides on the next try."""

from dataclasses import dataclass
from enum import Enum, auto


class Done(Enum):
    """Nothing is left to do for this request."""

    WRITTEN = auto()  # the server took it
    GONE = auto()  # the object is no more
    PASSED = auto()  # not sent: the object is another one by now, and the next plan decides
    FENCED = auto()  # not sent: we do not lead, or not in that term


class FailureKind(Enum):
    """What kind of failure it is: of the object as it stands, or of the server."""

    CONFLICT = auto()  # 409: somebody was quicker, or our view of the object is old
    REFUSED = auto()  # another 4xx: this object, as it stands, is not taken
    OVERLOADED = auto()  # 429, 5xx: an answer, of this object's webhook or of a server in need
    NO_ANSWER = auto()  # no answer at all


@dataclass(frozen=True, slots=True)
class Failure:
    """It is not written, or nobody knows. *retry_after_s*: how long the server asked to wait."""

    kind: FailureKind
    sentence: str
    retry_after_s: float = 0.0


Outcome = Done | Failure
