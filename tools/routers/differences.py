"""What routers do otherwise than the others, and whose fault it is: looked into, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Whose(StrEnum):
    """Whose fault it is; the words that the page says it with."""

    ROUTER = "The router's fault."
    CHOICE = "Nobody's fault: the router may."


@dataclass(frozen=True, slots=True)
class Difference:
    """A router that does otherwise: *versions* as the table heads them, *rows* where it shows."""

    versions: Sequence[str]
    rows: Sequence[str]
    sentence: str
    whose: Whose


_BGP: Final = "e2e/bgp"
DIFFERENCES: Final[tuple[Difference, ...]] = (
    Difference(
        ("FRR 8.4.4", "FRR 10.7.1"),
        (
            f"{_BGP}/test_weights.py::test_traffic_at_the_pods_follows",
            f"{_BGP}/test_paths.py::test_weights_follow_the_endpoints",
        ),
        "for 1, 2 and 4 endpoints 8.4 gives its kernel weights of 14, 28 and 57, 10.7 those of 63, "
        "127 and 255: per cents of the sum, and the largest scaled to 255. Both are the shares "
        "that we ask for, and in traffic they are the same.",
        Whose.CHOICE,
    ),
    Difference(
        ("FRR 10.3",),
        (
            f"{_BGP}/test_weights.py::test_traffic_at_the_pods_follows",
            f"{_BGP}/test_paths.py::test_weights_follow_the_endpoints",
        ),
        "next hops stay equal. It takes the link bandwidth that we send and never weighs by it: it "
        "looks for the transitive form alone, and ours isn't, as it is meant for this router and "
        "none behind it. Mended upstream (pull request 20607, February 2026, also in stable/10.5). "
        "The rows hold that all next hops are used, and alike.",
        Whose.ROUTER,
    ),
    Difference(
        ("BIRD 2.0.12", "BIRD 2.17.6", "BIRD 3.4.0"),
        (f"{_BGP}/test_weights.py::test_traffic_at_the_pods_follows",),
        "next hops stay equal: BIRD has no weights by link bandwidth.",
        Whose.CHOICE,
    ),
    Difference(
        ("FRR 10.3",),
        (f"{_BGP}/test_restarts.py::test_a_restarted_sidecar_costs_no_route_event",),
        "when a session returns after a graceful restart, the route of each IPv6 address is "
        "written to the kernel once more, with the same group of next hops (`ip monitor`). IPv4 "
        "has no such event, and 10.7 has none in either family, with the same UPDATEs of ours.",
        Whose.ROUTER,
    ),
    Difference(
        ("BIRD 3.4.0",),
        (f"{_BGP}/test_routerdocs.py::test_bird",),
        "with the managers as a `neighbor range`, a session may stay in OpenSent: `ss` shows our "
        "OPEN in its receive queue, and BIRD doesn't read it (4 of 13 starts, on a busy machine). "
        "By its own address each manager came up every time: name them.",
        Whose.ROUTER,
    ),
)
