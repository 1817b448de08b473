"""Spreads the tests over worker processes (`pytest -n 2`): what takes longest begins first, small files fill the end.

Only a run with workers imports this module, because only that run needs pytest-xdist.
"""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.harness.groups import group_of, rank_of


class LongestFirst(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a worker that has nothing left the group that takes longest."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)

    def _assign_work_unit(self, node: object) -> None:
        self.workqueue.move_to_end(min(self.workqueue, key=rank_of), last=False)
        super()._assign_work_unit(node)
