"""From a pile of objects to everything that `pointsman migrate` shows. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cli.migration import kubevip, metallb, openelb, proof, purelb, services, steps, validity
from cli.migration.draft import Draft, Note
from cli.migration.inventory import Inventory, inventory
from cli.migration.proof import Proof
from cli.migration.services import Served
from pointsman.model.dialects import KUBE_VIP, METALLB, OPENELB, PURELB, Dialect

Reader = Callable[[Inventory, Draft, str], None]
READERS: Final[Mapping[str, Reader]] = {  # the first two always say what is announced how
    OPENELB.name: lambda found, draft, _: openelb.read(found, draft),
    METALLB.name: lambda found, draft, _: metallb.read(found, draft),
    PURELB.name: purelb.read,
    KUBE_VIP.name: kubevip.read,
}


@dataclass(frozen=True, slots=True)
class Migration:
    """What becomes of a cluster with another load balancer."""

    draft: Draft
    served: Served
    notes: tuple[Note, ...]
    proof: Proof
    steps: tuple[str, ...]
    problems: tuple[str, ...]  # what of the dump is no object, or that it has none of theirs

    @property
    def empty(self) -> bool:
        """Whether nothing is made: no object of ours, and no Service annotated."""
        return not self.draft.ordered() and not self.draft.services


def drafted(
    found: Inventory, dialect: Dialect, *, protocol: str = "", their_class: str = ""
) -> tuple[Draft, Served]:
    """Return what is made of the objects that were *found*, valid, and who is served."""
    draft = Draft()
    READERS[dialect.name](found, draft, protocol)
    validity.settle(draft)
    classes = (*dialect.classes, *draft.classes, *([their_class] if their_class else ()))
    return draft, services.add(found, draft, dialect, classes)


def migrate(
    sources: Iterable[tuple[str, object]],
    dialect: Dialect,
    *,
    protocol: str = "",
    their_class: str = "",
    folder: str = "DIR",
) -> Migration:
    """Return what *sources*, pairs of (file, document), come to.

    *protocol*: how addresses are announced, where theirs don't say; *their_class*: the
    loadBalancerClass of their Services, where it was chosen at installation.
    """
    found = inventory(sources)
    draft, served = drafted(found, dialect, protocol=protocol, their_class=their_class)
    notes = tuple(dict.fromkeys(draft.notes))
    shown = proof.prove(found, draft, served)
    todo = tuple(steps.steps(draft, served, dialect, folder))
    problems = list(found.problems)
    if not draft.ordered() and not draft.services and not notes:
        problems.append(
            f"No object of {dialect.title} was found, so nothing is made: look whether --from says "
            "whose objects they are, and whether all of them are there."
        )
    return Migration(draft, served, notes, shown, todo, tuple(problems))
