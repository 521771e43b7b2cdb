"""What agents and managers agree on about heartbeats, besides the bytes. Stdlib only."""

from dataclasses import dataclass
from typing import Final

from pointsman.model.address import Address

PORT: Final = 7470  # UDP, where a manager listens unless it is told otherwise
INTERVAL_S: Final = 0.1  # between two beats to one manager
JITTER: Final = 0.25  # of the interval, to either side: agents must not beat in step
MOST_BEATS_S: Final = 5_000  # that one manager hears per second; the interval is stretched for it
LONGEST_INTERVAL_S: Final = 10.0  # no manager can ask for less than that
ACKNOWLEDGE_S: Final = 0.5  # between two acknowledgements to one agent
MOST_MANAGERS: Final = 16  # that one Announcer names


@dataclass(frozen=True, slots=True)
class ManagerEndpoint:
    """Where one manager hears heartbeats, and its public half of the key."""

    name: str
    address: Address
    port: int
    key: bytes


def interval_s(agents: int) -> float:
    """Return how often each of so many agents may send."""
    return min(max(INTERVAL_S, agents / MOST_BEATS_S), LONGEST_INTERVAL_S)


@dataclass(frozen=True, slots=True)
class WitnessPorts:
    """The TCP ports of each node whose answer says that it lives; 0: there is none."""

    kubelet: int = 10250
    proxy: int = 10256  # kube-proxy's --healthz-bind-address

    @property
    def asked(self) -> tuple[int, ...]:
        """Return those that are asked, each once."""
        return tuple(dict.fromkeys(port for port in (self.kubelet, self.proxy) if port))
