"""How far a partition of ours is, and what of that is committed."""

from __future__ import annotations

from dataclasses import dataclass

from worker.bus import Commit
from worker.positions import Crashes, Progress


@dataclass(slots=True)
class Assigned:
    """A partition that is ours: how far it is, and what its last crash left.

    Rows before ``start`` are read back only. No row from ``unheard_from`` on was ever handled to the end; those in
    ``careful`` run one by one.
    """

    epoch: int
    start: int
    progress: Progress
    crashes: Crashes
    committed: Commit
    unheard_from: int
    careful: range

    def commit(self, *, clean: bool = False) -> Commit:
        """How far a partition is. Deaths count until the frontier moves; a clean leave takes its own one off."""
        offset, reached, before = self.progress.committable, self.progress.frontier, self.crashes
        deaths = 0 if reached > before.frontier else max(0, before.deaths - clean)
        trying = before.trying if before.trying is not None and reached <= before.trying and not clean else None
        skip = tuple(row for row in before.skip if row >= offset)
        crashes = Crashes(max(reached, before.frontier), deaths, trying, skip)
        return Commit(offset, crashes.to_metadata(), self.epoch)
