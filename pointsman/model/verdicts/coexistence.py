"""What is said of Services that others write, too: by events, never by a condition."""

from dataclasses import dataclass
from typing import ClassVar

from pointsman.model.verdicts.address import listed
from pointsman.model.verdicts.base import Verdict


@dataclass(frozen=True, slots=True)
class ForeignController(Verdict):
    """Another load balancer gave the Service its addresses, or writes its own over ours."""

    service: str
    addresses: tuple[str, ...]  # what stands there, of the other's
    ours: tuple[str, ...] | None = None  # what it overwrote; None: it was there first

    def __str__(self) -> str:
        if self.ours is not None:
            there = f"writes {listed(self.addresses)} over" if self.addresses else "takes away"
            ours = listed(self.ours) if self.ours else "what Pointsman leaves empty"
            return (
                f"Service {self.service} is left alone for a while: another controller {there} "
                f"{ours} again and again. Stop it from serving this Service, or run "
                "the manager with --require-class and set spec.loadBalancerClass, so that each "
                "Service has one. Pointsman tries again now and then, and at once when the "
                "Service is changed."
            )
        return (
            f"Service {self.service} is left alone: {listed(self.addresses)} came from another "
            "load balancer. Run the manager with --require-class, or set spec.loadBalancerClass, "
            "so that each Service has one."
        )


@dataclass(frozen=True, slots=True)
class Repaired(Verdict):
    """Somebody changed what we had recorded on a Service; it is recorded again."""

    ok: ClassVar[bool] = True

    service: str
    what: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"Service {self.service}: somebody changed {listed(self.what)}, which is Pointsman's; "
            "it is written again as it was. Leave status.loadBalancer and our annotations out "
            "of what you apply."
        )
