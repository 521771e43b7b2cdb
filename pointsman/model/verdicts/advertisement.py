"""Verdicts on `bgp` of an Eip: whether all of it applies, and what does not."""

from dataclasses import dataclass
from typing import ClassVar

from pointsman.model.printable import some
from pointsman.model.verdicts.base import Verdict


@dataclass(frozen=True, slots=True)
class Applied(Verdict):
    ok: ClassVar[bool] = True

    eip: str

    def __str__(self) -> str:
        return f"Everything in spec.bgp of Eip '{self.eip}' applies."


@dataclass(frozen=True, slots=True)
class PartlyApplied(Verdict):
    eip: str
    problems: tuple[str, ...]  # clauses; each says what is so and what to do

    def __str__(self) -> str:
        return f"Not all of spec.bgp of Eip '{self.eip}' applies: {'; '.join(some(self.problems))}."
