"""Who may do what in a NetBox: permissions by action and kind, and by what an address says."""

from dataclasses import dataclass
from typing import Final

from tests.fakes.netbox_store import Row

NO_PERMISSION: Final = "You do not have permission to perform this action."


class StatusError(Exception):
    """An answer other than the one asked for: its status, and the sentence in it."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


@dataclass(slots=True)
class User:
    """Whom a token stands for; *may*: "view ipaddress", ...; None: everything.

    *owns*: a custom field, and what it begins with in each address that is written: constraints.
    """

    may: frozenset[str] | None = None
    owns: tuple[str, str] = ("", "")

    def owner_of(self, row: Row) -> bool:
        field, beginning = self.owns
        return (row.custom.get(field) or "").startswith(beginning)

    def guard(self, row: Row) -> None:
        """Refuse an address that is not to be written so."""
        if not self.owner_of(row):
            raise StatusError(403, NO_PERMISSION)


LEAST: Final = frozenset(
    {f"{action} ipaddress" for action in ("view", "add", "change", "delete")}
    | {"view prefix", "view iprange", "view vrf", "view tenant", "view tag"}
)
