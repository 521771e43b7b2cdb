"""A backup of the store, and its restoration: what an operator does with etcd's snapshots.

Everything goes back to where it stood, the resourceVersion too, and the same numbers are given
out a second time. Whoever watches from a number that is now in the future is not told so: the
watch is accepted, and silent until the number has been passed (see `Table.listeners`). Neither a
410 nor an end of the stream ever says that what a client holds is of a past that never was.
"""

from dataclasses import dataclass
from typing import Final

from standin.grammar.errors import bad_request
from standin.registry import Registry
from standin.store import Saved, Store

WATCHES: Final = ("cut", "kept")


@dataclass(slots=True)
class Backup:
    """What was last saved of *store*; None until something was."""

    store: Store
    registry: Registry
    saved: Saved | None = None

    def save(self) -> None:
        self.saved = self.store.saved()

    def restore(self, *, watches: str) -> None:
        """Put everything back as it was saved.

        *watches* `cut`: as by restarted API servers, which is what etcd's manual asks for. `kept`:
        the API servers ran on, and the watches they serve fall silent.

        Raises:
            ApiError: 400, nothing was saved, or *watches* is neither word.
        """
        if self.saved is None:
            raise bad_request('nothing to restore: POST {"backup": true} first')
        if watches not in WATCHES:
            raise bad_request(f"watches: use one of {list(WATCHES)}, not {watches!r}")
        self._settle(returning=False)
        self.store.restore(self.saved)
        self.registry.redeclare()
        self._settle(returning=True)
        if watches == "cut":
            self.store.drop_watches(None)

    def _settle(self, *, returning: bool) -> None:
        """Take back what was allocated to every object, or book it again."""
        for kind in self.registry.kinds():
            for record in self.store.table((kind.group, kind.plural)).records.values():
                if returning:
                    kind.rules.committed(record.obj, None)
                else:
                    kind.rules.committed(None, record.obj)
