"""Counts what one turn of a server's event loop does, without a call to the server: function calls in Python and C."""

from __future__ import annotations

import asyncio
import sys
from asyncio.events import Handle
from typing import Any

_run = Handle._run


class TurnWitness:
    """Counts on the thread of a loop between `begin` and `end`. Other work waits for each callback of the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._calls = 0
        self.most = 0
        """The calls within the callback that made the most."""

    def __enter__(self) -> TurnWitness:
        witness = self

        def counted(self: Handle) -> Any:
            witness._calls = 0
            try:
                return _run(self)
            finally:
                witness.most = max(witness.most, witness._calls)

        Handle._run = counted  # type: ignore[method-assign]
        self._on_loop(self._see)
        return self

    def __exit__(self, *_: object) -> None:
        self._on_loop(None)
        Handle._run = _run  # type: ignore[method-assign]

    def taken(self) -> int:
        """The most calls in a callback since the last question."""
        most, self.most = self.most, 0
        return most

    def _see(self, _frame: Any, kind: str, _argument: Any) -> None:
        if kind in ("call", "c_call"):
            self._calls += 1

    def _on_loop(self, see: Any) -> None:
        async def set_it() -> None:
            sys.setprofile(see)

        asyncio.run_coroutine_threadsafe(set_it(), self._loop).result(10)
